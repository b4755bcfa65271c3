package history

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAppendSetsWhatItSays(t *testing.T) {
	eachLog(t, Config{}, func(t *testing.T, l Log, at *clock) {
		a, b, c := say("all", 1, "", "a"), say("r/go", 2, "", "b"), say("all", 2, "", "c")
		c.Ts = 77
		must(t, l, a, b, c)
		if a.Seq <= 1 || b.Seq <= a.Seq || c.Seq <= b.Seq {
			t.Errorf("seqs %d %d %d do not grow from 2", a.Seq, b.Seq, c.Seq)
		}
		if !isStream(l) && (a.Prev != 0 || b.Prev != 0 || c.Prev != a.Seq) {
			t.Errorf("prevs %d %d %d", a.Prev, b.Prev, c.Prev)
		}
		if a.Ts != at.now().UnixMilli() || c.Ts != 77 {
			t.Errorf("times %d %d", a.Ts, c.Ts)
		}
		if len(a.Mid) != midSize || a.Mid >= b.Mid || b.Mid >= c.Mid {
			t.Errorf("ids %q %q %q", a.Mid, b.Mid, c.Mid)
		}
		d := say("all", 1, "", "d")
		must(t, l, d)
		if d.Seq <= c.Seq || !isStream(l) && d.Prev != c.Seq {
			t.Errorf("seq %d prev %d behind %d", d.Seq, d.Prev, c.Seq)
		}
		c.Prev, d.Prev = a.Seq, c.Seq
		for _, e := range []*Entry{a, b, c, d} {
			if m, found, err := l.Find(e.Mid); err != nil || !found || !equal(m, e.Message) {
				t.Errorf("Find(%s) = %v, %v, %v; want %v", e.Mid, m, found, err, e.Message)
			}
		}
	})
}

func TestAppendRefusesNames(t *testing.T) {
	eachLog(t, Config{}, func(t *testing.T, l Log, _ *clock) {
		for _, name := range []string{"", strings.Repeat("x", 256)} {
			if err := l.Append([]*Entry{say("all", 1, "", "a"), say(name, 1, "", "b")}); !errors.Is(err, errName) {
				t.Errorf("%d bytes: %v", len(name), err)
			}
		}
		wantRead(t, l, "all", 0, 0, 10, "", false)
		must(t, l, say(strings.Repeat("x", 255), 1, "", "a"))
		wantRead(t, l, strings.Repeat("x", 255), 0, 0, 10, "a", false)
	})
}

func TestRead(t *testing.T) {
	eachLog(t, Config{}, func(t *testing.T, l Log, _ *clock) {
		seq := map[string]uint64{}
		for i := range 10 {
			e := say("all", 1, "", fmt.Sprint(i))
			must(t, l, e, say("other", 1, "", "x"))
			seq[fmt.Sprint(i)] = e.Seq
		}
		for range 2 {
			wantRead(t, l, "all", 0, 0, 3, "7 8 9", true)
			wantRead(t, l, "all", 0, 0, 10, "0 1 2 3 4 5 6 7 8 9", false)
			wantRead(t, l, "all", 0, 0, 99, "0 1 2 3 4 5 6 7 8 9", false)
			wantRead(t, l, "all", 1, 0, 2, "0 1", true)
			wantRead(t, l, "all", seq["6"], 0, 3, "7 8 9", false)
			wantRead(t, l, "all", seq["6"], 0, 2, "7 8", true)
			wantRead(t, l, "all", seq["6"]+1, 0, 9, "7 8 9", false)
			wantRead(t, l, "all", seq["9"], 0, 9, "", false)
			wantRead(t, l, "all", seq["9"]+100, 0, 9, "", false)
			wantRead(t, l, "all", 0, seq["3"], 2, "1 2", true)
			wantRead(t, l, "all", 0, seq["2"], 2, "0 1", false)
			wantRead(t, l, "all", 0, seq["0"], 2, "", false)
			wantRead(t, l, "all", 0, 1<<63, 2, "8 9", true)
			wantRead(t, l, "all", seq["2"], seq["6"], 9, "3 4 5", false)
			wantRead(t, l, "all", seq["2"], seq["6"], 2, "3 4", true)
			wantRead(t, l, "all", 0, 0, 0, "", false)
			wantRead(t, l, "nobody", 0, 0, 9, "", false)
			switch l := l.(type) { // once more from the disk
			case *pebbleLog:
				l.tails.forget()
			case *Stream:
				l.tails.forget()
			}
		}
	})
}

func TestRepeats(t *testing.T) {
	eachLog(t, Config{Dedup: time.Minute}, func(t *testing.T, l Log, at *clock) {
		a, again := say("all", 1, "x", "a"), say("r/go", 1, "x", "b")
		other, none := say("all", 2, "x", "c"), say("all", 1, "", "d")
		must(t, l, a, again, other, none, say("all", 1, "", "e"))
		if a.Known || !again.Known || other.Known || none.Known || !equal(a.Message, again.Message) {
			t.Errorf("in a batch: %+v, %+v", a, again)
		}
		for range 3 {
			at.advance(20 * time.Second)
			late := say("all", 1, "x", "late")
			must(t, l, late)
			if !late.Known || !equal(late.Message, a.Message) {
				t.Errorf("at %v: %+v", at.now(), late)
			}
		}
		wantRead(t, l, "all", 0, 0, 9, "a c d e", false)
		if isStream(l) {
			return // the servers have a clock of their own
		}
		at.advance(2 * time.Minute)
		anew := say("all", 1, "x", "anew")
		must(t, l, anew)
		if anew.Known {
			t.Error("known for longer than memory is to last")
		}
	})
}

func TestRepeatOfWhatWasTrimmed(t *testing.T) {
	eachLog(t, Config{KeepCount: 2}, func(t *testing.T, l Log, _ *clock) {
		a := say("all", 1, "x", "a")
		must(t, l, a, say("all", 1, "y", "b"), say("all", 1, "z", "c"), say("all", 1, "", "d"))
		trimNow(t, l)
		wantRead(t, l, "all", 0, 0, 9, "c d", false)
		if _, found, err := l.Find(a.Mid); found || err != nil {
			t.Errorf("Find: %v, %v", found, err)
		}
		again := say("all", 1, "x", "a")
		must(t, l, again)
		want := Message{Conv: "all", Seq: a.Seq, Mid: a.Mid, Ts: a.Ts, Claim: 1, Cid: "x"}
		if !again.Known || !equal(again.Message, want) {
			t.Errorf("%+v; want %+v", again, want)
		}
	})
}

func TestRetention(t *testing.T) {
	record := int64(len(appendMessage(nil, &say("all", 1, "", "00").Message, 0)))
	cases := []struct {
		name string
		conf Config
		left string
	}{
		{"count", Config{KeepCount: 4}, "16 17 18 19"},
		{"age", Config{KeepAge: 4500 * time.Millisecond}, "15 16 17 18 19"},
		{"bytes", Config{KeepBytes: 3*record + 1}, "17 18 19"},
		{"the narrowest", Config{KeepCount: 4, KeepAge: 1500 * time.Millisecond}, "18 19"},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			eachLog(t, test.conf, func(t *testing.T, l Log, at *clock) {
				var seqs []uint64
				for i := range 20 {
					at.advance(time.Second)
					e := say("all", 1, "", fmt.Sprintf("%02d", i))
					must(t, l, e)
					seqs = append(seqs, e.Seq)
				}
				trimNow(t, l)
				wantRead(t, l, "all", 0, 0, 99, test.left, false)
				wantRead(t, l, "all", 1, 0, 99, test.left, false)
				n := len(strings.Fields(test.left))
				h, err := l.Head("all")
				want := Head{Last: seqs[19], Trimmed: seqs[19-n], Bytes: h.Bytes}
				if !isStream(l) {
					want.First, want.Count = seqs[20-n], int64(n)
				}
				if err != nil || h != want {
					t.Errorf("head %+v, %v; want %+v", h, err, want)
				}
				e := say("all", 1, "", "20")
				must(t, l, e)
				msgs, _, err := l.Read("all", 0, 0, 1)
				if err != nil || len(msgs) != 1 || msgs[0].Seq != e.Seq || msgs[0].Prev != seqs[19] {
					t.Errorf("%v, %v behind %d", msgs, err, seqs[19])
				}
			})
		})
	}
}

func TestEverythingTrimmed(t *testing.T) {
	eachLog(t, Config{KeepAge: time.Minute}, func(t *testing.T, l Log, at *clock) {
		a := say("all", 1, "", "a")
		must(t, l, a)
		at.advance(time.Hour)
		must(t, l, say("other", 1, "", "x"))
		trimNow(t, l)
		wantRead(t, l, "all", 0, 0, 9, "", false)
		if h, err := l.Head("all"); err != nil || h.Count != 0 || h.First != 0 || h.Trimmed != a.Seq || h.Bytes != 0 {
			t.Errorf("head %+v, %v", h, err)
		}
		b := say("all", 1, "", "b")
		must(t, l, b)
		if h, err := l.Head("all"); err != nil || h.Last != b.Seq || !isStream(l) && (h.First != b.Seq || h.Count != 1) {
			t.Errorf("head %+v, %v", h, err)
		}
		wantRead(t, l, "all", a.Seq, 0, 9, "b", false)
	})
}

func TestFindNothing(t *testing.T) {
	eachLog(t, Config{}, func(t *testing.T, l Log, _ *clock) {
		e := say("all", 1, "", "a")
		must(t, l, e)
		wrongTime := []byte(e.Mid)
		putMid(wrongTime, 1, e.Seq)
		for _, mid := range []string{"", "x", strings.Repeat("v", midSize), strings.Repeat("Z", midSize), newMid(0, 1), string(wrongTime)} {
			if _, found, err := l.Find(mid); found || err != nil {
				t.Errorf("Find(%q): %v, %v", mid, found, err)
			}
		}
	})
}

func TestDirects(t *testing.T) {
	eachLog(t, Config{}, func(t *testing.T, l Log, _ *clock) {
		to := func(peer uint64, e *Entry) *Entry {
			e.Peer, e.To = peer, fmt.Sprintf("nick %d", peer)
			return e
		}
		must(t, l, to(2, say(direct(1, 2), 1, "", "a")), to(1, say(direct(1, 2), 2, "", "b")), to(3, say(direct(1, 3), 1, "", "c")))
		must(t, l, to(1, say(direct(1, 1), 1, "", "to myself")), say("all", 1, "", "e"))
		want := map[uint64][]Direct{
			1: {{direct(1, 1), 1, "nick 1"}, {direct(1, 2), 2, "nick 2"}, {direct(1, 3), 3, "nick 3"}},
			2: {{direct(1, 2), 1, "nick 1"}},
			3: {{direct(1, 3), 1, "nick 1"}},
			4: nil,
		}
		for claim, want := range want {
			if got, _, err := l.Directs(claim); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("Directs(%d) = %v, %v; want %v", claim, got, err, want)
			}
		}
		if err := l.DropClaim(1); err != nil {
			t.Fatal(err)
		}
		if got, _, err := l.Directs(1); err != nil || got != nil {
			t.Errorf("dropped: %v, %v", got, err)
		}
		if got, _, err := l.Directs(2); err != nil || len(got) != 1 {
			t.Errorf("the other side: %v, %v", got, err)
		}
		wantRead(t, l, direct(1, 2), 0, 0, 9, "a b", false)
	})
}

func TestClaims(t *testing.T) {
	eachLog(t, Config{}, func(t *testing.T, l Log, _ *clock) {
		old := Claim{ID: 1, Nick: "Bob", Key: "bob", Secret: []byte{1, 2}, Made: 10, Away: 20}
		young := Claim{ID: 2, Nick: "bob", Key: "bob", Secret: []byte{3}, Made: 30}
		save := func(c Claim) {
			t.Helper()
			if err := l.SaveClaim(c); err != nil {
				t.Fatal(err)
			}
		}
		wantNick := func(key string, want Claim, wantFound bool) {
			t.Helper()
			if c, found, err := l.ClaimByNick(key); err != nil || found != wantFound || !reflect.DeepEqual(c, want) {
				t.Errorf("ClaimByNick(%s) = %+v, %v, %v; want %+v", key, c, found, err, want)
			}
		}
		wantNick("bob", Claim{}, false)
		save(young)
		save(old)
		wantNick("bob", young, true)
		wantNick("bo", Claim{}, false)
		if c, found, err := l.ClaimByID(1); err != nil || !found || !reflect.DeepEqual(c, old) {
			t.Errorf("ClaimByID = %+v, %v, %v", c, found, err)
		}
		young.Nick, young.Away = "BOB", 5
		save(young)
		wantNick("bob", young, true)
		for _, step := range []struct{ drop, left Claim }{{young, old}, {old, Claim{}}} {
			if err := l.DropClaim(step.drop.ID); err != nil {
				t.Fatal(err)
			}
			wantNick("bob", step.left, step.left.ID != 0)
			if _, found, err := l.ClaimByID(step.drop.ID); found || err != nil {
				t.Errorf("dropped: %v, %v", found, err)
			}
		}
		if err := l.DropClaim(99); err != nil {
			t.Errorf("nobody: %v", err)
		}
		if err := l.SaveClaim(Claim{ID: 3, Key: strings.Repeat("x", 256)}); !errors.Is(err, errName) {
			t.Errorf("a long key: %v", err)
		}
	})
}

func TestMarks(t *testing.T) {
	eachLog(t, Config{}, func(t *testing.T, l Log, _ *clock) {
		want := func(claim uint64, conv string, want Marks) {
			t.Helper()
			if got, err := l.Marks(claim, conv); err != nil || got != want {
				t.Errorf("Marks(%d, %s) = %+v, %v; want %+v", claim, conv, got, err, want)
			}
		}
		flush := func() {
			var err error
			switch l := l.(type) {
			case *pebbleLog:
				err = l.tidy()
			case *Stream:
				err = l.flushMarks(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		want(1, "all", Marks{})
		l.Mark(1, "all", Marks{Sent: 5, Recv: 3})
		l.Mark(1, "r/go", Marks{Read: 1})
		want(1, "all", Marks{Sent: 5, Recv: 3})
		flush()
		want(1, "all", Marks{Sent: 5, Recv: 3})
		l.Mark(1, "all", Marks{Sent: 4, Recv: 4, Read: 2})
		want(1, "all", Marks{5, 4, 2})
		flush()
		want(1, "all", Marks{5, 4, 2})
		l.Mark(1, "all", Marks{Sent: 9})
		if err := l.DropClaim(1); err != nil {
			t.Fatal(err)
		}
		want(1, "all", Marks{})
		want(1, "r/go", Marks{})
	})
}

func TestClosed(t *testing.T) {
	eachLog(t, Config{}, func(t *testing.T, l Log, _ *clock) {
		must(t, l, say("all", 1, "", "a"))
		if err := l.Healthy(); err != nil {
			t.Errorf("before: %v", err)
		}
		for range 2 {
			if err := l.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		l.Mark(1, "all", Marks{Sent: 1})
		_, _, read := l.Read("all", 0, 0, 1)
		_, head := l.Head("all")
		_, _, find := l.Find(newMid(1, 2))
		_, _, directs := l.Directs(1)
		_, _, byID := l.ClaimByID(1)
		_, _, byNick := l.ClaimByNick("x")
		_, marks := l.Marks(1, "all")
		for i, err := range []error{
			l.Append([]*Entry{say("all", 1, "", "b")}), l.Healthy(), l.SaveClaim(Claim{ID: 1}), l.DropClaim(1),
			read, head, find, directs, byID, byNick, marks,
		} {
			if !errors.Is(err, ErrClosed) {
				t.Errorf("%d: %v", i, err)
			}
		}
	})
}

// A probe tells what is known and stores nothing.
func TestProbe(t *testing.T) {
	eachLog(t, Config{}, func(t *testing.T, l Log, _ *clock) {
		probe := func(cid string) *Entry {
			e := say("all", 1, cid, "again")
			e.Probe = true
			return e
		}
		a := say("r/go", 1, "x", "a")
		must(t, l, a)
		known, fresh, b := probe("x"), probe("y"), say("all", 1, "", "b")
		must(t, l, known, fresh, b)
		if !known.Known || known.Seq != a.Seq || known.Mid != a.Mid || known.Conv != a.Conv || fresh.Known {
			t.Errorf("%+v, %+v; want the first one known, and no other", known, fresh)
		}
		wantRead(t, l, "all", 0, 0, 9, "b", false)
		y := say("all", 1, "y", "y")
		must(t, l, y)
		if y.Known {
			t.Error("a probe was stored")
		}
	})
}
