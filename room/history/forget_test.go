package history

import (
	"slices"
	"testing"
	"time"
)

// saidTo is an entry to the conversation of two claims.
func saidTo(claim, peer uint64, text string) *Entry {
	e := say(direct(claim, peer), claim, "", text)
	e.Peer, e.To = peer, "nick"
	return e
}

// TestForgottenDirects has all of a direct conversation be too old: neither side has it in its list any more, nor marks in it. It
// comes back with the next message.
func TestForgottenDirects(t *testing.T) {
	eachLog(t, Config{KeepAge: time.Hour}, func(t *testing.T, l Log, at *clock) {
		if isStream(l) {
			t.Skip("forgets none")
		}
		listed := func(claim uint64) (names []string, floor uint64) {
			t.Helper()
			all, floor, err := l.Directs(claim)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range all {
				names = append(names, d.Conv)
			}
			return names, floor
		}
		old, young := saidTo(1, 2, "old"), saidTo(1, 3, "young")
		must(t, l, saidTo(2, 1, "older"), old, saidTo(1, 1, "to myself"), young)
		l.Mark(2, old.Conv, Marks{Sent: old.Seq})
		l.Mark(3, young.Conv, Marks{Sent: young.Seq})
		at.advance(50 * time.Minute)
		must(t, l, saidTo(3, 1, "younger"))
		if _, floor := listed(1); floor != 0 {
			t.Errorf("the floor is %d before anything is forgotten", floor)
		}
		at.advance(20 * time.Minute)
		for range 2 {
			trimNow(t, l)
			for claim, want := range map[uint64][]string{1: {young.Conv}, 2: nil, 3: {young.Conv}} {
				if got, floor := listed(claim); !slices.Equal(got, want) || floor != old.Seq+1 {
					t.Errorf("claim %d has %v, floor %d; want %v, %d", claim, got, floor, want, old.Seq+1)
				}
			}
			for id, want := range map[markID]uint64{{2, old.Conv}: 0, {3, young.Conv}: young.Seq} {
				if got, err := l.Marks(id.claim, id.conv); err != nil || got.Sent != want {
					t.Errorf("marks of %v: %v, %v; want %d", id, got, err, want)
				}
			}
		}
		must(t, l, saidTo(1, 2, "again"))
		for _, claim := range []uint64{1, 2} {
			if got, _ := listed(claim); !slices.Contains(got, old.Conv) {
				t.Errorf("claim %d has %v", claim, got)
			}
		}
		wantRead(t, l, old.Conv, 0, 0, 9, "again", false)
	})
}

// TestMemoryOfStrangers has very many say one thing each to somebody: nothing is left of them when that is too old.
func TestMemoryOfStrangers(t *testing.T) {
	at := newClock()
	l := newMemory(Config{KeepAge: time.Hour}, at.now)
	for stranger := range uint64(20_000) {
		e := saidTo(stranger+2, 1, "hello")
		must(t, l, e)
		l.Mark(1, e.Conv, Marks{Sent: e.Seq})
	}
	at.advance(2 * time.Hour)
	must(t, l, say("all", 1, "", "later"))
	if len(l.directs) > 0 || len(l.marks) > 0 || len(l.convs) != 1 {
		t.Errorf("lists of %d claims, marks of %d, %d conversations", len(l.directs), len(l.marks), len(l.convs))
	}
}

// TestMemoryKeepsNothingTooLarge has a message be larger than all that is kept of its conversation.
func TestMemoryKeepsNothingTooLarge(t *testing.T) {
	l := newMemory(Config{KeepBytes: 100}, time.Now)
	must(t, l, say("all", 1, "", "small"))
	large := say("all", 1, "x", string(make([]byte, 200)))
	must(t, l, large)
	again := say("all", 1, "x", "again")
	must(t, l, again)
	if !again.Known || again.Seq != large.Seq {
		t.Errorf("%+v is not known as %+v", again, large)
	}
	next := say("all", 1, "", "next")
	must(t, l, next)
	wantRead(t, l, "all", 0, 0, 9, "next", false)
	if head, err := l.Head("all"); err != nil || head.Trimmed != large.Seq {
		t.Errorf("%+v, %v: what was there is not said to be removed", head, err)
	}
}
