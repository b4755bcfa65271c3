package room

import (
	"throng/room/event"
	"throng/room/history"
)

// dialect is what a session speaks.
type dialect uint8

const (
	tutorial dialect = iota
	version2
	dialects
)

// class is how a parcel fares with a reader that is too slow.
type class uint8

const (
	chat     class = iota // becomes a gap, which the client pages
	presence              // is merged into the next one
	fleeting              // is dropped
	edict                 // of moderators: they all get it at once
	classes
)

// parcel is one thing that goes to people, encoded once for each dialect. It is immutable and shared.
type parcel struct {
	class  class
	conv   event.Conv      // chat: as its reader names it
	seq    uint64          // chat
	stored string          // direct: the conversation's name in the log
	from   uint64          // chat: the claim of who said it
	frames [dialects]Frame // nil: nothing for that dialect
	mid    string          // chat
	stamp  *stamp          // chat: nil in most
	own    Frame           // for the version 2 sessions of who said it; nil: as for the others
}

// cost is what a waiting parcel takes, in bytes, roughly.
func (p *parcel) cost() int64 {
	size := int64(postOverhead)
	for _, f := range p.frames {
		if f != nil {
			size += int64(f.Size())
		}
	}
	return size
}

// frame is what a session gets of it, nil for nothing.
func (p *parcel) frame(s *Session) Frame {
	if p.own != nil && s.dialect == version2 && s.claim() == p.from {
		return p.own
	}
	return p.frames[s.dialect]
}

// message encodes a stored message for its readers, who call the conversation conv. Dialects that nobody speaks at present
// are left out.
func (h *Hub) message(m *history.Message, conv event.Conv) *parcel {
	p := &parcel{conv: conv, seq: m.Seq, from: m.Claim, mid: m.Mid}
	if conv.Kind == event.ConvDirect {
		p.stored = m.Conv
	}
	if h.speaking[tutorial].Load() > 0 && conv.Kind != event.ConvRoom && !m.IsErased() {
		p.frames[tutorial] = h.config.Wire.Message(false, event.AppendTutorial(nil, m.From, m.To, m.Body))
	}
	if h.speaking[version2].Load() > 0 && m.Seq > 0 {
		out := h.outgoing(m, conv)
		shared := event.AppendShared(nil, &out)
		p.frames[version2] = h.config.Wire.Message(false, event.AppendVariant(nil, shared, conv, ""))
		if m.Cid != "" {
			p.own = h.config.Wire.Message(false, event.AppendVariant(nil, shared, conv, m.Cid))
		}
	}
	return p
}

// echo encodes a stored direct message for the sessions of who said it.
func (h *Hub) echo(m *history.Message) *parcel {
	conv := event.Direct(m.To)
	out := h.outgoing(m, conv)
	out.Cid = m.Cid
	return &parcel{
		conv: conv, seq: m.Seq, from: m.Claim, stored: m.Conv, mid: m.Mid,
		own: h.config.Wire.Message(false, event.AppendMsg(nil, &out)),
	}
}

// outgoing is a stored message as the wire has it for everyone but its sender.
func (h *Hub) outgoing(m *history.Message, conv event.Conv) event.Msg {
	return event.Msg{
		From: m.From, To: m.To, Conv: conv, Message: m.Body, Mid: m.Mid, Seq: m.Seq, Prev: m.Prev,
		Epoch: h.config.Log.Epoch(), Ts: m.Ts, IsGone: m.IsErased(),
	}
}
