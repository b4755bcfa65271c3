package ledger

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func seconds(s float64) int64 { return int64(s * float64(time.Second)) }

// The example of the package comment.
func TestExample(t *testing.T) {
	shape := Shape{Users: 2, Chats: 1, Contacts: 1}
	b, s := newBook(t, Config{Shape: shape, From: 1, To: 2}), newSent(t, shape, 0, 2)
	b.Joined(1, 0)
	for range 10 {
		s.Next(0, Direct, 0, 0)
	}
	for _, c := range []struct {
		number uint32
		want   What
	}{
		{1, Delivered}, {2, Delivered}, {3, Delivered}, {4, Delivered}, {5, Delivered},
		{6, Delivered}, {9, Delivered}, {8, Reordered}, {8, Duplicated}, {6, Duplicated},
	} {
		text, from := message(shape, 1, Direct, c.number, 0)
		if out := b.Received(1, text, from, 5); out.What != c.want || out.First() != (c.want == Delivered || c.want == Reordered) || out.Kind != Direct || out.Latency != 5 {
			t.Errorf("number %d: %+v, want %v", c.number, out, c.want)
		}
	}
	a, err := b.Settle(s.Report(), 10)
	if err != nil {
		t.Fatal(err)
	}
	want := Tally{Expected: 10, Delivered: 8, Lost: 2, Reordered: 1, Duplicated: 2}
	if a.Total != want { // the sender is not one of the book's users
		t.Errorf("%+v, want %+v", a.Total, want)
	}
	var faults []string
	for _, f := range a.Faults {
		conversation, sender, recipient := a.Names(f)
		faults = append(faults, fmt.Sprint(f.What, " ", f.Kind, " ", conversation, " ", sender, " ", recipient, " ", f.Number, "-", f.To))
	}
	names := "lt1a2b3c4d-0→lt1a2b3c4d-1 lt1a2b3c4d-0 lt1a2b3c4d-1"
	if want := []string{
		"lost direct " + names + " 7-7", "lost direct " + names + " 10-10",
		"duplicated direct " + names + " 8-8", "duplicated direct " + names + " 6-6", "reordered direct " + names + " 8-8",
	}; !slices.Equal(faults, want) {
		t.Errorf("%q, want %q", faults, want)
	}
}

// A broadcast at 10.5 s is owed to who was there from 9 s to 13 s.
func TestOwed(t *testing.T) {
	shape := Shape{Users: 1, Chats: 1, Talkers: 1}
	for _, c := range []struct {
		what    string
		happens func(*Book)
		until   float64
		lost    int64
	}{
		{"never there", func(*Book) {}, 60, 0},
		{"always there", func(b *Book) { b.Joined(0, 0) }, 60, 1},
		{"joined in time", func(b *Book) { b.Joined(0, seconds(9)) }, 60, 1},
		{"joined too late", func(b *Book) { b.Joined(0, seconds(9)+1) }, 60, 0},
		{"left late enough", func(b *Book) { b.Joined(0, 0); b.Left(0, seconds(13)) }, 60, 1},
		{"left too early", func(b *Book) { b.Joined(0, 0); b.Left(0, seconds(13)-1) }, 60, 0},
		{"left after all", func(b *Book) { b.Joined(0, 0); b.Left(0, seconds(12)) }, 11, 1},
		{"left at the end", func(b *Book) { b.Joined(0, 0); b.Left(0, seconds(11)) }, 11, 0},
		{"joined at the end", func(b *Book) { b.Joined(0, seconds(5)) }, 5, 1},
		{"joined after all", func(b *Book) { b.Joined(0, seconds(5)) }, 4, 0},
		{"away meanwhile", func(b *Book) { b.Joined(0, 0); b.Left(0, seconds(10)); b.Joined(0, seconds(11)) }, 60, 0},
		{"away before and after", func(b *Book) {
			for _, at := range []float64{1, 5, 14} {
				b.Joined(0, seconds(at))
				b.Left(0, seconds(at+3))
			}
			b.Joined(0, seconds(20))
		}, 60, 0},
		{"away before", func(b *Book) { b.Joined(0, 0); b.Left(0, seconds(3)); b.Joined(0, seconds(8)) }, 60, 1},
		{"joined anew without having left", func(b *Book) { b.Joined(0, 0); b.Joined(0, seconds(11)) }, 60, 1},
		{"left without being there", func(b *Book) { b.Left(0, seconds(1)) }, 60, 0},
		{"does not read", func(b *Book) { b.Joined(0, 0); b.Excuse(0) }, 60, 0},
	} {
		b, s := newBook(t, Config{Shape: shape, To: 1}), newSent(t, shape, 0, 1)
		c.happens(b)
		s.Next(0, Broadcast, 0, seconds(10.5))
		a, err := b.Settle(s.Report(), seconds(c.until))
		if err != nil {
			t.Fatal(err)
		}
		if want := (Tally{Sent: 1, Expected: c.lost, Lost: c.lost, Excused: 1 - c.lost}); a.Total != want {
			t.Errorf("%s: %+v, want %+v", c.what, a.Total, want)
		}
		if name, _, _ := a.Names(Fault{}); name != "all" {
			t.Errorf("the only chat is called %s", name)
		}
	}
}

func TestMostFaults(t *testing.T) {
	shape := Shape{Users: 4, Chats: 2, Talkers: 1}
	s := newSent(t, shape, 0, 4)
	var sum Account
	var books []*Book
	for i := range 2 { // each worker has a user of both chats
		b := newBook(t, Config{Shape: shape, From: 2 * i, To: 2*i + 2})
		for u := 2 * i; u < 2*i+2; u++ {
			b.Joined(u, 0)
			for n := range uint32(MaxFaults) {
				for range 2 { // every other one is lost, and the others come twice
					text, from := message(shape, u, Broadcast, 2*n+2, 0)
					b.Received(u, text, from, int64(n))
				}
			}
		}
		books = append(books, b)
	}
	for range 2 * MaxFaults {
		s.Next(0, Broadcast, 0, seconds(5))
		s.Next(1, Broadcast, 0, seconds(5))
	}
	for _, b := range books {
		a, err := b.Settle(s.Report(), seconds(60))
		if err == nil {
			err = sum.Merge(a)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const n = MaxFaults
	if want := (Tally{Sent: 4 * n, Expected: 8 * n, Delivered: 4 * n, Lost: 4 * n, Duplicated: 4 * n}); sum.Total != want {
		t.Errorf("%+v, want %+v", sum.Total, want)
	}
	if len(sum.Faults) != 2*n || sum.Faults[n-1].What != Lost || sum.Faults[n-1].Recipient != 0 || sum.Faults[n].What != Duplicated {
		t.Errorf("%d faults", len(sum.Faults))
	}
	rows, wrong := sum.Conversations(1)
	if len(rows) != 1 || wrong != 2 || rows[0].Name != "all/0" || rows[0].Sent != 2*n {
		t.Errorf("%d conversations, the worst are %+v", wrong, rows)
	}
	rows, wrong = sum.Senders(1)
	if len(rows) != 1 || wrong != 2 || rows[0].Name != Nick(run, 0) || rows[0].Expected != 4*n {
		t.Errorf("%d senders, the worst are %+v", wrong, rows)
	}
}

func TestMostRows(t *testing.T) {
	shape := Shape{Users: 1500, Chats: 1, Contacts: 1}
	b, s := newBook(t, Config{Shape: shape, To: shape.Users}), newSent(t, shape, 0, shape.Users)
	for u := range shape.Users {
		b.Joined(u, 0)
		for range u%3 + 1 {
			s.Next(u, Direct, 0, 0)
		}
	}
	a, err := b.Settle(s.Report(), 0)
	if err != nil {
		t.Fatal(err)
	}
	rows, wrong := a.Conversations(5000)
	if len(rows) != maxRows || wrong != shape.Users || rows[0].Lost != 3 || rows[999].Lost != 2 {
		t.Errorf("%d of %d conversations", len(rows), wrong)
	}
	rows, wrong = a.Senders(5000)
	if len(rows) != shape.Users || wrong != shape.Users {
		t.Errorf("%d of %d senders", len(rows), wrong)
	}
}

func TestMistakes(t *testing.T) {
	shape := Shape{Users: 4, Chats: 1, Talkers: 1, Contacts: 1}
	for _, conf := range []Config{
		{}, {Shape: shape, From: -1}, {Shape: shape, From: 3, To: 2}, {Shape: shape, To: 5}, {Shape: shape, Spans: -1},
		{Shape: shape, Ring: -1}, {Shape: shape, Ring: maxRing + 1}, {Shape: shape, LateAfter: -1},
	} {
		if _, err := NewBook(conf); err == nil {
			t.Errorf("a book of %+v", conf)
		}
	}
	for _, bounds := range [][2]int{{-1, 2}, {3, 2}, {0, 5}} {
		if _, err := NewSent(shape, bounds[0], bounds[1]); err == nil {
			t.Errorf("senders %v", bounds)
		}
		if _, err := NewMerger(shape, [][2]int{bounds}); err == nil {
			t.Errorf("a merger of %v", bounds)
		}
	}
	if _, err := NewSent(Shape{}, 0, 0); err == nil {
		t.Error("senders of no shape")
	}
	if _, err := NewMerger(Shape{}, nil); err == nil {
		t.Error("a merger of no shape")
	}
	b, s := newBook(t, Config{Shape: shape, From: 1, To: 3}), newSent(t, shape, 1, 3)
	for what, f := range map[string]func(){
		"another's user":          func() { b.Received(3, nil, nil, 0) },
		"another's user joins":    func() { b.Joined(0, 0) },
		"another's talker":        func() { s.Next(0, Broadcast, 0, 0) },
		"no talker":               func() { s.Next(1, Broadcast, 0, 0) },
		"no slot":                 func() { s.Next(1, Direct, 1, 0) },
		"another's direct stream": func() { s.Next(3, Direct, 0, 0) },
		"no rooms":                func() { s.Next(1, Room, 0, 0) },
		"no kind":                 func() { s.Next(1, kinds, 0, 0) },
	} {
		func() {
			defer func() {
				if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "ledger: ") {
					t.Errorf("%s: %v", what, text)
				}
			}()
			f()
		}()
	}
}

// Numbers at their very end overflow nowhere.
func TestLastNumber(t *testing.T) {
	shape := Shape{Users: 2, Chats: 1, Contacts: 1}
	b := newBook(t, Config{Shape: shape, To: 2})
	for _, number := range []uint32{math.MaxUint32, 1, math.MaxUint32 - 1, math.MaxUint32} {
		text, from := message(shape, 0, Direct, number, math.MinInt64)
		b.Received(0, text, from, math.MaxInt64)
	}
	if got, want := b.Snapshot(), (Tally{Delivered: 3, Reordered: 2, Duplicated: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	a, err := b.Settle(SentReport{}, 0)
	if want := (Tally{Expected: 3, Delivered: 3, Reordered: 2, Duplicated: 1}); err != nil || a.Total != want {
		t.Errorf("%+v, %v; want %+v", a.Total, err, want)
	}
}

func TestNames(t *testing.T) {
	if Broadcast.String() != "broadcast" || Direct.String() != "direct" || kinds.String() != "unknown" {
		t.Error(Broadcast, Direct, kinds)
	}
	if Lost.String() != "lost" || Delivered.String() != "delivered" || whats.String() != "unknown" {
		t.Error(Lost, Delivered, whats)
	}
	a := Account{Run: run, Shape: Shape{Users: 9, Chats: 3}}
	if conversation, sender, recipient := a.Names(Fault{What: Corrupted, Sender: -1, Recipient: 4}); conversation+sender != "" || recipient != Nick(run, 4) {
		t.Error(conversation, sender, recipient)
	}
	if conversation, _, _ := a.Names(Fault{Kind: Broadcast, Recipient: 5}); conversation != "all/2" {
		t.Error(conversation)
	}
}

// The usual delivery leaves nothing to the garbage collector.
func TestReceivedAllocatesNothing(t *testing.T) {
	shape := Shape{Users: 1, Chats: 1, Talkers: 1}
	b := newBook(t, Config{Shape: shape, To: 1})
	frame, number := []byte(nil), uint32(0)
	if n := testing.AllocsPerRun(100, func() {
		number++
		frame = append(frame[:0], `{"from_user":"lt1a2b3c4d-0","to_user":"","message":"`...)
		frame = Stamp{Run: run, Number: number}.Append(frame, 200)
		frame = append(frame, `"}`...)
		text, from, _, ok := Find(frame)
		if out := b.Received(0, text, from, 0); !ok || out.What != Delivered {
			t.Fatalf("%+v", out)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// A book and its numbering are used by several goroutines.
func TestTogether(t *testing.T) {
	shape := Shape{Users: 4, Chats: 1, Talkers: 4}
	b, s := newBook(t, Config{Shape: shape, To: 4}), newSent(t, shape, 0, 4)
	const messages = 200
	var wg sync.WaitGroup
	for u := range 4 {
		wg.Go(func() {
			b.Joined(u, 0)
			for n := range uint32(messages) {
				s.Next(u, Broadcast, u, 0)
				text, from := message(shape, u, Broadcast, n+1, 0)
				b.Received(u, text, from, 0)
			}
			b.Left(u, 0)
		})
	}
	wg.Go(func() {
		for range 20 {
			b.Snapshot()
			b.Drain(0)
			s.Count()
			if _, err := b.Settle(s.Report(), 0); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if got := b.Snapshot().Delivered; got != 4*messages || s.Count() != 4*messages {
		t.Errorf("%d of %d are delivered", got, s.Count())
	}
}
