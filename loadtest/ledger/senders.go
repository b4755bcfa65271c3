package ledger

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// A sender's recipients are spread over the workers, and only the sum over all of them tells whether something is wrong
// with it. So each account has the tally of every sender, packed: the distance from the sender before, a mask of the
// fields that are not 0, and these fields, all of them unsigned varints.

var errPacked = errors.New("ledger: the senders of an account are damaged")

// Senders are those with which something is wrong, the worst first, at most n; and how many there are. Nil and 0 if the
// account is damaged.
func (a *Account) Senders(n int) (rows []Row, wrong int) {
	senders, err := a.unpackSenders()
	if err != nil {
		return nil, 0
	}
	maps.DeleteFunc(senders, func(_ int, t *Tally) bool { return !t.wrong() })
	users := slices.SortedFunc(maps.Keys(senders), func(x, y int) int {
		if c := worse(senders[x], senders[y]); c != 0 {
			return c
		}
		return x - y
	})
	for _, u := range users[:min(len(users), n)] {
		rows = append(rows, Row{Nick(a.Run, u), *senders[u]})
	}
	return rows, len(users)
}

func (a *Account) packSenders(senders map[int]*Tally) {
	a.Packed = nil
	before := -1
	for _, u := range slices.Sorted(maps.Keys(senders)) {
		fields := senders[u].fields()
		var mask uint64
		for i, f := range fields {
			if *f != 0 {
				mask |= 1 << i
			}
		}
		a.Packed = binary.AppendUvarint(a.Packed, uint64(u-before-1))
		a.Packed = binary.AppendUvarint(a.Packed, mask)
		for _, f := range fields {
			if *f != 0 {
				a.Packed = binary.AppendUvarint(a.Packed, uint64(*f))
			}
		}
		before = u
	}
}

func (a *Account) unpackSenders() (map[int]*Tally, error) {
	senders := map[int]*Tally{}
	rest, user := a.Packed, -1
	next := func() uint64 {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			rest = nil
			return 1 << 63 // no number that was packed
		}
		rest = rest[n:]
		return v
	}
	for len(rest) > 0 {
		step, mask := next(), next()
		t := &Tally{}
		fields := t.fields()
		if left := a.Shape.Users - user - 1; left <= 0 || step >= uint64(left) || mask >= 1<<len(fields) {
			return nil, errPacked
		}
		user += int(step) + 1
		for i, f := range fields {
			if mask>>i&1 == 0 {
				continue
			}
			v := next()
			if v >= 1<<63 {
				return nil, errPacked
			}
			*f = int64(v)
		}
		senders[user] = t
	}
	return senders, nil
}
