package history

import "slices"

// erased is the body of a message that was erased. No client can have said it, since values come without white space around them;
// who does not know what it means reads null.
const erased = "null "

// IsErased is that what the message said was removed.
func (m *Message) IsErased() bool { return string(m.Body) == erased }

// erase takes out of the tail what a message said. What was given out of the tail before stays as it was; what is read from the disk
// at present is not put into it. It returns by how much the tail has grown, in bytes. c.mu is held.
func (c *conv) erase(seq uint64) (grown int64) {
	c.erasures++
	i := c.index(seq)
	if i == len(c.tail) || c.tail[i].Seq != seq {
		return 0
	}
	before := cost(&c.tail[i])
	c.tail = slices.Clone(c.tail)
	c.tail[i].Body = []byte(erased)
	grown = cost(&c.tail[i]) - before
	c.bytes += grown
	return grown
}

// Erase implements Log.
func (l *memoryLog) Erase(name string, seq uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.where[seq]
	if c == nil || c.name != name {
		return l.err()
	}
	i := c.index(seq)
	grown := c.erase(seq)
	c.sizes[i] += int(grown)
	c.head.Bytes += grown
	l.bytes += grown
	return nil
}

// Erase implements Log. The record is written anew; the bytes of the old one leave the disk when Pebble next tidies that part of its
// tables, and with the write-ahead log.
func (l *pebbleLog) Erase(name string, seq uint64) error {
	if len(name) > maxName {
		return nil
	}
	l.trims.work.Lock() // who trims knows the sizes of records
	defer l.trims.work.Unlock()
	return l.change(func(s *store) error { return l.erase(s, name, seq) })
}

// erase writes a record anew, and the head, which knows the sizes. l.commit is held.
func (l *pebbleLog) erase(s *store, name string, seq uint64) error {
	key := messageKey(nil, name, seq)
	var record []byte
	var less int
	_, err := get(s.db, key, func(v []byte) error {
		m, err := decodeMessage(name, seq, v)
		if err == nil && !m.IsErased() {
			record = append(slices.Clone(v[:len(v)-len(m.Body)]), erased...)
			less = len(v) - len(record)
		}
		return err
	})
	if err != nil || record == nil {
		return err
	}
	c := l.tails.pin(name)
	defer l.tails.unpin(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := l.load(s, c); err != nil {
		return err
	}
	h := c.head
	h.Bytes -= int64(less)
	b := s.db.NewBatch()
	defer release(b)
	if err := b.Set(key, record, nil); err != nil {
		return err
	}
	if err := b.Set(headKey(nil, name), appendHead(nil, h), nil); err != nil {
		return err
	}
	if err := s.commit(b, true); err != nil {
		return err
	}
	c.head, c.fresh = h, 0
	l.tails.bytes.Add(c.erase(seq))
	return nil
}
