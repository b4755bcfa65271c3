package room

import "throng/room/event"

// lag is what a reader missed that is too slow for all that comes: the newest presence of each place and, of chat, how far
// each conversation has gone on without it.
type lag struct {
	gaps     map[event.Conv]gap
	presence map[event.Conv]*parcel
}

// gap is a stretch of a conversation that the reader has to page.
type gap struct{ from, to uint64 }

// maxLag is how many conversations a slow reader may lag in before it is cut off.
const maxLag = 1000

// admit decides whether a session gets a parcel now. One that is being told what it missed gets it later; one whose queue is
// half full gets a gap for chat, the newest presence, and nothing fleeting, until its queue is nearly empty.
// What moderators have it told it gets at once.
func (s *shard) admit(to *Session, p *parcel) bool {
	if to.held != nil {
		s.keep(to, p)
		return false
	}
	if p.class == edict {
		return true
	}
	queued := to.peer.Queued()
	if to.lag == nil && queued < s.hub.config.Queue/2 {
		return true
	}
	if to.lag != nil && queued < s.hub.config.Queue/8 {
		s.catchUp(to)
		return true
	}
	s.miss(to, p)
	return false
}

// isApart reports whether a session cannot be given the frame that everybody else in a conversation gets.
func (s *Session) isApart(conv event.Conv, f Frame) bool {
	if s.dialect == tutorial || f == nil {
		return false
	}
	queued, queue := s.peer.Queued(), s.hub.config.Queue
	return s.held != nil || s.lag != nil || s.told[conv] > 0 || queued >= queue/2 || queued+f.Size() > queue
}

// keep holds a parcel until the session has been told what it missed.
func (s *shard) keep(to *Session, p *parcel) {
	h := to.held
	if h.bytes += p.cost(); h.bytes > maxHeld || to.lag != nil {
		s.miss(to, p)
		return
	}
	h.parcels = append(h.parcels, p)
}

// miss notes what a slow reader does not get.
func (s *shard) miss(to *Session, p *parcel) {
	s.hub.metrics.skippedBy[p.class].Inc()
	if ts := s.hub.traces.Load(); ts != nil {
		ts.session(to, Event{What: "skipped", Mid: p.mid, Conv: p.conv.String(), Seq: p.seq})
	}
	if p.class == fleeting || p.class == edict {
		return
	}
	if to.lag == nil {
		to.lag = &lag{gaps: map[event.Conv]gap{}, presence: map[event.Conv]*parcel{}}
		s.lagging[to] = true
	}
	if p.class == presence {
		to.lag.presence[p.conv] = p
		return
	}
	g, ok := to.lag.gaps[p.conv]
	if !ok {
		g.from = p.seq
	}
	to.lag.gaps[p.conv] = gap{min(g.from, p.seq), max(g.to, p.seq)}
	if len(to.lag.gaps) > maxLag {
		to.peer.Close(event.CloseSlow, "too slow a reader")
	}
}

// catchUp tells a reader that has caught up what it missed.
func (s *shard) catchUp(session *Session) {
	if session.held != nil || session.peer.Queued() >= s.hub.config.Queue/8 {
		return
	}
	l := session.lag
	session.lag = nil
	delete(s.lagging, session)
	b := batch{wire: s.hub.config.Wire}
	for conv, g := range l.gaps {
		s.hub.metrics.gaps.Inc()
		if ts := s.hub.traces.Load(); ts != nil {
			ts.session(session, Event{What: "gap", Conv: conv.String(), Seq: g.to})
		}
		b.text = event.AppendGap(b.next(), conv, g.from, g.to)
	}
	for _, f := range b.end() {
		s.send(session, f)
	}
	for _, p := range l.presence {
		s.send(session, p.frames[version2])
	}
}

// fill takes what a session was told out of its gap.
func (l *lag) fill(conv event.Conv, upTo uint64) {
	if l == nil {
		return
	}
	if g, ok := l.gaps[conv]; ok && g.to <= upTo {
		delete(l.gaps, conv)
	} else if ok {
		l.gaps[conv] = gap{max(g.from, upTo+1), g.to}
	}
}
