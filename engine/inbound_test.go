package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

const smallMessage = 1000 // bytes that the connections of these tables take

// header is a client's frame header that declares length bytes in eight, with no payload behind.
func header(first byte, length ...byte) []byte {
	return slices.Concat([]byte{first, maskBit | 127}, length, mask)
}

// TestFrames goes through the rules of RFC 6455 section 5, and of section 8.1 for text.
func TestFrames(t *testing.T) {
	long := strings.Repeat("x", smallMessage)
	hello, end := whole(ws.OpText, "hello"), part(ws.OpText, "hel")
	for _, d := range []decodeCase{
		{name: "nothing"},
		{name: "text", sent: [][]byte{hello}, want: messages(text("hello"))},
		{name: "binary", sent: [][]byte{whole(ws.OpBinary, "\x00\xff")}, want: messages(bin("\x00\xff"))},
		{name: "empty messages", sent: [][]byte{whole(ws.OpText, ""), whole(ws.OpBinary, "")}, want: messages(text(""), bin(""))},
		{name: "as long as may be", sent: [][]byte{whole(ws.OpText, long)}, want: messages(text(long))},
		{name: "many in one read", sent: [][]byte{hello, whole(ws.OpBinary, "b"), hello}, want: messages(text("hello"), bin("b"), text("hello"))},

		{name: "fragments", sent: [][]byte{end, part(ws.OpContinuation, "l"), whole(ws.OpContinuation, "o")}, want: messages(text("hello"))},
		{name: "empty fragments", sent: [][]byte{part(ws.OpText, ""), part(ws.OpContinuation, ""), whole(ws.OpContinuation, "")}, want: messages(text(""))},
		{name: "empty first and last", sent: [][]byte{part(ws.OpBinary, ""), part(ws.OpContinuation, "x"), whole(ws.OpContinuation, "")}, want: messages(bin("x"))},
		{name: "one fragment after the other", sent: [][]byte{end, whole(ws.OpContinuation, "lo"), end, whole(ws.OpContinuation, "p")}, want: messages(text("hello"), text("help"))},
		{name: "continuation of nothing", sent: [][]byte{hello, whole(ws.OpContinuation, "?"), hello}, want: messages(text("hello")), code: CloseProtocol},
		{name: "unfinished continuation of nothing", sent: [][]byte{part(ws.OpContinuation, "?")}, code: CloseProtocol},
		{name: "new message inside", sent: [][]byte{end, hello}, code: CloseProtocol},
		{name: "new fragments inside", sent: [][]byte{end, part(ws.OpBinary, "x")}, code: CloseProtocol},

		{name: "unmasked", sent: [][]byte{hello, {0x81, 0x01, 'x'}}, want: messages(text("hello")), code: CloseProtocol},
		{name: "reserved bit", sent: [][]byte{masked(0xa1, []byte("x"))}, code: CloseProtocol},
		{name: "compression bit", sent: [][]byte{masked(0xc1, []byte("x"))}, code: CloseProtocol},
		{name: "reserved opcode", sent: [][]byte{whole(5, "x")}, code: CloseProtocol},
		{name: "reserved control opcode", sent: [][]byte{whole(0xb, "x")}, code: CloseProtocol},
		{name: "nothing is read after a failure", sent: [][]byte{whole(3, ""), hello, whole(ws.OpPing, "")}, code: CloseProtocol},
		{name: "length not minimal", sent: [][]byte{header(0x82, 0, 0, 0, 0, 0, 0, 0, 5)}, code: CloseProtocol},
		{name: "length of 2^63", sent: [][]byte{header(0x82, 0x80, 0, 0, 0, 0, 0, 0, 0)}, code: CloseProtocol},

		{name: "too big, by its header", sent: [][]byte{{0x82, maskBit | 126, 0x03, 0xe9}}, code: CloseTooBig},
		{name: "2^63-1", sent: [][]byte{header(0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)}, code: CloseTooBig},
		{name: "2^63-21 after 100", sent: [][]byte{part(ws.OpBinary, long[:100]), header(0x80, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xeb)}, code: CloseTooBig},
		{name: "too big in fragments", sent: [][]byte{part(ws.OpText, long), part(ws.OpContinuation, ""), {0x80, maskBit | 1}}, code: CloseTooBig},
		{name: "as long as may be in fragments", sent: [][]byte{part(ws.OpText, long[1:]), whole(ws.OpContinuation, "x")}, want: messages(text(long))},
	} {
		t.Run(d.name, func(t *testing.T) { d.run(t, socketless(t, Config{MaxMessage: smallMessage}), 0) })
	}
}

// TestTextFrames: bad UTF-8 is refused at its first impossible byte, long before the message ends.
func TestTextFrames(t *testing.T) {
	e := socketless(t, Config{MaxMessage: smallMessage})
	for _, sample := range samples {
		b := []byte(sample)
		bad := firstBad(b)
		if bad > len(b) && !canBecomeText(b) {
			decodeCase{sent: [][]byte{whole(ws.OpText, sample)}, want: messages(text(sample))}.run(t, e, 0)
			for cut := range b {
				sent := [][]byte{part(ws.OpText, sample[:cut]), whole(ws.OpPing, ""), whole(ws.OpContinuation, sample[cut:])}
				decodeCase{sent: sent, want: messages(text(sample)), frames: []seen{pong("")}}.run(t, e, 0)
			}
			continue
		}
		decodeCase{sent: [][]byte{whole(ws.OpText, sample)}, code: CloseNotUTF8}.run(t, e, 0)
		decodeCase{sent: [][]byte{part(ws.OpText, sample), whole(ws.OpContinuation, "")}, code: CloseNotUTF8}.run(t, e, 0)
		decodeCase{sent: [][]byte{whole(ws.OpBinary, sample)}, want: messages(bin(sample))}.run(t, e, 0)
		if bad <= len(b) {
			// The rest of the frame never comes.
			rest := whole(ws.OpText, sample+strings.Repeat("x", 100))
			decodeCase{sent: [][]byte{rest[:6+bad]}, code: CloseNotUTF8}.run(t, e, 0)
			decodeCase{sent: [][]byte{rest[:6+bad-1]}}.run(t, e, 0)
		}
	}
}

// TestNothingIsHeldBetweenMessages: a connection that waits owns no buffer.
func TestNothingIsHeldBetweenMessages(t *testing.T) {
	e := socketless(t, Config{})
	c := connect(t, e, &memory{room: -1}, maxWindow, (&recorder{}).open)
	for _, sent := range [][]byte{
		whole(ws.OpText, "hello"),
		slices.Concat(part(ws.OpText, "hel"), whole(ws.OpPing, "ping"), whole(ws.OpContinuation, "lo")),
		whole(ws.OpPing, "ping"),
		masked(0xc1, []byte{0}),
		whole(ws.OpBinary, ""),
	} {
		for i, b := range sent {
			c.arrive([]byte{b})
			if waits := i == len(sent)-1; waits != (c.in == nil) || waits != (c.begun.Load() == 0) {
				t.Fatalf("after byte %d of % x: inbound %v, begun %d", i, sent, c.in, c.begun.Load())
			}
		}
	}
}

// TestNothingIsHeldAfterFailure: neither does one that is deaf.
func TestNothingIsHeldAfterFailure(t *testing.T) {
	for name, sent := range map[string][]byte{
		"failure":    slices.Concat(part(ws.OpText, "hel"), whole(ws.OpText, "?")),
		"peer close": slices.Concat(part(ws.OpText, "hel"), closing(CloseNormal, "")),
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, socketless(t, Config{}), &memory{room: 0}, 0, (&recorder{}).open)
			for _, b := range [][]byte{sent, whole(ws.OpText, "?")} {
				c.arrive(b)
				if c.in != nil || c.begun.Load() != 0 || !c.deaf {
					t.Errorf("inbound %v, begun %d, deaf %v", c.in, c.begun.Load(), c.deaf)
				}
			}
		})
	}
}

// TestDeclaredLengthTakesNoMemory: what a peer only announces costs nothing.
func TestDeclaredLengthTakesNoMemory(t *testing.T) {
	e := socketless(t, Config{MaxMessage: 1 << 30})
	c := connect(t, e, &memory{room: -1}, 0, (&recorder{}).open)
	c.arrive(header(0x82, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 0xff))
	c.arrive([]byte("ten bytes."))
	if got := cap(c.in.message); got > 1000 {
		t.Errorf("a buffer of %d bytes for ten", got)
	}
}

// TestBegun: each message has its own time to arrive, for a client that is never silent in between.
func TestBegun(t *testing.T) {
	e := socketless(t, Config{})
	c := connect(t, e, &memory{room: -1}, 0, (&recorder{}).open)
	hello := whole(ws.OpText, "hello")
	read := hello[:8]
	for now := int64(1000); now < 5000; now += 1000 {
		e.clock.Store(now)
		c.arrive(slices.Clone(read))
		if begun := c.begun.Load(); begun != now {
			t.Fatalf("begun at %d, want %d", begun, now)
		}
		read = slices.Concat(hello[8:], hello[:8]) // the end of one and the beginning of the next
	}
}

// TestSlowUpload: a message that was let be larger gets more time.
func TestSlowUpload(t *testing.T) {
	e := socketless(t, Config{MaxMessage: slowestUpload, Ping: time.Second})
	for _, test := range []struct {
		maxMessage, seconds int64
		code                uint16
	}{{0, 2, 0}, {0, 4, ClosePolicy}, {100 * slowestUpload, 4, 0}, {100 * slowestUpload, 101, 0}, {100 * slowestUpload, 103, ClosePolicy}} {
		e.clock.Store(1)
		m := &memory{room: -1}
		c := connect(t, e, m, 0, func(c *Conn) Session {
			if test.maxMessage > 0 {
				c.SetMaxMessage(int(test.maxMessage))
			}
			return &recorder{}
		})
		c.arrive(part(ws.OpBinary, "a beginning"))
		e.clock.Store(1 + 1000*test.seconds)
		c.arrive(part(ws.OpContinuation, "and no end"))
		e.visit(c)
		if got := (outcome{frames: frames(t, m.output())}).ended(); got != test.code {
			t.Errorf("limit %d, %d s: closed with %d, want %d", test.maxMessage, test.seconds, got, test.code)
		}
	}
}
