package history

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
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

// SaveClaim implements Log. Two nodes must not save the same claim at once.
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
		old, found, err := s.claim(ctx, c.ID)
		if err != nil {
			return err
		}
		if !found || old.Key != c.Key || old.Made != c.Made {
			if err := s.list(ctx, c.Key, c.ID, &bearer{c.Made, c.ID}); err != nil {
				return err
			}
		}
		if err := s.claims.put(ctx, claimKey(c.ID), encodeClaim(c)); err != nil {
			return err
		}
		if found && old.Key != c.Key {
			return s.list(ctx, old.Key, c.ID, nil)
		}
		return nil
	})
}

// list takes a claim out of a nick's list, or puts it there.
func (s *Stream) list(ctx context.Context, nick string, id uint64, now *bearer) error {
	return s.claims.change(ctx, nickListKey(nick), func(old []byte) ([]byte, bool, error) {
		all, err := decodeBearers(old)
		if err != nil {
			return nil, false, err
		}
		n := len(all)
		all = slices.DeleteFunc(all, func(b bearer) bool { return b.id == id })
		if now != nil {
			all = append(all, *now)
		}
		return encodeBearers(all), now != nil || len(all) != n, nil
	})
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
			if err := s.list(ctx, old.Key, id, nil); err != nil {
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
