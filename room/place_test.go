package room

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/history"
)

// Where there are many, people are told of changes a second later for every ten thousand of them, and miss none.
func TestPresenceOfManyIsToldLater(t *testing.T) {
	ps := newPlaces(1, false, func(Nick) {}, func(Nick) {})
	come := func(from, to int) {
		for i := from; i < to; i++ {
			name := fmt.Sprintf("p%06d", i)
			ps.enter(theChat, &Nick{name, name}, 0)
		}
	}
	tell := func() (counts []int) {
		for _, c := range ps.takeChanges() {
			counts = append(counts, c.count)
		}
		return counts
	}
	come(0, 2*manyPeople)
	if got := tell(); len(got) != 1 || got[0] != 2*manyPeople {
		t.Fatalf("at first %v were told", got)
	}
	for round, next := 1, 2*manyPeople; round <= 3; round++ {
		come(next, next+1)
		next++
		got := tell()
		if isDue := round == 3; isDue != (len(got) == 1) || isDue && got[0] != next {
			t.Errorf("in round %d %v were told, with %d there", round, got, next)
		}
	}
}

// What a node has said of its people counts for 30 seconds: it may have been said behind the news that the node is gone.
func TestGhostsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := newPlaces(1, true, func(Nick) {}, func(Nick) {})
		ps.enter(theChat, &Nick{"bob", "bob"}, 0)
		ps.forget("gone")
		ps.hear("gone", everywhere, 5, nil, nil)
		for _, x := range []struct {
			wait time.Duration
			want int
		}{{0, 6}, {silentFor, 6}, {time.Millisecond, 1}} {
			time.Sleep(x.wait)
			ps.takeNear(true)
			if got := ps.count(everywhere); got != x.want {
				t.Errorf("%v later there are %d, want %d", x.wait, got, x.want)
			}
		}
	})
}

// Who says hello and is gone before the welcome has no secret to come back with: the nick is nobody's.
func TestNickOfWhoWasNotWelcomedIsFree(t *testing.T) {
	log := newFakeLog()
	inBubble(t, Config{Log: log}, func(t *testing.T, c *bubble) {
		bob := c.meet("bob")
		lose := sync.OnceFunc(func() {
			bob.peer.shut()
			bob.Closed()
		})
		log.save = func(history.Claim) error { lose(); return nil }
		bob.send(`{"t":"hello","id":0}`)
		if _, found, err := log.ClaimByNick("bob"); found || err != nil {
			t.Errorf("a claim was kept: %t, %v", found, err)
		}
		c.old("bob") // who could not come while the nick was kept
	})
}
