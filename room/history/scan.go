package history

import (
	"context"

	"github.com/cockroachdb/pebble/v2"
)

const (
	// scanSteps is how many seqs Memory looks at in one Scan: of most nothing may be left.
	scanSteps = 1 << 16
	// scanBytes is beyond how many bytes of texts a Scan stops.
	scanBytes = 4 << 20
)

// Scan implements Log.
func (l *memoryLog) Scan(after uint64, limit int) (msgs []Message, next uint64, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if limit == 0 {
		return nil, l.seq, l.err()
	}
	next = after
	for bytes := 0; next < l.seq && next-after < scanSteps && len(msgs) < limit && bytes < scanBytes; {
		next++
		if c := l.where[next]; c != nil {
			m := c.tail[c.index(next)]
			msgs, bytes = append(msgs, m), bytes+len(m.Body)
		}
	}
	return msgs, next, l.err()
}

// Scan implements Log.
func (l *pebbleLog) Scan(after uint64, limit int) (msgs []Message, next uint64, err error) {
	top := l.committed.Load()
	if limit == 0 {
		return nil, top, l.use(func(*store) error { return nil })
	}
	err = l.use(func(s *store) (err error) {
		msgs, next, err = scan(s.db, after, top, limit)
		return err
	})
	return msgs, next, err
}

// scan reads messages behind a seq, up to top.
func scan(r pebble.Reader, after, top uint64, limit int) (msgs []Message, next uint64, err error) {
	if after >= top {
		return nil, after, nil
	}
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: seqKey(nil, after+1), UpperBound: seqKey(nil, top+1)})
	if err != nil {
		return nil, 0, err
	}
	bytes := 0
	for it.First(); it.Valid(); it.Next() {
		m, found, err := messageOf(r, it.Key(), it.Value())
		if err != nil {
			release(it)
			return nil, 0, err
		}
		if !found {
			continue // it was removed meanwhile
		}
		msgs, bytes = append(msgs, m), bytes+len(m.Body)
		if len(msgs) == limit || bytes >= scanBytes {
			return msgs, m.Seq, it.Close()
		}
	}
	return msgs, top, it.Close()
}

// Scan implements Log. The server that answers may be behind the leader: then a later call finds the rest.
func (s *Stream) Scan(after uint64, limit int) (msgs []Message, next uint64, err error) {
	err = s.ask(func(ctx context.Context) error {
		if limit == 0 {
			st, err := s.state(ctx)
			next = st.State.LastSeq
			return err
		}
		limit = min(limit, readBatch)
		p, err := s.some(ctx, query{Seq: after + 1, Next: anySubject, Batch: limit}, limit)
		if err != nil {
			return err
		}
		next = after
		for _, it := range p.items {
			next = it.seq
			if it.seq <= s.cuts.get(it.path) { // it is as good as removed
				continue
			}
			m, err := s.message(it)
			if err != nil {
				return err
			}
			msgs = append(msgs, m)
		}
		return nil
	})
	return msgs, next, err
}
