package history

import (
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// load reads a conversation's head from disk, if it is not known. c.mu is held.
func (l *pebbleLog) load(s *store, c *conv) error {
	if c.loaded {
		return nil
	}
	h, fresh, err := readHead(s.db, c.name, l.committed.Load())
	if err != nil {
		return err
	}
	c.load(h, fresh)
	return nil
}

// readHead reads the head that was written last, and what came after it up to seq top. fresh is how many came after it.
func readHead(r pebble.Reader, conv string, top uint64) (h Head, fresh int, err error) {
	_, err = get(r, headKey(nil, conv), func(v []byte) (err error) {
		h, err = decodeHead(v)
		return err
	})
	if err != nil {
		return Head{}, 0, err
	}
	it, err := r.NewIter(&pebble.IterOptions{
		LowerBound: messageKey(nil, conv, h.Last+1),
		UpperBound: messageKey(nil, conv, top+1),
	})
	if err != nil {
		return Head{}, 0, err
	}
	for it.First(); it.Valid(); it.Next() {
		_, seq, ok := parseMessageKey(it.Key())
		if !ok {
			release(it)
			return Head{}, 0, errRecord
		}
		h.add(seq, len(it.Value()))
		fresh++
	}
	return h, fresh, it.Close()
}

// Read implements Log.
func (l *pebbleLog) Read(name string, after, before uint64, limit int) (msgs []Message, more bool, err error) {
	if len(name) > maxName {
		return nil, false, nil
	}
	err = l.use(func(s *store) (err error) {
		c := l.tails.pin(name)
		defer l.tails.unpin(c)
		msgs, more, err = l.read(s, c, after, before, limit)
		return err
	})
	return msgs, more, err
}

func (l *pebbleLog) read(s *store, c *conv, after, before uint64, limit int) (msgs []Message, more bool, err error) {
	c.mu.Lock()
	if err := l.load(s, c); err != nil {
		c.mu.Unlock()
		return nil, false, err
	}
	span := c.span(after, before, limit)
	ok := span.empty()
	if !ok {
		msgs, more, ok = c.read(span)
	}
	erasures := c.erasures
	c.mu.Unlock()
	if ok {
		return msgs, more, nil
	}
	if msgs, more, err = readSpan(s.db, c.name, span); err != nil {
		return nil, false, err
	}
	c.mu.Lock()
	grown := c.learn(msgs, erasures)
	c.mu.Unlock()
	l.tails.grew(grown)
	return msgs, more, nil
}

// readSpan reads messages from disk.
func readSpan(r pebble.Reader, conv string, span span) (msgs []Message, more bool, err error) {
	it, err := r.NewIter(&pebble.IterOptions{
		LowerBound: messageKey(nil, conv, span.bottom),
		UpperBound: messageKey(nil, conv, span.top+1),
	})
	if err != nil {
		return nil, false, err
	}
	first, next := it.Last, it.Prev
	if span.after > 0 {
		first, next = it.First, it.Next
	}
	for ok := first(); ok && len(msgs) < span.limit; ok = next() {
		_, seq, _ := parseMessageKey(it.Key())
		m, err := decodeMessage(conv, seq, it.Value())
		if err != nil {
			release(it)
			return nil, false, err
		}
		msgs = append(msgs, m)
	}
	if more = it.Valid(); span.after == 0 {
		slices.Reverse(msgs)
	}
	return msgs, more, it.Close()
}

// Head implements Log.
func (l *pebbleLog) Head(name string) (h Head, err error) {
	if len(name) > maxName {
		return Head{}, nil
	}
	err = l.use(func(s *store) (err error) {
		h, err = l.head(s, name)
		return err
	})
	return h, err
}

func (l *pebbleLog) head(s *store, name string) (Head, error) {
	c := l.tails.pin(name)
	defer l.tails.unpin(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	err := l.load(s, c)
	return c.head, err
}

// Find implements Log.
func (l *pebbleLog) Find(mid string) (m Message, found bool, err error) {
	top := l.committed.Load()
	err = l.use(func(s *store) (err error) {
		m, found, err = findMessage(s.db, l.origin, mid)
		return err
	})
	if err != nil || m.Seq > top {
		return Message{}, false, err
	}
	return m, found, nil
}

// Directs implements Log.
func (l *pebbleLog) Directs(claim uint64) (all []Direct, floor uint64, err error) {
	err = l.use(func(s *store) error {
		prefix := ofClaim(keyDirect, claim)
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
		if err != nil {
			return err
		}
		for it.First(); it.Valid(); it.Next() {
			d, err := decodeDirect(string(it.Key()[len(prefix):]), it.Value())
			if err != nil {
				release(it)
				return err
			}
			all = append(all, d)
		}
		if err := it.Close(); err != nil {
			return err
		}
		floor, err = readFloor(s.db)
		return err
	})
	return all, floor, err
}
