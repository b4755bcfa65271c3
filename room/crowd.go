package room

import "slices"

// slice is how many members a shard serves between two looks into its mailbox: a direct message waits for one slice of
// a broadcast, not for all of it.
const slice = 256

// crowd is a shard's part of the people in one conversation: of everyone, or of a room. Its shard owns it.
type crowd struct {
	room    string    // its key; "" is everyone
	members []*member // nil where one left during a walk
	holes   int       // nils in members
	taken   uint64    // parcels taken, ever
	pending []*parcel // that wait for the next walk
	walk    walk
	busy    bool // in shard.busy
}

// member is a session in a crowd.
type member struct {
	session *Session
	index   int    // in crowd.members; -1: not there
	since   uint64 // parcels that the crowd had taken when the session came: they are not for it
}

// walk is a delivery under way: all that had piled up when it began, joined, for all that were members then.
type walk struct {
	parcels []*parcel
	joined  [dialects]Frame
	count   [dialects][classes]int // of what is in joined
	own     map[uint64]bool        // claims that get some of the parcels in another form
	first   uint64                 // crowd.taken before parcels[0]
	next    int                    // index of the next member
	end     int                    // members when it began; 0 = no walk is under way
}

// add makes a session a member: it gets what is taken from now on.
func (c *crowd) add(m *member) {
	m.since, m.index = c.taken, len(c.members)
	c.members = append(c.members, m)
}

// remove ends a membership.
func (c *crowd) remove(m *member) {
	i := m.index
	if i < 0 {
		return
	}
	if c.walk.end > 0 {
		c.members[i] = nil // moving another here would hide it from the walk
		c.holes++
	} else {
		last := len(c.members) - 1
		c.members[i] = c.members[last]
		c.members[i].index = i
		c.members[last] = nil
		c.members = c.members[:last]
	}
	m.index = -1
}

// isEmpty reports whether nobody is there and nothing under way.
func (c *crowd) isEmpty() bool { return len(c.members) == c.holes && !c.walking() }

// take adds a parcel for the next walk.
func (c *crowd) take(p *parcel) {
	c.taken++
	c.pending = append(c.pending, p)
}

// walking reports whether something is still to be delivered.
func (c *crowd) walking() bool { return c.walk.end > 0 || len(c.pending) > 0 }

// begin starts a walk with all that is pending.
func (c *crowd) begin(wire Wire) {
	w := walk{parcels: c.pending, first: c.taken - uint64(len(c.pending)), end: len(c.members)}
	for d := range dialects {
		w.joined[d] = joinFrames(wire, w.parcels, d)
	}
	for _, p := range w.parcels {
		for d, f := range p.frames {
			if f != nil {
				w.count[d][p.class]++
			}
		}
		if p.own != nil {
			if w.own == nil {
				w.own = map[uint64]bool{}
			}
			w.own[p.from] = true
		}
	}
	c.walk, c.pending = w, nil
}

// joinFrames joins what parcels have for a dialect; nil when that is nothing.
func joinFrames(wire Wire, parcels []*parcel, d dialect) Frame {
	var frames []Frame
	for _, p := range parcels {
		if f := p.frames[d]; f != nil {
			frames = append(frames, f)
		}
	}
	if len(frames) == 0 {
		return nil
	}
	return wire.Join(frames)
}

// step serves the next slice of the walk, or begins one, and returns the cost of what all have now, 0 while the walk
// goes on.
func (c *crowd) step(s *shard) (done int64) {
	w := &c.walk
	if w.end == 0 {
		c.begin(s.hub.config.Wire)
	}
	to := min(w.next+slice, w.end)
	for _, m := range c.members[w.next:to] {
		switch {
		case m == nil:
		case m.since <= w.first:
			c.serve(s, m.session, w.parcels)
		case m.since < w.first+uint64(len(w.parcels)):
			c.serve(s, m.session, w.parcels[m.since-w.first:])
		}
	}
	if w.next = to; w.next < w.end {
		return 0
	}
	return c.finish(s)
}

// serve gives a member the parcels of the walk, or those that came after it.
func (c *crowd) serve(s *shard, to *Session, parcels []*parcel) {
	w := &c.walk
	isWhole := len(parcels) == len(w.parcels)
	if isWhole && !to.isApart(parcels[0].conv, w.joined[to.dialect]) && (w.own == nil || to.dialect == tutorial || !w.own[to.claim()]) {
		if f := w.joined[to.dialect]; f != nil && s.send(to, f) {
			for class, n := range w.count[to.dialect] {
				s.delivered[to.dialect][class] += n
			}
			if ts := s.hub.traces.Load(); ts != nil {
				ts.queued(to, parcels...)
			}
		}
		return
	}
	for _, p := range parcels {
		s.deliver(to, p)
	}
}

// finish ends a walk, closes the holes and returns the cost of what was delivered.
func (c *crowd) finish(s *shard) (cost int64) {
	for _, p := range c.walk.parcels {
		cost += p.cost()
		s.end(p.stamp)
	}
	if ts := s.hub.traces.Load(); ts != nil {
		ts.delivered(c.walk.parcels, c.walk.end)
	}
	c.walk = walk{}
	if c.holes > 0 {
		c.members = slices.DeleteFunc(c.members, func(m *member) bool { return m == nil })
		for i, m := range c.members {
			m.index = i
		}
		c.holes = 0
	}
	return cost
}
