package history

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
)

// The keys of the bucket of claims: a claim by its id, and for a nick's key who had it.
func claimKey(id uint64) string      { return "c." + hex(id) }
func nickListKey(nick string) string { return "n." + token(nick) }

// bearer is one claim that a nick's list has. That the claim is still so has to be looked up.
type bearer struct {
	made int64
	id   uint64
}

func encodeBearers(all []bearer) []byte {
	if len(all) == 0 {
		return nil
	}
	b := []byte{recordVersion}
	for _, one := range all {
		b = binary.BigEndian.AppendUint64(b, uint64(one.made))
		b = binary.BigEndian.AppendUint64(b, one.id)
	}
	return b
}

// decodeBearers gives the latest last.
func decodeBearers(v []byte) (all []bearer, err error) {
	if len(v) == 0 {
		return nil, nil
	}
	d := decoder{rest: v}
	for d.version(); len(d.rest) > 0; {
		all = append(all, bearer{int64(d.fixed()), d.fixed()})
	}
	if d.bad {
		return nil, errRecord
	}
	slices.SortFunc(all, func(a, b bearer) int { return cmp.Or(cmp.Compare(a.made, b.made), cmp.Compare(a.id, b.id)) })
	return all, nil
}

// maxLists is how many lists of nicks are remembered.
const maxLists = 4096

// lists remembers the lists of nicks as they were read last: who asks for a nick soon saves its claim. Any goroutine may use it.
type lists struct {
	mu     sync.Mutex // guards byNick; a leaf
	byNick map[string]*item
}

// get is nil for what is not remembered.
func (l *lists) get(nick string) *item {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byNick[nick]
}

func (l *lists) put(nick string, it item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byNick == nil || len(l.byNick) >= maxLists {
		l.byNick = map[string]*item{}
	}
	l.byNick[nick] = &it
}

// SaveClaim implements Log. Two nodes must not save claims of one nick at once.
func (s *Stream) SaveClaim(c Claim) error {
	if len(c.Key) > maxName {
		return fmt.Errorf("%w: nick key %q", errName, c.Key)
	}
	return s.ask(func(ctx context.Context) error {
		if s.marks.has(c.ID) { // it may come back on another node
			if err := s.flushMarks(ctx); err != nil {
				return err
			}
		}
		if err := s.list(ctx, c.Key, bearer{c.Made, c.ID}, true); err != nil {
			return err
		}
		return s.claims.put(ctx, claimKey(c.ID), encodeClaim(c))
	})
}

// list puts a claim into a nick's list, or takes it out.
func (s *Stream) list(ctx context.Context, nick string, one bearer, isIn bool) error {
	now, err := s.claims.changeFrom(ctx, nickListKey(nick), s.lists.get(nick), func(old []byte) ([]byte, bool, error) {
		all, err := decodeBearers(old)
		if err != nil || slices.Contains(all, one) == isIn {
			return nil, false, err
		}
		if isIn {
			all = append(all, one)
		} else {
			all = slices.DeleteFunc(all, func(b bearer) bool { return b == one })
		}
		return encodeBearers(all), true, nil
	})
	if err == nil {
		s.lists.put(nick, now)
	}
	return err
}

func (s *Stream) claim(ctx context.Context, id uint64) (c Claim, found bool, err error) {
	it, found, err := s.claims.newest(ctx, claimKey(id))
	if !found || err != nil {
		return Claim{}, false, err
	}
	c, err = decodeClaim(id, it.data)
	return c, err == nil, err
}

// ClaimByID implements Log.
func (s *Stream) ClaimByID(id uint64) (c Claim, found bool, err error) {
	err = s.ask(func(ctx context.Context) (err error) {
		c, found, err = s.claim(ctx, id)
		return err
	})
	return c, found, err
}

// ClaimByNick implements Log.
func (s *Stream) ClaimByNick(key string) (c Claim, found bool, err error) {
	err = s.ask(func(ctx context.Context) error {
		if len(key) > maxName {
			return nil
		}
		it, _, err := s.claims.newest(ctx, nickListKey(key))
		if err != nil {
			return err
		}
		s.lists.put(key, it)
		all, err := decodeBearers(it.data)
		if err != nil {
			return err
		}
		for _, b := range slices.Backward(all) {
			c, found, err = s.claim(ctx, b.id)
			if err != nil || found && c.Key == key && c.Made == b.made {
				return err
			}
		}
		c, found = Claim{}, false
		return nil
	})
	return c, found, err
}

// DropClaim implements Log.
func (s *Stream) DropClaim(id uint64) error {
	return s.ask(func(ctx context.Context) error {
		old, found, err := s.claim(ctx, id)
		if err != nil {
			return err
		}
		if found {
			if err := s.list(ctx, old.Key, bearer{old.Made, id}, false); err != nil {
				return err
			}
			if err := s.claims.drop(ctx, claimKey(id)); err != nil {
				return err
			}
		}
		if err := s.directs.drop(ctx, hex(id)+".>"); err != nil {
			return err
		}
		return s.dropMarks(ctx, id)
	})
}
