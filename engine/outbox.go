package engine

import "sync"

const (
	// writeSize is the most that goes out in one write, in bytes; also the most that nbio copies when a socket is full.
	writeSize = 64 << 10
	// maxControl bounds the pongs and pings that wait for one connection, in bytes. Beyond it the waiting ones give
	// way to the newest: RFC 6455 section 5.5.3 asks for an answer to the latest ping only.
	maxControl = 4 << 10
)

// outbox is what waits to be written to one connection: control frames first, then chat in order. It holds
// pointers to shared frames, not copies. Not safe for concurrent use: Conn.mu guards it.
type outbox struct {
	control []byte    // whole control frames
	frames  []*Frame  // in order
	inline  [2]*Frame // backs frames while few wait, so that a usual send allocates nothing
	bytes   int       // cost of frames
	sent    tally     // since the last census
	offset  uint32    // bytes of frames[0] that are already written
	window  uint8     // the connection's deflate window; fixes each frame's form; never changes, so that anybody may read it
}

// add appends a frame.
func (o *outbox) add(f *Frame) {
	if o.frames == nil {
		o.frames = o.inline[:0]
	}
	o.frames = append(o.frames, f)
	o.bytes += f.cost()
}

// addControl puts a control frame before the chat that waits.
func (o *outbox) addControl(frame []byte) {
	if len(o.control)+len(frame) > maxControl {
		o.control = o.control[:0]
	}
	o.control = append(o.control, frame...)
}

func (o *outbox) empty() bool { return len(o.frames) == 0 && len(o.control) == 0 }

// drop forgets all chat except the rest of a frame that is partly on the wire.
func (o *outbox) drop() {
	var begun *Frame
	if o.offset > 0 {
		begun = o.frames[0]
	}
	offset := o.offset
	o.release()
	if begun != nil {
		o.add(begun)
		o.offset = offset
	}
}

// clear forgets everything.
func (o *outbox) clear() {
	o.control = nil
	o.release()
}

// release forgets all chat and the array that held it.
func (o *outbox) release() {
	o.inline = [2]*Frame{}
	o.frames, o.offset, o.bytes = nil, 0, 0
}

// next takes out what the next write is to carry, at most writeSize bytes. A lone frame is returned as it is,
// shared; several are joined in scratch, which holds at least writeSize bytes. The result is valid until the next call.
func (o *outbox) next(scratch func() []byte) []byte {
	if len(o.control) == 0 && len(o.frames) > 0 {
		if b := o.head(); len(o.frames) == 1 || len(b) >= writeSize {
			b = b[:min(len(b), writeSize)]
			o.advance(len(b))
			return b
		}
	}
	out := scratch()[:0]
	for len(out) < writeSize {
		// A control frame may stand between frames only, not inside one (RFC 6455 section 5.4).
		if o.offset == 0 && len(o.control) > 0 {
			if len(out)+len(o.control) > writeSize {
				break
			}
			out = append(out, o.control...)
			o.control = nil
			continue
		}
		if len(o.frames) == 0 {
			break
		}
		b := o.head()
		b = b[:min(len(b), writeSize-len(out))]
		out = append(out, b...)
		o.advance(len(b))
	}
	return out
}

// head is the unwritten part of the first frame.
func (o *outbox) head() []byte { return o.frames[0].bytes(o.window)[o.offset:] }

// advance notes that n more bytes of the first frame are written.
func (o *outbox) advance(n int) {
	o.offset += uint32(n)
	if int(o.offset) < len(o.frames[0].bytes(o.window)) {
		return
	}
	o.offset = 0
	o.sent.frames += uint32(max(1, len(o.frames[0].parts)))
	o.bytes -= o.frames[0].cost()
	o.frames[0] = nil
	if o.frames = o.frames[1:]; len(o.frames) == 0 {
		o.release()
	}
}

// scratches lends the buffers in which Flush joins frames.
var scratches = sync.Pool{New: func() any { return new([writeSize]byte) }}
