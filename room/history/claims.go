package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// dropFew is how many rows of a claim are deleted one by one at most.
const dropFew = 1000

// saves gathers changes of claims, so that many that come at once cost one commit. Any goroutine may add one.
type saves struct {
	mu      sync.Mutex // guards waiting; a leaf
	waiting []*save
}

// save is one change.
type save struct {
	fill func(*pebble.Batch) error // reads and writes through the batch, which sees the changes before it
	done bool                      // guarded by pebbleLog.commit
	err  error
}

// save carries out a change, and with it all that wait.
func (l *pebbleLog) save(fill func(*pebble.Batch) error) error {
	mine := &save{fill: fill}
	l.saves.mu.Lock()
	l.saves.waiting = append(l.saves.waiting, mine)
	l.saves.mu.Unlock()
	l.commit.Lock()
	defer l.commit.Unlock()
	if mine.done {
		return mine.err
	}
	l.saves.mu.Lock()
	all := l.saves.waiting
	l.saves.waiting = nil
	l.saves.mu.Unlock()
	err := l.use(func(s *store) error { return l.commitSaves(s, all) })
	for _, one := range all {
		one.done, one.err = true, err
	}
	return err
}

func (l *pebbleLog) commitSaves(s *store, all []*save) error {
	b := s.db.NewIndexedBatch()
	defer release(b)
	for _, one := range all {
		if err := one.fill(b); err != nil {
			return err
		}
	}
	if err := l.space(b.Len()); err != nil {
		return err
	}
	return s.commit(b, true)
}

// SaveClaim implements Log.
func (l *pebbleLog) SaveClaim(c Claim) error {
	if len(c.Key) > maxName {
		return fmt.Errorf("%w: nick key %q", errName, c.Key)
	}
	value := encodeClaim(c)
	return l.save(func(b *pebble.Batch) error {
		return errors.Join(b.Set(nickKey(c), nil, nil), b.Set(ofClaim(keyClaim, c.ID), value, nil))
	})
}

// DropClaim implements Log.
func (l *pebbleLog) DropClaim(id uint64) error {
	return l.save(func(b *pebble.Batch) error { return l.drop(b, id) })
}

// drop takes a claim out, and all that is kept of it. l.commit is held.
func (l *pebbleLog) drop(b *pebble.Batch, id uint64) error {
	old, found, err := readClaim(b, id)
	if err != nil {
		return err
	}
	if found {
		if err := b.Delete(nickKey(old), nil); err != nil {
			return err
		}
	}
	if err := b.Delete(ofClaim(keyClaim, id), nil); err != nil {
		return err
	}
	l.marks.forgetAll(id)
	return errors.Join(dropRows(b, ofClaim(keyMarks, id)), dropRows(b, ofClaim(keyDirect, id)))
}

// dropRows deletes the rows that begin with a prefix. Where they are few it is one by one: a range that was deleted makes whatever
// is read afterwards slower, until Pebble has written its memory to a table.
func dropRows(b *pebble.Batch, prefix []byte) error {
	it, err := b.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	defer release(it)
	var keys [][]byte
	for it.First(); it.Valid(); it.Next() {
		if len(keys) == dropFew {
			return b.DeleteRange(prefix, after(prefix), nil)
		}
		keys = append(keys, slices.Clone(it.Key()))
	}
	for _, key := range keys {
		if err := b.Delete(key, nil); err != nil {
			return err
		}
	}
	return it.Error()
}

func readClaim(r pebble.Reader, id uint64) (c Claim, found bool, err error) {
	found, err = get(r, ofClaim(keyClaim, id), func(v []byte) (err error) {
		c, err = decodeClaim(id, v)
		return err
	})
	return c, found, err
}

// parseClaim reads a row of keyClaim.
func parseClaim(key, value []byte) (Claim, error) {
	if len(key) != 1+8 {
		return Claim{}, errRecord
	}
	return decodeClaim(binary.BigEndian.Uint64(key[1:]), value)
}

// ClaimByID implements Log.
func (l *pebbleLog) ClaimByID(id uint64) (c Claim, found bool, err error) {
	err = l.use(func(s *store) (err error) {
		c, found, err = readClaim(s.db, id)
		return err
	})
	return c, found, err
}

// ClaimByNick implements Log.
func (l *pebbleLog) ClaimByNick(key string) (c Claim, found bool, err error) {
	if len(key) > maxName {
		return Claim{}, false, nil
	}
	err = l.use(func(s *store) error {
		prefix := nickPrefix(key)
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
		if err != nil {
			return err
		}
		var id uint64
		latest := it.Last()
		if latest {
			id, latest = nickKeyID(it.Key())
		}
		if err := it.Close(); err != nil || !latest {
			return err
		}
		c, found, err = readClaim(s.db, id)
		return err
	})
	return c, found, err
}
