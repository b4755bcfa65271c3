package ledger

import (
	"cmp"
	"slices"
)

// span is a run of numbers, both ends included.
type span struct{ from, to uint32 }

func (s span) size() int64 { return int64(s.to) - int64(s.from) + 1 }

// gaps is what is kept of a stream to one recipient that did not come as 1, 2, 3 and so on.
type gaps struct {
	missing []span // passed over so far: rising, with others between them
	// floor is the highest number that was written off. Of numbers up to it nobody knows any more which have come.
	floor      uint32
	writtenOff int64 // numbers that were missing when they were written off
	duplicated int64
	reordered  int64
	unsure     int64
}

// arrive books a number up to the highest that the stream has brought, and returns by how many the spans have grown. One that was
// said again may come behind others.
func (g *gaps) arrive(number uint32, isAgain bool) (what What, grown int) {
	if number <= g.floor {
		g.unsure++
		return Unsure, 0
	}
	i, _ := slices.BinarySearchFunc(g.missing, number, func(s span, n uint32) int { return cmp.Compare(s.to, n) })
	if i == len(g.missing) || number < g.missing[i].from {
		g.duplicated++
		return Duplicated, 0
	}
	what = Reordered
	if isAgain {
		what = Delivered
	} else {
		g.reordered++
	}
	s := g.missing[i]
	switch {
	case s.from == s.to:
		g.missing = slices.Delete(g.missing, i, i+1)
		return what, -1
	case number == s.from:
		g.missing[i].from++
	case number == s.to:
		g.missing[i].to--
	default:
		g.missing[i].to = number - 1
		g.missing = slices.Insert(g.missing, i+1, span{number + 1, s.to})
		return what, 1
	}
	return what, 0
}

// pass remembers numbers that were passed over. They are higher than all before.
func (g *gaps) pass(s span) { g.missing = append(g.missing, s) }

// writeOff gives up the lowest span, of which there must be one.
func (g *gaps) writeOff() {
	g.floor = g.missing[0].to
	g.writtenOff += g.missing[0].size()
	g.missing = g.missing[1:]
}

// overlap is what two rising lists of spans have in common, appended to dst.
func overlap(dst, a, b []span) []span {
	for len(a) > 0 && len(b) > 0 {
		if from, to := max(a[0].from, b[0].from), min(a[0].to, b[0].to); from <= to {
			dst = append(dst, span{from, to})
		}
		if a[0].to < b[0].to {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return dst
}

// total is how many numbers lie in spans that have none in common.
func total(spans []span) (n int64) {
	for _, s := range spans {
		n += s.size()
	}
	return n
}
