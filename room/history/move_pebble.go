package history

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// readOrigin reads where the log was moved from, and refuses what is not whole.
func (l *pebbleLog) readOrigin() error {
	_, err := get(l.store.db, aboutMove, func(v []byte) (err error) {
		l.origin, err = decodeOrigin(v)
		return err
	})
	if err != nil || l.conf.moving {
		return err
	}
	if err := l.origin.check(); err != nil {
		return fmt.Errorf("%s: %w", l.dir, err)
	}
	return nil
}

// filledFolder is a folder that a log is moved into.
type filledFolder struct{ *pebbleLog }

func (l filledFolder) begun() *origin { return l.origin }

func (l filledFolder) note(_ context.Context, o origin) error {
	err := l.save(func(b *pebble.Batch) error { return b.Set(aboutMove, o.encode(), nil) })
	if err == nil {
		l.origin = &o
	}
	return err
}

func (l filledFolder) isEmpty(context.Context) (empty bool, err error) {
	err = l.use(func(s *store) error {
		it, err := s.db.NewIter(&pebble.IterOptions{UpperBound: []byte{keyAbout}})
		if err != nil {
			return err
		}
		empty = !it.First()
		return it.Close()
	})
	return empty, err
}

func (l filledFolder) newest(context.Context) (m Message, found bool, err error) {
	err = l.use(func(s *store) error {
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keySeq}, UpperBound: []byte{keySeq + 1}})
		if err != nil {
			return err
		}
		var seq uint64 = math.MaxUint64
		if it.Last() {
			seq = binary.BigEndian.Uint64(it.Key()[1:])
		}
		if err := it.Close(); err != nil {
			return err
		}
		m, found, err = nextMessage(s.db, seq)
		return err
	})
	return m, found, err
}

func (l filledFolder) fill(_ context.Context, batch []*Entry, _ uint64) error { return l.Append(batch) }

func (l filledFolder) clear(context.Context) error {
	return l.save(func(b *pebble.Batch) error {
		for _, kind := range [...]byte{keyClaim, keyNick, keyDirect, keyMarks} {
			if err := b.DeleteRange([]byte{kind}, []byte{kind + 1}, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l filledFolder) list(_ context.Context, all []listed) error {
	return l.save(func(b *pebble.Batch) error {
		for _, one := range all {
			key := claimConvKey(keyDirect, one.claim, one.Conv)
			if err := b.Set(key, encodeDirect(one.Peer, one.PeerNick), nil); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l filledFolder) flush(context.Context) error {
	for more := true; more; {
		err := l.change(func(s *store) (err error) {
			more, err = l.marks.flush(s)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
