package engine

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// leaver is a recorder that says when its client is to come back.
type leaver struct {
	recorder
	conn *Conn
}

func (l *leaver) Leave(retryAfter time.Duration) {
	l.conn.Send(NewFrame(false, []byte(strconv.FormatInt(retryAfter.Milliseconds(), 10))))
}

// drained connects clients to a server, shuts it down, and returns when each of them was sent away and when it is to come back.
func drained(t *testing.T, config Config, clients int, capacity float64, within time.Duration) (gone []time.Duration, back []int) {
	config.Accept = letIn(func(c *Conn) Session { return &leaver{conn: c} })
	s := serve(t, config)
	var all []*client
	for range clients {
		all = append(all, s.join())
	}
	s.returns.mu.Lock()
	s.returns.capacity = capacity // as it was measured
	s.returns.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	begun := time.Now()
	done := s.shutdown(ctx)
	var mu sync.Mutex
	var reading sync.WaitGroup
	for _, c := range all {
		reading.Go(func() {
			bye, err := readFrame(c.r)
			at := time.Since(begun)
			wait, wrong := strconv.Atoi(bye.payload)
			end, _ := readFrame(c.r)
			_, _ = c.Write(closing(CloseDraining, ""))
			mu.Lock()
			defer mu.Unlock()
			if err != nil || wrong != nil || bye.first != finBit|byte(ws.OpText) || end.code() != CloseDraining {
				t.Errorf("the end is %v, %v, %v", bye, err, end)
			}
			gone, back = append(gone, at), append(back, wait)
		})
	}
	reading.Wait()
	expectDone(t, done, nil)
	return gone, back
}

// TestDrainInBatches: where others take the connections these go as fast as the others can let them in; they are not all told to
// come back at once either way.
func TestDrainInBatches(t *testing.T) {
	const clients = 100
	t.Run("to others", func(t *testing.T) {
		gone, back := drained(t, Config{Heirs: func() int { return 1 }}, clients, 200, time.Minute)
		// 200 a second: the last batch goes half a second after the first.
		if first, last := minmax(gone); last-first < 300*time.Millisecond {
			t.Errorf("all went within %v", last-first)
		}
		for _, ms := range back {
			if ms < 1000 || ms > 2500 {
				t.Errorf("one is to come back after %d ms", ms)
			}
		}
	})
	t.Run("in time", func(t *testing.T) {
		// As fast as the others can let them in, the last would go long after the end.
		_, back := drained(t, Config{Heirs: func() int { return 1 }}, clients, 1, 6*time.Second)
		if len(back) != clients {
			t.Errorf("%d were told", len(back))
		}
	})
	t.Run("alone", func(t *testing.T) {
		_, back := drained(t, Config{}, clients, 200, time.Minute)
		if first, last := minmax(back); first < 1000 || last-first < 300 || last > 3000 {
			t.Errorf("they are to come back after %d to %d ms", first, last)
		}
	})
}

func minmax[T int | time.Duration](all []T) (least, most T) {
	least = all[0]
	for _, x := range all {
		least, most = min(least, x), max(most, x)
	}
	return least, most
}
