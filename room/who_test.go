package room

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/history"
)

// board is a cluster of this node and one other, "b", of which the test says what it says. What is stored comes back to nobody.
type board struct {
	mu      sync.Mutex      // guards what follows
	holders map[string]bool // nicks that b has
	there   map[string]*who // and what it says of them
	failed  error           // of Holder
	onAsked func()          // is called when Holder has its answer; nil: nothing
	asked   int             // how often Holder was called
	changed func(key string)
	leased  func(isHeld bool)
	hold    func() (holder string, err error) // what Hold does; nil: it holds
}

func (b *board) Hold(context.Context, string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hold == nil {
		return "", nil
	}
	return b.hold()
}

func (b *board) Node() string                                  { return "a" }
func (b *board) Release(string)                                {}
func (b *board) OnNick(changed func(string))                   { b.changed = changed }
func (b *board) Begin(func(history.Message))                   {}
func (b *board) Follow(string) error                           { return nil }
func (b *board) Unfollow(string)                               {}
func (b *board) FollowDirects(uint64) error                    { return nil }
func (b *board) UnfollowDirects(uint64)                        {}
func (b *board) Tell(string, []byte)                           {}
func (b *board) Listen(string, func(string, []byte)) error     { return nil }
func (b *board) Unlisten(string)                               {}
func (b *board) Ask(context.Context, []byte) map[string][]byte { return nil }
func (b *board) Answer(func(string, []byte) []byte) error      { return nil }
func (b *board) OnLeave(func(string))                          {}
func (b *board) OnLease(changed func(bool))                    { b.leased = changed }

func (b *board) Holder(_ context.Context, key string) (node string, err error) {
	b.mu.Lock()
	b.asked++
	onAsked := b.onAsked
	if err = b.failed; err == nil && b.holders[key] {
		node = "b"
	}
	b.mu.Unlock()
	if onAsked != nil {
		onAsked()
	}
	return node, err
}

func (b *board) AskNode(_ context.Context, node string, data []byte) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var w memo
	if err := json.Unmarshal(data, &w); err != nil || node != "b" {
		return nil, fmt.Errorf("%s is asked %s: %w", node, data, err)
	}
	if w.Kind == askWho {
		return encode(b.there[w.Key]), nil
	}
	var answer []byte
	for i, key := range w.Keys {
		if is := b.there[key]; is != nil && is.IsOnline && is.Claim == w.Claims[i] {
			answer = append(answer, '1')
		} else {
			answer = append(answer, '0')
		}
	}
	return answer, nil
}

// set has b say something of alice, nil for nothing.
func (b *board) set(is *who, isHeld bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.there["alice"], b.holders["alice"] = is, isHeld
}

// talk is bob, who is here, and speaks to alice, who may be on b.
type talk struct {
	t     *testing.T
	board *board
	bob   *Session
	peer  *fakePeer
	said  int
}

func newTalk(t *testing.T) *talk {
	b := &board{holders: map[string]bool{}, there: map[string]*who{}}
	h := newHub(t, Config{Cluster: b, Shards: 2})
	k := &talk{t: t, board: b, peer: &fakePeer{}}
	k.bob = joinV2(t, h, "bob", k.peer)
	return k
}

// say says something to alice, and does not wait.
func (k *talk) say() {
	k.said++
	k.bob.Message(false, fmt.Appendf(nil, `{"id":%d,"to_user":"alice","message":1}`, k.said))
}

// isTold wants what was said last to be answered so.
func (k *talk) isTold(want string) {
	k.t.Helper()
	var got string
	eventually(k.t, "an answer", func() bool {
		for _, text := range k.peer.messages() {
			if strings.Contains(text, fmt.Sprintf(`"id":%d,`, k.said)) {
				got = text
			}
		}
		return got != ""
	})
	if !strings.Contains(got, want) {
		k.t.Errorf("told %s, want %s", got, want)
	}
}

// is says something and wants it to be answered so, and the directory to have been asked so often for it.
func (k *talk) is(want string, asked int) {
	k.t.Helper()
	k.board.mu.Lock()
	before := k.board.asked
	k.board.mu.Unlock()
	k.say()
	k.isTold(want)
	k.board.mu.Lock()
	defer k.board.mu.Unlock()
	if got := k.board.asked - before; got != asked {
		k.t.Errorf("%s: asked %d times, want %d", want, got, asked)
	}
}

const (
	told404   = `"code":404`
	told503   = `"code":503`
	toldThere = `"online":true`
	toldAway  = `"online":false`
)

func aliceThere(claim uint64) *who {
	return &who{Claim: claim, Nick: "Alice", Returns: true, IsOnline: true}
}
func aliceAway(claim uint64) *who { return &who{Claim: claim, Nick: "Alice", Returns: true} }

// TestWhoRemembers is what is asked once only, and again as soon as something happens.
func TestWhoRemembers(t *testing.T) { synctest.Test(t, testWhoRemembers) }

func testWhoRemembers(t *testing.T) {
	k := newTalk(t)
	k.is(told404, 1)
	k.is(told404, 0)
	k.board.changed("somebody")
	k.is(told404, 0)

	k.board.set(aliceThere(7), true)
	k.board.changed("alice")
	k.is(toldThere, 1)
	k.is(toldThere, 0)

	// She leaves, and the other node's word of it has not come yet.
	k.board.set(aliceAway(7), true)
	k.is(toldAway, 1)
	k.is(toldAway, 1) // a node that holds a nick of somebody who is away has yet to give it up, or lets somebody in
	// She comes back where she was: the directory has nothing to tell.
	k.board.set(aliceThere(7), true)
	k.is(toldThere, 1)
	// Another has her nick, still unheard of: what was said to her is not theirs.
	k.board.set(aliceThere(8), true)
	k.is(toldAway, 1)
	k.is(toldThere, 0)

	k.board.set(nil, true)
	k.board.changed("")
	k.is(told404, 1)
	k.is(told404, 1)
	k.board.set(nil, false)
	k.is(told404, 1)
	k.is(told404, 0)
	// Nothing is remembered for ever.
	time.Sleep(remembersNobody + 2*time.Second)
	k.is(told404, 1)
	k.board.set(aliceThere(7), true)
	k.board.changed("alice")
	k.is(toldThere, 1)
	time.Sleep(remembersThere + 2*time.Second)
	k.is(toldThere, 1)
}

// TestWhoFails is a directory that cannot be asked: nothing is remembered of that.
func TestWhoFails(t *testing.T) { synctest.Test(t, testWhoFails) }

func testWhoFails(t *testing.T) {
	k := newTalk(t)
	k.board.failed = errors.New("cut off")
	k.is(told503, 1)
	k.is(told503, 1)
	k.board.mu.Lock()
	k.board.failed = nil
	k.board.mu.Unlock()
	k.is(told404, 1)
}

// TestWhoMeanwhile has something happen to a nick while its answer is on its way: it is asked for anew, but not for ever.
func TestWhoMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name         string
		times, asked int
	}{
		{"once", 1, 2},
		{"again and again", 1 << 30, 1 + maxAgain},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newTalk(t)
				times := 0
				k.board.onAsked = func() {
					if times++; times <= c.times {
						k.board.set(aliceThere(7), true)
						k.board.changed("alice")
					}
				}
				k.is(toldThere, c.asked)
			})
		})
	}
}

// TestWhoTutorial is what a sender of the tutorial dialect is told of somebody who has left the other node unheard.
func TestWhoTutorial(t *testing.T) {
	for _, c := range []struct {
		name string
		then *who
		want string
	}{
		{"away", aliceAway(7), waits("Alice")},
		{"nobody", nil, errNobody("Alice").Message},
		{"another", aliceThere(8), errNobody("Alice").Message},
		{"there", aliceThere(7), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newTalk(t)
				peer := &fakePeer{}
				tut := join(t, k.bob.hub, "tut", peer)
				k.board.set(aliceThere(7), true)
				k.is(toldThere, 1)
				k.board.set(c.then, true)
				say(tut, "alice", "hello")
				if c.want != "" {
					eventually(t, "a word of the system", func() bool { return len(peer.messages()) > 0 })
				} else {
					k.is(toldThere, 0)
				}
				if got := strings.Join(peer.messages(), "\n"); !strings.Contains(got, c.want) || c.want == "" && got != "" {
					t.Errorf("told %s, want %s", got, c.want)
				}
			})
		})
	}
}
