package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

// Power goes while a lazy log has much that was never synced: what is left is the beginning of what was appended, and
// no seq comes again.
func TestPowerLossWhenLazy(t *testing.T) {
	for seed := range uint64(15) {
		fs := vfs.NewCrashableMem()
		v := ram(fs, time.Now)
		v.memTable = 64 << 10
		release(onRAM(t, fs, Config{Durability: DurabilityOS}, time.Now))
		l, err := open("data", Config{Durability: DurabilityOS, Logger: quiet}, v)
		if err != nil {
			t.Fatal(err)
		}
		r := rng(seed)
		stored := fill(t, l, nil, 500, 1+r.IntN(60))
		highest := l.seq
		crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
		release(l)
		l = onRAM(t, crashed, Config{Durability: DurabilityOS}, time.Now)
		msgs, _, err := l.Read("all", 1, 0, 1<<20)
		if err != nil || len(msgs) > len(stored) || texts(msgs) != strings.Join(stored[:len(msgs)], " ") {
			t.Fatalf("seed %d: %d messages, %v", seed, len(msgs), err)
		}
		e := say("all", 1, "", "new")
		must(t, l, e)
		if e.Seq <= highest {
			t.Fatalf("seed %d: seq %d after %d", seed, e.Seq, highest)
		}
		release(l)
	}
}

// The end of the newest WAL is cut or overwritten: the log opens, what was before the damage is there, and no seq that
// was ever given out comes again.
func TestTornEnd(t *testing.T) {
	damage := map[string]func([]byte, *rand.Rand) []byte{
		"cut":     func(b []byte, r *rand.Rand) []byte { return b[:len(b)-1-r.IntN(400)] },
		"garbled": func(b []byte, r *rand.Rand) []byte { return garble(b, len(b)-1-r.IntN(400), r) },
		"zeroed":  func(b []byte, r *rand.Rand) []byte { clear(b[len(b)-1-r.IntN(400):]); return b },
		"longer":  func(b []byte, r *rand.Rand) []byte { return append(b, garble(make([]byte, 5000), 0, r)...) },
	}
	for name, damage := range damage {
		for _, durability := range []string{DurabilityOS, DurabilityFsync} {
			t.Run(name+" "+durability, func(t *testing.T) {
				for seed := range uint64(10) {
					tornEnd(t, durability, rng(seed), damage)
				}
			})
		}
	}
}

func garble(b []byte, from int, r *rand.Rand) []byte {
	for i := from; i < len(b); i++ {
		b[i] = byte(r.Uint32())
	}
	return b
}

func tornEnd(t *testing.T, durability string, r *rand.Rand, damage func([]byte, *rand.Rand) []byte) {
	fs := vfs.NewCrashableMem()
	l := onRAM(t, fs, Config{Durability: durability}, time.Now)
	stored := fill(t, l, nil, 500, 20)
	highest := l.seq
	crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: r})
	release(l)
	wal := newestWAL(t, crashed)
	rewrite(t, crashed, wal, func(b []byte) []byte { return damage(b, r) })
	l = onRAM(t, crashed, Config{Durability: durability}, time.Now)
	defer release(l)
	msgs, _, err := l.Read("all", 1, 0, 1<<20)
	if err != nil || len(msgs) < len(stored)-5 || texts(msgs) != strings.Join(stored[:len(msgs)], " ") {
		t.Fatalf("%d messages of %d, %v", len(msgs), len(stored), err)
	}
	e := say("all", 1, "", "new")
	must(t, l, e)
	if e.Seq <= highest {
		t.Fatalf("seq %d after %d", e.Seq, highest)
	}
}

func newestWAL(t *testing.T, fs vfs.FS) string {
	names, err := fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return kindOf(name) != walFile })
	slices.Sort(names)
	return fs.PathJoin("data", names[len(names)-1])
}

func rewrite(t *testing.T, fs vfs.FS, name string, change func([]byte) []byte) {
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	if f, err = fs.Create(name, vfs.WriteCategoryUnspecified); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(change(bytes.TrimRight(b, "\x00"))); err != nil {
		t.Fatal(err)
	}
}

// Damage in front of what is known to have been synced is no torn end: an fsync log refuses to forget it.
func TestDamageIsTold(t *testing.T) {
	fs := vfs.NewCrashableMem()
	release(onRAM(t, fs, Config{}, time.Now)) // the very first WAL does not know yet what was synced
	l := onRAM(t, fs, Config{}, time.Now)
	fill(t, l, nil, 500, 40) // several blocks of 32 KiB
	crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng(1)})
	release(l)
	rewrite(t, crashed, newestWAL(t, crashed), func(b []byte) []byte { return append(garble(b[:9000:9000], 8000, rng(1)), b[9000:]...) })
	if l, err := open("data", Config{Logger: quiet}, ram(crashed, time.Now)); err == nil || !strings.Contains(err.Error(), "invalid chunk") {
		t.Errorf("%v, %v", l, err)
	}
}

func TestRestart(t *testing.T) {
	fs := vfs.NewMem()
	l := onRAM(t, fs, Config{}, time.Now)
	first := say("all", 1, "x", "a")
	must(t, l, first)
	epoch, seq := l.Epoch(), l.seq
	release(l)
	l = onRAM(t, fs, Config{}, time.Now)
	again, next := say("all", 1, "x", "a"), say("all", 1, "", "b")
	must(t, l, again, next)
	if l.Epoch() != epoch || !again.Known || again.Mid != first.Mid || next.Seq != seq+1 || next.Prev != first.Seq {
		t.Errorf("epoch %s, was %s; %+v; %+v", l.Epoch(), epoch, again, next)
	}
	release(l)

	f, err := fs.Create("data/"+restoredFile, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	l = onRAM(t, fs, Config{}, time.Now)
	renewed := l.Epoch()
	if renewed == epoch || len(renewed) != len(epoch) {
		t.Errorf("epoch %s, was %s", renewed, epoch)
	}
	wantRead(t, l, "all", 0, 0, 9, "a b", false)
	release(l)
	if l = onRAM(t, fs, Config{}, time.Now); l.Epoch() != renewed {
		t.Errorf("epoch %s, was %s", l.Epoch(), renewed)
	}
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	l, err := Open(dir, Config{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if l.Durability() != DurabilityFsync {
		t.Errorf("durability %s", l.Durability())
	}
	if _, err := Open(dir, Config{Logger: quiet}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second one: %v", err)
	}
	must(t, l, say("all", 1, "", "a"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Config{Durability: "paper", Logger: quiet}); err == nil {
		t.Error("an unknown durability")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, Config{Logger: quiet}); err == nil {
		t.Error("a file is no folder")
	}
}

func TestFormat(t *testing.T) {
	cases := []struct {
		name string
		set  map[string][]byte
	}{
		{"newer", map[string][]byte{string(aboutFormat): {format + 1}}},
		{"of others", map[string][]byte{"a": {1}}},
		{"no ceiling", map[string][]byte{string(aboutFormat): {format}}},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			fs := vfs.NewMem()
			db, err := pebble.Open("data", &pebble.Options{FS: fs, Logger: pebbleLogger{quiet, &fence{broken: func() {}}}})
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range test.set {
				if err := db.Set([]byte(k), v, pebble.Sync); err != nil {
					t.Fatal(err)
				}
			}
			release(db)
			if _, err := open("data", Config{Logger: quiet}, ram(fs, time.Now)); !errors.Is(err, ErrFormat) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Seqs are given out in blocks; the end of a block is no end.
func TestCeiling(t *testing.T) {
	fs := vfs.NewCrashableMem()
	l := onRAM(t, fs, Config{}, time.Now)
	must(t, l, say("all", 1, "", "a"))
	l.commit.Lock()
	l.seq = l.ceiling - 3
	l.commit.Unlock()
	var last uint64
	for i := range 6 {
		e := say("all", 1, "", fmt.Sprint(i))
		must(t, l, e)
		if last != 0 && e.Seq != last+1 {
			t.Errorf("seq %d behind %d", e.Seq, last)
		}
		last = e.Seq
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	release(l)
	l = onRAM(t, crashed, Config{}, time.Now)
	e := say("all", 1, "", "b")
	must(t, l, e)
	if e.Seq <= last || e.Prev != last {
		t.Errorf("seq %d prev %d behind %d", e.Seq, e.Prev, last)
	}
}
