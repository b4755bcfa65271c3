package run

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"throng/loadtest/ledger"
)

// lie is what a proxy does to a message.
type lie int

const (
	honest lie = iota
	drop       // it never comes
	twice      // it comes two times
	swap       // it comes after the next one of its stream
	mangle     // a byte of its text is another one
	forge      // it names another sender
	tarry      // it comes after the time at which it is late, and others pass it by
	gap        // it does not come, and the user is told that there is a gap
)

// ofAck is the recipient in a delivery that stands for the ack of a message.
const ofAck = -1

// delivery is one message to one recipient, by the numbers of users.
type delivery struct {
	recipient, sender int
	kind              ledger.Kind
	number            uint32
}

// stream is the delivery without its number.
func (d delivery) stream() delivery { d.number = 0; return d }

// proxy stands between users and a server. What users say passes as it is. What the server says is cut into frames, and
// those that the table names are lied about.
type proxy struct {
	addr   string
	server string
	late   time.Duration                     // how long tarry takes
	table  func(run uint32) map[delivery]lie // the lies; nil: none
	slot   time.Duration                     // the least time between two messages; 0: none

	mu      sync.Mutex       // guards what follows
	lies    map[delivery]lie // that are still to be told
	told    map[delivery]lie
	run     uint32
	next    time.Time // when the next message may pass
	conns   map[net.Conn]bool
	closing bool
	work    sync.WaitGroup
}

// newProxy starts a proxy; it ends with the test. Its fields are set by now.
func newProxy(t *testing.T, p *proxy) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr, p.told, p.conns = listener.Addr().String(), map[delivery]lie{}, map[net.Conn]bool{}
	p.work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.work.Go(func() { p.pass(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		p.mu.Lock()
		p.closing = true
		for conn := range p.conns {
			_ = conn.Close()
		}
		p.mu.Unlock()
		p.work.Wait()
	})
	return p
}

// own says that a connection is to be closed with the proxy, or closes it at once.
func (p *proxy) own(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns[conn] = true; p.closing {
		_ = conn.Close()
	}
}

var requested = regexp.MustCompile(`^GET /conn/ws/(\S+) `)

// pass serves one user.
func (p *proxy) pass(user net.Conn) {
	p.own(user)
	defer user.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	p.own(server)
	defer server.Close()
	said := bufio.NewReader(user)
	head, err := readHead(said)
	if err != nil {
		return
	}
	found := requested.FindSubmatch(head)
	if found == nil {
		return
	}
	run, id, ok := ledger.ParseNick(found[1])
	if !ok {
		return
	}
	p.learn(run)
	if _, err := server.Write(head); err != nil {
		return
	}
	p.work.Go(func() {
		_, _ = io.Copy(server, said)
		_ = server.(*net.TCPConn).CloseWrite()
	})
	ear := &ear{p: p, id: id, user: user, held: map[delivery][]byte{}}
	ear.relay(bufio.NewReader(server))
}

// learn makes the table of lies when the run is known.
func (p *proxy) learn(run uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lies == nil && p.table != nil {
		p.run, p.lies = run, p.table(run)
	}
}

// readHead reads up to the empty line that ends the head of a request or an answer.
func readHead(r *bufio.Reader) (head []byte, err error) {
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		head = append(head, line...)
	}
	return head, nil
}

// ear is a user whom the proxy lies to.
type ear struct {
	p    *proxy
	id   int
	held map[delivery][]byte // frames by stream that come after the next one

	mu   sync.Mutex // guards writes to user
	user net.Conn
}

func (e *ear) relay(server *bufio.Reader) {
	head, err := readHead(server)
	if err != nil {
		return
	}
	e.write(head)
	for {
		h, err := ws.ReadHeader(server)
		if err != nil {
			return
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(server, payload); err != nil {
			return
		}
		e.tell(ws.Frame{Header: h, Payload: payload})
	}
}

// tell passes one frame on, or lies.
func (e *ear) tell(f ws.Frame) {
	text, _, _, ok := ledger.Find(f.Payload)
	if !ok {
		if d, ok := ackOf(f.Payload); !ok || e.p.lie(d) == honest {
			e.write(ws.MustCompileFrame(f))
		}
		return
	}
	stamp, err := ledger.Parse(text)
	if err != nil {
		panic(err) // the server has damaged it
	}
	e.p.wait()
	d := delivery{e.id, int(stamp.Sender), stamp.Kind, stamp.Number}
	honestly := ws.MustCompileFrame(f)
	switch e.p.lie(d) {
	case honest:
		e.write(honestly)
	case drop:
	case twice:
		e.write(honestly)
		e.write(honestly)
	case swap:
		e.held[d.stream()] = honestly
		return
	case mangle:
		text[len(text)/2] ^= 1
		e.write(ws.MustCompileFrame(f))
	case gap:
		seq := uintOf(f.Payload, `"seq":`)
		told := fmt.Appendf(nil, `{"t":"gap","conv":"%s","from":%d,"to":%d}`, stringOf(f.Payload, `"conv":"`), seq, seq)
		e.write(ws.MustCompileFrame(ws.NewTextFrame(told)))
	case forge:
		f.Payload = bytes.Replace(f.Payload, []byte(ledger.Nick(stamp.Run, int(stamp.Sender))), []byte("mallory"), 1)
		e.write(ws.MustCompileFrame(ws.NewTextFrame(f.Payload)))
	case tarry:
		e.p.work.Go(func() {
			time.Sleep(e.p.late)
			e.write(honestly)
		})
	}
	if held := e.held[d.stream()]; held != nil {
		delete(e.held, d.stream())
		e.write(held)
	}
}

// ackOf is the message that an ack is of, by its cid.
func ackOf(object []byte) (d delivery, ok bool) {
	if string(typeOf(object)) != "ack" {
		return d, false
	}
	var run uint32
	var slot int
	_, err := fmt.Sscanf(string(stringOf(object, `"cid":"`)), "%x-%d-%d-%d-%d", &run, &d.sender, &d.kind, &slot, &d.number)
	d.recipient = ofAck
	return d, err == nil
}

func (e *ear) write(b []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = e.user.Write(b)
}

// lie is what to do to a message. Each lie is told once.
func (p *proxy) lie(d delivery) lie {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lies[d]
	if l != honest {
		delete(p.lies, d)
		p.told[d] = l
	}
	return l
}

// wait makes the proxy as slow as it is to be: all messages pass one by one.
func (p *proxy) wait() {
	if p.slot == 0 {
		return
	}
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(p.slot)
	turn := p.next
	p.mu.Unlock()
	time.Sleep(time.Until(turn))
}

// lied is the run, what was told, and how many lies were not.
func (p *proxy) lied() (run uint32, told map[delivery]lie, left int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run, maps.Clone(p.told), len(p.lies)
}
