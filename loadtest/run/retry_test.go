package run

import (
	"testing"
	"time"
)

// TestRetry counts how often it is tried to come in, and for how long, at a server that does not let anybody in.
func TestRetry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		comesBack     bool
		isKept        bool
		asked         time.Duration
		least, most   int // attempts
		from, to      time.Duration
		longest, last time.Duration
	}{
		{"for the first time", false, true, 0, attempts, attempts, 7 * time.Second, 8 * time.Second, 4 * time.Second, 4 * time.Second},
		{"the server is full", false, true, time.Second, attempts, attempts, 30 * time.Second, 32 * time.Second, 16 * time.Second, 16 * time.Second},
		{"back, to what is lost by now", true, false, 0, attempts, attempts, 7 * time.Second, 8 * time.Second, 4 * time.Second, 4 * time.Second},
		{"back, to all that was said", true, true, 0, 30, 40, returning, returning + returnWait, returnWait, returnWait},
		{"and the server asks for more", true, true, time.Hour, 4, attempts, returning, 6 * longestWait, longestWait, longestWait},
	} {
		begin := time.Unix(1000, 0)
		now, since := begin, time.Time{}
		if c.comesBack {
			since = begin
		}
		tr := newRetry(since, c.isKept)
		count, last, longest := 1, time.Duration(0), time.Duration(0)
		for {
			wait, isOn := tr.next(c.asked, now)
			if !isOn {
				break
			}
			now, last, longest = now.Add(wait), wait, max(longest, wait)
			count++
		}
		took := now.Sub(begin)
		if count < c.least || count > c.most || took < c.from || took > c.to || longest != c.longest || last != c.last {
			t.Errorf("%s: %d attempts within %v, waits up to %v, at last %v", c.name, count, took, longest, last)
		}
	}
}
