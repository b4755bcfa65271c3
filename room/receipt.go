package room

import (
	"cmp"

	"throng/room/event"
	"throng/room/history"
)

// typing passes on that somebody is typing. It is never stored.
func (s *Session) typing(in event.In) *event.Error {
	if in.To != "" {
		to, bad := ParseNick(in.To)
		if bad != nil {
			return errNobody(in.To)
		}
		if bad := s.silence(in.To, Nick{}); bad != nil {
			return bad
		}
		s.hub.shardOf(to.Key).mail.put(typed{s.name(), to, false})
		return nil
	}
	room, bad := s.inRoom(in.Room)
	if bad == nil {
		bad = s.silence("", room)
	}
	if bad != nil {
		return bad
	}
	s.hub.offer(room, s.hub.typingIn(room, s.name()))
	if s.hub.cluster != nil {
		s.hub.cluster.Tell(topicRoom(cmp.Or(room.Key, everywhere)), encode(memo{Kind: tellTyping, Room: room, From: s.name()}))
	}
	return nil
}

// typingIn says that somebody is typing in a room; the zero Nick is everyone.
func (h *Hub) typingIn(room Nick, from string) *parcel {
	conv := event.Everyone()
	if room.Key != "" {
		conv = event.Room(room.Name)
	}
	p := &parcel{class: fleeting, conv: conv}
	p.frames[version2] = h.config.Wire.Message(false, event.AppendTyping(nil, conv, from, ""))
	return p
}

// receipt stores how far a client has got in a conversation and, in a direct one, tells the other side.
func (s *Session) receipt(in event.In) *event.Error {
	if in.Conv.Kind != event.ConvDirect {
		room, bad := s.inRoom(in.Conv.Name) // everyone has no name
		if bad != nil {
			return bad
		}
		stored := convEveryone
		if room.Key != "" {
			stored = convRoom(room.Key)
		}
		l := received{from: s.name(), claim: s.claim(), conv: in.Conv, t: in.T, seq: in.Seq}
		s.shard.mail.put(receivedInRoom{s, l, stored})
		return nil
	}
	to, bad := readNick(in.Conv.Name)
	if bad != nil {
		return errNobody(in.Conv.Name)
	}
	s.hub.shardOf(to.Key).mail.put(received{s.name(), s.claim(), in.Conv, to, in.T, in.Seq})
	return nil
}

// receivedInRoom stores how far somebody has got in a room. Of who cannot come back nobody would ask for it, nor ever drop it.
type receivedInRoom struct {
	session *Session
	receipt received
	stored  string // the room's name in the log
}

func (l receivedInRoom) open(s *shard) {
	if p := l.session.person; p == nil || p.returns() {
		s.hub.reading(func() { s.hub.mark(l.receipt, l.stored) })
	}
}

// mark raises the mark of a receipt, to what there is at most.
func (h *Hub) mark(l received, stored string) uint64 {
	seq := min(l.seq, h.head(stored).Last)
	if seq == 0 {
		return 0
	}
	if ts := h.traces.Load(); ts != nil {
		before, err := h.config.Log.Marks(l.claim, stored)
		h.check(err)
		ts.receipt(l, stored, before, seq)
	}
	marks := history.Marks{Recv: seq}
	if l.t == event.TypeRead {
		marks.Read = seq // who has read has received
	}
	h.config.Log.Mark(l.claim, stored, marks)
	return seq
}

// markPast stores a receipt for somebody who is gone for good.
func (h *Hub) markPast(l received) {
	known, err := h.directs(l.claim)
	if h.check(err); err != nil || known.byKey[l.to.Key] == nil {
		return
	}
	for _, p := range known.byKey[l.to.Key].parts {
		h.mark(l, p.Conv)
	}
}

// typed tells somebody that another is typing to them.
type typed struct {
	from   string // a nick
	to     Nick
	isTold bool // by another node
}

func (l typed) open(s *shard) {
	p := s.people[l.to.Key]
	if s.tellTyping(p, l.from); l.isTold || s.hub.cluster == nil || p != nil && !s.hub.isByToken() {
		return
	}
	s.look(l.to.Key, func(w *who) {
		if w != nil {
			s.hub.pass(w, memo{Kind: tellTyping, Key: l.to.Key, From: l.from})
		}
	})
}

func (s *shard) tellTyping(to *person, from string) {
	if to != nil {
		conv := event.Direct(from)
		s.whisper(to, conv, event.AppendTyping(nil, conv, from, to.claim.Nick))
	}
}

// received tells somebody how far another has got in their conversation.
type received struct {
	from  string // a nick
	claim uint64
	conv  event.Conv // as they call it
	to    Nick       // not in a room
	t     event.Type
	seq   uint64
}

func (l received) open(s *shard) {
	s.look(l.to.Key, func(to *who) {
		if to != nil && to.failed {
			return
		}
		if to == nil {
			s.hub.apart(func() { s.hub.markPast(l) })
			return
		}
		s.hub.reading(func() {
			seq := s.hub.mark(l, convDirect(l.claim, to.Claim))
			if seq == 0 {
				return
			}
			w := memo{Kind: tellReceipt, Key: l.to.Key, From: l.from, Type: l.t, Seq: seq}
			s.mail.put(told{w})
			s.hub.pass(to, w)
		})
	})
}

// told is a receipt for somebody who may be on this node.
type told struct{ memo }

func (l told) open(s *shard) {
	p := s.people[l.Key]
	if p == nil {
		return
	}
	conv, text := event.Direct(l.From), event.AppendRecv
	if l.Type == event.TypeRead {
		text = event.AppendRead
	}
	s.whisper(p, conv, text(nil, conv, l.From, l.Seq))
}

// whisper gives all sessions of somebody an object that may be dropped.
func (s *shard) whisper(p *person, conv event.Conv, text []byte) {
	parcel := &parcel{class: fleeting, conv: conv}
	parcel.frames[version2] = s.hub.config.Wire.Message(false, text)
	for to := range p.here() {
		s.deliver(to, parcel)
	}
}

// doubt notes that a direct message was queued for a session. It counts as written when the queue is empty.
func (s *shard) doubt(to *Session, stored string, seq uint64) {
	if !to.person.returns() {
		return
	}
	if to.unsure == nil {
		to.unsure = map[string]uint64{}
	}
	to.unsure[stored] = max(to.unsure[stored], seq)
}

// settleDoubts marks as written what was queued for a session, if all of it was written, and else leaves it for later.
func (s *shard) settleDoubts(session *Session) {
	if session.peer.Queued() > 0 {
		s.waiting[session] = true
		return
	}
	for stored, seq := range session.unsure {
		s.hub.config.Log.Mark(session.claim(), stored, history.Marks{Sent: seq})
	}
	session.unsure = nil
	delete(s.waiting, session)
}
