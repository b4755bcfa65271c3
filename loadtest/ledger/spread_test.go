package ledger

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// arrival is a broadcast at one recipient.
type arrival struct {
	user, slot int
	number     uint32
	at         int64
}

// sentAt is when a broadcast of the test was meant to be sent.
func sentAt(number uint32) int64 { return int64(number) * int64(time.Second) }

// Whatever the order of arrivals, and with some lost, each broadcast is told once, and its first and last recipients are
// those of the naive count.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, 0)
		var workers [][2]int
		for i := range m.books {
			workers = append(workers, [2]int{m.bounds[i], m.bounds[i+1]})
		}
		merger, err := NewMerger(m.shape, workers)
		if err != nil {
			t.Fatal(err)
		}
		for u := range m.shape.Users {
			m.books[m.worker(u)].Joined(u, 0)
		}
		var arrivals []arrival
		want := map[broadcast]*Reach{}
		lossy := map[broadcast]bool{}
		for number := range uint32(rapid.IntRange(0, 4).Draw(t, "numbers")) {
			number++
			for u := range m.shape.Users {
				chat := m.shape.Chat(u)
				for slot := range m.shape.TalkerSlots(chat) {
					key := broadcast{chat, slot, number}
					if rapid.IntRange(0, 19).Draw(t, "lost") == 0 {
						lossy[key] = true
						continue
					}
					a := arrival{u, slot, number, sentAt(number) + rapid.Int64Range(0, seconds(20)).Draw(t, "latency")}
					arrivals = append(arrivals, a)
					r := want[key]
					if r == nil {
						r = &Reach{Chat: chat, Slot: slot, Number: number, At: sentAt(number), First: math.MaxInt64, Tardy: number == 2}
						want[key] = r
					}
					r.Recipients++
					r.First, r.Last = min(r.First, a.at-r.At), max(r.Last, a.at-r.At)
				}
			}
		}
		for key, r := range want {
			r.Complete = !lossy[key]
		}
		slices.SortFunc(arrivals, func(a, b arrival) int { return int(a.at - b.at) })

		told := map[broadcast]Reach{}
		drain := func(now int64) {
			for i, b := range m.books {
				pieces, missed := b.Drain(now)
				if missed != 0 {
					t.Fatalf("%d missed", missed)
				}
				merger.Add(i, carried(t, pieces))
			}
			done, missed := merger.Drain(now)
			for _, r := range done {
				key := broadcast{r.Chat, r.Slot, r.Number}
				if _, again := told[key]; again || missed > 0 {
					t.Fatalf("%+v is told again, %d missed", r, missed)
				}
				told[key] = r
			}
		}
		next := int64(0)
		for _, a := range arrivals {
			for ; next < a.at; next += int64(time.Second) {
				drain(next)
			}
			deliver(m, a)
		}
		for range rapid.IntRange(0, 40).Draw(t, "quiet") {
			drain(next)
			next += int64(time.Second)
		}
		drain(math.MaxInt64)
		if len(told) != len(want) {
			t.Fatalf("%d broadcasts are told, want %d", len(told), len(want))
		}
		for key, r := range want {
			if told[key] != *r {
				t.Fatalf("%+v, want %+v", told[key], *r)
			}
		}
		if pieces, _ := m.books[0].Drain(math.MaxInt64); len(pieces) > 0 {
			t.Fatalf("%v are left", pieces)
		}
	})
}

func deliver(m *model, a arrival) {
	sender := m.shape.Talker(m.shape.Chat(a.user), a.slot)
	s := Stamp{Run: run, Slot: uint16(a.slot), Sender: uint32(sender), Number: a.number, At: sentAt(a.number), Tardy: a.number == 2}
	m.books[m.worker(a.user)].Received(a.user, s.Append(nil, 0), []byte(Nick(run, sender)), a.at)
}

// What a book gives, drain by drain, in cases that are named.
func TestDrain(t *testing.T) {
	shape := Shape{Users: 3, Chats: 1, Talkers: 1}
	get := func(b *Book, user int, number uint32, at int64) {
		text, from := message(shape, user, Broadcast, number, sentAt(number))
		b.Received(user, text, from, at)
	}
	piece := func(number uint32, count int, first, last int64, all bool) Piece {
		return Piece{Number: number, Count: count, At: sentAt(number), First: first, Last: last, All: all}
	}
	for _, c := range []struct {
		what    string
		happens func(*Book)
		now     int64
		want    []Piece
		missed  int64
	}{
		{"nothing", func(*Book) {}, math.MaxInt64, nil, 0},
		{"all have it", func(b *Book) { get(b, 0, 1, sentAt(1)+5); get(b, 2, 1, sentAt(1)+4); get(b, 1, 1, sentAt(1)+9) },
			0, []Piece{piece(1, 3, 4, 9, true)}, 0},
		{"a copy is none", func(b *Book) { get(b, 0, 1, sentAt(1)); get(b, 0, 1, sentAt(1)); get(b, 0, 1, sentAt(1)) }, 0, nil, 0},
		{"on its way", func(b *Book) { get(b, 0, 1, sentAt(1)) }, sentAt(1) + int64(MaxReach) - 1, nil, 0},
		{"too old", func(b *Book) { get(b, 0, 1, sentAt(1)) }, sentAt(1) + int64(MaxReach), []Piece{piece(1, 1, 0, 0, false)}, 0},
		{"the others left", func(b *Book) { get(b, 0, 1, sentAt(1)); b.Left(1, 0); b.Left(2, 0); b.Left(2, 0) },
			0, []Piece{piece(1, 1, 0, 0, true)}, 0},
		{"the others do not read", func(b *Book) { b.Excuse(1); b.Excuse(2); b.Left(2, 0); b.Joined(2, 0); get(b, 0, 1, sentAt(1)) },
			0, []Piece{piece(1, 1, 0, 0, true)}, 0},
		{"read all the same", func(b *Book) { b.Excuse(1); get(b, 1, 1, sentAt(1)) }, math.MaxInt64, nil, 0},
		{"a much later one", func(b *Book) { get(b, 0, 1, sentAt(1)); get(b, 0, 5, sentAt(5)); get(b, 1, 1, sentAt(7)) },
			0, []Piece{piece(1, 1, 0, 0, false)}, 1},
	} {
		b := newBook(t, Config{Shape: shape, To: 3, Ring: 3})
		for u := range 3 {
			b.Joined(u, 0)
		}
		c.happens(b)
		pieces, missed := b.Drain(c.now)
		if !slices.Equal(pieces, c.want) || missed != c.missed {
			t.Errorf("%s: %+v, %d missed; want %+v, %d", c.what, pieces, missed, c.want, c.missed)
		}
	}
}

func TestSpreadIsBounded(t *testing.T) {
	shape := Shape{Users: 1, Chats: 1, Talkers: 1}
	b := newBook(t, Config{Shape: shape, To: 1})
	b.Joined(0, 0)
	for number := range uint32(maxPieces + 10) {
		text, from := message(shape, 0, Broadcast, number+1, 0)
		b.Received(0, text, from, 1)
	}
	pieces, missed := b.Drain(0)
	if len(pieces) != maxPieces || missed != 10 {
		t.Errorf("%d pieces, %d missed", len(pieces), missed)
	}
	if g := newGrid(Shape{Users: 1 << 18, Chats: 1, Talkers: maxSlots}); len(newSpread(g, maxRing).ring) > maxPassages {
		t.Error("the rings are too large")
	}

	m, err := NewMerger(shape, [][2]int{{0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	var many []Piece
	for number := range uint32(maxReaches + 10) {
		many = append(many, Piece{Number: number, Count: 1})
	}
	m.Add(0, many)
	done, missed := m.Drain(math.MaxInt64)
	if len(done) != maxReaches || missed != 10 {
		t.Errorf("%d broadcasts, %d missed", len(done), missed)
	}
}

func TestMerger(t *testing.T) {
	shape := Shape{Users: 5, Chats: 2, Talkers: 1} // chat 1 has users 1 and 3
	m, err := NewMerger(shape, [][2]int{{0, 2}, {2, 3}, {3, 5}})
	if err != nil {
		t.Fatal(err)
	}
	add := func(worker int, p Piece) { m.Add(worker, []Piece{p}) }
	drain := func(now int64, missed int64, want ...Reach) {
		t.Helper()
		done, n := m.Drain(now)
		if !slices.Equal(done, want) || n != missed {
			t.Errorf("%+v, %d missed; want %+v, %d", done, n, want, missed)
		}
	}
	add(0, Piece{Chat: 1, Number: 7, Count: 1, First: 3, Last: 4, All: true})
	add(0, Piece{Chat: 1, Number: 7, Count: 1, First: 3, Last: 4, All: true}) // a worker counts once
	drain(1, 0)
	add(2, Piece{Chat: 1, Number: 7, Count: 1, First: 2, Last: 9, All: true})
	drain(2, 0, Reach{Chat: 1, Number: 7, First: 2, Last: 9, Recipients: 3, Complete: true})
	add(2, Piece{Chat: 1, Number: 7, Count: 1, First: 1, Last: 10})
	drain(3, 1) // a straggler is not another broadcast

	add(1, Piece{Number: 1, Count: 2, At: 5, First: 1, Last: 2})
	drain(5+int64(MaxReach)-1, 0)
	add(1, Piece{Number: 1, Count: 1, At: 5, First: 3, Last: 3})
	drain(5+int64(MaxReach)+int64(quiet)-2, 0)
	drain(5+int64(MaxReach)+int64(quiet)-1, 0, Reach{Number: 1, At: 5, First: 1, Last: 3, Recipients: 3})

	for _, p := range []Piece{{Chat: -1, Count: 1}, {Chat: 2, Count: 1}, {Slot: 1, Count: 1}, {Slot: -1, Count: 1}, {}} {
		add(0, p)
	}
	drain(seconds(1000), 5)
	if len(m.open) > 0 {
		t.Errorf("%d are kept", len(m.open))
	}
}
