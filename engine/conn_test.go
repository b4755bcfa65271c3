package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// TestTooSlow is the verdict on a reader that does not keep up.
func TestTooSlow(t *testing.T) {
	e, r, m := socketless(t, Config{Queue: 3 * (304 + frameOverhead)}), &recorder{}, &memory{room: 3}
	c := connect(t, e, m, 0, r.open)
	begun := NewFrame(false, []byte("this one has begun"))
	c.Send(begun)
	c.Flush()
	chat := NewFrame(false, []byte(strings.Repeat("x", 300)))
	for range 3 {
		if !c.Send(chat) {
			t.Fatal("refused within the limit")
		}
	}
	if c.Send(chat) || c.Send(NewFrame(false, nil)) {
		t.Error("taken beyond the limit")
	}
	if r.told() != 1 {
		t.Errorf("the session was told %d times", r.told())
	}
	m.take(-1)
	eventually(t, "all is written", func() bool { return isIdle(c) })
	got := frames(t, m.output())
	want := []seen{unmasked(ws.OpText, "this one has begun"), closed(CloseTooSlow, "too slow a reader")}
	if !slices.Equal(got, want) {
		t.Errorf("written %v, want %v", got, want)
	}
	if n := e.slow.Load(); n != 1 {
		t.Errorf("%d connections counted as too slow", n)
	}
}

// TestTooSlowInsideAFrame: a frame that is partly in a write of its own stays whole.
func TestTooSlowInsideAFrame(t *testing.T) {
	e, m := socketless(t, Config{Queue: 4 * writeSize}), &memory{room: 3}
	c := connect(t, e, m, 0, (&recorder{}).open)
	begun := string(noise[2][:3*writeSize])
	c.Send(NewFrame(true, []byte(begun)))
	c.Flush()
	for c.Send(NewFrame(true, noise[2][:10_000])) {
	}
	m.take(-1)
	eventually(t, "all is written", func() bool { return isIdle(c) })
	got := frames(t, m.output())
	if len(got) != 2 || got[0] != unmasked(ws.OpBinary, begun) || got[1].code() != CloseTooSlow {
		t.Errorf("written %v, want the begun frame and a close with 4008", got)
	}
}

func TestFrameBeyondTheQueue(t *testing.T) {
	e, m := socketless(t, Config{Queue: 1000}), &memory{room: 0}
	c := connect(t, e, m, 0, (&recorder{}).open)
	if !c.Send(NewFrame(true, make([]byte, 5000))) {
		t.Error("refused though nothing else waits")
	}
	if c.Send(NewFrame(true, nil)) {
		t.Error("taken beside a frame that is larger than the queue")
	}
}

// endings are the ways in which a connection can end.
var endings = map[string]func(*Conn){
	"closed by the session": func(c *Conn) { c.Close(CloseNormal, "") },
	"lost":                  func(c *Conn) { _ = c.sock.Close() },
	"closed by the peer":    func(c *Conn) { c.arrive(closing(CloseNormal, "")) },
	"protocol error":        func(c *Conn) { c.arrive([]byte{0xff, 0xff}) },
	"too slow": func(c *Conn) {
		c.Send(NewFrame(true, make([]byte, 600)))
		c.Send(NewFrame(true, make([]byte, 600)))
	},
}

// permutations are all orders of names.
func permutations(names []string) (all [][]string) {
	if len(names) == 0 {
		return [][]string{nil}
	}
	for i, name := range names {
		for _, rest := range permutations(slices.Concat(names[:i], names[i+1:])) {
			all = append(all, append([]string{name}, rest...))
		}
	}
	return all
}

// TestClosedOnce ends a connection in every order of all endings, on sockets that take everything or nothing.
func TestClosedOnce(t *testing.T) {
	e := socketless(t, Config{Queue: 1000})
	names := []string{"closed by the session", "lost", "closed by the peer", "protocol error", "too slow"}
	for _, order := range permutations(names) {
		for _, room := range []int{-1, 0} {
			m, r := &memory{room: room}, &recorder{}
			c := connect(t, e, m, 0, r.open)
			for _, name := range order {
				endings[name](c)
				m.running.Wait()
				c.arrive(whole(ws.OpText, "too late"))
				if n := r.told(); n != 1 {
					t.Fatalf("%v: told %d times after %q", order, n, name)
				}
			}
			if heard := r.heard(); len(heard) > 0 {
				t.Fatalf("%v: a message began after Closed: %v", order, heard)
			}
		}
	}
	if n := e.Conns(); n != 0 {
		t.Errorf("%d connections are counted after all are gone", n)
	}
}

// TestClosedOnceAtOnce ends connections in all ways at the same time, while a message comes.
func TestClosedOnceAtOnce(t *testing.T) {
	e := socketless(t, Config{Queue: 1000})
	for range 200 {
		m, r := &memory{room: 50}, &recorder{}
		c := connect(t, e, m, 0, r.open)
		var all sync.WaitGroup
		all.Go(func() {
			for range 5 {
				c.arrive(whole(ws.OpText, "hello"))
			}
			endings["closed by the peer"](c)
		})
		for _, name := range []string{"closed by the session", "lost", "too slow"} {
			all.Go(func() { endings[name](c) })
		}
		all.Wait()
		m.running.Wait()
		if r.told() != 1 {
			t.Fatalf("told %d times", r.told())
		}
		if r.late > 1 {
			t.Fatalf("%d messages began after Closed; only the one under way may", r.late)
		}
	}
}

// TestClosedInOpen ends a connection before its session exists.
func TestClosedInOpen(t *testing.T) {
	e := socketless(t, Config{Queue: 1000})
	for _, name := range []string{"closed by the session", "too slow"} {
		t.Run(name, func(t *testing.T) {
			m, r := &memory{room: -1}, &recorder{}
			c := connect(t, e, m, 0, func(c *Conn) Session {
				endings[name](c)
				if r.told() != 0 {
					t.Error("told before there was a session")
				}
				return r
			})
			c.arrive(whole(ws.OpText, "too late"))
			if r.told() != 1 || len(r.heard()) > 0 {
				t.Errorf("told %d times, messages %v", r.told(), r.heard())
			}
			if got := frames(t, m.output()); got[len(got)-1].code() == 0 {
				t.Errorf("written %v, want a close frame last", got)
			}
		})
	}
}

// TestPanic: a session that panics costs its own connection only.
func TestPanic(t *testing.T) {
	m, r := &memory{room: -1}, &recorder{react: func(message) { panic("a bug") }}
	c := connect(t, socketless(t, Config{}), m, 0, r.open)
	c.arrive(slices.Concat(whole(ws.OpText, "one"), whole(ws.OpText, "two")))
	c.arrive(whole(ws.OpText, "three"))
	if got := frames(t, m.output()); len(got) != 1 || got[0].code() != CloseInternal {
		t.Errorf("written %v, want a close with 1011", got)
	}
	if len(r.heard()) != 1 || r.told() != 1 || c.in != nil {
		t.Errorf("%d messages, told %d times, inbound %v", len(r.heard()), r.told(), c.in)
	}
}

func TestCloseReason(t *testing.T) {
	long := strings.Repeat("x", maxReason)
	for _, test := range []struct{ reason, want string }{
		{"", ""},
		{"bye", "bye"},
		{long, long},
		{long + "y", long},
		{"a" + strings.Repeat("€", 41), "a" + strings.Repeat("€", 40)},
		{long[1:] + "é", long[1:]},
		{strings.Repeat("😀", 31), strings.Repeat("😀", 30)},
	} {
		t.Run(fmt.Sprint(len(test.reason)), func(t *testing.T) {
			m := &memory{room: -1}
			connect(t, socketless(t, Config{}), m, 0, (&recorder{}).open).Close(CloseNormal, test.reason)
			if got, want := frames(t, m.output())[0], closed(CloseNormal, test.want); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// TestLostBeforeItBegan: what a session does with a connection that is no more.
func TestLostBeforeItBegan(t *testing.T) {
	c := closedConn(socketless(t, Config{}), netip.AddrPort{})
	if c.Send(NewFrame(false, nil)) {
		t.Error("a closed connection takes frames")
	}
	c.Flush()
	c.Close(CloseNormal, "")
	if c.RemoteAddr() == nil {
		t.Error("no address")
	}
}

// TestQueueCountsWhatItHolds: neither compression nor smallness lets more wait than the queue's limit.
func TestQueueCountsWhatItHolds(t *testing.T) {
	for name, test := range map[string]struct {
		payload []byte
		most    int
	}{
		"compressible": {make([]byte, 5000), 20_000 / 5000},
		"empty":        {nil, 20_000 / frameOverhead},
	} {
		t.Run(name, func(t *testing.T) {
			e, m := socketless(t, Config{Queue: 20_000}), &memory{room: 0}
			c := connect(t, e, m, maxWindow, (&recorder{}).open)
			n := 0
			for c.Send(NewFrame(true, test.payload)) {
				if n++; n > test.most {
					t.Fatalf("%d frames wait", n)
				}
			}
		})
	}
}

// TestSlowlyToTheEnd: a connection that closes is not cut off while its peer goes on reading what was queued before, and
// soon after when it stops.
func TestSlowlyToTheEnd(t *testing.T) {
	e, m := socketless(t, Config{CloseTimeout: time.Second, Ping: time.Hour}), &memory{room: 0}
	c := connect(t, e, m, 0, (&recorder{}).open)
	chat := NewFrame(true, noise[2][:writeSize])
	for range 10 {
		c.Send(chat)
	}
	c.Close(CloseDraining, "draining")
	for !isIdle(c) {
		m.take(10_000)
		eventually(t, "the next write is under way", func() bool { return c.pending.Load() > 0 || isIdle(c) })
		e.clock.Add(1000)
		e.closing.expire(e.clock.Load())
		if m.isClosed() {
			t.Fatalf("cut off after %d bytes", len(m.output()))
		}
	}
	got := frames(t, m.output())
	if len(got) != 11 || got[10].code() != CloseDraining {
		t.Fatalf("%d frames, the last %v", len(got), got[len(got)-1])
	}
	for range 2 {
		e.clock.Add(1000)
		e.closing.expire(e.clock.Load())
	}
	if !m.isClosed() {
		t.Error("a peer that does not answer is never cut off")
	}
}

// TestIdle: a connection is idle as long as its loop has read all that has come.
func TestIdle(t *testing.T) {
	heard, goOn, conns := make(chan struct{}), make(chan struct{}), make(chan *Conn, 1)
	s := serve(t, Config{Accept: letIn(func(c *Conn) Session {
		if c.IsIdle() {
			t.Error("idle before it is answered")
		}
		conns <- c
		return halting{heard, goOn}
	})})
	client := s.join()
	c := <-conns
	eventually(t, "it is answered", c.IsIdle)
	client.say(whole(ws.OpText, "a"))
	<-heard
	client.say(whole(ws.OpText, "b"))
	eventually(t, "something waits", func() bool { return !c.IsIdle() })
	goOn <- struct{}{}
	<-heard
	goOn <- struct{}{}
	eventually(t, "all is read", c.IsIdle)
	_ = client.Close()
	eventually(t, "it is gone", func() bool { return s.Conns() == 0 })
	if !c.IsIdle() {
		t.Error("busy after its end")
	}
}

// halting stops the loop at each message.
type halting struct {
	heard chan<- struct{}
	goOn  <-chan struct{}
}

func (s halting) Message(bool, []byte) {
	s.heard <- struct{}{}
	<-s.goOn
}
func (halting) Closed() {}
