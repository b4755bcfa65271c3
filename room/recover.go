package room

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"throng/room/event"
	"throng/room/history"
)

const (
	// maxRecover is how many messages of one conversation a client is brought at most; beyond, it pages the history.
	maxRecover = 1000
	// readSize is how many messages are read from the log at a time.
	readSize = 100
)

// missed is what a client has not seen.
type missed struct {
	batch
	recovered map[string]bool       // by conversation, as the client named it
	upTo      map[event.Conv]uint64 // how far the client has been told then
	directs   map[string]uint64     // the same, by names in the log, of direct conversations
	unread    []*thread             // direct conversations of which the client gave no position
	key       string                // of who has missed it
	waited    []waited              // of it, what is traced
	erasures  int64                 // of recent, before the log was read
	room      int                   // bytes that there is still room for: what is recovered must not make the reader a slow one
}

func (h *Hub) newMissed() missed {
	return missed{
		batch: batch{wire: h.config.Wire}, recovered: map[string]bool{}, upTo: map[event.Conv]uint64{},
		directs: map[string]uint64{}, room: h.config.Queue / 2, erasures: h.recent.erasures.Load(),
	}
}

// recover collects what a claim has missed: in the conversations whose positions it gives, all or nothing each, and once each; in
// its other direct conversations all that was never written to it; and how far their other sides have got. Where not all of it
// fits, that of the latest conversations comes. One that is new has missed nothing: what was said to it since is held back for
// it. It reads the log and may wait.
func (h *Hub) recover(claim history.Claim, isNew bool, pos map[string]event.Position) missed {
	m := h.newMissed()
	m.key = claim.Key
	var known directs
	if !isNew {
		var err error
		known, err = h.directs(claim.ID)
		h.check(err)
	}
	asked := map[string]bool{} // by name in the log
	isAsked := func(t *thread) bool { return asked[t.parts[0].Conv] }
	for _, name := range slices.Sorted(maps.Keys(pos)) {
		conv, _ := event.ParseConv(name)
		switch t := h.locate(conv, known); {
		case t == nil: // it has all of what was never begun, if it is sure that it was not
			never := event.Position{Epoch: h.config.Log.Epoch()}
			m.recovered[name] = conv.Kind == event.ConvDirect && pos[name] == never && known.floor == 0
		case isAsked(t): // by another spelling
			m.recovered[name] = false
		default:
			for _, p := range t.parts {
				asked[p.Conv] = true
			}
			m.recovered[name] = h.bring(&m, claim.ID, t, pos[name])
		}
	}
	all := h.newest(known.byKey)
	h.unread(&m, claim.ID, slices.DeleteFunc(slices.Clone(all), isAsked))
	h.receipts(&m, all)
	m.end()
	return m
}

// newest are direct conversations, in the order in which they were last talked in, the latest first.
func (h *Hub) newest(directs map[string]*thread) []*thread {
	all := make([]*thread, 0, len(directs))
	for _, t := range directs {
		if err := t.look(h.config.Log); err != nil {
			h.check(err)
			return nil
		}
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *thread) int { return cmp.Compare(b.last, a.last) })
	return all
}

// head is what the log knows of a conversation; nothing when it cannot say.
func (h *Hub) head(stored string) history.Head {
	head, err := h.config.Log.Head(stored)
	h.check(err)
	return head
}

// since is bring for a conversation that is one in the log.
func (h *Hub) since(m *missed, claim uint64, conv event.Conv, stored string, from event.Position) bool {
	all := h.bring(m, claim, single(conv, stored), from)
	m.end()
	return all
}

// bring adds all that a conversation has behind a position, and reports false, adding nothing, when it cannot be all.
func (h *Hub) bring(m *missed, claim uint64, t *thread, from event.Position) bool {
	err := t.look(h.config.Log)
	h.check(err)
	if err != nil || from.Epoch != h.config.Log.Epoch() {
		return false
	}
	if err := h.catchUp(t, from.Seq); err != nil || from.Seq < t.trimmed || from.Seq > t.last {
		return false
	}
	if from.Seq == t.last {
		m.note(t, t.last) // some of it may still be on its way
		return true
	}
	msgs, all := h.read(t, from.Seq, maxRecover, m.room)
	if !all || len(msgs) == 0 || msgs[0].Prev > from.Seq { // trimmed meanwhile
		return false
	}
	h.add(m, claim, t, msgs)
	return true
}

// catchUp waits until a node of a cluster knows of a seq that another has told a client, if there is one.
func (h *Hub) catchUp(t *thread, seq uint64) (err error) {
	for until := time.Now().Add(handOver); h.cluster != nil && err == nil && t.last < seq && time.Now().Before(until); {
		time.Sleep(handOver / 100)
		err = t.look(h.config.Log)
	}
	return err
}

// read reads what a conversation has behind a seq, as far as it fits into so many messages and bytes, and reports whether that is
// all.
func (h *Hub) read(t *thread, after uint64, most, room int) (msgs []history.Message, all bool) {
	for len(msgs) < most {
		some, more, err := t.read(h.config.Log, max(after, 1), 0, readSize)
		if h.check(err); err != nil {
			return msgs, false
		}
		for i := range some {
			if room -= weight(&some[i]); room < 0 {
				return msgs, false
			}
			msgs, after = append(msgs, some[i]), some[i].Seq
		}
		if !more {
			return msgs, true
		}
	}
	return msgs, false
}

// weight is how many bytes a message may have when it is encoded for a client: names come twice, and each of their
// characters, or six times those of the Cid, if it has to be escaped.
func weight(m *history.Message) int {
	return len(m.Body) + postOverhead + 4*(len(m.From)+len(m.To)+len(m.Room)) + 6*len(m.Cid)
}

// unread adds what of direct conversations, the latest of them first, was neither written to one of the claim's sockets nor
// confirmed, and a gap for what does not fit. Gaps take half of the room at most: what is older yet is left for the next
// hello.
func (h *Hub) unread(m *missed, claim uint64, threads []*thread) {
	reserved := 0
	for _, t := range threads {
		if !h.skipSeen(claim, t) {
			continue
		}
		size := t.gapSize()
		if reserved+size > m.room/2 {
			break
		}
		reserved += size
		m.unread = append(m.unread, t)
	}
	m.room -= reserved
	for _, t := range m.unread {
		msgs, all := h.read(t, 0, math.MaxInt, m.room+t.gapSize())
		if len(msgs) > 0 {
			h.add(m, claim, t, msgs)
		}
		if all {
			m.room += t.gapSize()
			continue
		}
		m.addGap(t, msgs)
	}
}

// skipSeen notes up to where the claim has the parts of a direct conversation, and reports whether there is more.
func (h *Hub) skipSeen(claim uint64, t *thread) (more bool) {
	for i := range t.parts {
		p := &t.parts[i]
		marks, err := h.config.Log.Marks(claim, p.Conv)
		h.check(err)
		p.seen = max(marks.Sent, marks.Recv)
		more = more || p.seen < p.head.Last
	}
	return more
}

// gapSize is how many bytes word of a gap takes at most.
func (t *thread) gapSize() int { return len(event.AppendGap(nil, t.conv, t.last, t.last)) + 1 }

// addGap adds word of what is unread behind some messages.
func (m *missed) addGap(t *thread, msgs []history.Message) {
	from := t.last
	for _, p := range t.parts {
		if p.seen < p.head.Last {
			from = min(from, p.seen+1)
		}
	}
	if len(msgs) > 0 {
		from = msgs[len(msgs)-1].Seq + 1
	}
	if from > t.last {
		return
	}
	m.text = event.AppendGap(m.next(), t.conv, from, t.last)
	m.note(t, t.last)
}

// note notes that a client is told all of a conversation up to a seq, whoever of several that had the nick it is from.
func (m *missed) note(t *thread, seq uint64) {
	m.upTo[t.conv] = max(m.upTo[t.conv], seq)
	for _, p := range t.parts {
		if t.conv.Kind == event.ConvDirect {
			m.upTo[event.Direct(p.PeerNick)] = m.upTo[t.conv] // in its own spelling
		}
	}
}

// receipts adds how far the other sides of direct conversations have got, the latest first, as far as there is room.
func (h *Hub) receipts(m *missed, threads []*thread) {
	for _, t := range threads {
		var far history.Marks
		for _, p := range t.parts {
			marks, err := h.config.Log.Marks(p.Peer, p.Conv)
			h.check(err)
			far.Recv, far.Read = max(far.Recv, marks.Recv), max(far.Read, marks.Read)
		}
		var told [][]byte
		if far.Recv > 0 {
			told = append(told, event.AppendRecv(nil, t.conv, t.conv.Name, far.Recv))
		}
		if far.Read > 0 {
			told = append(told, event.AppendRead(nil, t.conv, t.conv.Name, far.Read))
		}
		for _, text := range told {
			if m.room -= len(text) + 1; m.room < 0 {
				return
			}
			m.text = append(m.next(), text...)
		}
	}
}

// add adds messages of one conversation.
func (h *Hub) add(m *missed, claim uint64, t *thread, msgs []history.Message) {
	own, last := false, msgs[len(msgs)-1].Seq
	for i := range msgs {
		m.room -= weight(&msgs[i])
		own = own || msgs[i].Claim == claim
		if t.conv.Kind == event.ConvDirect {
			m.directs[msgs[i].Conv] = msgs[i].Seq
		}
	}
	m.note(t, last)
	if ts := h.traces.Load(); ts != nil {
		m.waited = ts.waited(m.waited, m.key, t.conv, msgs)
	}
	if own || t.conv.Kind == event.ConvDirect {
		h.messages(&m.batch, claim, t.conv, msgs)
		return
	}
	// Many who were cut off at once miss the same.
	shared := h.recent.get(stretch{t.conv, t.parts[0].Conv, msgs[0].Seq, last, m.erasures}, func() []Frame {
		b := batch{wire: h.config.Wire}
		h.messages(&b, claim, t.conv, msgs)
		return b.end()
	})
	m.frames = append(m.end(), shared...)
}

// fit makes what a session missed fit behind what waits for it already, and reports whether it did fit. If not, nothing is
// recovered, and what is unread is one gap in each conversation. It is called before the client is told what is recovered.
func (s *shard) fit(session *Session, m *missed) bool {
	size := 0
	for _, f := range m.frames {
		size += f.Size() + postOverhead
	}
	room := s.hub.config.Queue / 4 * 3
	if session.peer.Queued()+size > room {
		session.peer.Flush() // of several answers at once the first ones may be on their way
	}
	if size == 0 || session.peer.Queued()+size <= room {
		return true
	}
	less := s.hub.newMissed()
	for name := range m.recovered {
		less.recovered[name] = false
	}
	less.unread = m.unread
	for _, t := range less.unread {
		less.addGap(t, nil)
	}
	less.end()
	*m = less
	return false
}

// tellMissed sends a session what it missed.
func (s *shard) tellMissed(session *Session, m missed) {
	for _, f := range m.frames {
		s.send(session, f)
	}
	if ts := s.hub.traces.Load(); ts != nil {
		ts.brought(session, m.waited)
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
