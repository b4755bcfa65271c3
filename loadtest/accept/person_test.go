package accept

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// opening is the handshake (RFC 6455, section 1.3).
const opening = "GET %s HTTP/1.1\r\nHost: throng\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n"

// offer asks for version 2.
const offer = "Sec-WebSocket-Protocol: throng.v2.json\r\n"

// person is somebody on a WebSocket. The test alone uses it.
type person struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	dur  string   // as the acks of the server say it, where patterns say fsync; "": as they do
	came []string // objects of a batch that were not looked at yet
}

// at is a house of which one node alone is open.
func (h *house) at(n *node) *house { return &house{t: h.t, node: n, turn: &turn{}} }

// call asks for a WebSocket at the next door; headers are whole lines. Without an upgrade the person is nil. Any goroutine may
// call it.
func (h *house) call(path, headers string) (*person, *http.Response, error) {
	door := h.door()
	conn, err := net.DialTimeout("tcp", door.addr, patience)
	if err != nil {
		return nil, nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	conn = h.encrypt(conn)
	in := bufio.NewReader(conn)
	_, err = fmt.Fprintf(conn, opening, path, headers)
	var answer *http.Response
	if err == nil {
		answer, err = http.ReadResponse(in, nil)
	}
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		conn.Close()
		return nil, answer, err
	}
	return &person{t: h.t, conn: conn, in: in, dur: door.dur}, answer, nil
}

// knock is call for the test, with which the connection is closed.
func (h *house) knock(path, headers string) (*person, *http.Response) {
	h.t.Helper()
	p, answer, err := h.call(path, headers)
	if err != nil {
		h.t.Fatal(err)
	}
	if p != nil {
		h.t.Cleanup(func() { p.conn.Close() })
	}
	return p, answer
}

// v2 brings somebody to a socket of version 2, who has said nothing yet.
func (h *house) v2(nick string) *person {
	h.t.Helper()
	p, answer := h.knock("/conn/ws/"+url.PathEscape(nick), offer)
	if p == nil || answer.Header.Get("Sec-WebSocket-Protocol") != "throng.v2.json" {
		h.t.Fatalf("%s: %s, subprotocol %q", nick, answer.Status, answer.Header.Get("Sec-WebSocket-Protocol"))
	}
	return p
}

// enter brings somebody into the chat, who says hello; more are further members of the hello.
func (h *house) enter(nick string, more ...string) (*person, object) {
	h.t.Helper()
	p := h.v2(nick)
	p.say(fmt.Sprintf(`{"t":"hello","id":0%s}`, strings.Join(append([]string{""}, more...), ",")))
	w := p.hear(`{"t":"welcome","id":0,"nick":*,"session":*,"resume":*,"epoch":*,"online":*,"ping_s":25,"limits":*,"recovered":*}`)
	return p, w
}

// tutorial brings in somebody who speaks the tutorial dialect.
func (h *house) tutorial(nick string) *person {
	h.t.Helper()
	p, answer := h.knock("/conn/ws/"+url.PathEscape(nick), "")
	if p == nil {
		h.t.Fatalf("%s: %s", nick, answer.Status)
	}
	return p
}

// resume is the secret of a welcome, as a member of a hello.
func resume(welcome object) string { return `"resume":` + welcome["resume"] }

// at is a position, as JSON.
func at(epoch string, seq uint64) string { return fmt.Sprintf("[%s,%d]", epoch, seq) }

// pos is positions as a member of a hello: names and positions in turn.
func pos(list ...string) string {
	var b strings.Builder
	for i := 0; i < len(list); i += 2 {
		fmt.Fprintf(&b, `,%q:%s`, list[i], list[i+1])
	}
	return `"pos":{` + b.String()[1:] + `}`
}

// frameOf is a frame as clients send it, masked is a text.
func frameOf(op ws.OpCode, payload string) []byte {
	return ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, true, []byte(payload))))
}

func masked(text string) []byte { return frameOf(ws.OpText, text) }

// write sends a frame.
func (p *person) write(op ws.OpCode, payload string) {
	p.t.Helper()
	_ = p.conn.SetDeadline(time.Now().Add(patience))
	if _, err := p.conn.Write(frameOf(op, payload)); err != nil {
		p.t.Fatal(err)
	}
}

// say sends a text frame.
func (p *person) say(text string) {
	p.t.Helper()
	p.write(ws.OpText, text)
}

// frame reads the next frame that is no ping or pong.
func (p *person) frame() (ws.OpCode, string, error) {
	for {
		_ = p.conn.SetDeadline(time.Now().Add(patience))
		h, err := ws.ReadHeader(p.in)
		if err != nil {
			return 0, "", err
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(p.in, payload); err != nil {
			return 0, "", err
		}
		if h.OpCode != ws.OpPing && h.OpCode != ws.OpPong {
			return h.OpCode, string(payload), nil
		}
	}
}

// text is the next object of the server, as it stands.
func (p *person) text() (string, error) {
	for len(p.came) == 0 {
		op, payload, err := p.frame()
		if err != nil {
			return "", err
		}
		if op == ws.OpClose {
			return "", closing(payload)
		}
		p.came = strings.Split(payload, "\n")
	}
	text := p.came[0]
	p.came = p.came[1:]
	return text, nil
}

// closing is a close frame as an error.
type closing string

func (c closing) code() int {
	if len(c) < 2 {
		return int(ws.StatusNoStatusRcvd)
	}
	return int(binary.BigEndian.Uint16([]byte(c)))
}

func (c closing) Error() string { return "closed with " + strconv.Itoa(c.code()) }

// object is a JSON object: the text of each value as it came.
type object map[string]string

// parse reads an object. In a pattern a bare * stands for any value.
func parse(text string) (object, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(strings.ReplaceAll(text, ":*", `:"*"`)), &raw); err != nil {
		return nil, err
	}
	o := object{}
	for key, value := range raw {
		o[key] = string(value)
	}
	return o, nil
}

// is reports whether an object has the keys of a pattern, no others, and its values, byte for byte.
func (o object) is(pattern object) bool {
	if len(o) != len(pattern) {
		return false
	}
	for key, want := range pattern {
		if got, ok := o[key]; !ok || want != `"*"` && got != want {
			return false
		}
	}
	return true
}

// seq is a value that must be a number.
func (o object) seq(key string) uint64 {
	n, err := strconv.ParseUint(o[key], 10, 64)
	if err != nil {
		panic(fmt.Sprintf("%s of %v", key, o))
	}
	return n
}

// isNews is a change of presence, which comes when it will.
func (o object) isNews() bool { return o["t"] == `"presence"` && o["id"] == "" }

// next is the next object, changes of presence left out.
func (p *person) next() object {
	p.t.Helper()
	for {
		text, err := p.text()
		if err != nil {
			p.t.Fatal(err)
		}
		o, err := parse(text)
		if err != nil {
			p.t.Fatalf("%v in %.300s", err, text)
		}
		if !o.isNews() {
			return o
		}
	}
}

// hear reads the next objects, which must be these in any order. It returns the one of the first pattern.
func (p *person) hear(patterns ...string) object {
	p.t.Helper()
	return p.hearAll(patterns...)[0]
}

// hearAll is hear and returns all, by pattern.
func (p *person) hearAll(patterns ...string) []object {
	p.t.Helper()
	got, wants := make([]object, len(patterns)), make([]object, len(patterns))
	for i, text := range patterns {
		var err error
		if wants[i], err = parse(text); err != nil {
			p.t.Fatalf("%v in %s", err, text)
		}
		if p.dur != "" && wants[i]["dur"] == `"fsync"` {
			wants[i]["dur"] = strconv.Quote(p.dur)
		}
	}
	for range patterns {
		o, i := p.next(), 0
		for i < len(wants) && (got[i] != nil || !o.is(wants[i])) {
			i++
		}
		if i == len(wants) {
			p.t.Fatalf("got  %v\nwant %s", o, strings.Join(patterns, "\n or  "))
		}
		got[i] = o
	}
	return got
}

// ask says something and hears the answer.
func (p *person) ask(text, pattern string) {
	p.t.Helper()
	p.say(text)
	p.hear(pattern)
}

// news is the next change of presence of a conversation; other objects are passed over.
func (p *person) news(conv string) object {
	p.t.Helper()
	for {
		text, err := p.text()
		if err != nil {
			p.t.Fatal(err)
		}
		if o, err := parse(text); err == nil && o.isNews() && o["conv"] == strconv.Quote(conv) {
			return o
		}
	}
}

// isClosed reads until the connection is closed, which must be with this code, and closes too. It returns the objects before.
func (p *person) isClosed(want int) (before []string) {
	p.t.Helper()
	for {
		text, err := p.text()
		var c closing
		switch {
		case errors.As(err, &c) && c.code() == want:
			_, _ = p.conn.Write(frameOf(ws.OpClose, string(c[:2])))
			return before
		case err != nil:
			p.t.Fatalf("%v, want a close with %d", err, want)
		}
		before = append(before, text)
	}
}

// bye leaves in order; when it returns the server knows.
func (p *person) bye() {
	p.t.Helper()
	p.write(ws.OpClose, "\x03\xe8")
	_, _ = io.Copy(io.Discard, p.in) // until the server has closed too
	p.conn.Close()
}

// patterns of what is said and acknowledged.
const (
	ackAll    = `{"t":"ack","id":1,"mid":*,"conv":"room:all","seq":*,"ts":*,"dur":"fsync"}`
	malformed = `{"t":"err","code":400,"message":*,"retry":false}`
)

// refused is the pattern of an err.
func refused(id string, code int) string {
	return fmt.Sprintf(`{"t":"err","id":%s,"code":%d,"message":*,"retry":false}`, id, code)
}
