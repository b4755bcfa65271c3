package ledger

import (
	"fmt"
	"sync"
	"time"
)

const (
	// DefaultSpans is how many spans of missing numbers a book remembers, 8 bytes each, and about 100 bytes for each
	// stream that has any or had.
	DefaultSpans = 1 << 20

	// MaxFaults is how many faults of each kind are named. All are counted.
	MaxFaults = 1000

	maxRing = 1 << 20
)

// Config is what a [Book] is to keep account of.
type Config struct {
	Run   uint32 // of the stamps
	Shape Shape
	From  int // the recipients are the users [From, To)
	To    int

	// Kept says that what is said while a recipient is away is kept for it and comes when it is back, as in version 2 of the
	// protocol: everything is owed to it from its first coming on.
	Kept bool

	LateAfter time.Duration // from the intended time to the delivery; beyond it a delivery is late. 0: nothing is late
	Spans     int           // of missing numbers that are remembered, over all streams; 0: [DefaultSpans]
	Ring      int           // broadcasts of one talker that may be on their way at a time (see [Piece]); 0: [DefaultRing]
}

// Book keeps account of all that the users of one worker receive. The package comment has the rules by which it counts.
// Its methods may be called from any goroutine: each takes the book's one lock once and does not block otherwise. Calls
// about one user must come in the order of what happened to it.
type Book struct {
	run       uint32
	grid      *grid
	from      int
	rows      int // recipients
	kept      bool
	lateAfter int64
	spans     int // the most that may be remembered

	mu sync.Mutex // guards what follows
	// high and late are by stream, column by column, so that a broadcast to all goes through them from end to end.
	high   []uint32 // the highest number that has come; 1 to high have, but for the gaps
	late   []uint32 // deliveries that were late
	gaps   map[int]*gaps
	held   int // spans in gaps
	people []person
	spread *spread
	counts Tally
	faults [whats][]Fault // what happened first, in order
}

// NewBook makes an empty book. It takes 8 bytes for each recipient and slot, and up to 40 MiB for the broadcasts that
// are on their way.
func NewBook(conf Config) (*Book, error) {
	if err := conf.Shape.Validate(); err != nil {
		return nil, err
	}
	switch {
	case conf.From < 0 || conf.From > conf.To || conf.To > conf.Shape.Users:
		return nil, fmt.Errorf("ledger: recipients [%d, %d) of %d users", conf.From, conf.To, conf.Shape.Users)
	case conf.Spans < 0:
		return nil, fmt.Errorf("ledger: %d spans: want 0 or more", conf.Spans)
	case conf.Ring < 0 || conf.Ring > maxRing:
		return nil, fmt.Errorf("ledger: ring of %d: want 0 to %d", conf.Ring, maxRing)
	case conf.LateAfter < 0:
		return nil, fmt.Errorf("ledger: late after %v: want 0 or more", conf.LateAfter)
	}
	b := &Book{run: conf.Run, grid: newGrid(conf.Shape), from: conf.From, rows: conf.To - conf.From}
	b.kept, b.lateAfter, b.spans = conf.Kept, int64(conf.LateAfter), conf.Spans
	if b.lateAfter == 0 {
		b.lateAfter = forever
	}
	if b.spans == 0 {
		b.spans = DefaultSpans
	}
	if conf.Ring == 0 {
		conf.Ring = DefaultRing
	}
	b.high = make([]uint32, b.rows*b.grid.width())
	b.late = make([]uint32, len(b.high))
	b.gaps = map[int]*gaps{}
	b.people = make([]person, b.rows)
	b.spread = newSpread(b.grid, conf.Ring)
	return b, nil
}

// Received books a message that a user got at a time on the run's clock; text and from are as [Find] gives them, and
// are not kept. A user that is not one of the book's is a mistake of the caller's and panics.
func (b *Book) Received(user int, text, from []byte, at int64) Outcome {
	var r Reading
	r.read(text, from)
	return b.Got(user, &r, at)
}

// Got is [Book.Received] for a message that was read before. It does not keep or change r.
func (b *Book) Got(user int, r *Reading, at int64) Outcome {
	row := b.row(user)
	column, err := 0, r.Err
	if err == nil {
		column, err = b.place(user, &r.Stamp, r.Forged)
	}
	b.mu.Lock()
	var out Outcome
	if err == nil {
		out = b.arrived(row, column, &r.Stamp, at)
	} else {
		out = b.corrupted(user, &r.Stamp, at, err)
	}
	b.mu.Unlock()
	return out
}

// arrived books a message whose stamp belongs to its recipient.
func (b *Book) arrived(row, column int, s *Stamp, at int64) Outcome {
	what, latency := Delivered, at-s.At
	p := &b.people[row]
	kept := s.Waited || s.At < p.since
	i := column*b.rows + row
	if s.Number == b.high[i]+1 {
		b.high[i]++
	} else {
		what = b.outOfOrder(i, b.from+row, s, at)
	}
	if what == Delivered || what == Reordered {
		b.counts.Delivered++
		if latency > b.lateAfter && !s.Tardy && !kept {
			b.late[i]++
			b.counts.Late++
		}
		if s.Kind == Broadcast && !p.excused && !kept {
			b.spread.arrive(b.grid.chat(b.from+row), s, at)
		}
	}
	return Outcome{
		What: what, Kind: s.Kind, Slot: s.Slot, Sender: s.Sender, Number: s.Number, Tardy: s.Tardy, Kept: kept, Latency: latency,
	}
}

// Unstamped books a chat message without a stamp, where [Find] finds nothing: it is corrupted.
func (b *Book) Unstamped(user int, at int64) Outcome {
	b.row(user)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.corrupted(user, &Stamp{}, at, ErrNone)
}

func (b *Book) row(user int) int {
	row := user - b.from
	if uint(row) >= uint(b.rows) {
		panic(fmt.Sprintf("ledger: user %d is not one of [%d, %d)", user, b.from, b.from+b.rows))
	}
	return row
}

// place is the column of the stream that a stamp names, if the stamp belongs to this recipient.
func (b *Book) place(user int, s *Stamp, forged bool) (column int, err error) {
	if s.Run != b.run {
		return 0, ErrRun
	}
	column = b.grid.column(s.Kind, int(s.Slot))
	if column < 0 || s.Sender == nobody || b.grid.sender(user, column) != s.Sender {
		return 0, ErrStream
	}
	if forged {
		return 0, ErrFrom
	}
	if s.Number == 0 {
		return 0, ErrNumber
	}
	return column, nil
}

// outOfOrder books a number that is not the next one of its stream.
func (b *Book) outOfOrder(i, user int, s *Stamp, at int64) What {
	g := b.gaps[i]
	if g == nil {
		g = &gaps{}
		b.gaps[i] = g
	}
	what, grown := Delivered, 1
	if s.Number > b.high[i] {
		g.pass(span{b.high[i] + 1, s.Number - 1})
		b.high[i] = s.Number
	} else {
		what, grown = g.arrive(s.Number, s.Again)
	}
	if b.held += grown; b.held > b.spans {
		g.writeOff() // it has one at least: it has just grown
		b.held--
	}
	switch what {
	case Reordered:
		b.counts.Reordered++
	case Duplicated:
		b.counts.Duplicated++
	case Unsure:
		b.counts.Unsure++
		return what
	default:
		return what
	}
	b.name(Fault{
		What: what, Kind: s.Kind, Slot: s.Slot, Sender: int(s.Sender), Recipient: user, Number: s.Number, To: s.Number, At: at,
	})
	return what
}

// corrupted books a message that is not one of the run's. Its stamp may be empty.
func (b *Book) corrupted(user int, s *Stamp, at int64, why error) Outcome {
	b.counts.Corrupted++
	f := Fault{What: Corrupted, Sender: -1, Recipient: user, At: at, Why: why.Error()}
	if *s != (Stamp{}) {
		f.Kind, f.Slot, f.Sender, f.Number, f.To = s.Kind, s.Slot, int(s.Sender), s.Number, s.Number
	}
	b.name(f)
	return Outcome{What: Corrupted, Why: why}
}

// Broken books that something else is wrong with a message that a user got at a time: it stands in the wrong place of its
// conversation, say. It counts as corrupted, besides what o, the outcome of its booking, has counted it as.
func (b *Book) Broken(user int, o Outcome, at int64, why error) {
	b.row(user)
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stamp{Kind: o.Kind, Slot: o.Slot, Sender: o.Sender, Number: o.Number}
	if o.Number == 0 {
		s = Stamp{}
	}
	b.corrupted(user, &s, at, why)
}

func (b *Book) name(f Fault) {
	if len(b.faults[f.What]) < MaxFaults {
		b.faults[f.What] = append(b.faults[f.What], f)
	}
}

// Snapshot is what has happened so far: Delivered, Duplicated, Reordered, Late, Corrupted and Unsure. What is expected
// and lost only [Book.Settle] can tell.
func (b *Book) Snapshot() Tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts
}

// Drain returns how broadcasts have spread, those that are over since the last call; call it each second. Now is on the
// run's clock; [math.MaxInt64] at the end of the run gives all. Missed is the number of deliveries that were so late, or
// so many at a time, that the pieces do not speak of them; other counts do.
func (b *Book) Drain(now int64) (pieces []Piece, missed int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spread.drain(now)
}
