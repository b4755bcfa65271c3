package server

import (
	"throng/engine"
	"throng/room"
)

// peer lets a session use a connection, and wire lets the room encode frames, without either knowing the engine.
type (
	peer struct{ *engine.Conn }
	wire struct{}
)

func (p peer) Send(f room.Frame) bool { return p.Conn.Send(f.(*engine.Frame)) }

func (wire) Message(isBinary bool, payload []byte) room.Frame {
	return engine.NewFrame(isBinary, payload)
}

func (wire) Join(frames []room.Frame) room.Frame {
	if len(frames) == 1 {
		return frames[0]
	}
	joined := make([]*engine.Frame, len(frames))
	for i, f := range frames {
		joined[i] = f.(*engine.Frame)
	}
	return engine.Join(joined)
}
