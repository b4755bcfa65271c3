package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

func TestControlFrames(t *testing.T) {
	ping := func(s string) []byte { return whole(ws.OpPing, s) }
	hello := whole(ws.OpText, "hello")
	full := strings.Repeat("p", maxPayload)
	for _, d := range []decodeCase{
		{name: "ping", sent: [][]byte{ping("hi")}, frames: []seen{pong("hi")}},
		{name: "empty ping", sent: [][]byte{ping("")}, frames: []seen{pong("")}},
		{name: "full ping", sent: [][]byte{ping(full)}, frames: []seen{pong(full)}},
		{name: "pings in order", sent: [][]byte{ping("1"), ping("2"), ping("3")}, frames: []seen{pong("1"), pong("2"), pong("3")}},
		{name: "a pong nobody asked for", sent: [][]byte{whole(ws.OpPong, "hi"), hello}, want: messages(text("hello"))},
		{name: "between fragments", sent: [][]byte{part(ws.OpText, "hel"), ping("a"), part(ws.OpContinuation, "l"), ping("b"), whole(ws.OpContinuation, "o")},
			want: messages(text("hello")), frames: []seen{pong("a"), pong("b")}},
		{name: "fragmented ping", sent: [][]byte{part(ws.OpPing, "p")}, code: CloseProtocol},
		{name: "long ping", sent: [][]byte{ping(full + "p")}, code: CloseProtocol},
		{name: "fragmented close", sent: [][]byte{part(ws.OpClose, "")}, code: CloseProtocol},
		{name: "close between fragments", sent: [][]byte{part(ws.OpText, "hel"), closing(CloseNormal, ""), whole(ws.OpContinuation, "lo")}, code: CloseNormal},
		{name: "nothing after a close", sent: [][]byte{closing(CloseNormal, "bye"), hello, ping("")}, code: CloseNormal},
		{name: "close with half a code", sent: [][]byte{whole(ws.OpClose, "\x03")}, code: CloseProtocol},
		{name: "close with a reason", sent: [][]byte{closing(CloseNormal, full[2:])}, code: CloseNormal},
		{name: "close with a reason that is no text", sent: [][]byte{closing(CloseNormal, "\xce\xba\xff")}, code: CloseNotUTF8},
		{name: "close with a reason that is half a text", sent: [][]byte{closing(CloseNormal, "\xce")}, code: CloseNotUTF8},
		{name: "long close", sent: [][]byte{closing(CloseNormal, full)}, code: CloseProtocol},
	} {
		t.Run(d.name, func(t *testing.T) { d.run(t, socketless(t, Config{}), 0) })
	}
}

func TestCloseWithoutCode(t *testing.T) {
	got := decodeAll(t, socketless(t, Config{}), 0, whole(ws.OpClose, ""))
	if want := []seen{unmasked(ws.OpClose, "")}; !slices.Equal(got.frames, want) || got.told != 1 {
		t.Errorf("sent back %v, told %d times", got.frames, got.told)
	}
}

// TestCloseCodes: those that a peer may send are sent back, the others are an error.
func TestCloseCodes(t *testing.T) {
	e := socketless(t, Config{})
	valid := func(code int) bool {
		return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
	}
	for code := range 5200 {
		if code > 20 && code < 990 || code > 1020 && code < 2990 {
			continue
		}
		want := closed(CloseProtocol, "bad close code")
		if valid(code) {
			want = closed(uint16(code), "")
		}
		if got := decode(t, e, 0, [][]byte{closing(uint16(code), "bye")}); !slices.Equal(got.frames, []seen{want}) {
			t.Errorf("code %d is answered by %v, want %v", code, got.frames, want)
		}
	}
	if got := decode(t, e, 0, [][]byte{closing(65_535, "")}); got.ended() != CloseProtocol {
		t.Errorf("code 65535 is answered by %v", got.frames)
	}
}

// TestTCPEnds: the server closes TCP once both close frames are through (RFC 6455 section 7.1.1), and not before.
func TestTCPEnds(t *testing.T) {
	e := socketless(t, Config{})
	for name, test := range map[string]struct {
		first func(*Conn) // what ends the conversation
		then  []byte      // what the peer sends next, nil when its close frame has come already
	}{
		"peer first":      {first: func(c *Conn) { c.arrive(closing(CloseNormal, "")) }},
		"bad close frame": {first: func(c *Conn) { c.arrive(closing(999, "")) }},
		"we first":        {func(c *Conn) { c.Close(CloseNormal, "") }, closing(CloseNormal, "")},
		"no code":         {func(c *Conn) { c.Close(0, "") }, whole(ws.OpClose, "")},
		"we first, chat under way": {func(c *Conn) { c.Close(CloseNormal, "") },
			slices.Concat(whole(ws.OpText, "?"), closing(CloseNormal, ""))},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{room: 0}
			c := connect(t, e, m, 0, (&recorder{}).open)
			test.first(c)
			if test.then != nil {
				c.arrive(test.then)
			}
			if m.isClosed() {
				t.Error("closed before our close frame has left")
			}
			m.take(-1)
			eventually(t, "TCP is closed", m.isClosed)
			if got := frames(t, m.output()); len(got) != 1 || got[0].first != finBit|byte(ws.OpClose) {
				t.Errorf("sent %v, want one close frame", got)
			}
		})
	}
}

// TestTCPEndsSoonAfterAFailure: nothing more is read of a peer that broke the protocol (RFC 6455 section 7.1.7), so its
// close frame is not waited for, and what it still sends does no harm.
func TestTCPEndsSoonAfterAFailure(t *testing.T) {
	e := socketless(t, Config{})
	m := &memory{room: -1}
	c := connect(t, e, m, 0, (&recorder{}).open)
	c.arrive(whole(3, ""))
	c.arrive(closing(CloseNormal, ""))
	e.clock.Add(failLinger.Milliseconds() - 1)
	e.closing.expire(e.clock.Load())
	if m.isClosed() {
		t.Error("closed before the peer could read why")
	}
	e.clock.Add(1)
	e.closing.expire(e.clock.Load())
	if got := frames(t, m.output()); !m.isClosed() || len(got) != 1 || got[0].code() != CloseProtocol {
		t.Errorf("closed is %v, sent %v", m.isClosed(), got)
	}
}

// TestTCPEndsWithoutAnAnswer: a peer that does not answer our close frame has so much time and no more.
func TestTCPEndsWithoutAnAnswer(t *testing.T) {
	e := socketless(t, Config{CloseTimeout: 3 * time.Second})
	m := &memory{room: 0}
	c := connect(t, e, m, 0, (&recorder{}).open)
	c.Close(CloseNormal, "")
	for _, test := range []struct {
		milliseconds int64
		closed       bool
	}{{2999, false}, {1, true}} {
		e.clock.Add(test.milliseconds)
		e.closing.expire(e.clock.Load())
		if m.isClosed() != test.closed {
			t.Errorf("at %d ms, closed is %v", e.clock.Load(), m.isClosed())
		}
	}
	if n := len(e.closing.list); n != 0 {
		t.Errorf("%d closed connections are remembered", n)
	}
}

func TestPingFlood(t *testing.T) {
	e := socketless(t, Config{})
	m := &memory{room: -1}
	c := connect(t, e, m, 0, (&recorder{}).open)
	for i := range controlBurst {
		c.arrive(whole(ws.OpPing, fmt.Sprint(i)))
	}
	if got := frames(t, m.output()); len(got) != controlBurst || got[controlBurst-1] != pong(fmt.Sprint(controlBurst-1)) {
		t.Fatalf("%d answers to %d pings", len(got), controlBurst)
	}
	e.clock.Add(1000) // a second earns some more
	for range controlRate {
		c.arrive(whole(ws.OpPong, ""))
	}
	c.arrive(whole(ws.OpPing, "one too many"))
	if got := frames(t, m.output()); len(got) != controlBurst+1 || got[controlBurst].code() != ClosePolicy {
		t.Errorf("the flood ends in %v", got[len(got)-1])
	}
}

// TestPingsNobodyReads: pongs that cannot leave take little memory, and the latest ping is answered all the same
// (RFC 6455 section 5.5.3).
func TestPingsNobodyReads(t *testing.T) {
	m := &memory{room: 0}
	c := connect(t, socketless(t, Config{}), m, 0, (&recorder{}).open)
	var sent []byte
	for i := range controlBurst {
		sent = append(sent, whole(ws.OpPing, fmt.Sprintf("%0*d", maxPayload, i))...)
	}
	c.arrive(sent)
	if got := len(c.out.control); got > maxControl {
		t.Errorf("%d bytes of pongs wait", got)
	}
	m.take(-1)
	eventually(t, "all is written", func() bool { return isIdle(c) })
	got := frames(t, m.output())
	if last := pong(fmt.Sprintf("%0*d", maxPayload, controlBurst-1)); got[len(got)-1] != last {
		t.Errorf("the last of %d answers is %v, want %v", len(got), got[len(got)-1], last)
	}
}
