package web_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// frame is one object of the protocol.
type frame map[string]any

// fake is a small server of version 2 that does, when it is told to, what a real one does only on a bad day.
type fake struct {
	t    *testing.T
	http *httptest.Server
	url  string

	mu       sync.Mutex
	epoch    string
	seq      int64
	log      []*fakeMessage
	claims   map[string]*fakeClaim          // by key
	rooms    map[string]map[*fakeClaim]bool // members by room key
	crowd    []string                       // people who are there and say nothing
	isDown   bool                           // sockets are refused
	loseAcks bool                           // what is stored is not acknowledged: the sender's socket breaks instead
	skip     bool                           // messages are stored, and gap frames sent in their place
	refuse   frame                          // the err that the next msg gets
	served   sync.WaitGroup
}

// fakeConn is one socket.
type fakeConn struct {
	net.Conn
	claim *fakeClaim
}

func startFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, epoch: "e1", claims: map[string]*fakeClaim{}, rooms: map[string]map[*fakeClaim]bool{}}
	mux := http.NewServeMux()
	mux.Handle("/", site())
	mux.HandleFunc("/conn/ws/", f.accept)
	f.http = httptest.NewServer(mux)
	f.url = f.http.URL + "/"
	t.Cleanup(func() {
		f.crash()
		f.served.Wait()
		f.http.Close()
	})
	return f
}

// locked does something to what the server knows.
func (f *fake) locked(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// crash breaks all sockets and takes no new ones, until rise.
func (f *fake) crash() {
	f.locked(func() {
		f.isDown = true
		for _, c := range f.claims {
			if c.conn != nil {
				_ = c.conn.Close()
			}
		}
	})
}

// rise takes sockets again. A server that forgot all begins another epoch.
func (f *fake) rise(forgot bool) {
	f.locked(func() {
		f.isDown = false
		if forgot {
			f.epoch, f.seq, f.log = f.epoch+"'", 0, nil
		}
	})
}

// bye closes a nick's socket as an operator would.
func (f *fake) bye(nick string, code ws.StatusCode, retryAfter time.Duration) {
	f.locked(func() {
		c := f.claims[fakeKey(nick)].conn
		c.send(frame{"t": "bye", "code": code, "retry_after_ms": retryAfter.Milliseconds()})
		c.close(code, "")
	})
}

func (f *fake) accept(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	isDown := f.isDown
	f.mu.Unlock()
	if isDown {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	upgrader := ws.HTTPUpgrader{Protocol: func(p string) bool { return p == "throng.v2.json" }}
	conn, rw, _, err := upgrader.Upgrade(r, w)
	if err != nil {
		return
	}
	nick, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/conn/ws/"))
	f.served.Go(func() { f.serve(&fakeConn{Conn: conn}, rw.Reader, nick, err) })
}

// serve reads a socket until it ends.
func (f *fake) serve(c *fakeConn, r *bufio.Reader, nick string, bad error) {
	defer func() { _ = c.Close() }()
	stream := struct {
		io.Reader
		io.Writer
	}{r, c}
	for {
		text, err := wsutil.ReadClientText(stream)
		if err != nil {
			break
		}
		for line := range strings.SplitSeq(string(text), "\n") {
			f.locked(func() {
				switch {
				case c.claim != nil:
					err = f.take(c, []byte(line))
				case bad != nil || fakeKey(nick) == "system" || strings.Contains(nick, "/"):
					c.close(4500, "bad nick")
				default:
					err = f.hello(c, nick, []byte(line))
				}
			})
			if err != nil {
				f.t.Errorf("the client sent %q: %v", line, err)
			}
		}
	}
	f.locked(func() {
		if c.claim != nil && c.claim.conn == c {
			c.claim.conn = nil
			f.tellPresence("all", nil, []string{c.claim.nick})
		}
	})
}

// hello lets a claim in, and sends what it missed.
func (f *fake) hello(c *fakeConn, nick string, text []byte) error {
	var in struct {
		T      string            `json:"t"`
		ID     any               `json:"id"`
		Resume string            `json:"resume"`
		Pos    map[string][2]any `json:"pos"`
	}
	if err := json.Unmarshal(text, &in); err != nil || in.T != "hello" {
		return fmt.Errorf("not a hello (%w)", err)
	}
	claim := f.claims[fakeKey(nick)]
	if claim == nil {
		claim = &fakeClaim{id: len(f.claims) + 1, nick: nick, sent: map[string]int64{}}
		claim.resume = fmt.Sprint("secret of ", nick)
		f.claims[claim.key()] = claim
	} else if in.Resume != claim.resume {
		c.close(4509, "nick in use")
		return nil
	}
	if claim.conn != nil {
		claim.conn.close(4510, "taken over")
	}
	c.claim, claim.conn = claim, c
	recovered := map[string]bool{}
	var missed []*fakeMessage
	from := map[string]int64{}
	for name, pos := range in.Pos {
		if conv, ok := f.storedAs(name, claim); ok {
			recovered[name] = pos[0] == f.epoch
			from[conv] = int64(pos[1].(float64))
		}
	}
	for _, m := range f.log {
		after, ok := from[m.conv]
		if isTheirs := m.from == claim || m.to == claim; !ok && m.to != nil && isTheirs {
			after, ok = claim.sent[m.conv], true
		}
		if ok && m.seq > after && (recovered[m.nameFor(claim)] || m.to != nil) {
			missed = append(missed, m)
		}
	}
	c.send(frame{"t": "welcome", "id": in.ID, "nick": claim.nick, "session": "s", "resume": claim.resume, "epoch": f.epoch,
		"online": len(f.people("all")), "ping_s": 25, "limits": frame{"max_message": 65536}, "recovered": recovered})
	for _, m := range missed {
		f.deliver(m, claim)
	}
	f.tellPresence("all", []string{claim.nick}, nil)
	return nil
}

// deliver sends a message to one of its readers, if it is there.
func (f *fake) deliver(m *fakeMessage, reader *fakeClaim) {
	if reader.conn == nil {
		return
	}
	if f.skip && m.from != reader {
		reader.conn.send(frame{"t": "gap", "conv": m.nameFor(reader), "from": m.seq, "to": m.seq})
		return
	}
	reader.sent[m.conv] = m.seq
	reader.conn.send(f.frameFor(m, reader))
}

// tellPresence tells a room's members who came and went.
func (f *fake) tellPresence(room string, joined, left []string) {
	for _, c := range f.claims {
		if c.conn != nil && (room == "all" || f.rooms[fakeKey(room)][c]) {
			c.conn.send(frame{"t": "presence", "room": room, "count": len(f.people(room)), "joined": joined, "left": left})
		}
	}
}

// send writes frames as one batch.
func (c *fakeConn) send(frames ...frame) {
	var lines []string
	for _, it := range frames {
		line, err := json.Marshal(it)
		if err != nil {
			panic(err) // frames are of plain values
		}
		lines = append(lines, string(line))
	}
	_ = c.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_ = wsutil.WriteServerText(c, []byte(strings.Join(lines, "\n"))) // a broken socket is met by its reader
}

func (c *fakeConn) close(code ws.StatusCode, reason string) {
	_ = wsutil.WriteServerMessage(c, ws.OpClose, ws.NewCloseFrameBody(code, reason))
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}

var errUnknown = errors.New("unknown t")
