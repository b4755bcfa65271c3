package history

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestMove(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, at *clock) {
		var epoch string
		use(t, from, Config{}, func(l Log) {
			live(t, l, at, 100, "a")
			epoch = l.Epoch()
		})
		// A clock that is set back, and a Cid that comes again long after.
		at.advance(-time.Hour)
		use(t, from, Config{KeepCount: 20}, func(l Log) {
			live(t, l, at, 100, "b")
			trimNow(t, l)
			l.Mark(3, "all", Marks{Sent: math.MaxInt64 >> 8, Recv: 5})
		})
		before := contentsOf(t, from)
		if done := mustMove(t, from, to); done.Messages != len(before.messages) || done.Claims != len(before.claims) || done.IsDone || done.Resumed {
			t.Errorf("%+v", done)
		}
		before.want(t, to)
		use(t, to, Config{}, func(l Log) {
			if l.Epoch() == epoch || len(l.Epoch()) != len(epoch) {
				t.Errorf("epoch %s after %s", l.Epoch(), epoch)
			}
		})
		if done := mustMove(t, from, to); !done.IsDone || done.Messages != 0 {
			t.Errorf("again: %+v", done)
		}
		before.want(t, from)
	})
}

// A log is moved, goes on, and is moved again and back: the ids are of three logs then.
func TestMoveOn(t *testing.T) {
	eachMove(t, func(t *testing.T, first, second medium, at *clock) {
		kind := "folder"
		if _, isFolder := first.(inRAM); !isFolder {
			kind = "servers"
		}
		third := media[kind](t, at.now)
		use(t, first, Config{}, func(l Log) { live(t, l, at, 60, "a") })
		mustMove(t, first, second)
		use(t, second, Config{}, func(l Log) { live(t, l, at, 60, "b") })
		mustMove(t, second, third)
		use(t, third, Config{}, func(l Log) { live(t, l, at, 30, "c") })
		all := contentsOf(t, third)
		if len(all.messages) != 150 {
			t.Fatalf("%d messages", len(all.messages))
		}
		all.want(t, third)
		fourth := media[kind](t, at.now)
		mustMove(t, third, fourth)
		all.want(t, fourth)
	})
}

func TestMoveRefused(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, at *clock) {
		if _, err := from.walk(); !errors.Is(err, errNoLog) {
			t.Errorf("no source: %v", err)
		}
		use(t, from, Config{}, func(l Log) { live(t, l, at, 12, "a") })
		other := inRAM{vfs.NewMem(), at.now}
		use(t, other, Config{}, func(l Log) { must(t, l, say("all", 1, "", "x")) })
		for name, make := range map[string]func(Log){
			"a message": func(l Log) { must(t, l, say("all", 1, "", "x")) },
			"a claim": func(l Log) {
				if err := l.SaveClaim(Claim{ID: 1, Nick: "a", Key: "a"}); err != nil {
					t.Fatal(err)
				}
			},
		} {
			kind := "servers"
			if _, isFolder := to.(inRAM); isFolder {
				kind = "folder"
			}
			taken := media[kind](t, at.now)
			use(t, taken, Config{}, make)
			if _, err := moveOnce(t, from, taken, nil); !errors.Is(err, ErrTaken) {
				t.Errorf("a target that has %s: %v", name, err)
			}
			use(t, taken, Config{}, func(Log) {}) // and is as it was
		}
		use(t, to, Config{}, func(Log) {}) // an empty log may be filled
		left := 8
		if _, err := moveOnce(t, from, to, func(l target) target { return stopped{l, &left, false} }); !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		if _, err := moveOnce(t, other, to, nil); !errors.Is(err, ErrTaken) {
			t.Errorf("another source: %v", err)
		}
	})
}

// What is unfinished is no source.
func TestMoveUnfinishedOn(t *testing.T) {
	at := newClock()
	a, b, c := inRAM{vfs.NewMem(), at.now}, inRAM{vfs.NewMem(), at.now}, inRAM{vfs.NewMem(), at.now}
	use(t, a, Config{}, func(l Log) { live(t, l, at, 12, "a") })
	left := 8
	if _, err := moveOnce(t, a, b, func(l target) target { return stopped{l, &left, false} }); !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	if _, err := moveOnce(t, b, c, nil); !errors.Is(err, ErrUnfinished) {
		t.Errorf("%v", err)
	}
}

// The source goes on after a move was stopped: what came is moved too, what was forgotten is not there. If the message at which it was
// stopped is gone, nothing can be done.
func TestMoveChanged(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, at *clock) {
		use(t, from, Config{}, func(l Log) { live(t, l, at, 24, "a") })
		steps := 2 + 24 + 1 + 1 + 2 // the notes, all messages, the end of them, clear, claims and directs
		if _, err := moveOnce(t, from, to, func(l target) target { return stopped{l, &steps, false} }); !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		use(t, from, Config{}, func(l Log) {
			if err := l.DropClaim(2); err != nil {
				t.Fatal(err)
			}
			must(t, l, say("all", 1, "", "more"))
		})
		before := contentsOf(t, from)
		if done := mustMove(t, from, to); !done.Resumed || done.Messages != 1 {
			t.Errorf("%+v", done)
		}
		before.want(t, to)
	})
}

func TestMoveLostItsPlace(t *testing.T) {
	at := newClock()
	from, to := inRAM{vfs.NewMem(), at.now}, inRAM{vfs.NewMem(), at.now}
	use(t, from, Config{}, func(l Log) { live(t, l, at, 24, "a") })
	left := 8
	if _, err := moveOnce(t, from, to, func(l target) target { return stopped{l, &left, false} }); !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	use(t, from, Config{KeepCount: 1}, func(l Log) { trimNow(t, l) })
	if _, err := moveOnce(t, from, to, nil); !errors.Is(err, ErrChanged) {
		t.Errorf("%v", err)
	}
}

// A message that was just stored may be repeated after the move, and is known; one of long ago may come again.
func TestMoveRepeats(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, at *clock) {
		conf := Config{Dedup: time.Minute}
		_, isFolder := from.(inRAM)
		var old, young *Entry
		use(t, from, conf, func(l Log) {
			old = say("all", 1, "again", "old")
			must(t, l, old)
			at.advance(time.Hour)
			if isFolder { // the servers' clock is the real one
				must(t, l, say("all", 1, "again", "the same cid"), say("all", 2, "x", "between"))
			}
			at.advance(time.Hour)
			young = say("r/go", 1, "young", "young")
			must(t, l, young)
		})
		before := contentsOf(t, from)
		mustMove(t, from, to)
		before.want(t, to)
		use(t, to, Config{}, func(l Log) {
			again, fresh, probe := say("r/go", 1, "young", "repeat"), say("all", 1, "again", "new"), say("r/go", 1, "young", "")
			probe.Probe = true
			must(t, l, again, fresh)
			must(t, l, probe)
			for _, e := range []*Entry{again, probe} {
				if !e.Known || e.Mid != young.Mid || texts([]Message{e.Message}) != "young" {
					t.Errorf("repeat: %+v; want %s known", e, young.Mid)
				}
			}
			if fresh.Known || fresh.Mid == old.Mid {
				t.Errorf("of long ago: %+v", fresh)
			}
			if m, ok, err := l.Find(fresh.Mid); !ok || err != nil || m.Seq != fresh.Seq {
				t.Errorf("Find(%s) = %+v, %v, %v", fresh.Mid, m, ok, err)
			}
		})
	})
}

// Two young messages of one claim may have the same Cid when the clock was set back between them.
func TestMoveSameCidYoung(t *testing.T) {
	for name, to := range media {
		t.Run(name, func(t *testing.T) {
			at := newClock()
			from, to := inRAM{vfs.NewMem(), at.now}, to(t, at.now)
			use(t, from, Config{Dedup: time.Second}, func(l Log) {
				must(t, l, say("all", 1, "x", "a"), say("all", 1, "y", "b"))
				at.advance(10 * time.Second)
				must(t, l, say("all", 1, "x", "c"), say("all", 1, "z", "d"))
			})
			before := contentsOf(t, from)
			if len(before.messages) != 4 {
				t.Fatalf("%d messages", len(before.messages))
			}
			mustMove(t, from, to)
			before.want(t, to)
		})
	}
}

// More than one batch, and many claims.
func TestMoveMany(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, at *clock) {
		const n = 2*moveBatch + 100
		use(t, from, Config{Durability: DurabilityOS}, func(l Log) {
			var batch []*Entry
			for i := range n {
				a, b := uint64(i%40+1), uint64(i%40+2)
				e := say(direct(a, b), a, "", fmt.Sprint(i))
				e.Peer, e.To = b, fmt.Sprint("nick ", b)
				batch = append(batch, e)
			}
			must(t, l, batch...)
			for i, e := range batch {
				l.Mark(uint64(i+1), e.Conv, Marks{Read: e.Seq})
			}
			var claims []uint64
			for i := range 300 {
				claims = append(claims, uint64(i+1))
			}
			err := atOnce(claims, func(id uint64) error {
				return l.SaveClaim(Claim{ID: id, Nick: "n", Key: fmt.Sprint("n", id%10), Made: int64(id), Secret: []byte{1}})
			})
			if err != nil {
				t.Fatal(err)
			}
		})
		before := contentsOf(t, from)
		done := mustMove(t, from, to)
		if done.Messages != n || done.Claims != 300 || done.Directs != 2*40 || done.Marks != n {
			t.Errorf("%+v", done)
		}
		before.want(t, to)
	})
}

// A folder that a server has is refused; one whose server was killed is read as it is, and no file of it is changed.
func TestMoveLeavesSource(t *testing.T) {
	at := newClock()
	fs := vfs.NewCrashableMem()
	l := onRAM(t, fs, Config{}, at.now)
	live(t, l, at, 50, "a")
	if _, err := (inRAM{fs, at.now}).walk(); !errors.Is(err, ErrLocked) {
		t.Errorf("in use: %v", err)
	}
	killed := fs.CrashClone(vfs.CrashCloneCfg{})
	before := filesOf(t, killed)
	from, to := inRAM{killed, at.now}, inRAM{vfs.NewMem(), at.now}
	mustMove(t, from, to)
	if after := filesOf(t, killed); len(before) == 0 || !maps.Equal(before, after) {
		t.Errorf("files %v; want %v", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
	}
	contentsOf(t, from).want(t, to)
}

// filesOf are the files of a log, by name.
func filesOf(t testing.TB, fs vfs.FS) map[string]string {
	t.Helper()
	names, err := fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range names {
		f, err := fs.Open(fs.PathJoin("data", name))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return files
}
