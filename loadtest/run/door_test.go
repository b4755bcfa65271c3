package run

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestDoor lets users come and be turned away, one look a second.
func TestDoor(t *testing.T) {
	all := func(second int) counts { return counts{Trying: 256, Turned: 100 * second} }
	cases := []struct {
		name string
		at   func(second int) counts
		shut int // the second in which it is seen to be shut; 0: never
	}{
		{"all are refused", all, 31},
		{"all wait for an answer", func(int) counts { return counts{Trying: 256} }, 0},
		{"some come, then nobody", func(s int) counts {
			c := all(s)
			c.Ever = min(s, 10)
			c.Connected = c.Ever
			return c
		}, 41},
		{"one comes now and then", func(s int) counts {
			c := all(s)
			c.Ever = s / 25
			c.Connected = c.Ever
			return c
		}, 0},
		{"one is refused", func(s int) counts { return counts{Trying: 1, Turned: s, Ever: 999, Connected: 999} }, 0},
		{"few are left, the others have given up", func(s int) counts {
			return counts{Trying: 5, Turned: 5 * s, Ever: 500, Connected: 500, Failed: 495}
		}, 0},
		{"nobody wants in", func(s int) counts { return counts{Turned: 5} }, 0},
		{"nobody comes back", func(s int) counts { return counts{Trying: 256, Turned: 100 * s, Ever: 1000, Again: 40, Connected: 40} }, 32},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var d door
			shut := 0
			for s := 1; s <= 300 && shut == 0; s++ {
				if d.isShut(c.at(s), 1000, time.Unix(int64(s), 0)) {
					shut = s
				}
			}
			if shut != c.shut {
				t.Errorf("shut in second %d, want %d", shut, c.shut)
			}
		})
	}
}

// TestTurnedAway has a server refuse all but the first few: the view says why, and the run ends by itself.
func TestTurnedAway(t *testing.T) {
	t.Parallel()
	const few = 8 // the first is the run's own look
	p := small("idle", refusing(t, few, http.StatusServiceUnavailable, "9"))
	p.Users = 500
	r := begin(t, p)
	r.shows(regexp.MustCompile(`attempts? in vain \(refused: 503 `))
	res, err := r.outcome()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(res.Partial, "nobody got in") || !strings.Contains(res.Partial, "mostly: refused: 503 Service Unavailable") {
		t.Errorf("partial: %q", res.Partial)
	}
	if res.Connect.Connected != few-1 || res.Connect.Reasons["refused: 503 Service Unavailable"] == 0 {
		t.Errorf("connections %+v", res.Connect)
	}
}
