package room

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"

	"throng/room/event"
)

// Draft is a message that a program on the server's side wants to be sent. To and Room exclude each other; neither is everyone.
type Draft struct {
	From string // a nick, whether somebody has it or not; "": the server itself, as event.System
	To   string // a nick
	Room string // a room's name
	Cid  string // at most event.MaxCid bytes: what was sent by From under it before is not sent again; "": none
	Body []byte // one JSON value; it must not be changed any more
}

// Receipt is how a message of Publish was stored: as it was the first time, if it was sent before under its Cid.
type Receipt struct {
	Mid        string
	Conv       event.Conv // as its sender names it
	Seq        uint64
	Ts         int64  // ms since 1970
	Durability string // as an ack says it
	IsOnline   bool   // direct: the recipient was there
	IsKnown    bool   // it was sent before
}

// outcome is what has become of a message of Publish.
type outcome struct {
	receipt Receipt
	bad     *event.Error // it was not sent
}

// Publish sends a message on the same road as those of people. It may go to rooms without being in them, and no rate holds it. Who
// has the nick From, or can come back to it, is its sender: answers reach them, and they have it in their history. Else a claim of
// the server's own is, one for each nick, which nobody can come back to; it does not keep the nick. Publish returns when the message
// is stored; at the end of ctx it returns 503, and whether it will be is not known: send it again with its Cid. The errors are
// of type *event.Error.
func (h *Hub) Publish(ctx context.Context, d Draft) (Receipt, error) {
	from, bad := readNick(cmp.Or(d.From, event.System))
	if bad == nil {
		bad = h.checkDraft(d)
	}
	if bad != nil {
		return Receipt{}, bad
	}
	speaker, bad := h.speaker(ctx, from)
	if bad != nil {
		return Receipt{}, bad
	}
	done := make(chan outcome, 1)
	session := &Session{hub: h, shard: h.shardOf(from.Key), nick: from, dialect: version2, visitor: &visitor{}, caller: done}
	p := &post{from: session, self: speaker, body: d.Body, cid: d.Cid}
	switch {
	case d.To != "":
		bad = session.address(p, d.To)
	case d.Room != "":
		if p.room, bad = h.anyRoom(d.Room); bad == nil {
			bad = h.road.take(p)
		}
	default:
		bad = h.road.take(p)
	}
	if bad != nil {
		return Receipt{}, bad
	}
	select {
	case o := <-done:
		if o.bad != nil {
			return Receipt{}, o.bad
		}
		return o.receipt, nil
	case <-ctx.Done():
		return Receipt{}, errUnsure
	case <-h.stop:
		return Receipt{}, errStopped
	}
}

// errUnsure answers who did not wait long enough.
var errUnsure = event.Unavailable("it is not known yet whether the message is stored; send it again with the same cid", retryAfter)

// checkDraft looks at what a message has, as the wire does for those of people.
func (h *Hub) checkDraft(d Draft) *event.Error {
	switch {
	case d.To != "" && d.Room != "":
		return event.Malformed("a message goes to a nick or to a room")
	case len(d.Cid) > event.MaxCid:
		return event.Malformed("cid must have at most 64 bytes")
	case h.config.MaxMessage > 0 && len(d.Body) > h.config.MaxMessage:
		return event.TooLarge("the message is larger than this server takes")
	}
	return event.CheckValue(d.Body)
}

// anyRoom is a room by its name, whoever is in it; the zero Nick is everyone.
func (h *Hub) anyRoom(name string) (Nick, *event.Error) {
	room, bad := ParseNick(name)
	switch {
	case bad != nil:
		return Nick{}, badRoom(bad)
	case room.Key == everywhere:
		return Nick{}, nil
	}
	return h.places.name(room), nil
}

// receipt is what there is to say of a stored message of Publish.
func (h *Hub) receipt(p *post) Receipt {
	return Receipt{
		Mid: p.stored.Mid, Conv: p.conv(), Seq: p.stored.Seq, Ts: p.stored.Ts, Durability: h.config.Log.Durability(),
		IsOnline: p.online, IsKnown: p.isKnown,
	}
}

// speaker is for whom a nick speaks that Publish is to use.
func (h *Hub) speaker(ctx context.Context, nick Nick) (*self, *event.Error) {
	if nick == theServer {
		return &self{serverClaim(nick.Key), nick}, nil
	}
	w, bad := h.whom(ctx, nick.Key)
	switch {
	case bad != nil:
		return nil, bad
	case w == nil:
		return &self{serverClaim(nick.Key), nick}, nil
	}
	return &self{w.Claim, Nick{w.Nick, nick.Key}}, nil
}

// serverClaim is the claim of the server's own for a nick, the same on every node and after every restart.
func serverClaim(key string) uint64 {
	sum := sha256.Sum256([]byte("throng publishes as " + key))
	return binary.BigEndian.Uint64(sum[:]) | 1 // never 0
}
