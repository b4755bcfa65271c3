package engine

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"
)

// isIdle reports whether nothing waits in c or in its socket.
func isIdle(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.empty() && c.pending.Load() == 0
}

// TestFlush writes through sockets that take everything, something or nothing at once.
func TestFlush(t *testing.T) {
	e := socketless(t, Config{})
	for _, room := range []int{-1, 0, 1, 100, writeSize, writeSize + 1} {
		for _, window := range []uint8{0, maxWindow} {
			t.Run(fmt.Sprintf("room %d, window %d", room, window), func(t *testing.T) {
				m := &memory{room: room}
				c := connect(t, e, m, window, (&recorder{}).open)
				var want []byte
				for _, size := range []int{0, 1, 70, 125, 126, 3 * writeSize, 40_000, 40_000, 65_535, 65_536, 5} {
					f := NewFrame(true, noise[2][:size])
					if !c.Send(f) {
						t.Fatal("not taken")
					}
					want = append(want, f.bytes(window)...)
				}
				c.Flush()
				for step := 1; !isIdle(c); step *= 2 {
					m.take(step)
					c.Flush() // a Flush too many does no harm
				}
				if !bytes.Equal(m.output(), want) {
					t.Error("the output is not what was sent")
				}
				if m.overlap {
					t.Error("written to a socket that still held bytes")
				}
			})
		}
	}
}

// TestFlushJoins: all that waits goes out in one write, where it fits in writeSize.
func TestFlushJoins(t *testing.T) {
	m := &memory{room: -1}
	c := connect(t, socketless(t, Config{}), m, 0, (&recorder{}).open)
	for range 1000 {
		c.Send(NewFrame(false, []byte("a burst of short messages")))
	}
	c.Flush()
	if m.writes != 1 {
		t.Errorf("%d writes, want 1", m.writes)
	}
}

// TestLost: a connection whose socket fails or goes lets go of all that waited.
func TestLost(t *testing.T) {
	for name, lose := range map[string]func(*memory){"failed": (*memory).fail, "gone": func(m *memory) { _ = m.Close() }} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{}
			m := &memory{room: 0}
			c := connect(t, socketless(t, Config{}), m, 0, r.open)
			c.Send(NewFrame(false, []byte("into the void")))
			lose(m)
			c.Flush()
			m.running.Wait()
			if c.Send(NewFrame(false, nil)) {
				t.Error("a lost connection takes frames")
			}
			c.Flush()
			c.Close(CloseNormal, "")
			if r.told() != 1 || len(m.output()) != 0 || c.engine.Conns() != 0 || !c.out.empty() {
				t.Errorf("told %d times, %d bytes written, %d connections left, nothing waits: %v",
					r.told(), len(m.output()), c.engine.Conns(), c.out.empty())
			}
		})
	}
}

// crowd are goroutines that all use one connection, as shards, the loop and the flusher do.
type crowd struct {
	conn     *Conn
	socket   *memory
	accepted [4][]string // by sender
}

// run sends and flushes from all senders while pings come in and the socket takes a little at a time, at most budget bytes
// before the senders have finished.
func (w *crowd) run(messages, budget int) {
	network, senders := make(chan struct{}), sync.WaitGroup{}
	for i := range w.accepted {
		senders.Go(func() {
			for n := range messages {
				text := fmt.Sprintf("%d:%d:%s", i, n, strings.Repeat("x", rand.IntN(300)))
				if !w.conn.Send(NewFrame(false, []byte(text))) {
					break
				}
				w.accepted[i] = append(w.accepted[i], text)
				if n%3 == 0 {
					w.conn.Flush()
				}
			}
			w.conn.Flush()
		})
	}
	senders.Go(func() {
		for range controlBurst {
			w.conn.arrive(whole(ws.OpPing, "ping"))
		}
	})
	go func() {
		senders.Wait()
		close(network)
	}()
	for {
		select {
		case <-network:
			w.socket.take(-1)
			return
		default:
			n := min(1+rand.IntN(5000), budget)
			budget -= n
			w.socket.take(n)
		}
	}
}

// check finds in the output, for each sender, a beginning of what was accepted of it, in order, and the close frame last. It
// returns the number of messages that did not come, and the close frame.
func (w *crowd) check(t *testing.T) (missing int, last seen) {
	t.Helper()
	rest := w.accepted
	all := frames(t, w.socket.output())
	for i, f := range all {
		switch op := ws.OpCode(f.first & 0x0f); {
		case op == ws.OpClose && i < len(all)-1:
			t.Fatal("something came after the close frame")
		case op == ws.OpText:
			sender := f.payload[0] - '0'
			if len(rest[sender]) == 0 || f.payload != rest[sender][0] {
				t.Fatalf("message %.20q was doubled, changed or out of order", f.payload)
			}
			rest[sender] = rest[sender][1:]
		}
	}
	for _, r := range rest {
		missing += len(r)
	}
	if w.socket.overlap {
		t.Error("written to a socket that still held bytes")
	}
	return missing, all[len(all)-1]
}

// TestCrowd: what was accepted arrives exactly once, in order for each sender.
func TestCrowd(t *testing.T) {
	e := socketless(t, Config{Queue: 64 << 20})
	for range 5 {
		m := &memory{room: 0}
		w := &crowd{conn: connect(t, e, m, 0, (&recorder{}).open), socket: m}
		w.run(300, math.MaxInt)
		w.conn.Close(CloseNormal, "done")
		eventually(t, "all is written", func() bool { return isIdle(w.conn) })
		if missing, last := w.check(t); missing > 0 || last != closed(CloseNormal, "done") {
			t.Errorf("%d messages are missing, the last frame is %v", missing, last)
		}
	}
}

// TestCrowdInterrupted closes the connection in the middle: what was accepted before still arrives.
func TestCrowdInterrupted(t *testing.T) {
	e := socketless(t, Config{Queue: 64 << 20})
	for range 5 {
		m := &memory{room: 0}
		w := &crowd{conn: connect(t, e, m, 0, (&recorder{}).open), socket: m}
		var closer sync.WaitGroup
		closer.Go(func() {
			for len(m.output()) < 20_000 {
				m.take(100)
			}
			w.conn.Close(CloseNormal, "enough")
		})
		w.run(300, math.MaxInt)
		closer.Wait()
		eventually(t, "all is written", func() bool { return isIdle(w.conn) })
		if missing, last := w.check(t); missing > 0 || last != closed(CloseNormal, "enough") {
			t.Errorf("%d messages are missing, the last frame is %v", missing, last)
		}
	}
}

// TestCrowdTooSlow has a queue that overflows: the connection is closed with 4008 and its chat ends somewhere, in order.
func TestCrowdTooSlow(t *testing.T) {
	e := socketless(t, Config{Queue: 10_000})
	for range 10 {
		m, r := &memory{room: 0}, &recorder{}
		w := &crowd{conn: connect(t, e, m, 0, r.open), socket: m}
		w.run(1000, 100_000) // of about 600,000
		eventually(t, "all is written", func() bool { return isIdle(w.conn) })
		if _, last := w.check(t); last.code() != CloseTooSlow {
			t.Errorf("the last frame is %v, want a close with 4008", last)
		}
		if r.told() != 1 {
			t.Errorf("the session was told %d times", r.told())
		}
		if n := e.slow.Swap(0); n != 1 {
			t.Errorf("one connection counts as %d slow ones", n)
		}
	}
}
