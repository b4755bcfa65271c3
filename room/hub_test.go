package room

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"throng/room/event"
)

// status is the code of a refusal; 0 is none.
func status(err error) int {
	var refusal *event.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return 0
}

func TestClaim(t *testing.T) {
	h := newHub(t, Config{Shards: 3})
	alice := join(t, h, "Alice", &fakePeer{})
	enterLater, err := h.Claim(Caller{Name: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	for nick, want := range map[string]int{"Alice": 409, "ALICE": 409, "ａｌｉｃｅ": 409, "bob": 409, "": 400, "system": 400, "a/b": 400} {
		if _, err := h.Claim(Caller{Name: nick}); status(err) != want {
			t.Errorf("claim of %q: %v, want %d", nick, err, want)
		}
	}
	eventually(t, "one is online", func() bool { return h.Online() == 1 })
	alice.Closed()
	enterLater(&fakePeer{}).Closed()
	for _, nick := range []string{"aLICE", "BOB"} { // free at once: whoever saw the close comes after it
		join(t, h, nick, &fakePeer{})
	}
	eventually(t, "two are online", func() bool { return h.Online() == 2 })
}

func TestClaimAfterClose(t *testing.T) {
	h := New(Config{Wire: fakeWire{}})
	h.Close()
	if _, err := h.Claim(Caller{Name: "alice"}); status(err) != http.StatusServiceUnavailable {
		t.Fatalf("claim: %v, want 503", err)
	}
}

// TestNothingIsBegunAfterClose has much be begun while a hub closes, and later: nothing of it is done when Close has returned.
func TestNothingIsBegunAfterClose(t *testing.T) {
	for range 20 {
		h := New(Config{Wire: fakeWire{}})
		var isClosed, isDone atomic.Bool
		begin := func() {
			for range 100 {
				h.apart(func() {
					if isClosed.Load() {
						isDone.Store(true)
					}
				})
			}
		}
		var beginning sync.WaitGroup
		beginning.Go(begin)
		h.Close()
		isClosed.Store(true)
		beginning.Wait()
		begin()
		if h.running.Wait(); isDone.Load() {
			t.Fatal("something is done after Close")
		}
	}
}

// Of many who want the same nick at once, one gets it.
func TestClaimRace(t *testing.T) {
	h := newHub(t, Config{})
	for range 50 {
		won := make(chan *Session, 8)
		var racing sync.WaitGroup
		for range cap(won) {
			racing.Go(func() {
				enter, err := h.Claim(Caller{Name: "alice"})
				switch status(err) {
				case 0:
					won <- enter(&fakePeer{})
				case http.StatusConflict:
				default:
					t.Error(err)
				}
			})
		}
		racing.Wait()
		if len(won) != 1 {
			t.Fatalf("%d got the nick, want 1", len(won))
		}
		(<-won).Closed()
	}
}

// What one person says to another, on every way that the nicks can lie on the shards.
func TestDirect(t *testing.T) {
	for shards := 1; shards <= 4; shards++ {
		h := newHub(t, Config{Shards: shards})
		alice, bob, carol := &fakePeer{}, &fakePeer{}, &fakePeer{}
		a := join(t, h, "Alice", alice)
		b := join(t, h, "Bob", bob)
		join(t, h, "carol", carol)
		say(a, "bob", "to you")
		say(a, "ALICE", "to myself")
		say(b, "nobody", "to nobody")
		say(b, "no/body", "to a nick that cannot be")
		say(b, "system", "to the server")
		await(t, alice, said("Alice", "Alice", "to myself"))
		await(t, bob, said("Alice", "Bob", "to you"), said("system", "Bob", "nobody is not here"),
			said("system", "Bob", "no/body is not here"), said("system", "Bob", "system is not here"))
		say(a, "", "to all")
		await(t, carol, said("Alice", "", "to all"))
	}
}

// await waits until exactly these messages have come, in any order, and checks that nothing else has.
func await(t *testing.T, p *fakePeer, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d messages", len(want)), func() bool { return len(p.messages()) >= len(want) })
	left := map[string]int{}
	for _, m := range want {
		left[m]++
	}
	for _, m := range p.messages() {
		if left[m]--; left[m] < 0 {
			t.Fatalf("got %s, want %q", m, want)
		}
	}
}

// A connection that closes is no recipient any more, even before its session has left.
func TestDirectToOneWhoCloses(t *testing.T) {
	h := newHub(t, Config{})
	alice, bob := &fakePeer{}, &fakePeer{}
	a := join(t, h, "alice", alice)
	join(t, h, "bob", bob)
	bob.shut()
	say(a, "bob", "are you there?")
	await(t, alice, said("system", "alice", "bob is not here"))
}

// A word said and a farewell: the word goes round.
func TestLastWord(t *testing.T) {
	h := newHub(t, Config{})
	alice, bob := &fakePeer{}, &fakePeer{}
	a := join(t, h, "alice", alice)
	join(t, h, "bob", bob)
	say(a, "", "to all")
	say(a, "bob", "to you")
	alice.shut()
	a.Closed()
	await(t, bob, said("alice", "", "to all"), said("alice", "bob", "to you"))
}
