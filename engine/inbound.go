package engine

import (
	"errors"
	"sync"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// inbound is what a connection remembers of a message, or of a control frame, whose bytes have come in part.
// It exists from the first such byte to the last. Owned by the loop.
type inbound struct {
	head    [ws.MaxHeaderSize]byte // the beginning of a header
	headLen int

	frame   ws.Header // the frame whose payload is coming, when inFrame
	inFrame bool
	taken   int64  // bytes of that payload which have come
	control []byte // the payload so far, when it is a control frame's

	inMessage bool // a data message has begun; its fragments may be apart
	isBinary  bool
	deflated  bool
	message   []byte // its payload so far, as it came
	text      textCheck
}

// inbounds lends them out, for most messages come whole and need one only while they are read.
var inbounds = sync.Pool{New: func() any { return new(inbound) }}

// data takes the bytes that the socket has read. It is called on the loop, with bytes that it may change and that are
// the loop's again afterwards. It never blocks.
func (c *Conn) data(b []byte) {
	c.heard.Store(c.engine.clock.Load())
	c.pinged.Store(false)
	c.engine.metrics.bytes.Add(float64(len(b)))
	c.clockRead()
	defer c.survive()
	for len(b) > 0 && !c.deaf {
		var err *failure
		if b, err = c.step(b); err != nil {
			c.fail(err)
		}
	}
	c.settle()
	c.Flush()
}

// settle gives up what is only needed inside a message, or notes when the message began.
func (c *Conn) settle() {
	in := c.in
	switch {
	case in == nil:
	case c.deaf || (in.headLen == 0 && !in.inFrame && !in.inMessage):
		c.in = nil
		c.begun.Store(0)
		*in = inbound{}
		inbounds.Put(in)
	case c.begun.Load() == 0:
		c.begun.Store(c.heard.Load())
	}
}

// survive keeps a panic in a session from ending the process: only its own connection is closed.
func (c *Conn) survive() {
	if r := recover(); r != nil {
		c.engine.log.Error("panic on a connection", "remote", c.RemoteAddr().String(), "panic", r)
		c.in = nil
		c.fail(&failure{CloseInternal, "internal error"})
	}
}

// step takes one header or one piece of a payload from b and returns the rest.
func (c *Conn) step(b []byte) ([]byte, *failure) {
	if c.in == nil {
		c.in = inbounds.Get().(*inbound)
	}
	if !c.in.inFrame {
		return c.takeHeader(c.in, b)
	}
	return c.takePayload(c.in, b)
}

// takeHeader reads a frame's header, from b alone or after what came of it before.
func (c *Conn) takeHeader(in *inbound, b []byte) ([]byte, *failure) {
	head := b
	if in.headLen > 0 {
		n := copy(in.head[in.headLen:], b)
		head = in.head[:in.headLen+n]
	}
	h, n, err := parseHeader(head, c.out.window > 0)
	if err == nil && n != 0 {
		err = c.allow(in, h)
	}
	if err != nil {
		return nil, err
	}
	if n <= 0 {
		in.headLen = copy(in.head[:], head)
		return nil, nil
	}
	b = b[n-in.headLen:]
	in.headLen = 0
	in.frame, in.inFrame, in.taken = h, true, 0
	if h.OpCode == ws.OpText || h.OpCode == ws.OpBinary {
		in.inMessage, in.isBinary, in.deflated = true, h.OpCode == ws.OpBinary, h.Rsv1()
		in.message, in.text = nil, textCheck{}
	}
	if h.Length == 0 {
		return b, c.endFrame(in, nil)
	}
	return b, nil
}

// allow judges a frame by what came before it and by its length (RFC 6455 section 5.4).
func (c *Conn) allow(in *inbound, h ws.Header) *failure {
	switch {
	case h.OpCode.IsControl():
		return nil
	case h.OpCode == ws.OpContinuation && !in.inMessage:
		return protocolError("continuation of no message")
	case h.OpCode == ws.OpContinuation && h.Rsv1():
		return protocolError("compression bit set on a continuation")
	case h.OpCode != ws.OpContinuation && in.inMessage:
		return protocolError("new message inside a fragmented one")
	case h.Length > int64(c.maxFrames(in, h))-int64(len(in.message)):
		return &failure{CloseTooBig, "message too big"}
	}
	return nil
}

// maxFrames is how many bytes a message's frames may carry: compression may also lengthen it a little.
func (c *Conn) maxFrames(in *inbound, h ws.Header) int {
	if h.Rsv1() || (in.inMessage && in.deflated) {
		return c.maxMessage + c.maxMessage/64 + 64
	}
	return c.maxMessage
}

// takePayload takes what b holds of the current frame's payload.
func (c *Conn) takePayload(in *inbound, b []byte) ([]byte, *failure) {
	piece := b[:min(int64(len(b)), in.frame.Length-in.taken)]
	b = b[len(piece):]
	ws.Cipher(piece, in.frame.Mask, int(in.taken%4))
	in.taken += int64(len(piece))
	ended := in.taken == in.frame.Length
	switch {
	case in.frame.OpCode.IsControl():
		if !ended || len(in.control) > 0 {
			in.control = append(in.control, piece...)
			piece = in.control
		}
	default:
		if !in.isBinary && !in.deflated && !in.text.write(piece) {
			return nil, &failure{CloseNotUTF8, "text is not UTF-8"}
		}
		if ended && in.frame.Fin && len(in.message) == 0 && !in.deflated {
			break // the whole message is in b: the session reads it there
		}
		in.message = append(in.message, piece...)
		piece = in.message
	}
	if !ended {
		return b, nil
	}
	return b, c.endFrame(in, piece)
}

// endFrame acts on a frame that is complete. payload is the whole control payload or the whole message so far.
func (c *Conn) endFrame(in *inbound, payload []byte) *failure {
	in.inFrame = false
	if in.frame.OpCode.IsControl() {
		in.control = nil
		return c.control(in.frame.OpCode, payload)
	}
	if !in.frame.Fin {
		return nil
	}
	if payload == nil {
		payload = in.message
	}
	in.inMessage, in.message = false, nil
	c.cut()
	c.begun.Store(0)
	if in.deflated {
		return c.inflate(in.isBinary, payload)
	}
	if !in.isBinary && !in.text.done() {
		return &failure{CloseNotUTF8, "text ends inside a character"}
	}
	c.deliver(in.isBinary, payload)
	return nil
}

// inflate delivers a compressed message.
func (c *Conn) inflate(isBinary bool, packed []byte) *failure {
	var bad *failure
	err := inflate(packed, c.maxMessage, func(payload []byte) {
		if !isBinary && !utf8.Valid(payload) {
			bad = &failure{CloseNotUTF8, "text is not UTF-8"}
			return
		}
		c.deliver(isBinary, payload)
	})
	switch {
	case errors.Is(err, errInflatedTooBig):
		return &failure{CloseTooBig, err.Error()}
	case err != nil:
		return protocolError("bad compressed data")
	}
	return bad
}

// deliver hands a message to the session, unless the connection is closing.
func (c *Conn) deliver(isBinary bool, payload []byte) {
	c.mu.Lock()
	open := c.state == stateOpen
	c.mu.Unlock()
	kind := c.engine.metrics.text
	if isBinary {
		kind = c.engine.metrics.binary
	}
	kind.Inc()
	if open {
		c.session.Message(isBinary, payload)
	}
}
