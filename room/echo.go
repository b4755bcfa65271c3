package room

import (
	"net/netip"
	"time"

	"throng/room/event"
)

// Echo is the session of the echo socket: every message comes back as it is. It keeps the rate limit like
// everybody; an echo that left messages out would be none, so that beyond the limit the connection is closed.
type Echo struct {
	hub    *Hub
	peer   Peer
	addr   netip.Addr
	sender sender
}

// Echo makes the session of an echo connection, of a client at addr; the zero Addr: unknown.
func (h *Hub) Echo(peer Peer, addr netip.Addr) *Echo { return &Echo{hub: h, peer: peer, addr: addr} }

// Message is called on the peer's loop, which flushes.
func (e *Echo) Message(isBinary bool, payload []byte) {
	now := time.Now()
	e.sender.begin(e.hub.rates, 0, e.addr, now, len(payload))
	if e.sender.judge(e.hub.rates, now) != within {
		e.peer.Close(event.CloseRate, "too many messages a second")
		return
	}
	e.peer.Send(e.hub.config.Wire.Message(isBinary, payload))
}

// Closed gives back what is shared.
func (e *Echo) Closed() { e.sender.end(e.hub.rates, time.Now()) }
