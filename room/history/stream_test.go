package history

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Two nodes append at once; both hear all, in the order of the log, once.
func TestFollowedByTwo(t *testing.T) {
	in := startServer(t, t.TempDir())
	const batches, size = 50, 20
	var nodes [2]*Stream
	var heards [2]*heard
	for i := range nodes {
		heards[i] = newHeard()
		nodes[i] = onServer(t, connect(t, in), StreamConfig{Receive: heards[i].receive}, time.Now)
		// A conversation between two who are both followed, too.
		if err := errors.Join(nodes[i].Follow("all"), nodes[i].FollowDirects(1), nodes[i].FollowDirects(2)); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for i, s := range nodes {
		all.Go(func() {
			for b := range batches {
				var batch []*Entry
				for e := range size {
					one := say("all", uint64(i+1), "", fmt.Sprint(i, b, e))
					if e%2 == 0 {
						one.Conv, one.Peer = direct(1, 2), uint64(2-i)
					}
					batch = append(batch, one)
				}
				if err := s.Append(batch); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for i, h := range heards {
		h.wait(t, 2*batches*size)
		h.want(t, nodes[i], "all", batches*size)
		h.want(t, nodes[i], direct(1, 2), batches*size)
	}
}

func TestUnfollow(t *testing.T) {
	in := startServer(t, t.TempDir())
	heard := newHeard()
	s := onServer(t, connect(t, in), StreamConfig{Receive: heard.receive}, time.Now)
	must(t, s, say("all", 1, "", "before"))
	if err := errors.Join(s.Follow("all"), s.Follow("r/go"), s.FollowDirects(1), s.FollowDirects(2)); err != nil {
		t.Fatal(err)
	}
	s.Unfollow("all")
	s.UnfollowDirects(2)
	private := say(direct(2, 3), 2, "", "not this")
	private.Peer = 3
	shared := say(direct(1, 2), 2, "", "but this")
	shared.Peer = 1
	must(t, s, say("all", 1, "", "nor this"), private, shared, say("r/go", 1, "", "last"))
	heard.wait(t, 2)
	heard.want(t, s, direct(1, 2), 1)
	heard.want(t, s, "r/go", 1)
	heard.want(t, s, "all", 0)
	heard.want(t, s, direct(2, 3), 0)
	s.UnfollowDirects(1)
	if n := len(s.follow.flows); n != 1 {
		t.Errorf("%d flows are left, want that of r/go", n)
	}
	wantRead(t, s, "all", 0, 0, 9, "before nor this", false)
}

// TestUnfollowSides has the sides of a direct conversation be followed one after the other: when neither is any more, what is read is
// what is stored, and who is followed again is given what is new and nothing else.
func TestUnfollowSides(t *testing.T) {
	in := startServer(t, t.TempDir())
	heard := newHeard()
	s := onServer(t, connect(t, in), StreamConfig{Receive: heard.receive}, time.Now)
	other := onServer(t, connect(t, in), StreamConfig{}, time.Now)
	talk := func(text string) {
		e := say(direct(1, 2), 2, "", text)
		e.Peer = 1
		must(t, other, e)
	}
	follow := func(claim uint64) {
		if err := s.FollowDirects(claim); err != nil {
			t.Fatal(err)
		}
	}
	follow(1)
	talk("heard")
	heard.wait(t, 1)
	follow(2)
	s.UnfollowDirects(1)
	talk("by two")
	heard.wait(t, 2)
	s.UnfollowDirects(2)
	if n := len(s.follow.flows); n != 0 {
		t.Errorf("%d flows are left", n)
	}
	talk("by none")
	wantRead(t, s, direct(1, 2), 0, 0, 9, "heard by two by none", false)
	follow(2)
	talk("again")
	heard.wait(t, 3)
	var texts []string
	for _, m := range heard.msgs[direct(1, 2)] {
		texts = append(texts, string(m.Body))
	}
	if got := strings.Join(texts, " "); got != `"heard" "by two" "again"` {
		t.Errorf("%s", got)
	}
}

// What was lost in front of a message is given before it; what was lost at the end, when it is looked for.
func TestLostOnTheWay(t *testing.T) {
	in := startServer(t, t.TempDir())
	heard := newHeard()
	s := onServer(t, connect(t, in), StreamConfig{Receive: heard.receive}, time.Now)
	if err := errors.Join(s.Follow("all"), s.FollowDirects(1)); err != nil {
		t.Fatal(err)
	}
	other := onServer(t, connect(t, in), StreamConfig{}, time.Now)
	said := 0
	talk := func(n int) {
		for range n {
			toOne := say(direct(1, 2), 2, "", fmt.Sprint("d", said))
			toOne.Peer = 1
			must(t, other, say("all", 2, "", fmt.Sprint(said)), toOne)
			said++
		}
	}
	for _, name := range []string{"before the first of a direct conversation", "in the middle"} {
		deaf(t, s, func() { talk(5) })
		talk(3)
		heard.wait(t, 2*said)
		heard.want(t, s, "all", said)
		heard.want(t, s, direct(1, 2), said)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	for name, look := range map[string]func(){"there is a reason": s.Resync, "there is none": func() {}} {
		deaf(t, s, func() { talk(4) })
		look()
		heard.wait(t, 2*said)
		heard.want(t, s, "all", said)
		heard.want(t, s, direct(1, 2), said)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// deaf lets a Stream hear nothing of what f does.
func deaf(t *testing.T, s *Stream, f func()) {
	t.Helper()
	each := func(change func(*nats.Subscription) *nats.Subscription) {
		s.follow.mu.Lock()
		defer s.follow.mu.Unlock()
		for path, sub := range s.follow.rooms {
			s.follow.rooms[path] = change(sub)
		}
		for _, one := range s.follow.claims {
			for i, sub := range one.subs {
				one.subs[i] = change(sub)
			}
		}
	}
	flush := func() {
		if err := s.nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	each(func(sub *nats.Subscription) *nats.Subscription {
		if err := sub.Unsubscribe(); err != nil {
			t.Fatal(err)
		}
		return sub
	})
	flush()
	f()
	each(func(sub *nats.Subscription) *nats.Subscription {
		again, err := s.nc.ChanSubscribe(sub.Subject, s.follow.in)
		if err != nil {
			t.Fatal(err)
		}
		return again
	})
	flush()
}

// TestRestoredStream gives the stream a description, as who has restored it does: the next to open it begins an epoch, and all after
// it have the same one. What was stored is as it was.
func TestRestoredStream(t *testing.T) {
	in := startServer(t, t.TempDir())
	nc := connect(t, in)
	s := onServer(t, nc, StreamConfig{}, time.Now)
	e := say("all", 1, "x", "before")
	must(t, s, e)
	epochs := []string{s.Epoch()}
	for _, description := range []string{"", "restored 2026-11-23", "restored 2026-11-23", "restored again"} {
		conf := s.made.CachedInfo().Config
		conf.Description = description
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.UpdateStream(t.Context(), conf); err != nil {
			t.Fatal(err)
		}
		now := onServer(t, nc, StreamConfig{}, time.Now)
		epochs = append(epochs, now.Epoch())
		if m, ok, err := now.Find(e.Mid); err != nil || !ok || m.Seq != e.Seq {
			t.Errorf("%s: found %t, seq %d, %v; want seq %d", description, ok, m.Seq, err, e.Seq)
		}
	}
	if epochs[1] != epochs[0] || epochs[2] == epochs[0] || epochs[3] != epochs[2] || slices.Contains(epochs[:4], epochs[4]) {
		t.Errorf("epochs %v", epochs)
	}
}

// Pages of a conversation that is spread thinly over the log, and unevenly, are the same from either end.
func TestPaging(t *testing.T) {
	s := onServer(t, connect(t, startServer(t, t.TempDir())), StreamConfig{}, time.Now)
	var batch []*Entry
	for i := range 3000 {
		conv := "all"
		if i < 500 && i%2 == 0 || i%100 == 0 || i > 2800 {
			conv = "r/go"
		}
		batch = append(batch, say(conv, 1, "", fmt.Sprint(i)))
	}
	must(t, s, batch...)
	for _, conv := range []string{"all", "r/go"} {
		whole, more, err := s.Read(conv, 1, 0, len(batch))
		if err != nil || more {
			t.Fatal(more, err)
		}
		for _, limit := range []int{7, 100} {
			var pages []Message
			for before, more := uint64(0), true; more; before = pages[0].Seq {
				var page []Message
				if page, more, err = s.Read(conv, 0, before, limit); err != nil || len(page) == 0 {
					t.Fatal(len(page), err)
				}
				pages = append(slices.Clone(page), pages...)
			}
			if !equalAll(pages, whole) {
				t.Errorf("%s by %d: %s; want %s", conv, limit, describe(pages), describe(whole))
			}
		}
	}
}

// Two nodes that trim at once remove what is due, and no more.
func TestTrimmedByTwo(t *testing.T) {
	in := startServer(t, t.TempDir())
	conf := StreamConfig{Config: Config{KeepCount: 10}}
	one, other := onServer(t, connect(t, in), conf, time.Now), onServer(t, connect(t, in), conf, time.Now)
	for range 20 {
		for range 30 {
			must(t, one, say("all", 1, "", "x"))
		}
		var both sync.WaitGroup
		both.Go(func() { trimNow(t, one) })
		both.Go(func() { trimNow(t, other) })
		both.Wait()
		trimNow(t, one)
		if msgs, more, err := one.Read("all", 1, 0, 99); err != nil || len(msgs) != 10 || more {
			t.Fatalf("%s, %v, %v", describe(msgs), more, err)
		}
	}
}

// The servers know a repeat until their window is over.
func TestDedupEnds(t *testing.T) {
	s := onServer(t, connect(t, startServer(t, t.TempDir())), StreamConfig{Config: Config{Dedup: time.Second}}, time.Now)
	first := say("all", 1, "x", "a")
	must(t, s, first)
	for timeout := time.After(20 * time.Second); ; {
		again := say("all", 1, "x", "a")
		must(t, s, again)
		if !again.Known {
			return
		}
		if again.Seq != first.Seq {
			t.Fatalf("%+v; want seq %d", again, first.Seq)
		}
		select {
		case <-timeout:
			t.Fatal("known for ever")
		case <-time.After(20 * time.Millisecond): // their clock is the real one
		}
	}
}
