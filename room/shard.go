package room

import (
	"slices"
	"sync/atomic"
)

// slice is how many members a shard serves between two looks into its mailbox: a direct message waits for one slice of
// a broadcast, not for all of it.
const slice = 256

// shard alone owns its sessions: what concerns them comes as a letter, and one goroutine at a time is at work on it.
type shard struct {
	hub     *Hub
	mail    *mailbox[letter]
	backlog atomic.Int64  // bytes of messages that were posted and not yet dealt with
	relief  chan struct{} // holds a token when the backlog has shrunk, for a committer that waits

	// Owned by whoever is at work on the mailbox.
	sessions map[string]*Session // by nick key; claimed ones too, before they enter
	members  []*Session          // those that entered; nil where one left during a walk
	holes    int                 // nils in members
	taken    uint64              // broadcasts taken from the mailbox, ever
	pending  []Frame             // broadcasts that wait for the next walk
	walk     walk
	dirty    []*Session // have unflushed frames
	settling []settling // whoever waits for a walk to end
}

// walk is a broadcast under way: all that had piled up when it began, joined, for all that were members then.
type walk struct {
	frames []Frame
	joined Frame
	first  uint64 // shard.taken before frames[0]
	next   int    // index of the next member
	end    int    // members when it began; 0 = no walk is under way
}

// settling is a settle that waits until the first taken broadcasts are walked.
type settling struct {
	settle
	taken uint64
}

func newShard(h *Hub) *shard {
	s := &shard{hub: h, relief: make(chan struct{}, 1), sessions: map[string]*Session{}}
	s.mail = newMailbox(s.quick)
	return s
}

// quick deals with a letter at once. A broadcast is left to run: walking takes its time.
func (s *shard) quick(l letter) bool {
	if _, ok := l.(broadcast); ok {
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
		for working := true; working; working = s.walking() || !s.mail.rest() {
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

// walking reports whether a broadcast is still to be served.
func (s *shard) walking() bool { return s.walk.end > 0 || len(s.pending) > 0 }

// step serves the next slice of the walk, or begins one.
func (s *shard) step() {
	w := &s.walk
	if !s.walking() {
		return
	}
	if w.end == 0 {
		s.begin()
	}
	to := min(w.next+slice, w.end)
	for _, member := range s.members[w.next:to] {
		switch {
		case member == nil:
		case member.since <= w.first:
			s.send(member, w.joined)
		case member.since < w.first+uint64(len(w.frames)):
			s.send(member, s.hub.config.Wire.Join(w.frames[member.since-w.first:]))
		}
	}
	if w.next = to; w.next == w.end {
		s.finish()
	}
}

// begin starts a walk with all that is pending.
func (s *shard) begin() {
	s.walk = walk{
		frames: s.pending,
		joined: s.hub.config.Wire.Join(s.pending),
		first:  s.taken - uint64(len(s.pending)),
		end:    len(s.members),
	}
	s.pending = nil
}

// finish ends a walk: the holes are closed, and the committer may post more.
func (s *shard) finish() {
	size := 0
	for _, f := range s.walk.frames {
		size += f.Size()
	}
	s.walk = walk{}
	if s.holes > 0 {
		s.members = slices.DeleteFunc(s.members, func(m *Session) bool { return m == nil })
		for i, m := range s.members {
			m.index = i
		}
		s.holes = 0
	}
	s.relieve(int64(size))
	served := s.taken - uint64(len(s.pending))
	s.settling = slices.DeleteFunc(s.settling, func(l settling) bool {
		if l.taken <= served {
			l.settled <- struct{}{}
		}
		return l.taken <= served
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

// send queues a frame for a member, to be flushed with what else it gets in this slice. It reports false when the
// member's connection is closing.
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
		s.dirty[i] = nil
	}
	s.dirty = s.dirty[:0]
}
