package history

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// saveAway saves a claim that went away at a time; the zero Time: it is there.
func saveAway(t testing.TB, l Log, id uint64, at time.Time) {
	t.Helper()
	c := Claim{ID: id, Nick: fmt.Sprint("n", id), Key: fmt.Sprint("n", id), Secret: []byte{1}, Made: 1}
	if !at.IsZero() {
		c.Away = at.UnixMilli()
	}
	if err := l.SaveClaim(c); err != nil {
		t.Error(err)
	}
}

// wantClaims checks which of the claims from 1 to n are known, by their ids and by their nicks.
func wantClaims(t testing.TB, l Log, n uint64, want ...uint64) {
	t.Helper()
	var byID, byNick []uint64
	for id := uint64(1); id <= n; id++ {
		if _, found, err := l.ClaimByID(id); err != nil {
			t.Fatal(err)
		} else if found {
			byID = append(byID, id)
		}
		if _, found, err := l.ClaimByNick(fmt.Sprint("n", id)); err != nil {
			t.Fatal(err)
		} else if found {
			byNick = append(byNick, id)
		}
	}
	if got := fmt.Sprint(byID, byNick); got != fmt.Sprint(want, want) {
		t.Fatalf("known by id and by nick are %s, want %v", got, want)
	}
}

// TestClaimsExpire has some go for good: they are forgotten, but for one to whom something was said that is still there.
func TestClaimsExpire(t *testing.T) {
	eachLog(t, Config{KeepAge: time.Hour}, func(t *testing.T, l Log, at *clock) {
		saveAway(t, l, 1, time.Time{})
		saveAway(t, l, 2, at.now())
		saveAway(t, l, 3, at.now())
		l.Mark(2, "r/go", Marks{Recv: 5})
		at.advance(time.Hour)
		must(t, l, saidTo(1, 3, "waits"))
		trimNow(t, l)
		wantClaims(t, l, 3, 1, 2, 3)
		at.advance(time.Millisecond)
		trimNow(t, l)
		if isStream(l) {
			wantClaims(t, l, 3, 1, 2, 3)
			t.Skip("keeps all")
		}
		wantClaims(t, l, 3, 1, 3)
		if got, err := l.Marks(2, "r/go"); err != nil || got != (Marks{}) {
			t.Errorf("marks of who is forgotten: %v, %v", got, err)
		}
		wantRead(t, l, direct(1, 3), 0, 0, 9, "waits", false)
		at.advance(time.Hour)
		trimNow(t, l)
		wantClaims(t, l, 3, 1)
	})
}

// TestExpiredComesAgain has a claim be saved that has expired: it is as one that was never there.
func TestExpiredComesAgain(t *testing.T) {
	eachLog(t, Config{KeepAge: time.Hour}, func(t *testing.T, l Log, at *clock) {
		if isStream(l) {
			t.Skip("keeps all")
		}
		saveAway(t, l, 1, at.now())
		l.Mark(1, "r/go", Marks{Recv: 5})
		at.advance(2 * time.Hour)
		trimNow(t, l)
		wantClaims(t, l, 1)
		saveAway(t, l, 1, time.Time{})
		l.Mark(1, "r/go", Marks{Read: 3})
		must(t, l, saidTo(2, 1, "again"))
		at.advance(50 * time.Minute)
		trimNow(t, l)
		wantClaims(t, l, 1, 1)
		if got, err := l.Marks(1, "r/go"); err != nil || got != (Marks{Read: 3}) {
			t.Errorf("marks %v, %v", got, err)
		}
		if all, _, err := l.Directs(1); err != nil || len(all) != 1 {
			t.Errorf("directs %v, %v", all, err)
		}
		saveAway(t, l, 1, at.now())
		at.advance(50 * time.Minute)
		trimNow(t, l)
		wantClaims(t, l, 1, 1)
		at.advance(50 * time.Minute)
		trimNow(t, l)
		wantClaims(t, l, 1)
	})
}

// TestClaimsStay has claims be away for no longer than their nick may be kept, or for ever where nothing expires.
func TestClaimsStay(t *testing.T) {
	for age, stays := range map[time.Duration]time.Duration{time.Second: lapseMin, 0: 1000 * time.Hour} {
		t.Run(age.String(), func(t *testing.T) {
			eachLog(t, Config{KeepAge: age, KeepCount: 5}, func(t *testing.T, l Log, at *clock) {
				saveAway(t, l, 1, at.now())
				at.advance(stays)
				trimNow(t, l)
				wantClaims(t, l, 1, 1)
			})
		})
	}
}

// TestManyClaimsExpire has more of them than are looked at, or forgotten, at a time.
func TestManyClaimsExpire(t *testing.T) {
	const n = 2*trimScan + trimChunk
	at := newClock()
	l := onRAM(t, vfs.NewMem(), Config{KeepAge: time.Hour, Durability: DurabilityOS}, at.now)
	for id := uint64(1); id <= n; id++ {
		saveAway(t, l, id, at.now().Add(time.Duration(id%2)*time.Hour)) // a half has not been away for so long
	}
	at.advance(time.Hour + time.Millisecond)
	trimNow(t, l)
	var want []uint64
	for id := uint64(1); id <= n; id += 2 {
		want = append(want, id)
	}
	wantClaims(t, l, n, want...)
}

// TestDropOfMany drops a claim that has very many marks: they are gone, and nobody else's.
func TestDropOfMany(t *testing.T) {
	for _, n := range []int{dropFew - 1, dropFew, dropFew + 1} {
		l := onRAM(t, vfs.NewMem(), Config{Durability: DurabilityOS}, newClock().now)
		for i := range n {
			l.Mark(2, fmt.Sprint("r/", i), Marks{Recv: 5})
		}
		l.Mark(1, "r/0", Marks{Recv: 5})
		l.Mark(3, "r/0", Marks{Recv: 5})
		if err := l.tidy(); err != nil {
			t.Fatal(err)
		}
		if err := l.DropClaim(2); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if got, err := l.Marks(2, fmt.Sprint("r/", i)); err != nil || got != (Marks{}) {
				t.Fatalf("%d of %d: %v, %v", i, n, got, err)
			}
		}
		for _, other := range []uint64{1, 3} {
			if got, err := l.Marks(other, "r/0"); err != nil || got.Recv != 5 {
				t.Errorf("claim %d: %v, %v", other, got, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestMemoryOfAway has too many be away: those go that went first, but nobody who has just gone, or to whom something was said.
func TestMemoryOfAway(t *testing.T) {
	at := newClock()
	l := newMemory(Config{}, at.now)
	must(t, l, saidTo(1, 2, "waits"))
	saveAway(t, l, 1, time.Time{})
	for id := uint64(2); id <= 9; id++ {
		saveAway(t, l, id, at.now().Add(time.Duration(id%4)*time.Second)) // 4 and 8 went first, then 5 and 9, then 2 and 6
	}
	at.advance(time.Minute)
	for id := uint64(10); id < memoryAway+6; id++ {
		saveAway(t, l, id, at.now())
	}
	trimNow(t, l)
	if n := l.away.Len(); n != memoryAway+4 {
		t.Fatalf("%d are known to be away, though nobody is for long", n)
	}
	at.advance(lapseMin - 30*time.Second) // of those only who went before the last minute have been away for long
	saveAway(t, l, 10, at.now())
	wantClaims(t, l, 10, 1, 2, 3, 6, 7, 10)
	if len(l.claims) != memoryAway+1 || len(l.nicks) != memoryAway+1 || l.away.Len() != memoryAway {
		t.Errorf("%d claims, %d nicks, %d away", len(l.claims), len(l.nicks), l.away.Len())
	}
	for id := uint64(11); id < 21; id++ {
		saveAway(t, l, memoryAway+id, at.now())
	}
	at.advance(time.Minute)
	must(t, l, say("all", 1, "", "a minute later"))
	if l.away.Len() != memoryAway {
		t.Errorf("%d are known to be away", l.away.Len())
	}
	wantClaims(t, l, 9, 1, 2)
}

// TestBackWhileExpiring has somebody come back between that they were found to be away for too long and that they are forgotten.
func TestBackWhileExpiring(t *testing.T) {
	at := newClock()
	l := onRAM(t, vfs.NewMem(), Config{KeepAge: time.Hour}, at.now)
	hasTrimmed(l)
	for id := uint64(1); id <= 4; id++ {
		saveAway(t, l, id, at.now())
	}
	at.advance(2 * time.Hour)
	var ids []uint64
	err := l.use(func(s *store) (err error) {
		ids, _, err = l.lapsed(s, []byte{keyClaim}, at.now().UnixMilli())
		return err
	})
	if err != nil || len(ids) != 4 {
		t.Fatalf("%v, %v", ids, err)
	}
	saveAway(t, l, 1, time.Time{})
	saveAway(t, l, 2, at.now())
	must(t, l, saidTo(1, 3, "waits"))
	if err := l.change(func(s *store) error { return l.dropLapsed(s, ids, at.now().UnixMilli()) }); err != nil {
		t.Fatal(err)
	}
	wantClaims(t, l, 4, 1, 2, 3)
}

// TestExpiryRace has many come back while they are forgotten: whoever is saved is known.
func TestExpiryRace(t *testing.T) {
	eachLog(t, Config{KeepAge: time.Hour}, func(t *testing.T, l Log, at *clock) {
		if isStream(l) {
			t.Skip("keeps all")
		}
		const workers, each = 4, 50
		for id := uint64(1); id <= workers*each; id++ {
			saveAway(t, l, id, at.now())
		}
		at.advance(2 * time.Hour)
		var want []uint64
		var work sync.WaitGroup
		for w := range uint64(workers) {
			work.Go(func() {
				for i := range uint64(each) {
					saveAway(t, l, w*each+i+1, time.Time{})
				}
			})
		}
		for range 20 {
			trimNow(t, l)
		}
		work.Wait()
		trimNow(t, l)
		for id := uint64(1); id <= workers*each; id++ {
			want = append(want, id)
		}
		wantClaims(t, l, workers*each, want...)
	})
}
