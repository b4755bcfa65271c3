package history

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestSieve(t *testing.T) {
	var s sieve
	const n = 300_000 // fills three layers
	r := rng(1)
	for range n {
		s.add(r.Uint64())
	}
	if len(s.layers) < 3 {
		t.Errorf("%d layers", len(s.layers))
	}
	r = rng(1)
	for i := range n {
		if !s.has(r.Uint64()) {
			t.Fatalf("key %d is not known", i)
		}
	}
	wrong := 0
	for range n {
		if s.has(rand.Uint64()) {
			wrong++
		}
	}
	if wrong > n/50 {
		t.Errorf("%d wrong guesses of %d", wrong, n)
	}
}

// dedupRows counts what is on disk to know repeats by.
func dedupRows(t *testing.T, l *pebbleLog) (n int) {
	t.Helper()
	it, err := l.store.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyDedup}, UpperBound: []byte{keyDedup + 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer release(it)
	for it.First(); it.Valid(); it.Next() {
		n++
	}
	return n
}

func TestOldRepeatsAreRemoved(t *testing.T) {
	at := newClock()
	l := onRAM(t, vfs.NewMem(), Config{Dedup: time.Minute}, at.now)
	for i := range 5 {
		must(t, l, say("all", 1, fmt.Sprint(i), "text"))
		at.advance(time.Minute)
		if err := l.tidy(); err != nil {
			t.Fatal(err)
		}
	}
	if n := dedupRows(t, l); n != 1 {
		t.Errorf("%d rows are left", n)
	}
}

// A clock that is set back makes nothing forgotten, at once or after a restart.
func TestClockSetBack(t *testing.T) {
	at, fs := newClock(), vfs.NewMem()
	l := onRAM(t, fs, Config{Dedup: time.Minute}, at.now)
	must(t, l, say("all", 1, "a", "text"))
	at.advance(-time.Hour)
	for range 2 {
		e, other := say("all", 1, "a", "again"), say("all", 1, "b", "text")
		must(t, l, e, other)
		if !e.Known {
			t.Error("a repeat was stored")
		}
		release(l)
		l = onRAM(t, fs, Config{Dedup: time.Minute}, at.now)
	}
}

// Within a whole bucket only what may be a repeat is looked up on disk; what an earlier process stored is found too.
func TestSieveIsWhole(t *testing.T) {
	at, fs := newClock(), vfs.NewMem()
	l := onRAM(t, fs, Config{Dedup: time.Minute}, at.now)
	if !l.dedup.current.whole || !l.dedup.before.whole {
		t.Error("a new log knows that it knows all")
	}
	must(t, l, say("all", 1, "a", "text"))
	release(l)
	l = onRAM(t, fs, Config{Dedup: time.Minute}, at.now)
	if l.dedup.current.whole {
		t.Error("what the process before stored is unknown")
	}
	for i, want := range []bool{true, true} {
		at.advance(time.Minute)
		must(t, l, say("all", 1, fmt.Sprint(i), "text"))
		if l.dedup.current.whole != want {
			t.Errorf("after %d minutes: %v", i+1, l.dedup.current.whole)
		}
	}
	if !l.dedup.before.whole {
		t.Error("both buckets are this process's")
	}
}
