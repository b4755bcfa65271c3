package room

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// A stop must not wait for people who never stop talking: what was said before Settle has an end, the talk has none.
func TestSettleWaitsOnlyForWhatWasSaidBefore(t *testing.T) {
	h := newHub(t, Config{Shards: 1})
	first := &fakePeer{}
	chatter := join(t, h, "chatter", first)
	for i := range slice { // a second slice, so that letters are opened in the middle of each walk
		join(t, h, fmt.Sprintf("listener%d", i), &fakePeer{})
	}
	stop := make(chan struct{})
	defer close(stop)
	first.onSend = func() { // every message is answered by another one, which is on the shard before the walk ends
		say(chatter, "", "and")
		for mail := h.shards[0].mail; mail.len() == 0; time.Sleep(time.Microsecond) {
			select {
			case <-stop:
				return
			default:
			}
		}
	}
	say(chatter, "", "begin")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := h.Settle(ctx); err != nil {
		t.Fatal("Settle waits for the talk to end:", err)
	}
	if waiting := h.road.waiting.Load(); waiting < 0 {
		t.Fatalf("%d bytes wait for the committer: Settle took off what it never added", waiting)
	}
}

func TestSettleEndsWithItsContext(t *testing.T) {
	h := newHub(t, Config{Shards: 1})
	gate := make(chan struct{})
	defer close(gate)
	say(join(t, h, "alice", &fakePeer{onSend: func() { <-gate }}), "", "this one holds the shard")
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := h.Settle(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("settle: %v, want the context's error", err)
	}
}

// A shard that does not keep up holds the committer, and the committer the senders: what waits is bounded, whatever its
// kind, and what was taken comes.
func TestWhatWaitsIsBounded(t *testing.T) {
	for name, to := range map[string]Nick{"to everyone": {}, "to one": {Name: "bob", Key: "bob"}} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, Config{Shards: 1})
			gate := make(chan struct{})
			held := make(chan struct{}, 1)
			peer := &fakePeer{onSend: func() {
				select {
				case held <- struct{}{}:
				default:
				}
				<-gate
			}}
			bob := join(t, h, "bob", peer)
			alice, body := join(t, h, "alice", &fakePeer{}), make([]byte, 1<<20)
			next := func() *post {
				p := &post{from: alice, self: alice.self.Load(), to: to, body: body}
				if to.Key != "" {
					p.peer, p.isFleeting = bob.claim(), true
				}
				return p
			}
			say(alice, "", "hold")
			<-held
			taken, most := 1, 2*(maxBacklog+maxWaiting)>>20
			for ; taken < most; taken++ {
				eventually(t, "the committer takes a message or waits for the shard", func() bool {
					return h.road.waiting.Load() == 0 || h.shards[0].backlog.Load() > maxBacklog
				})
				if err := h.road.take(next()); err != nil {
					if err.Code != http.StatusServiceUnavailable {
						t.Errorf("refused with %d, want 503", err.Code)
					}
					break
				}
			}
			close(gate)
			if taken == most {
				t.Fatalf("%d messages of 1 MiB wait and none was refused", taken)
			}
			eventually(t, "what was taken comes", func() bool { return len(peer.messages()) == taken })
			eventually(t, "nothing waits any more", func() bool {
				return h.road.waiting.Load() == 0 && h.shards[0].backlog.Load() == 0
			})
		})
	}
}

// A sender who is refused for want of room is told so, as of everything else.
func TestSenderIsToldThatTheServerIsBusy(t *testing.T) {
	h := newHub(t, Config{})
	alice := &fakePeer{}
	a := join(t, h, "alice", alice)
	h.road.waiting.Add(maxWaiting)
	say(a, "", "one too many")
	await(t, alice, said("system", "alice", "the server is busy; the message was not sent"))
	h.road.waiting.Add(-maxWaiting)
	say(a, "", "well")
	eventually(t, "room again", func() bool { return slices.Contains(alice.messages(), said("alice", "", "well")) })
}
