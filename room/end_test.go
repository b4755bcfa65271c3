package room

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/history"
)

// Before a stop clients of version 2 are told when to come back, each by itself.
func TestLeave(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob, tut := c.in("alice"), c.in("bob"), c.old("tut")
		for i, u := range []*user{alice, bob, tut} {
			u.Leave(time.Duration(i+1) * time.Second)
			u.peer.Flush()
		}
		for u, ms := range map[*user]int64{alice: 1000, bob: 2000} {
			if bye := u.sees("bye 4001")[0]; bye.RetryMs != ms {
				t.Errorf("%s is told to come back after %d ms, want %d", u.nick.Name, bye.RetryMs, ms)
			}
			u.isClosed(0)
		}
		tut.hears()
	})
}

// Settle waits for messages to rooms, and to one, as for those to everyone, wherever they are on their way.
func TestSettle(t *testing.T) {
	for name, frame := range map[string]string{
		"everyone": `{"message":1}`, "a room": `{"room":"go","message":1}`, "one": `{"to_user":"bob","message":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			log := newFakeLog()
			log.durability = history.DurabilityFsync
			inBubble(t, Config{Log: log, Shards: 1}, func(t *testing.T, c *bubble) {
				alice, bob := c.in("alice"), c.in("bob")
				for _, u := range []*user{alice, bob} {
					u.send(`{"t":"join","room":"go"}`)
				}
				walk, store := make(chan struct{}), make(chan struct{})
				alice.peer.onSend = func() { <-walk }
				alice.send(`{"message":0}`) // the shard is at work on this one
				log.append = func([]*history.Entry) error { <-store; return nil }
				alice.send("%s", frame)
				settled := make(chan error, 1)
				var once sync.Once
				open := func() { once.Do(func() { close(store) }) }
				defer open() // also when the test fails
				go func() { settled <- c.Settle(t.Context()) }()
				synctest.Wait()
				close(walk)
				synctest.Wait()
				if len(settled) > 0 {
					t.Fatal("settled, and the message is not stored yet")
				}
				open()
				if err := <-settled; err != nil {
					t.Fatal(err)
				}
				bob.peer.mu.Lock()
				defer bob.peer.mu.Unlock()
				if got := objects(t, bob.peer.got[bob.seen:]); string(got[len(got)-1].Message) != "1" {
					t.Fatalf("settled, and bob has only %v", got)
				}
			})
		})
	}
}

// Settle ends in the middle of talk in many rooms.
func TestSettleInRooms(t *testing.T) {
	h := newHub(t, Config{Shards: 3})
	const people = 6
	var talking sync.WaitGroup
	peers, sessions := make([]*fakePeer, people), make([]*Session, people)
	for i := range people {
		peers[i] = &fakePeer{}
		sessions[i] = joinV2(t, h, fmt.Sprint("u", i), peers[i])
		sessions[i].Message(false, []byte(`{"t":"hello"}`+"\n"+`{"t":"join","room":"a"}`+"\n"+`{"t":"join","room":"b"}`))
	}
	eventually(t, "all are in", func() bool { return h.places.count("b") == people })
	for _, s := range sessions {
		talking.Go(func() {
			for n := range 200 {
				s.Message(false, fmt.Appendf(nil, `{"room":"a","message":%d}`+"\n"+`{"room":"b","message":%d}`, n, n))
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 10 {
		if err := h.Settle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	talking.Wait()
	if err := h.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all is delivered", func() bool {
		for _, p := range peers {
			count := 0
			for _, o := range objects(t, p.messages()) {
				if o.T == "msg" {
					count++
				}
			}
			if count != 2*200*people {
				return false
			}
		}
		return true
	})
	for i, s := range h.shards {
		if backlog := s.backlog.Load(); backlog != 0 {
			t.Errorf("shard %d has a backlog of %d bytes", i, backlog)
		}
	}
}

// Close waits for what is under way on the disk and leaves nothing behind.
func TestCloseWithThingsUnderWay(t *testing.T) {
	log := newFakeLog()
	synctest.Test(t, func(t *testing.T) {
		c := &bubble{New(Config{Wire: fakeWire{}, Log: log, Shards: 2}), t}
		alice := c.in("alice")
		gate := make(chan struct{})
		log.read = func(string) { <-gate }
		for i := range 3 * maxApart {
			alice.write(`{"t":"history","id":%d,"conv":"room:all"}`, i)
		}
		alice.talk("", 1, 1)
		late := c.meet("late")
		late.write(`{"t":"hello","pos":{"room:all":[%q,0]}}`, alice.epoch)
		c.meet("silent")
		synctest.Wait()
		closed := make(chan struct{})
		go func() {
			c.Close()
			close(closed)
		}()
		synctest.Wait()
		select {
		case <-closed:
			t.Fatal("closed, and the log is still being read")
		default:
		}
		close(gate)
		<-closed
		alice.drop()
		late.drop()
		time.Sleep(proofWait) // what was to be done by then finds everything ended
	})
}

// People come, talk and go until the end, and all of them are gone then.
func TestCloseAfterAStorm(t *testing.T) {
	h := New(Config{Wire: fakeWire{}, Shards: 3})
	var storm sync.WaitGroup
	for i := range 40 {
		storm.Go(func() {
			for round := range 5 {
				enter, err := h.ClaimV2(Caller{Name: fmt.Sprint("u", i%20, "-", round)}) // in pairs
				if err != nil {
					continue
				}
				p := &fakePeer{}
				s := enter(p)
				s.Message(false, []byte(`{"t":"hello"}`+"\n"+`{"t":"join","room":"go"}`+"\n"+`{"room":"go","message":1}`))
				s.Message(false, fmt.Appendf(nil, `{"to_user":"u%d-%d","message":1}`+"\n"+`{"t":"leave","room":"go"}`, i, round))
				p.shut()
				s.Closed()
			}
		})
	}
	storm.Wait()
	eventually(t, "all are gone", func() bool { return h.Online() == 0 })
	h.Close()
	if n := len(h.places.byKey); n != 1 {
		t.Errorf("%d places are known, want 1", n)
	}
	for d := range h.speaking {
		if n := h.speaking[d].Load(); n != 0 {
			t.Errorf("%d speak dialect %d", n, d)
		}
	}
}
