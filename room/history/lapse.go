package history

import (
	"context"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	// lapseMin is how long a claim that went away is known, however short Config.KeepAge is: a nick is kept for it meanwhile.
	lapseMin = 10 * time.Minute
	// memoryAway is how many claims that are away Memory knows, besides those that went within lapseMin or have a direct conversation.
	memoryAway = 100_000
)

// lapses is that a claim has been away for too long. It is to be forgotten if no direct conversation of it is left.
func (c *Config) lapses(claim *Claim, now int64) bool {
	return c.KeepAge > 0 && claim.Away > 0 && claim.Away < now-max(c.KeepAge, lapseMin).Milliseconds()
}

// lapse forgets the claims that have been away for too long. Looking for them holds nobody up.
func (l *pebbleLog) lapse(ctx context.Context, now int64) {
	if l.conf.KeepAge <= 0 {
		return
	}
	for from := []byte{keyClaim}; from != nil && ctx.Err() == nil; {
		var ids []uint64
		err := l.use(func(s *store) (err error) {
			ids, from, err = l.lapsed(s, from, now)
			return err
		})
		if err == nil && len(ids) > 0 {
			err = l.change(func(s *store) error { return l.dropLapsed(s, ids, now) })
		}
		if err != nil {
			l.log.Warn("claims could not be forgotten", "error", err)
			return
		}
	}
}

// lapsed looks at some claims from a key on, and gives those to be forgotten. next is the key to go on from; nil: there are no more.
func (l *pebbleLog) lapsed(s *store, from []byte, now int64) (ids []uint64, next []byte, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{keyClaim + 1}})
	if err != nil {
		return nil, nil, err
	}
	defer release(it)
	it.First()
	for n := 0; it.Valid() && n < trimScan && len(ids) < trimChunk; n++ {
		c, err := parseClaim(it.Key(), it.Value())
		if err != nil {
			return nil, nil, err
		}
		isLapsed, err := l.isLapsed(s, &c, now)
		if err != nil {
			return nil, nil, err
		}
		if isLapsed {
			ids = append(ids, c.ID)
		}
		it.Next()
	}
	if it.Valid() {
		next = slices.Clone(it.Key())
	}
	return ids, next, it.Error()
}

// dropLapsed forgets claims that were found to have lapsed, and still have. l.commit is held.
func (l *pebbleLog) dropLapsed(s *store, ids []uint64, now int64) error {
	b := s.db.NewIndexedBatch()
	defer release(b)
	for _, id := range ids {
		c, found, err := readClaim(s.db, id)
		if err != nil {
			return err
		}
		isLapsed, err := l.isLapsed(s, &c, now)
		if err != nil {
			return err
		}
		if !found || !isLapsed {
			continue
		}
		if err := l.drop(b, id); err != nil {
			return err
		}
	}
	if b.Empty() {
		return nil
	}
	return s.commit(b, false)
}

// isLapsed is that a claim is to be forgotten.
func (l *pebbleLog) isLapsed(s *store, c *Claim, now int64) (bool, error) {
	if !l.conf.lapses(c, now) {
		return false, nil
	}
	prefix := ofClaim(keyDirect, c.ID)
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return false, err
	}
	hasDirect := it.First()
	return !hasDirect, it.Close()
}

// lapse forgets the claims that have been away for too long and, where too many are away, those that have been for longest. l.mu is held.
func (l *memoryLog) lapse(now int64) {
	for e := l.away.Front(); e != nil; {
		c := e.Value.(*memoryClaim)
		e = e.Next()
		isTooMany := l.away.Len() > memoryAway && c.Away < now-lapseMin.Milliseconds()
		if !isTooMany && !l.conf.lapses(&c.Claim, now) {
			return
		}
		if len(l.directs[c.ID]) == 0 {
			l.drop(c.ID)
		}
	}
}
