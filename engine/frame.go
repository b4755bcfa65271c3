package engine

import (
	"encoding/binary"
	"sync"

	"github.com/gobwas/ws"
)

// Frame is one message, or several joined, encoded for the wire once and shared by every connection that it is
// sent to. It is immutable; any goroutine may send it, any number of times.
type Frame struct {
	wire    []byte   // whole RFC 6455 frames, uncompressed
	longest int      // bytes of the longest message in it
	parts   []*Frame // what Join joined; nil in a frame of one message

	once     sync.Once
	deflated []byte // the same messages by RFC 7692, made when the first compressing connection asks
}

// NewFrame encodes one text or binary message. It copies payload, which stays the caller's.
func NewFrame(isBinary bool, payload []byte) *Frame {
	op := ws.OpText
	if isBinary {
		op = ws.OpBinary
	}
	wire := make([]byte, 0, ws.MaxHeaderSize+len(payload))
	wire = appendHeader(wire, byte(op), len(payload))
	return &Frame{wire: append(wire, payload...), longest: len(payload)}
}

// Join makes one frame of several, in their order, so that a burst of messages reaches a socket in one write.
// It keeps the given frames but not the slice.
func Join(frames []*Frame) *Frame {
	if len(frames) == 1 {
		return frames[0]
	}
	size, longest := 0, 0
	for _, f := range frames {
		size += len(f.wire)
		longest = max(longest, f.longest)
	}
	joined := &Frame{wire: make([]byte, 0, size), longest: longest, parts: append([]*Frame(nil), frames...)}
	for _, f := range frames {
		joined.wire = append(joined.wire, f.wire...)
	}
	return joined
}

// Size is the frame's length on an uncompressed connection, in bytes.
func (f *Frame) Size() int { return len(f.wire) }

// frameOverhead is what a waiting frame holds besides its bytes, roughly, in bytes.
const frameOverhead = 128

// cost is what a frame counts for in a queue, in bytes: its uncompressed length and the overhead, so that a queue's limit
// bounds memory, however small or compressible the messages are.
func (f *Frame) cost() int { return len(f.wire) + frameOverhead }

// bytes is the frame as a connection that negotiated a deflate window of 2^window bytes is to get it (0: no
// compression). A message that is no longer than the window cannot refer back beyond it, so that one compressed
// form serves every window that holds the message; a smaller window gets the plain form (RFC 7692 section 6.1
// leaves each message's compression to the sender).
func (f *Frame) bytes(window uint8) []byte {
	if window == 0 || (window < maxWindow && f.longest > 1<<window) {
		return f.wire
	}
	f.once.Do(f.deflate)
	return f.deflated
}

// deflate makes the compressed form, or takes the plain one where compression does not shorten the message.
func (f *Frame) deflate() {
	if f.parts != nil {
		for _, part := range f.parts {
			f.deflated = append(f.deflated, part.bytes(maxWindow)...)
		}
		return
	}
	f.deflated = f.wire
	payload := f.wire[len(f.wire)-f.longest:]
	if packed, ok := deflate(payload); ok {
		wire := make([]byte, 0, ws.MaxHeaderSize+len(packed))
		wire = appendHeader(wire, f.wire[0]|deflateBit, len(packed))
		f.deflated = append(wire, packed...)
	}
}

// appendHeader appends the header of a final, unmasked frame: a server never masks (RFC 6455 section 5.1).
func appendHeader(b []byte, first byte, length int) []byte {
	b = append(b, finBit|first)
	switch {
	case length <= 125:
		return append(b, byte(length))
	case length <= 0xffff:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(b, 127), uint64(length))
	}
}

// controlFrame is a whole control frame. payload is at most 125 bytes (RFC 6455 section 5.5).
func controlFrame(op ws.OpCode, payload []byte) []byte {
	return append(appendHeader(nil, byte(op), len(payload)), payload...)
}
