package ledger

import "time"

const (
	// DefaultRing is how many broadcasts of one talker may be on their way to a worker's recipients at a time.
	DefaultRing = 1024

	// MaxReach is how long after its intended time the recipients of a broadcast are waited for.
	MaxReach = 30 * time.Second

	maxPassages = 1 << 20 // of all rings together, 40 bytes each
	maxPieces   = 1 << 16 // that wait to be drained
)

// Piece is how one broadcast spread over the recipients of one worker. [Book.Drain] makes them, a [Merger] puts those
// of all workers together. A broadcast may come in several pieces.
type Piece struct {
	Chat   int    `json:"c"`
	Slot   int    `json:"s"`
	Number uint32 `json:"n"`
	Count  int    `json:"k"`           // recipients of this piece
	At     int64  `json:"a"`           // when it was meant to be sent
	First  int64  `json:"f"`           // nanoseconds from At to the first recipient
	Last   int64  `json:"l"`           // and to the last
	All    bool   `json:"d,omitempty"` // all of the worker's recipients who were present have it, by this piece
	Tardy  bool   `json:"t,omitempty"` // see [Stamp]
}

// spread watches the broadcasts that are on their way to the recipients of one worker. It is part of a [Book] and
// guarded by the book's lock.
//
// Each talker has a ring in which a broadcast stands at its number. It leaves the ring as a Piece when everyone present
// has it, when it is too old, or when a much later one needs its place.
type spread struct {
	grid    *grid
	mask    uint32    // of the ring
	ring    []passage // by talker and number
	onWay   []int     // by talker: places taken
	present []int     // users by chat who are connected and read
	done    []Piece
	missed  int64 // deliveries and pieces that found no place
}

// passage is a broadcast on its way. One with count 0 is a free place.
type passage struct {
	number      uint32
	count       uint32
	at          int64
	first, last int64 // times of arrival
	tardy       bool
}

// newSpread takes the size of a ring, which it rounds up to a power of two, or down if there are very many talkers.
func newSpread(g *grid, size int) *spread {
	n := 1
	for n < size && 2*n*len(g.talker) <= maxPassages {
		n *= 2
	}
	return &spread{
		grid:    g,
		mask:    uint32(n - 1),
		ring:    make([]passage, n*len(g.talker)),
		onWay:   make([]int, len(g.talker)),
		present: make([]int, g.Chats),
	}
}

// arrive books the first arrival of a broadcast at one of the recipients who are present.
func (s *spread) arrive(chat int, stamp *Stamp, at int64) {
	talker := chat*s.grid.talkers + int(stamp.Slot)
	p := &s.ring[talker*int(s.mask+1)+int(stamp.Number&s.mask)]
	switch {
	case p.count > 0 && p.number == stamp.Number:
		p.count++
		p.first, p.last = min(p.first, at), max(p.last, at)
	case p.count > 0 && p.number > stamp.Number:
		s.missed++ // so late that a later one has its place
		return
	default:
		s.finish(talker, p, false)
		*p = passage{stamp.Number, 1, stamp.At, at, at, stamp.Tardy}
		s.onWay[talker]++
	}
	if int(p.count) >= s.present[chat] {
		s.finish(talker, p, true)
	}
}

// finish makes a place free and a piece of the broadcast that had it.
func (s *spread) finish(talker int, p *passage, all bool) {
	if p.count == 0 {
		return
	}
	if len(s.done) < maxPieces {
		s.done = append(s.done, Piece{
			Chat: talker / s.grid.talkers, Slot: talker % s.grid.talkers, Number: p.number, Count: int(p.count),
			At: p.at, First: p.first - p.at, Last: p.last - p.at, All: all, Tardy: p.tardy,
		})
	} else {
		s.missed++
	}
	p.count = 0
	s.onWay[talker]--
}

// drain returns the pieces since the last call, and how many deliveries and pieces found no place.
func (s *spread) drain(now int64) (pieces []Piece, missed int64) {
	size := int(s.mask) + 1
	for talker, n := range s.onWay {
		if n == 0 {
			continue
		}
		present := s.present[talker/s.grid.talkers]
		for i := range size {
			p := &s.ring[talker*size+i]
			all := int(p.count) >= present // some of those who had not got it may have left
			if all || p.at <= now-int64(MaxReach) {
				s.finish(talker, p, all)
			}
		}
	}
	pieces, missed = s.done, s.missed
	s.done, s.missed = nil, 0
	return pieces, missed
}
