package room

import (
	"slices"
	"sync/atomic"
	"time"
)

// shard alone owns its people: what concerns them comes as a letter, and one goroutine at a time is at work on it.
type shard struct {
	hub     *Hub
	number  int
	mail    *mailbox[letter]
	backlog atomic.Int64  // bytes of messages that were posted and not yet dealt with
	relief  chan struct{} // holds a token when the backlog has shrunk, for a committer that waits

	// Owned by whoever is at work on the mailbox.
	people   map[string]*person // by nick key
	everyone crowd              // sessions that entered
	rooms    map[string]*crowd  // by room key: the sessions of this shard that are in it
	busy     []*crowd           // with a walk to do, in turn
	dirty    []*Session         // have unflushed frames
	lagging  map[*Session]bool  // are told in pieces what they missed: see lag
	waiting  map[*Session]bool  // have marks to make when their queues are empty: see receipt.go
	settling []settling         // whoever waits for a walk to end
	looks    map[string]*lookup // what other nodes have said of nicks lately
	ended    []*stamp           // of sampled messages that are written with the next flush

	delivered [dialects][classes]int // since count was called
}

// settling is a settle that waits until the crowds that were busy when it came have come to rest.
type settling struct {
	settle
	crowds map[*crowd]uint64 // parcels that had been taken by then
}

func newShard(h *Hub, number int) *shard {
	s := &shard{
		hub: h, number: number, relief: make(chan struct{}, 1), people: map[string]*person{}, rooms: map[string]*crowd{},
		lagging: map[*Session]bool{}, waiting: map[*Session]bool{}, looks: map[string]*lookup{},
	}
	s.mail = newMailbox(s.quick)
	return s
}

// quick deals with a letter at once, unless it leads to a walk, which takes its time.
func (s *shard) quick(l letter) bool {
	if _, ok := l.(delivery); ok {
		return false
	}
	l.open(s)
	s.flush()
	return true
}

// run serves the shard until stop is closed.
func (s *shard) run(stop <-chan struct{}) {
	var batch []letter
	for {
		select {
		case <-s.mail.wake:
		case <-stop:
			return
		}
		for working := true; working; working = len(s.busy) > 0 || !s.mail.rest() {
			batch = s.mail.take(batch)
			for chunk := range slices.Chunk(batch, slice) {
				for _, l := range chunk {
					l.open(s)
				}
				s.flush()
			}
			s.step()
			s.flush()
		}
	}
}

// take gives a parcel to a crowd, to be delivered in turn.
func (s *shard) take(c *crowd, p *parcel) {
	c.take(p)
	if !c.busy {
		c.busy = true
		s.busy = append(s.busy, c)
	}
}

// step serves one slice of the walk whose turn it is.
func (s *shard) step() {
	if len(s.busy) == 0 {
		return
	}
	c := s.busy[0]
	s.busy = slices.Delete(s.busy, 0, 1)
	if cost := c.step(s); cost > 0 {
		s.relieve(cost)
	}
	if c.busy = c.walking(); c.busy {
		s.busy = append(s.busy, c)
	} else if c.room != "" && c.isEmpty() {
		delete(s.rooms, c.room) // the last left while it was busy
	}
	s.settle()
}

// settle answers those who waited for what is delivered now.
func (s *shard) settle() {
	s.settling = slices.DeleteFunc(s.settling, func(l settling) bool {
		for c, taken := range l.crowds {
			if c.taken-uint64(len(c.pending)+len(c.walk.parcels)) < taken {
				return false
			}
		}
		l.settled <- struct{}{}
		return true
	})
}

// relieve takes size bytes off the backlog.
func (s *shard) relieve(size int64) {
	s.backlog.Add(-size)
	select {
	case s.relief <- struct{}{}:
	default:
	}
}

// isFull reports whether the backlog is too large for another message.
func (s *shard) isFull() bool { return s.backlog.Load() > maxBacklog }

// awaitRoom waits until the backlog is small enough for another message. The committer calls it.
func (s *shard) awaitRoom() {
	for s.isFull() {
		select {
		case <-s.relief:
		case <-s.hub.stop:
			return
		}
	}
}

// deliver gives a session what a parcel has for it, later if it is being told what it missed, or word of a gap if it is slow.
// It reports false when the session's connection is closing.
func (s *shard) deliver(to *Session, p *parcel) bool {
	f := p.frame(to)
	if f == nil {
		return true
	}
	if to.dialect == version2 && (to.isTold(p) || !s.admit(to, p)) {
		return true
	}
	if !s.send(to, f) {
		return false
	}
	s.delivered[to.dialect][p.class]++
	if ts := s.hub.traces.Load(); ts != nil {
		ts.queued(to, p)
	}
	if p.stored != "" {
		s.doubt(to, p.stored, p.seq)
	}
	return true
}

// send queues a frame for a session, to be flushed with what else it gets in this slice. It reports false when the
// session's connection is closing.
func (s *shard) send(to *Session, f Frame) bool {
	if !to.peer.Send(f) {
		return false
	}
	if !to.isDirty {
		to.isDirty = true
		s.dirty = append(s.dirty, to)
	}
	return true
}

// flush writes what was queued.
func (s *shard) flush() {
	for i, session := range s.dirty {
		session.isDirty = false
		session.peer.Flush()
		if ts := s.hub.traces.Load(); ts != nil {
			ts.written(session)
		}
		if len(session.unsure) > 0 && !session.isGone {
			s.settleDoubts(session)
		}
		s.dirty[i] = nil
	}
	s.dirty = s.dirty[:0]
	s.count()
	if len(s.ended) > 0 {
		s.observe()
	}
}

// tick is the shard's work of every second: nicks whose reservation is over are let go, tokens looked at, slow readers told what they
// missed, marks made.
func (s *shard) tick(now time.Time) {
	for _, p := range s.people {
		if s.hub.isByToken() {
			s.expire(p, now)
		}
		if len(p.sessions) == 0 && !p.isReserved(now) {
			s.forget(p) // a saved claim can still come back: the log knows it
		}
	}
	s.tidyLooks(now)
	for session := range s.lagging {
		s.catchUp(session)
	}
	for session := range s.waiting {
		s.settleDoubts(session)
	}
}
