package ledger

import "math"

// person is what the book knows of a recipient, apart from its streams.
type person struct {
	stays   []stay
	excused bool
	// since is when it came last, where what it misses is kept: what was meant to be sent before comes when it does.
	// Forever for one that is never in a hurry.
	since int64
}

// stay is a time during which a recipient was connected.
type stay struct{ from, to int64 }

const forever = math.MaxInt64

// Joined books that a user is connected from a time on, on the run's clock. Call it before the user can get anything. A
// user that is connected already, since its connection broke by no will of the scenario and was made anew, stays so.
func (b *Book) Joined(user int, at int64) {
	p := &b.people[b.row(user)]
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(p.stays); n > 0 {
		if p.stays[n-1].to == forever {
			return
		}
		at = max(at, p.stays[n-1].to)
	}
	p.stays = append(p.stays, stay{at, forever})
	if b.kept {
		p.since = max(p.since, at)
	}
	b.count(user, p, 1)
}

// Left books that the scenario has a user leave at a time on the run's clock: what is broadcast from then on is not owed
// to it until it joins again. A connection that the server or the network broke is not left: what it misses is lost. Where
// what is missed is kept, every end of a connection is to be told, and changes only what is in time.
func (b *Book) Left(user int, at int64) {
	p := &b.people[b.row(user)]
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(p.stays); n > 0 && p.stays[n-1].to == forever {
		b.count(user, p, -1)
		p.stays[n-1].to = max(at, p.stays[n-1].from)
	}
}

// Excuse says that nothing is owed to a user, from the first message to the last: it reads slowly on purpose, or never.
func (b *Book) Excuse(user int) {
	p := &b.people[b.row(user)]
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(p.stays); n > 0 && p.stays[n-1].to == forever {
		b.count(user, p, -1)
	}
	p.excused = true
}

// Slow says of a user, before it joins, that it takes its time: all is owed to it, but nothing comes late, and no
// broadcast is watched until it has that. Only where what is missed is kept.
func (b *Book) Slow(user int) {
	p := &b.people[b.row(user)]
	b.mu.Lock()
	defer b.mu.Unlock()
	p.since = forever
}

// count changes the number of those to whom a broadcast should come.
func (b *Book) count(user int, p *person, n int) {
	if !p.excused && p.since < forever {
		b.spread.present[b.grid.chat(user)] += n
	}
}
