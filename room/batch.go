package room

import (
	"throng/room/event"
	"throng/room/history"
)

// batchSize is how large a frame of several objects becomes, in bytes, before another one is begun.
const batchSize = 32 << 10

// batch joins objects for a client of version 2, several to a frame.
type batch struct {
	wire   Wire
	text   []byte // of the frame that is being filled
	frames []Frame
}

// next is where the next object is to be appended; the result has to become text.
func (b *batch) next() []byte {
	if len(b.text) >= batchSize {
		b.end()
	}
	if len(b.text) > 0 {
		b.text = append(b.text, '\n')
	}
	return b.text
}

// end ends the frame that is being filled, and returns all.
func (b *batch) end() []Frame {
	if len(b.text) > 0 {
		b.frames = append(b.frames, b.wire.Message(false, b.text))
		b.text = b.text[:0] // the frame has its own copy
	}
	return b.frames
}

// messages adds stored messages as a claim sees them, who calls their conversation conv.
func (h *Hub) messages(b *batch, claim uint64, conv event.Conv, msgs []history.Message) {
	for i := range msgs {
		out := h.outgoing(&msgs[i], conv)
		if msgs[i].Claim == claim {
			out.Cid = msgs[i].Cid
		}
		b.text = event.AppendMsg(b.next(), &out)
	}
}
