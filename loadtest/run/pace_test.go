package run

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"throng/loadtest"
	"throng/loadtest/ledger"
)

// sink is a server that keeps the stamps of what its users say.
type sink struct {
	addr string

	mu     sync.Mutex // guards stamps
	stamps map[ledger.Kind][]ledger.Stamp
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{stamps: map[ledger.Kind][]ledger.Stamp{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for {
			h, err := ws.ReadHeader(buffered)
			if err != nil {
				return
			}
			payload := make([]byte, h.Length)
			if _, err := io.ReadFull(buffered, payload); err != nil {
				return
			}
			ws.Cipher(payload, h.Mask, 0)
			text, _, _, _ := ledger.Find(payload)
			stamp, err := ledger.Parse(text)
			if err != nil {
				t.Error(err)
				return
			}
			s.mu.Lock()
			s.stamps[stamp.Kind] = append(s.stamps[stamp.Kind], stamp)
			s.mu.Unlock()
		}
	}))
	t.Cleanup(server.Close)
	s.addr = server.Listener.Addr().String()
	return s
}

// took returns the stamps of a kind once there are so many, and what has come in all.
func (s *sink) took(t *testing.T, kind ledger.Kind, count int) []ledger.Stamp {
	t.Helper()
	var stamps []ledger.Stamp
	eventually(t, fmt.Sprintf("%d messages of kind %v", count, kind), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		stamps = s.stamps[kind]
		return len(stamps) >= count
	})
	return stamps
}

// speaker is a worker with two users who talk to a sink. The second never says anything of its own in a broadcast.
func speaker(t *testing.T, s *sink, m mix) *worker {
	t.Helper()
	shape := ledger.Shape{Users: 2, Chats: 1, Talkers: 1, Contacts: 1}
	w := &worker{
		wire: newWire(nil, io.Discard), meter: newMeter(), mix: m, users: make([]user, 2),
		share: share{Run: 7, Addrs: []string{s.addr}, Shape: shape, To: 2},
	}
	var err error
	if w.sent, err = ledger.NewSent(shape, 0, 2); err != nil {
		t.Fatal(err)
	}
	if w.swarm, err = loadtest.New(loadtest.Config{Addr: s.addr}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.swarm.Close)
	for id := range w.users {
		if w.users[id].sock, err = w.swarm.Connect(t.Context(), id, "/"); err != nil {
			t.Fatal(err)
		}
	}
	w.talk = newTalk(w)
	return w
}

// TestOpenLoop has users talk on a clock that does not wait: as many messages as rate and time make, each meant for its
// time, whether it was the turn of the loop in time or not.
func TestOpenLoop(t *testing.T) {
	cases := []struct {
		name   string
		mix    mix
		rate   float64
		length time.Duration
		behind time.Duration // how long before the first turn of the loop the stage has begun
		counts [2]int        // of broadcast and direct messages
	}{
		{"few", mix{broadcast: 1}, 3, 2 * time.Second, 0, [2]int{6, 0}},
		{"one", mix{broadcast: 1}, 1, time.Second, 0, [2]int{1, 0}},
		{"none", mix{broadcast: 1}, 0, time.Second, 0, [2]int{}},
		{"not a whole number", mix{}, 7.3, 1500 * time.Millisecond, 0, [2]int{0, 10}},
		{"many", mix{}, 999.9, 2 * time.Second, 0, [2]int{0, 1999}},
		{"a rare kind and a frequent one", mix{broadcast: 0.02, zipf: true}, 100, 2 * time.Second, 0, [2]int{4, 196}},
		{"kept from it for a while", mix{}, 100, 2 * time.Second, time.Second, [2]int{0, 200}},
		{"kept from it all the time", mix{broadcast: 0.5}, 200, time.Second, 1700 * time.Millisecond, [2]int{100, 100}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSink(t)
			w := speaker(t, s, c.mix)
			var st stage
			synctest.Test(t, func(t *testing.T) {
				// The run's zero is an hour ago, so that all times are positive.
				w.share.Origin = loadtest.Now() - 2*int64(time.Hour)
				from := w.now() + int64(200*time.Millisecond-c.behind)
				st = stage{From: from, Until: from + int64(c.length), Rate: c.rate}
				if err := w.talk.send(t.Context(), st); err != nil {
					t.Fatal(err)
				}
			})
			tardyFrom := st.From + int64(c.behind-200*time.Millisecond) - tardy // who was meant before is late
			late := 0
			for kind, count := range c.counts {
				stamps := s.took(t, ledger.Kind(kind), count)
				late += checkStamps(t, st, stamps, count, tardyFrom, c.behind > 0)
			}
			got := w.meter.counts
			if got.Sent != int64(c.counts[0]+c.counts[1]) || got.LateSends != int64(late) || got.Unsent != 0 {
				t.Errorf("counts %+v, want %v sent and %d late", got, c.counts, late)
			}
		})
	}
}

// checkStamps checks that messages were meant for evenly spread times, and returns how many went out late.
func checkStamps(t *testing.T, s stage, stamps []ledger.Stamp, count int, tardyFrom int64, behind bool) (late int) {
	t.Helper()
	if len(stamps) != count {
		t.Errorf("%d messages, want %d", len(stamps), count)
	}
	meant := map[int64]int{}
	for _, stamp := range stamps {
		meant[stamp.At]++
		if stamp.At < s.From || stamp.At >= s.Until {
			t.Errorf("meant for %v after the begin of a stage", time.Duration(stamp.At-s.From))
		}
		if want := behind && stamp.At < tardyFrom; stamp.Tardy != want {
			t.Errorf("meant for %v after the begin: tardy is %v", time.Duration(stamp.At-s.From), stamp.Tardy)
		}
		if stamp.Tardy {
			late++
		}
	}
	if len(meant) != count {
		t.Errorf("%d times for %d messages", len(meant), count)
	}
	return late
}

// TestTalkStops ends a stage early: what was due until then was said.
func TestTalkStops(t *testing.T) {
	s := newSink(t)
	w := speaker(t, s, mix{})
	synctest.Test(t, func(t *testing.T) {
		w.share.Origin = loadtest.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 1*time.Second+beat/2)
		defer cancel()
		if err := w.talk.send(ctx, stage{Until: int64(time.Hour), Rate: 100}); err != context.DeadlineExceeded {
			t.Errorf("ended with %v", err)
		}
		// Nobody talks before the begin either.
		if err := w.talk.send(ctx, stage{From: int64(time.Hour), Until: 2 * int64(time.Hour), Rate: 100}); err == nil {
			t.Error("a stage was sent after the end")
		}
	})
	if got := len(s.took(t, ledger.Direct, 101)); got != 101 || w.meter.counts.Sent != 101 {
		t.Errorf("%d messages came of %d, want 101", got, w.meter.counts.Sent)
	}
}

// TestUnsent counts what nobody could say.
func TestUnsent(t *testing.T) {
	s := newSink(t)
	w := speaker(t, s, mix{broadcast: 0.5})
	w.users[0].sock, w.users[1].away = nil, make(chan struct{})
	synctest.Test(t, func(t *testing.T) {
		w.share.Origin = loadtest.Now()
		if err := w.talk.send(t.Context(), stage{Until: int64(time.Second), Rate: 100}); err != nil {
			t.Error(err)
		}
	})
	if got := w.meter.counts; got.Sent != 0 || got.Unsent != 100 || w.sent.Count() != 0 {
		t.Errorf("counts %+v, %d in the books", got, w.sent.Count())
	}
}

// TestOvertime ends a stage on time though much is left of it.
func TestOvertime(t *testing.T) {
	s := newSink(t)
	w := speaker(t, s, mix{broadcast: 0.3})
	synctest.Test(t, func(t *testing.T) {
		w.share.Origin = loadtest.Now() - int64(time.Hour)
		over := int64(time.Hour) - overtime - 1
		if err := w.talk.send(t.Context(), stage{From: over - int64(2*time.Second), Until: over, Rate: 100}); err != nil {
			t.Error(err)
		}
	})
	if got := w.meter.counts; got.Sent != 0 || got.Unsent != 0 || got.Skipped != 200 {
		t.Errorf("counts %+v, want 200 skipped", got)
	}
	before, after := mark{at: 1}, mark{at: 3, counts: w.meter.counts}
	if g := new(run).generator(before, after); !g.Saturated || g.Skipped != 200 || len(g.Why) != 1 {
		t.Errorf("generator %+v", g)
	}
}

// TestDueBy checks the number of messages that are due against what it has to be.
func TestDueBy(t *testing.T) {
	for _, rate := range []float64{0, 0.01, 0.5, 1, 2.5, 37.5, 100, 333.3, 1e4, 1e6, 1e7} {
		for _, length := range []time.Duration{0, time.Millisecond, time.Second, 1500 * time.Millisecond, 10 * time.Second, 30 * 24 * time.Hour} {
			total := int64(math.Floor(rate * float64(length) / 1e9))
			if got := dueBy(rate, int64(length), int64(length)); got != total {
				t.Errorf("%v/s for %v: %d, want %d", rate, length, got, total)
			}
			before := int64(0)
			for part := range 1001 {
				passed := int64(length) / 1000 * int64(part)
				due := dueBy(rate, passed, int64(length))
				// Message k, counted from 0, is due at k/rate.
				want := min(total, int64(math.Floor(rate*float64(passed)/1e9))+1)
				if due < before || due != want {
					t.Fatalf("%v/s for %v: %d due after %v, want %d", rate, length, due, time.Duration(passed), want)
				}
				before = due
			}
		}
	}
}
