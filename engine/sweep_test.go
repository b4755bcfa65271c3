package engine

import (
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// watched starts a server whose one connection has r as its session.
func watched(t *testing.T, config Config, r *recorder) *server {
	config.Accept = letIn(r.open)
	return serve(t, config)
}

// TestKeepAlive moves the clock by hand: who is silent is pinged once, and told to go when nothing comes.
func TestKeepAlive(t *testing.T) {
	e := socketless(t, Config{Ping: time.Second})
	e.clock.Store(time.Hour.Milliseconds()) // after so long, a message that began at 0 would be late
	m := &memory{room: -1}
	c := connect(t, e, m, 0, (&recorder{}).open)
	ping := unmasked(ws.OpPing, "")
	var want []seen
	for i, test := range []struct {
		milliseconds int64
		heard        []byte // after that time
		sent         []seen
	}{
		{999, nil, nil},
		{1, nil, []seen{ping}},
		{999, whole(ws.OpPong, ""), nil}, // just in time
		{999, nil, nil},
		{1, nil, []seen{ping}},
		{500, []byte{0x81}, nil}, // any byte will do
		{1000, nil, []seen{ping}},
		{999, nil, nil},
		{1, nil, []seen{closed(ClosePolicy, "silent for 2s")}},
		{5000, nil, nil},
	} {
		e.clock.Add(test.milliseconds)
		if e.due(c) {
			e.visit(c)
		}
		if test.heard != nil {
			c.arrive(test.heard)
		}
		want = append(want, test.sent...)
		if got := frames(t, m.output()); !slices.Equal(got, want) {
			t.Fatalf("step %d: sent %v, want %v", i, got, want)
		}
	}
}

// TestSilence: on a socket, who says nothing is pinged, then told to go, then cut off.
func TestSilence(t *testing.T) {
	r := &recorder{}
	c := watched(t, Config{Ping: 200 * time.Millisecond, CloseTimeout: 50 * time.Millisecond}, r).join()
	c.expect(unmasked(ws.OpPing, ""), closed(ClosePolicy, "silent for 400ms"))
	c.expectEnd()
	if r.told() != 1 {
		t.Errorf("the session was told %d times", r.told())
	}
}

// TestTrickle: a message must get on. A peer that sends a byte now and then, and so is never silent, is told to go.
func TestTrickle(t *testing.T) {
	c := serve(t, Config{Ping: time.Second, MaxMessage: 1000}).join()
	trickled := make(chan struct{})
	go func() {
		defer close(trickled)
		for _, b := range whole(ws.OpText, strings.Repeat("x", 1000)) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			<-time.After(20 * time.Millisecond)
		}
	}()
	f := c.hear()
	for ; f == unmasked(ws.OpPing, ""); f = c.hear() { // on a busy machine even this is silence
	}
	if f != closed(ClosePolicy, "message takes too long") {
		t.Errorf("got %v, want a close with 1008", f)
	}
	_ = c.Close()
	<-trickled
}

// TestPeerVanishes: a lost connection is told once and leaves nothing behind.
func TestPeerVanishes(t *testing.T) {
	for name, vanish := range map[string]func(*net.TCPConn){
		"closed": func(conn *net.TCPConn) { _ = conn.Close() },
		"reset": func(conn *net.TCPConn) {
			_ = conn.SetLinger(0)
			_ = conn.Close()
		},
		"half closed": func(conn *net.TCPConn) { _ = conn.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{}
			s := watched(t, Config{}, r)
			c := s.join()
			c.say(part(ws.OpText, "half a message"))
			vanish(c.tcp())
			eventually(t, "the connection is gone", func() bool { return s.Conns() == 0 })
			if r.told() != 1 || len(r.heard()) != 0 {
				t.Errorf("told %d times, heard %v", r.told(), r.heard())
			}
			for i := range s.tables {
				if left := s.tables[i].collect(nil, func(*Conn) bool { return true }); len(left) > 0 {
					t.Errorf("%d connections are left in table %d", len(left), i)
				}
			}
		})
	}
}

// TestPeerVanishesAtOnce: clients that are gone before they are all the way in leave nothing behind either.
func TestPeerVanishesAtOnce(t *testing.T) {
	var opened, told atomic.Int64
	s := serve(t, Config{Accept: letIn(func(*Conn) Session {
		opened.Add(1)
		return farewell(func() { told.Add(1) })
	})})
	for i := range 200 {
		c := s.dial()
		c.say([]byte(handshake("/ws")), whole(ws.OpText, "hello"))
		if i%2 == 0 {
			_ = c.tcp().SetLinger(0)
		}
		_ = c.Close()
	}
	eventually(t, "all are gone", func() bool { return opened.Load() == told.Load() && s.Conns() == 0 })
}

// farewell is a session that only wants to know its end.
type farewell func()

func (farewell) Message(bool, []byte) {}
func (f farewell) Closed()            { f() }

// TestCloseHandshake goes through both orders of closing on a real socket.
func TestCloseHandshake(t *testing.T) {
	r := &recorder{}
	var conn *Conn
	s := serve(t, Config{Accept: letIn(func(c *Conn) Session { conn = c; return r })})
	c := s.join()
	conn.Send(NewFrame(false, []byte("last words")))
	conn.Close(CloseDraining, "until later")
	c.expect(unmasked(ws.OpText, "last words"), closed(CloseDraining, "until later"))
	c.say(whole(ws.OpText, "too late"), closing(CloseDraining, ""))
	c.expectEnd()

	c = s.join()
	c.say(closing(3000, "bye"))
	c.expect(closed(3000, ""))
	c.expectEnd()
	if r.told() != 2 || len(r.heard()) != 0 {
		t.Errorf("told %d times, heard %v", r.told(), r.heard())
	}
}

// TestFailureOnASocket: the peer learns why, though it goes on sending.
func TestFailureOnASocket(t *testing.T) {
	c := serve(t, Config{}).join()
	c.say(whole(ws.OpText, "\xff"), make([]byte, 100_000))
	if f := c.hear(); f.code() != CloseNotUTF8 {
		t.Errorf("got %v, want a close with 1007", f)
	}
	c.expectEnd()
}

func TestTable(t *testing.T) {
	var table table
	var conns [5]Conn
	for i := range conns {
		table.add(&conns[i])
	}
	all := func(*Conn) bool { return true }
	for left, i := range []int{2, 4, 0, 1, 3} {
		for range 2 { // the second time it is not in
			table.remove(&conns[i])
			if got := table.collect(nil, all); len(got) != 4-left || slices.Contains(got, &conns[i]) {
				t.Errorf("%d connections are left without the %dth, want %d", len(got), i, 4-left)
			}
		}
	}
}
