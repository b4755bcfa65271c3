package history

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

func TestScan(t *testing.T) {
	eachLog(t, Config{}, func(t *testing.T, l Log, _ *clock) {
		if msgs, next, err := l.Scan(0, 10); err != nil || len(msgs) > 0 {
			t.Errorf("of an empty log: %v, %d, %v", msgs, next, err)
		}
		var seqs []uint64
		for i := range 12 {
			e := say([]string{"all", "r/go", "hook"}[i%3], 1, "", fmt.Sprint(i))
			must(t, l, e)
			seqs = append(seqs, e.Seq)
		}
		for _, row := range []struct {
			after uint64
			limit int
			want  string
			next  uint64
		}{
			{0, 3, "0 1 2", seqs[2]}, {seqs[2], 5, "3 4 5 6 7", seqs[7]}, {seqs[7], 50, "8 9 10 11", seqs[11]},
			{seqs[7], 4, "8 9 10 11", seqs[11]}, {seqs[11], 4, "", seqs[11]}, {seqs[4], 0, "", seqs[11]},
		} {
			msgs, next, err := l.Scan(row.after, row.limit)
			if got := texts(msgs); err != nil || got != row.want || next != row.next {
				t.Errorf("Scan(%d, %d) = %q, %d, %v; want %q, %d", row.after, row.limit, got, next, err, row.want, row.next)
			}
		}
		release(l)
		if _, _, err := l.Scan(0, 1); err == nil {
			t.Error("Scan of a closed log")
		}
		if _, _, err := l.Scan(0, 0); err == nil {
			t.Error("the newest seq of a closed log")
		}
	})
}

// TestFloor has retention spare what is above the floor, and remove at once what is below it of the brief conversation.
func TestFloor(t *testing.T) {
	var floor atomic.Uint64
	c := Config{KeepCount: 3, Floor: floor.Load, Brief: "hook"}
	eachLog(t, c, func(t *testing.T, l Log, _ *clock) {
		floor.Store(0)
		var last uint64
		for i := range 10 {
			all, hook := say("all", 1, "", fmt.Sprint(i)), say("hook", 2, "", fmt.Sprint("h", i))
			must(t, l, all, hook)
			if trimNow(t, l); i == 4 {
				last = hook.Seq
			}
		}
		wantRead(t, l, "all", 0, 0, 20, "0 1 2 3 4 5 6 7 8 9", false)
		wantRead(t, l, "hook", 0, 0, 20, "h0 h1 h2 h3 h4 h5 h6 h7 h8 h9", false)
		floor.Store(last)
		must(t, l, say("all", 1, "", "a"), say("hook", 2, "", "h"))
		trimNow(t, l)
		wantRead(t, l, "all", 0, 0, 20, "5 6 7 8 9 a", false)
		wantRead(t, l, "hook", 0, 0, 20, "h5 h6 h7 h8 h9 h", false)
		if msgs, _, err := l.Scan(last, 50); err != nil || texts(msgs) != "5 h5 6 h6 7 h7 8 h8 9 h9 a h" {
			t.Errorf("above the floor is %s, %v", texts(msgs), err)
		}
		_, newest, _ := l.Scan(0, 0)
		floor.Store(newest)
		must(t, l, say("all", 1, "", "b"), say("hook", 2, "", "i"))
		trimNow(t, l)
		wantRead(t, l, "all", 0, 0, 20, "9 a b", false)
		wantRead(t, l, "hook", 0, 0, 20, "i", false)
	})
}

// TestFloorAge is TestFloor for what gets too old.
func TestFloorAge(t *testing.T) {
	var floor atomic.Uint64
	eachLog(t, Config{KeepAge: time.Minute, Floor: floor.Load}, func(t *testing.T, l Log, at *clock) {
		floor.Store(0)
		a, b := say("all", 1, "", "a"), say("r/go", 1, "", "b")
		must(t, l, a, b)
		at.advance(time.Hour)
		must(t, l, say("all", 1, "", "c"))
		trimNow(t, l)
		wantRead(t, l, "all", 0, 0, 20, "a c", false)
		wantRead(t, l, "r/go", 0, 0, 20, "b", false)
		floor.Store(b.Seq)
		must(t, l, say("all", 1, "", "d"))
		trimNow(t, l)
		wantRead(t, l, "all", 0, 0, 20, "c d", false)
		wantRead(t, l, "r/go", 0, 0, 20, "", false)
	})
}

// TestBriefIsTrimmed has what grows be removed in time, without anybody asking.
func TestBriefIsTrimmed(t *testing.T) {
	for _, name := range []string{"pebble", "stream"} {
		t.Run(name, func(t *testing.T) {
			var floor atomic.Uint64
			c := Config{Floor: floor.Load, Brief: "hook"}
			var l Log
			if name == "stream" {
				l = onServer(t, connect(t, startServer(t, t.TempDir())), StreamConfig{Config: c}, time.Now)
			} else {
				var err error
				if l, err = Open(t.TempDir(), c); err != nil {
					t.Fatal(err)
				}
				defer release(l)
			}
			batch := make([]*Entry, briefMany+1)
			for i := range batch {
				batch[i] = say("hook", 1, "", "x")
			}
			must(t, l, batch...)
			floor.Store(batch[len(batch)-1].Seq)
			for round := 0; ; round++ {
				msgs, _, err := l.Read("hook", 1, 0, 1)
				if err != nil || round > 5000 {
					t.Fatalf("%d messages are left, %v", len(msgs), err)
				}
				if len(msgs) == 0 || msgs[0].Seq > floor.Load() {
					return
				}
				for i := range batch {
					batch[i] = say("hook", 1, "", "x")
				}
				must(t, l, batch[:1+round%64]...)
			}
		})
	}
}
