package ledger

import (
	"fmt"
	"testing"
)

// frameOf is the frame in which a message comes to a recipient in a dialect.
func frameOf(s Stamp, size int, v2 bool) []byte {
	text := string(s.Append(nil, size))
	nick := Nick(s.Run, int(s.Sender))
	if v2 {
		return []byte(`{"t":"msg","from_user":"` + nick + `","to_user":"","message":"` + text +
			`","mid":"01HZX4Q2V7M8N3","conv":"room:all","seq":123456,"prev":123455,"epoch":"9f8e7d6c5b4a","ts":1732300000000}`)
	}
	return []byte(`{"from_user":"` + nick + `","to_user":"","message":"` + text + `"}`)
}

// BenchmarkReceived finds, reads and books messages of 200 bytes, each for another of 20,000 recipients. The frames of a
// batch are in the cache, as those are that a loop has just read.
func BenchmarkReceived(b *testing.B) {
	for _, dialect := range []string{"tutorial", "v2"} {
		for _, kind := range []Kind{Broadcast, Direct} {
			b.Run(fmt.Sprintf("%s/%v", dialect, kind), func(b *testing.B) { benchmarkReceived(b, dialect == "v2", kind) })
		}
	}
}

func benchmarkReceived(b *testing.B, v2 bool, kind Kind) {
	const recipients, batch = 20_000, 400
	shape := Shape{Users: 100_000, Chats: 5, Talkers: 16, Contacts: 4, Seed: 1}
	book, err := NewBook(Config{Run: 7, Shape: shape, To: recipients})
	if err != nil {
		b.Fatal(err)
	}
	for u := range recipients {
		book.Joined(u, 0)
	}
	frames := make([][]byte, batch)
	first, number := 0, uint32(1)
	fill := func() {
		if first == recipients {
			first = 0
			number++
			book.Drain(0)
		}
		for i := range frames {
			s := Stamp{Run: 7, Kind: kind, Number: number, At: 1}
			s.Sender = uint32(shape.SenderTo(first+i, 0))
			if kind == Broadcast {
				s.Sender = uint32(shape.Talker(shape.Chat(first+i), 0))
			}
			frames[i] = frameOf(s, 200, v2)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += batch {
		b.StopTimer()
		fill()
		b.StartTimer()
		for i, frame := range frames {
			text, from, rest, _ := Find(frame)
			_, _, _, more := Find(rest)
			if out := book.Received(first+i, text, from, 5); more || !out.First() {
				b.Fatal(out)
			}
		}
		first += batch
	}
}

func BenchmarkFind(b *testing.B) {
	for _, v2 := range []bool{false, true} {
		b.Run(fmt.Sprintf("v2=%v", v2), func(b *testing.B) {
			frame := frameOf(Stamp{Run: 7, Number: 1}, 200, v2)
			for b.Loop() {
				_, _, rest, _ := Find(frame)
				Find(rest)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, size := range []int{MinSize, 200, 4096} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			text := Stamp{Run: 7, Number: 1}.Append(nil, size)
			for b.Loop() {
				if _, err := Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseNick(b *testing.B) {
	nick := []byte(Nick(7, 12345))
	for b.Loop() {
		ParseNick(nick)
	}
}

func BenchmarkAppend(b *testing.B) {
	var dst []byte
	for b.Loop() {
		dst = Stamp{Run: 7, Number: 1}.Append(dst[:0], 200)
	}
}

// BenchmarkSettle settles the book of 20,000 recipients of 100,000 users, with 400,000 streams, when each has brought
// its message and when each has lost it.
func BenchmarkSettle(b *testing.B) {
	shape := Shape{Users: 100_000, Chats: 5, Talkers: 16, Contacts: 4, Seed: 1}
	for _, lost := range []int64{0, 400_000} {
		b.Run(fmt.Sprintf("lost=%d", lost), func(b *testing.B) {
			book, sent := newBook(b, Config{Shape: shape, To: 20_000}), newSent(b, shape, 0, shape.Users)
			for u := range shape.Users {
				for j := range 4 {
					sent.Next(u, Direct, j, 0)
				}
			}
			for i, u := range sent.grid.talker {
				sent.Next(int(u), Broadcast, i%16, seconds(5))
			}
			for u := range 20_000 {
				book.Joined(u, 0)
			}
			for i := range book.high {
				if lost == 0 {
					book.high[i] = 1
				}
			}
			report := sent.Report()
			b.ReportAllocs()
			for b.Loop() {
				a, err := book.Settle(report, seconds(60))
				if err != nil || a.Total.Lost != lost {
					b.Fatal(a.Total, err)
				}
			}
		})
	}
}
