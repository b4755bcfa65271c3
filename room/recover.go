package room

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"throng/room/event"
	"throng/room/history"
)

const (
	// maxRecover is how many messages of one conversation a client is brought at most; beyond, it pages the history.
	maxRecover = 1000
	// batchSize is how large a frame with several missed messages becomes, in bytes.
	batchSize = 32 << 10
	// pageSize is how large a page of history becomes, in bytes of its messages; one message is always in it.
	pageSize = 256 << 10
	// readSize is how many messages are read from the log at a time.
	readSize = 100
)

// The names of conversations in the log.
const convEveryone = "all"

func convRoom(key string) string { return "r/" + key }

// convDirect is the conversation between two claims, whichever speaks.
func convDirect(a, b uint64) string { return fmt.Sprintf("d/%016x/%016x", min(a, b), max(a, b)) }

// missed is what a client has not seen.
type missed struct {
	recovered map[string]bool // by conversation, as the client named it
	frames    []Frame
	upTo      map[event.Conv]uint64 // how far the client has been told then
	directs   map[string]uint64     // the same, by names in the log, of direct conversations
	room      int                   // bytes that there is still room for: what is recovered must not make the reader a slow one
}

func (h *Hub) newMissed() missed {
	return missed{
		recovered: map[string]bool{}, upTo: map[event.Conv]uint64{}, directs: map[string]uint64{}, room: h.config.Queue / 2,
	}
}

// recover collects what a claim has missed: in the conversations whose positions it gives, all or nothing each, and in
// its other direct conversations all that was never written to it. It reads the log and may wait.
func (h *Hub) recover(claim history.Claim, pos map[string]event.Position) missed {
	m := h.newMissed()
	directs, err := h.config.Log.Directs(claim.ID)
	h.check(err)
	told := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(pos)) {
		conv, stored, ok := h.locate(name, directs)
		if ok {
			told[stored] = true
			ok = h.since(&m, claim.ID, conv, stored, pos[name])
		} else if conv.Kind == event.ConvDirect {
			ok = pos[name] == event.Position{Epoch: h.config.Log.Epoch()} // it has all of what was never begun
		}
		m.recovered[name] = ok
	}
	// Of several who bore a nick the latest comes last.
	slices.SortFunc(directs, func(a, b history.Direct) int { return cmp.Compare(h.head(a.Conv).Last, h.head(b.Conv).Last) })
	for _, d := range directs {
		conv := event.Direct(d.PeerNick)
		if !told[d.Conv] {
			h.unread(&m, claim.ID, conv, d.Conv)
		}
		h.receipts(&m, conv, d)
	}
	return m
}

// locate finds a conversation in the log by the name that a client has for it.
func (h *Hub) locate(name string, directs []history.Direct) (conv event.Conv, stored string, ok bool) {
	conv, bad := event.ParseConv(name)
	if bad != nil {
		return conv, "", false
	}
	switch conv.Kind {
	case event.ConvAll:
		return conv, convEveryone, true
	case event.ConvRoom:
		room, bad := ParseNick(conv.Name)
		if room.Key == everywhere {
			return event.Everyone(), convEveryone, true
		}
		return event.Room(h.places.name(room).Name), convRoom(room.Key), bad == nil
	}
	d, ok := h.directWith(conv.Name, directs)
	return event.Direct(d.PeerNick), d.Conv, ok
}

// directWith is the latest direct conversation with whoever bears a nick.
func (h *Hub) directWith(nick string, directs []history.Direct) (found history.Direct, ok bool) {
	peer, bad := ParseNick(nick)
	if bad != nil {
		return found, false
	}
	var newest uint64
	for _, d := range directs {
		if n, bad := ParseNick(d.PeerNick); bad != nil || n.Key != peer.Key {
			continue
		}
		if last := h.head(d.Conv).Last; !ok || last > newest {
			found, newest, ok = d, last, true
		}
	}
	return found, ok
}

// head is what the log knows of a conversation; nothing when it cannot say.
func (h *Hub) head(stored string) history.Head {
	head, err := h.config.Log.Head(stored)
	h.check(err)
	return head
}

// since adds all that a conversation has behind a position, and reports false, adding nothing, when it cannot be all.
func (h *Hub) since(m *missed, claim uint64, conv event.Conv, stored string, from event.Position) bool {
	head := h.head(stored)
	if from.Epoch != h.config.Log.Epoch() || from.Seq < head.Trimmed || from.Seq > head.Last {
		return false
	}
	if from.Seq == head.Last {
		return true
	}
	msgs, all := h.read(stored, from.Seq, maxRecover, m.room)
	if !all || len(msgs) == 0 || msgs[0].Prev > from.Seq { // trimmed meanwhile
		return false
	}
	h.add(m, claim, conv, stored, msgs)
	return true
}

// read reads what a conversation has behind a seq, as far as it fits into so many messages and bytes, and reports whether that is
// all.
func (h *Hub) read(stored string, after uint64, most, room int) (msgs []history.Message, all bool) {
	for len(msgs) < most {
		some, more, err := h.config.Log.Read(stored, max(after, 1), 0, readSize)
		if h.check(err); err != nil {
			return msgs, false
		}
		for _, msg := range some {
			if room -= len(msg.Body) + postOverhead; room < 0 {
				return msgs, false
			}
			msgs, after = append(msgs, msg), msg.Seq
		}
		if !more {
			return msgs, true
		}
	}
	return msgs, false
}

// unread adds what of a direct conversation was neither written to one of the claim's sockets nor confirmed, and a gap for
// what does not fit.
func (h *Hub) unread(m *missed, claim uint64, conv event.Conv, stored string) {
	marks, err := h.config.Log.Marks(claim, stored)
	h.check(err)
	after := max(marks.Sent, marks.Recv)
	msgs, all := h.read(stored, after, math.MaxInt, m.room)
	if len(msgs) > 0 {
		after = msgs[len(msgs)-1].Seq
		h.add(m, claim, conv, stored, msgs)
	}
	if last := h.head(stored).Last; !all && last > after {
		m.frames = append(m.frames, h.config.Wire.Message(false, event.AppendGap(nil, conv, after+1, last)))
		m.upTo[conv] = last
	}
}

// receipts adds how far the other side of a direct conversation has got.
func (h *Hub) receipts(m *missed, conv event.Conv, d history.Direct) {
	marks, err := h.config.Log.Marks(d.Peer, d.Conv)
	h.check(err)
	if marks.Recv > 0 {
		m.frames = append(m.frames, h.config.Wire.Message(false, event.AppendRecv(nil, conv, d.PeerNick, marks.Recv)))
	}
	if marks.Read > 0 {
		m.frames = append(m.frames, h.config.Wire.Message(false, event.AppendRead(nil, conv, d.PeerNick, marks.Read)))
	}
}

// add adds messages of one conversation, several to a frame.
func (h *Hub) add(m *missed, claim uint64, conv event.Conv, stored string, msgs []history.Message) {
	for _, msg := range msgs {
		m.room -= len(msg.Body) + postOverhead
	}
	last := msgs[len(msgs)-1].Seq
	m.upTo[conv] = max(m.upTo[conv], last)
	if conv.Kind == event.ConvDirect {
		m.directs[stored] = last
	}
	own := slices.ContainsFunc(msgs, func(msg history.Message) bool { return msg.Claim == claim })
	if own || conv.Kind == event.ConvDirect {
		m.frames = append(m.frames, h.batch(claim, conv, msgs)...)
		return
	}
	// Many who were cut off at once miss the same.
	m.frames = append(m.frames, h.recent.get(stretch{stored, msgs[0].Seq, last}, func() []Frame {
		return h.batch(claim, conv, msgs)
	})...)
}

// batch encodes messages, several to a frame.
func (h *Hub) batch(claim uint64, conv event.Conv, msgs []history.Message) (frames []Frame) {
	var text []byte
	for i := range msgs {
		out := h.outgoing(&msgs[i], conv)
		if msgs[i].Claim == claim {
			out.Cid = msgs[i].Cid
		}
		if len(text) > 0 {
			text = append(text, '\n')
		}
		text = event.AppendMsg(text, &out)
		if len(text) >= batchSize || i == len(msgs)-1 {
			frames = append(frames, h.config.Wire.Message(false, text))
			text = text[:0] // the frame has its own copy
		}
	}
	return frames
}

// tellMissed sends a session what it missed.
func (s *shard) tellMissed(session *Session, m missed) {
	for _, f := range m.frames {
		s.send(session, f)
	}
	for conv, seq := range m.upTo {
		if session.told == nil {
			session.told = map[event.Conv]uint64{}
		}
		session.told[conv] = max(session.told[conv], seq)
		session.lag.fill(conv, seq)
	}
	for stored, seq := range m.directs {
		s.doubt(session, stored, seq)
	}
}

// history answers with a page of a conversation.
func (s *Session) history(in event.In) *event.Error {
	if in.Conv.Kind == event.ConvRoom {
		if _, bad := s.inRoom(in.Conv.Name); bad != nil {
			return bad
		}
	}
	claim := s.claim()
	s.hub.apart(func() {
		text, bad := s.hub.page(claim, in)
		switch {
		case bad != nil:
			text = event.AppendErr(nil, in.ID, bad)
		case in.ID == nil:
			return // no reply is wanted
		}
		s.reply(text)
		s.peer.Flush()
	})
	return nil
}

// page reads a page of history.
func (h *Hub) page(claim uint64, in event.In) ([]byte, *event.Error) {
	directs, err := h.config.Log.Directs(claim)
	conv, stored, ok := h.locate(in.Conv.String(), directs)
	if err == nil && !ok {
		return nil, event.NotFound("no such conversation: " + in.Conv.String())
	}
	after, before := in.After, in.Before
	if in.HasAfter {
		after = max(after, 1)
	}
	var msgs []history.Message
	var more bool
	if err == nil {
		msgs, more, err = h.config.Log.Read(stored, after, before, in.Limit)
	}
	if h.check(err); err != nil {
		return nil, event.Unavailable("the history cannot be read at present", retryAfter)
	}
	msgs, isCut := cut(msgs, in.HasAfter)
	page := event.History{ID: in.ID, Conv: conv, More: more || isCut, Msgs: make([]event.Msg, len(msgs))}
	for i := range msgs {
		page.Msgs[i] = h.outgoing(&msgs[i], conv)
		if msgs[i].Claim == claim {
			page.Msgs[i].Cid = msgs[i].Cid
		}
	}
	return event.AppendHistory(nil, &page), nil
}

// cut leaves out what would make a page too large, at its far end: the newest when it goes on from a position, else the
// oldest.
func cut(msgs []history.Message, isForward bool) (page []history.Message, isCut bool) {
	size := 0
	for i := range msgs {
		at := i
		if !isForward {
			at = len(msgs) - 1 - i
		}
		if size += len(msgs[at].Body); size > pageSize && i > 0 {
			if isForward {
				return msgs[:at], true
			}
			return msgs[at+1:], true
		}
	}
	return msgs, false
}
