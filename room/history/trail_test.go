package history

import (
	"fmt"
	"testing"
	"time"
)

func TestTrailIsKept(t *testing.T) {
	conf := Config{KeepCount: 2, KeepBytes: 300, KeepAge: time.Hour, Trail: "mod", TrailCount: 5}
	eachLog(t, conf, func(t *testing.T, l Log, at *clock) {
		for i := range 4 {
			must(t, l, say("mod", 1, "", fmt.Sprint(i)), say("all", 1, "", fmt.Sprint(i)))
		}
		trimNow(t, l)
		wantRead(t, l, "mod", 0, 0, 10, "0 1 2 3", false)
		wantRead(t, l, "all", 0, 0, 10, "2 3", false)
		at.advance(2 * time.Hour)
		must(t, l, say("all", 1, "", "4"), say("all", 1, "", "5"))
		trimNow(t, l)
		wantRead(t, l, "mod", 0, 0, 10, "0 1 2 3", false)
		wantRead(t, l, "all", 0, 0, 10, "4 5", false)
		for i := range 4 {
			must(t, l, say("mod", 1, "", fmt.Sprint(4+i)))
		}
		trimNow(t, l)
		wantRead(t, l, "mod", 0, 0, 10, "3 4 5 6 7", false)
	})
}

func TestPassingHasABound(t *testing.T) {
	for name, conf := range map[string]Config{
		"no other":  {KeepCount: -1, KeepBytes: -1},
		"a smaller": {KeepCount: 3},
		"a larger":  {KeepCount: 30},
	} {
		t.Run(name, func(t *testing.T) {
			conf.Trail, conf.Passing, conf.PassingCount = "mod", "gone", 4
			eachLog(t, conf, func(t *testing.T, l Log, _ *clock) {
				must(t, l, say("mod", 1, "", "ban"))
				for i := range 9 {
					must(t, l, say("gone", 1, "", fmt.Sprint(i)))
				}
				trimNow(t, l)
				want := "5 6 7 8"
				if conf.KeepCount == 3 {
					want = "6 7 8"
				}
				wantRead(t, l, "gone", 0, 0, 10, want, false)
				wantRead(t, l, "mod", 0, 0, 10, "ban", false)
			})
		})
	}
}

func TestMemoryKeepsItsTrailWhenItHasNoRoom(t *testing.T) {
	l := newMemory(Config{Trail: "mod", KeepCount: -1, KeepBytes: -1}, newClock().now)
	must(t, l, say("mod", 1, "", "kept"))
	large := string(make([]byte, 1<<20))
	for i := range memoryBytes/len(large) + 10 {
		must(t, l, &Entry{Message: Message{Conv: fmt.Sprint("r/", i), Claim: 1, Body: []byte(large)}})
	}
	wantRead(t, l, "mod", 0, 0, 10, "kept", false)
	if head, err := l.Head("r/0"); err != nil || head.Count != 0 {
		t.Errorf("the oldest is still there: %+v, %v", head, err)
	}
}
