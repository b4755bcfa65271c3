package room

import (
	"time"

	"throng/room/event"
)

// Echo is the session of the echo socket: every message comes back as it is. It keeps the rate limit like
// everybody; an echo that left messages out would be none, so that beyond the limit the connection is closed.
type Echo struct {
	wire Wire
	peer Peer
	pace pace
}

// Echo makes the session of an echo connection.
func (h *Hub) Echo(peer Peer) *Echo {
	return &Echo{wire: h.config.Wire, peer: peer, pace: newPace(h.config.Rate, h.config.Burst)}
}

// Message is called on the peer's loop, which flushes.
func (e *Echo) Message(isBinary bool, payload []byte) {
	if e.pace.judge(time.Now()) != within {
		e.peer.Close(event.CloseRate, "too many messages a second")
		return
	}
	e.peer.Send(e.wire.Message(isBinary, payload))
}

// Closed has nothing to give back.
func (e *Echo) Closed() {}
