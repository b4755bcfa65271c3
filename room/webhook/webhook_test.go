package webhook

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestBeginsAtTheEnd has no event posted that happened before there was a webhook, and all that come then, each once.
func TestBeginsAtTheEnd(t *testing.T) {
	s := &shelf{}
	s.put("alice", "bob", "alice")
	url, accepted := listen(t, func(posted) int { return http.StatusOK })
	d, _ := dispatch(t, quick(s, url))
	eventually(t, "there is no cursor", func() bool { return d.Cursor() > 0 })
	s.put("alice")
	p := next(t, accepted)
	if want := s.events[3]; p.Seq != want.Seq || p.ID != want.ID || p.Type != want.Type || p.Ts != want.Ts || string(p.Data) != string(want.Data) {
		t.Errorf("%+v was posted, want %+v", p, want)
	}
	eventually(t, "the cursor does not move", func() bool { return d.Cursor() == s.events[3].Seq })
	if len(accepted) > 0 {
		t.Errorf("posted: %+v", next(t, accepted))
	}
}

// TestGoesOnAtTheCursor stops a dispatcher and starts another: all is posted, and nothing that was accepted is again.
func TestGoesOnAtTheCursor(t *testing.T) {
	s := &shelf{cursor: 1}
	url, accepted := listen(t, func(posted) int { return http.StatusOK })
	var want, got []uint64
	for range 3 {
		d, stop := dispatch(t, quick(s, url))
		s.put("alice", "bob", "carol")
		eventually(t, "not all is accepted", func() bool { return d.Cursor() == s.end })
		stop()
		s.put("dave")
	}
	d, _ := dispatch(t, quick(s, url))
	eventually(t, "not all is accepted", func() bool { return d.Cursor() == s.end })
	for _, e := range s.events {
		want = append(want, e.Seq)
	}
	for len(accepted) > 0 {
		got = append(got, next(t, accepted).Seq)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("accepted: %v, want %v", got, want)
	}
}

// TestCursorBehindTheEnd is a log from a backup, which ends before the cursor.
func TestCursorBehindTheEnd(t *testing.T) {
	s := &shelf{cursor: 1000}
	s.put("alice")
	url, accepted := listen(t, func(posted) int { return http.StatusOK })
	d, _ := dispatch(t, quick(s, url))
	eventually(t, "the cursor is not that of the end", func() bool { return d.Cursor() == s.end })
	s.put("alice")
	next(t, accepted)
}

// TestOrder lets an endpoint fail at random, in every way, and dispatchers be stopped: every event is accepted, and no user's comes
// before the one in front of it was accepted.
func TestOrder(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	s := &shelf{cursor: 1}
	users := []string{"alice", "bob", "carol", "dave", ""}
	dice := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex // guards what follows
	done := map[string][]uint64{}
	ofSeq := map[uint64]string{}
	url, _ := listen(t, func(p posted) int {
		mu.Lock()
		defer mu.Unlock()
		user, ok := ofSeq[p.Seq]
		if !ok {
			t.Errorf("posted before it happened: %d", p.Seq)
		}
		before := done[user]
		for seq, whose := range ofSeq {
			if whose == user && seq < p.Seq && !slices.Contains(before, seq) {
				t.Errorf("%d of %q comes before %d was accepted", p.Seq, user, seq)
			}
		}
		if slot := dice.IntN(10); slot < 6 {
			return []int{0, 304, 301, 410, 500, 429}[slot]
		}
		if !slices.Contains(before, p.Seq) {
			done[user] = append(before, p.Seq)
		}
		return http.StatusOK
	})
	c := quick(s, url)
	c.window, c.utmost, c.Workers = 8, 40, 3
	for range 5 {
		_, stop := dispatch(t, c)
		for range 30 {
			user := users[rand.IntN(len(users))]
			mu.Lock()
			s.put(user)
			ofSeq[s.end] = user
			mu.Unlock()
		}
		eventually(t, "half of it was not accepted", func() bool {
			mu.Lock()
			defer mu.Unlock()
			n := 0
			for _, seqs := range done {
				n += len(seqs)
			}
			return n > len(ofSeq)/2
		})
		stop()
	}
	d, _ := dispatch(t, c)
	eventually(t, "not all is accepted", func() bool { return d.Cursor() == s.end })
	n := 0
	for user, seqs := range done {
		if n += len(seqs); !slices.IsSorted(seqs) {
			t.Errorf("%q: accepted %v", user, seqs)
		}
	}
	if n != len(s.events) {
		t.Errorf("%d of %d events were accepted", n, len(s.events))
	}
}

// TestRefusedHoldsUpItsUserOnly has one event be refused for ever: its user's wait, with more of them than are held in memory, everybody
// else's are accepted, and when the endpoint has come to its senses so are these.
func TestRefusedHoldsUpItsUserOnly(t *testing.T) {
	s := &shelf{cursor: 1}
	var isRight atomic.Bool
	url, accepted := listen(t, func(p posted) int {
		if p.Seq == 2 && !isRight.Load() {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	s.put("mallory")
	c := quick(s, url)
	c.window, c.utmost = 10, 500
	d, _ := dispatch(t, c)
	for i := range 100 {
		s.put("mallory", fmt.Sprint("user", i))
		if p := next(t, accepted); p.Seq != s.end {
			t.Fatalf("%d was accepted, want %d", p.Seq, s.end)
		}
	}
	if d.Cursor() != 1 {
		t.Errorf("the cursor is at %d, although 2 is not accepted", d.Cursor())
	}
	isRight.Store(true)
	eventually(t, "not all is accepted", func() bool { return d.Cursor() == s.end })
	last := uint64(0)
	for range 101 {
		p := next(t, accepted)
		if p.Seq <= last {
			t.Errorf("%d comes behind %d", p.Seq, last)
		}
		last = p.Seq
	}
}

// TestExpires drops what is not accepted in time, and counts it.
func TestExpires(t *testing.T) {
	s := &shelf{cursor: 1}
	url, _ := listen(t, func(posted) int { return http.StatusBadGateway })
	c := quick(s, url)
	c.Keep = 50 * time.Millisecond
	c.Metrics = prometheus.NewRegistry()
	d, _ := dispatch(t, c)
	s.put("alice", "alice", "bob")
	eventually(t, "nothing is dropped", func() bool { return d.Cursor() == s.end })
	if n := value(d.stats.events.WithLabelValues("message", resultExpired)); n != 3 {
		t.Errorf("%v events were dropped, want 3", n)
	}
	if n := value(d.stats.failures.WithLabelValues("5xx")); n < 1 {
		t.Errorf("%v failures are counted", n)
	}
}

// TestGone has events be removed that wait in the log.
func TestGone(t *testing.T) {
	s := &shelf{cursor: 1}
	var isRight atomic.Bool
	url, accepted := listen(t, func(posted) int {
		if isRight.Load() {
			return http.StatusOK
		}
		return http.StatusServiceUnavailable
	})
	c := quick(s, url)
	c.window, c.utmost = 2, 100
	s.put("alice", "alice", "alice", "alice")
	k := &desk{Dispatcher: New(c), lanes: newLanes()}
	events, _, _ := s.Scan(0, 10)
	for i := range events {
		k.lanes.add(&events[i], i < 2)
	}
	s.events = slices.Delete(s.events, 2, 3)
	isRight.Store(true)
	for i, want := range []bool{false, false, true, false} {
		l := k.lanes.next(time.Now())
		r := k.try(t.Context(), l, l.queue[0])
		if r.err != nil || r.isGone != want {
			t.Errorf("event %d: %+v", i, r)
		}
		k.lanes.finish(l)
	}
	if len(accepted) != 3 || k.lanes.next(time.Now()) != nil {
		t.Errorf("%d were accepted", len(accepted))
	}
	k.client.CloseIdleConnections()
}

// TestMemoryIsBounded has an endpoint be down while more happens than is to be held.
func TestMemoryIsBounded(t *testing.T) {
	s := &shelf{cursor: 1}
	for i := range 5000 {
		s.put(fmt.Sprint("user", i%700))
	}
	c := quick(s, "http://127.0.0.1:1/")
	c.window, c.utmost = 300, 1000
	c.setDefaults()
	k := &desk{Dispatcher: New(c), lanes: newLanes(), read: 1, strikes: c.Workers}
	for range 50 {
		k.nextRead = time.Time{}
		k.fill(time.Now())
	}
	if n := k.lanes.undone; n < c.window || n > c.window+batch {
		t.Errorf("%d events are held while the endpoint is down, want %d and a batch", n, c.window)
	}
	k.strikes, k.lanes.fresh = 0, nil // only the lanes of some who are refused are there
	for range 50 {
		k.nextRead = time.Time{}
		k.fill(time.Now())
	}
	texts := 0
	for _, it := range k.lanes.order {
		if it.event != nil {
			texts++
		}
	}
	// Lanes of newcomers are fresh: reading stops with them.
	if n := k.lanes.undone; n > c.utmost+batch || texts > c.window+batch {
		t.Errorf("%d events are known and %d held, want %d and %d", n, texts, c.utmost, c.window)
	}
}

// TestSourceFails has the log be down for a while.
func TestSourceFails(t *testing.T) {
	s := &shelf{cursor: 1, fails: errors.New("down")}
	url, accepted := listen(t, func(posted) int { return http.StatusOK })
	dispatch(t, quick(s, url))
	s.put("alice")
	s.mu.Lock()
	s.fails = nil
	s.mu.Unlock()
	next(t, accepted)
}

func TestBackOff(t *testing.T) {
	for before, bound := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		bound *= time.Second
		var longest time.Duration
		for range 1000 {
			d := backOff(before, time.Second, 5*time.Minute)
			if longest = max(longest, d); d < 0 || d > bound {
				t.Fatalf("%v after %d failures", d, before)
			}
		}
		if longest < bound*9/10 {
			t.Errorf("%v at most after %d failures, want %v", longest, before, bound)
		}
	}
	if d := backOff(1000, time.Second, time.Minute); d > time.Minute {
		t.Errorf("%v after 1,000 failures", d)
	}
}
