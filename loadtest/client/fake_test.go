package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come. It is no measure of speed.
const patience = 20 * time.Second

// house is a server whose part the test plays.
type house struct {
	listener net.Listener
	url      string
}

func boot(t *testing.T) *house {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &house{l, "ws://" + l.Addr().String()}
}

// call is one connection to it.
type call struct {
	t *testing.T
	net.Conn
}

// accept takes the next connection and upgrades it.
func (h *house) accept(t *testing.T) *call {
	t.Helper()
	_ = h.listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	conn, err := h.listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	up := ws.Upgrader{Protocol: func(p []byte) bool { return string(p) == protocol }}
	if _, err := up.Upgrade(conn); err != nil {
		t.Fatal(err)
	}
	return &call{t, conn}
}

// refuse answers the next connection with an HTTP status.
func (h *house) refuse(t *testing.T, status int) {
	t.Helper()
	conn, err := h.listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = ws.Upgrader{OnRequest: func([]byte) error { return ws.RejectConnectionError(ws.RejectionStatus(status)) }}.Upgrade(conn)
}

// expect reads objects, which must have these keys with these values; it returns the id of the last.
func (c *call) expect(wants ...string) (id string) {
	c.t.Helper()
	for _, want := range wants {
		text, err := wsutil.ReadClientText(c)
		if err != nil {
			c.t.Fatalf("%v, want %s", err, want)
		}
		var got, keys map[string]json.RawMessage
		if err := json.Unmarshal([]byte(want), &keys); err != nil {
			c.t.Fatal(err)
		}
		_ = json.Unmarshal(text, &got)
		for key, value := range keys {
			if string(got[key]) != string(value) {
				c.t.Fatalf("got %s, want %s", text, want)
			}
		}
		id = string(got["id"])
	}
	return id
}

// say sends objects, each a frame of its own; ID stands for an id.
func (c *call) say(id string, texts ...string) {
	c.t.Helper()
	for _, text := range texts {
		c.frame(ws.NewTextFrame([]byte(strings.ReplaceAll(text, "ID", id))))
	}
}

func (c *call) frame(f ws.Frame) {
	c.t.Helper()
	if err := ws.WriteFrame(c, f); err != nil {
		c.t.Fatal(err)
	}
}

// hangUp closes with a code.
func (c *call) hangUp(code ws.StatusCode) {
	c.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(code, "why")))
	c.end()
}

// end waits until the other side has closed, and closes.
func (c *call) end() {
	_, _ = io.Copy(io.Discard, c)
	c.Close()
}

// seqs are the seqs of the log "e".
const (
	hello   = `{"t":"hello"}`
	welcome = `{"t":"welcome","id":ID,"nick":"N","session":"s","resume":"secret","epoch":"e","online":3,"ping_s":25,"recovered":{}}`
	joined  = `{"t":"joined","id":ID,"room":"all","conv":"room:all","members":1,"epoch":"e","seq":5,"recovered":false}`
)

// letIn plays the usual beginning.
func (h *house) letIn(t *testing.T) *call {
	t.Helper()
	c := h.accept(t)
	c.say(c.expect(hello), welcome)
	c.say(c.expect(`{"t":"join","room":"all"}`), joined)
	return c
}

// message is one as the server sends it.
func message(conv string, seq, prev int) string {
	return fmt.Sprintf(`{"t":"msg","from_user":"a","message":%d,"mid":"m","seq":%d,"prev":%d,"epoch":"e","ts":1,"conv":%q}`, seq, seq, prev, conv)
}

// ear collects events.
type ear chan Event

func newEar() ear { return make(ear, 1000) }

func (e ear) on(what Event) { e <- what }

// next is the next event of a kind; others are passed over.
func next[E Event](t *testing.T, e ear) E {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case got := <-e:
			if want, ok := got.(E); ok {
				return want
			}
		case <-timer.C:
			t.Fatalf("no %T comes", *new(E))
		}
	}
}

// hears checks that the next messages have these seqs.
func (e ear) hears(t *testing.T, seqs ...uint64) {
	t.Helper()
	for _, want := range seqs {
		if m := next[Message](t, e); m.Seq != want {
			t.Fatalf("got seq %d, want %d", m.Seq, want)
		}
	}
}

// dial starts a client while the test plays the server. What it returns waits for it.
func dial(t *testing.T, h *house, o Options) func() (*Client, error) {
	t.Helper()
	o.URL, o.Nick, o.MaxWait = h.url, "N", time.Millisecond
	type result struct {
		*Client
		error
	}
	got := make(chan result, 1)
	go func() {
		c, err := Dial(t.Context(), o)
		got <- result{c, err}
	}()
	return func() (*Client, error) { r := <-got; return r.Client, r.error }
}

// enter is dial, letIn and the client.
func enter(t *testing.T, o Options) (*house, *call, *Client, ear) {
	t.Helper()
	h, e := boot(t), newEar()
	o.On = e.on
	wait := dial(t, h, o)
	server := h.letIn(t)
	c, err := wait()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if _, err := c.Ping(expired); err == nil {
		t.Fatal("answered a ping at once")
	}
	server.say(server.expect(`{"t":"ping"}`), `{"t":"pong","id":ID,"ts":7}`)
	return h, server, c, e
}
