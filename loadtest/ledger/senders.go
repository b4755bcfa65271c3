package ledger

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// The recipients of a sender, or of a room, are spread over the workers, and only the sum over all of them tells whether
// something is wrong with it. So each account has the tally of every sender and every room, packed: the distance from the
// one before, a mask of the fields that are not 0, and these fields, all of them unsigned varints.

var errPacked = errors.New("ledger: the senders or rooms of an account are damaged")

// Senders are those with which something is wrong, the worst first, at most n; and how many there are. Nil and 0 if the
// account is damaged.
func (a *Account) Senders(n int) (rows []Row, wrong int) {
	rows, wrong = worst(a.Packed, a.Shape.Users, func(u int) string { return Nick(a.Run, u) })
	return rows[:min(len(rows), n)], wrong
}

// worst are the packed tallies with which something is wrong, the worst first, and how many they are.
func worst(packed []byte, most int, name func(int) string) (rows []Row, wrong int) {
	all, err := unpack(packed, most)
	if err != nil {
		return nil, 0
	}
	maps.DeleteFunc(all, func(_ int, t *Tally) bool { return !t.wrong() })
	order := slices.SortedFunc(maps.Keys(all), func(x, y int) int {
		return cmp.Or(worse(all[x], all[y]), cmp.Compare(x, y))
	})
	for _, i := range order {
		rows = append(rows, Row{name(i), *all[i]})
	}
	return rows, len(rows)
}

func pack(all map[int]*Tally) (packed []byte) {
	before := -1
	for _, u := range slices.Sorted(maps.Keys(all)) {
		fields := all[u].fields()
		var mask uint64
		for i, f := range fields {
			if *f != 0 {
				mask |= 1 << i
			}
		}
		packed = binary.AppendUvarint(packed, uint64(u-before-1))
		packed = binary.AppendUvarint(packed, mask)
		for _, f := range fields {
			if *f != 0 {
				packed = binary.AppendUvarint(packed, uint64(*f))
			}
		}
		before = u
	}
	return packed
}

// unpack is the opposite; the tallies are those of 0 to most-1.
func unpack(packed []byte, most int) (map[int]*Tally, error) {
	all := map[int]*Tally{}
	rest, at := packed, -1
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
		if left := most - at - 1; left <= 0 || step >= uint64(left) || mask >= 1<<len(fields) {
			return nil, errPacked
		}
		at += int(step) + 1
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
		all[at] = t
	}
	return all, nil
}

// merge adds two packed lists up.
func merge(a, b []byte, most int) ([]byte, error) {
	sum, err := unpack(a, most)
	if err != nil {
		return nil, err
	}
	more, err := unpack(b, most)
	if err != nil {
		return nil, err
	}
	for i, t := range more {
		addTo(sum, i, *t)
	}
	return pack(sum), nil
}
