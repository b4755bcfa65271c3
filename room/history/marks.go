package history

import (
	"hash/maphash"
	"sync"
)

const (
	// markShards is how many locks the marks are spread over.
	markShards = 64
	// markChunk is how many are written in one commit at most: messages wait meanwhile.
	markChunk = 1000
)

// marks gathers what Mark has raised until it is written. Any goroutine may use it, but for flush, which is the committer's.
type marks struct {
	seed   maphash.Seed
	shards [markShards]markShard
}

// markShard has the marks of some claims.
type markShard struct {
	mu      sync.Mutex // guards what follows; a leaf
	pending map[markID]Marks
}

// markID is a claim's place in a conversation.
type markID struct {
	claim uint64
	conv  string
}

func newMarks() *marks {
	m := &marks{seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].pending = map[markID]Marks{}
	}
	return m
}

func (m *marks) shard(claim uint64) *markShard {
	return &m.shards[maphash.Comparable(m.seed, claim)%markShards]
}

// raised is the higher of both, one by one.
func (m Marks) raised(by Marks) Marks {
	return Marks{Sent: max(m.Sent, by.Sent), Recv: max(m.Recv, by.Recv), Read: max(m.Read, by.Read)}
}

func (m *marks) raise(id markID, by Marks) {
	s := m.shard(id.claim)
	s.mu.Lock()
	s.pending[id] = s.pending[id].raised(by)
	s.mu.Unlock()
}

func (m *marks) get(id markID) Marks {
	s := m.shard(id.claim)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending[id]
}

// has reports whether anything is pending of a claim.
func (m *marks) has(claim uint64) bool {
	s := m.shard(claim)
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.pending {
		if id.claim == claim {
			return true
		}
	}
	return false
}

// forget drops what is pending of a claim's place.
func (m *marks) forget(id markID) {
	s := m.shard(id.claim)
	s.mu.Lock()
	delete(s.pending, id)
	s.mu.Unlock()
}

// forgetAll drops what is pending of a claim.
func (m *marks) forgetAll(claim uint64) {
	s := m.shard(claim)
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.pending {
		if id.claim == claim {
			delete(s.pending, id)
		}
	}
}

// marked is one mark that was raised.
type marked struct {
	id markID
	by Marks
}

// some gives a few of what is pending.
func (m *marks) some() []marked {
	var all []marked
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		for id, by := range s.pending {
			if len(all) == markChunk {
				break
			}
			all = append(all, marked{id, by})
		}
		s.mu.Unlock()
	}
	return all
}

// written takes out what is on disk now, unless it was raised meanwhile.
func (m *marks) written(all []marked) {
	for _, one := range all {
		s := m.shard(one.id.claim)
		s.mu.Lock()
		if s.pending[one.id] == one.by {
			delete(s.pending, one.id)
		}
		s.mu.Unlock()
	}
}

// flush writes some of what is pending, and tells whether there may be more. Until it is on disk it is still found here.
func (m *marks) flush(s *store) (more bool, err error) {
	all := m.some()
	if len(all) == 0 {
		return false, nil
	}
	b := s.db.NewBatch()
	defer release(b)
	for _, one := range all {
		stored, err := readMarks(s, one.id)
		if err != nil {
			return false, err
		}
		raised := stored.raised(one.by)
		if raised == stored {
			continue
		}
		if err := b.Set(claimConvKey(keyMarks, one.id.claim, one.id.conv), encodeMarks(raised), nil); err != nil {
			return false, err
		}
	}
	if !b.Empty() {
		if err := s.commit(b, true); err != nil {
			return false, err
		}
	}
	m.written(all)
	return len(all) == markChunk, nil
}

func readMarks(s *store, id markID) (m Marks, err error) {
	_, err = get(s.db, claimConvKey(keyMarks, id.claim, id.conv), func(v []byte) (err error) {
		m, err = decodeMarks(v)
		return err
	})
	return m, err
}

// Mark implements Log.
func (l *pebbleLog) Mark(claim uint64, conv string, m Marks) {
	if m != (Marks{}) && !l.closed.Load() {
		l.marks.raise(markID{claim, conv}, m)
	}
}

// Marks implements Log.
func (l *pebbleLog) Marks(claim uint64, conv string) (m Marks, err error) {
	id := markID{claim, conv}
	pending := l.marks.get(id) // first: what is no more pending afterwards is on disk
	err = l.use(func(s *store) (err error) {
		m, err = readMarks(s, id)
		return err
	})
	if err != nil {
		return Marks{}, err
	}
	return m.raised(pending), nil
}
