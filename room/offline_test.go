package room

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/event"
	"throng/room/history"
)

// What is said to somebody who is away comes once, when it comes back, in order, whatever happens between.
func TestOfflineMessages(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob, tut := c.in("alice"), c.in("bob"), c.old("tut")
		alice.talk(`,"to_user":"bob"`, 1, 1)
		bob.sees("msg dm:alice alice: 1")
		bob.drop()
		alice.send(`{"t":"msg","id":2,"cid":"c2","to_user":"bob","message":2}`)
		alice.sees("ack 2 dm:bob c2 false", "msg dm:bob alice: 2 c2")
		say(tut.Session, "bob", "3")
		tut.hears(said("system", "tut", "bob is away and will get the message later"))
		time.Sleep(10 * reserve)
		alice.talk(`,"to_user":"BOB"`, 4, 4)
		bob, news := c.hello("bob", bob.with())
		wantSet(t, news, "welcome 0", "msg dm:alice alice: 2", "msg dm:alice alice: 4", `msg dm:tut tut: "3"`)
		alice.talk(`,"to_user":"bob"`, 5, 5)
		bob.sees("msg dm:alice alice: 5")
		bob.drop()
		bob, news = c.hello("bob", bob.with())
		wantSet(t, news, "welcome 0")
		bob.drop()
		alice.talk(`,"to_user":"bob"`, 6, 6)
		c = c.again(t)
		bob, news = c.hello("bob", bob.with())
		wantSet(t, news, "welcome 0", "msg dm:alice alice: 6")
		bob.drop()
	})
}

// wantSet checks objects in any order.
func wantSet(t fataler, got []object, want ...string) {
	t.Helper()
	count := map[string]int{}
	for _, o := range got {
		count[o.String()]++
	}
	for _, text := range want {
		count[text]--
	}
	for _, n := range count {
		if n != 0 {
			t.Fatalf("got %v, want %q", got, want)
		}
	}
}

// Of very many messages that wait the oldest come, and word of a gap that ends with the last.
func TestManyOfflineMessages(t *testing.T) {
	const n = 600
	inBubble(t, Config{Queue: 256 << 10}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		bob.drop()
		seqs := alice.talk(`,"to_user":"bob"`, 1, n)
		back, news := c.hello("bob", bob.with())
		came := news[1 : len(news)-1]
		for i, o := range came {
			if string(o.Message) != fmt.Sprint(i+1) {
				t.Fatalf("message %d is %v", i+1, o)
			}
		}
		if end := news[len(news)-1]; len(came) < n/2 || end.T != "gap" || end.From != seqs[len(came)] || end.To != seqs[n-1] {
			t.Fatalf("%d messages and %v", len(came), end)
		}
		alice.talk(`,"to_user":"bob"`, n+1, n+1)
		back.sees(fmt.Sprintf("msg dm:alice alice: %d", n+1))
	})
}

// What was queued and never written comes again.
func TestWhatWasNotWrittenComesAgain(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		bob.peer.slow(true)
		alice.talk(`,"to_user":"bob"`, 1, 2)
		time.Sleep(3 * time.Second)
		bob.sees()
		bob.drop()
		bob, news := c.hello("bob", bob.with())
		wantSet(t, news, "welcome 0", "msg dm:alice alice: 1", "msg dm:alice alice: 2")
		bob.peer.slow(true)
		alice.talk(`,"to_user":"bob"`, 3, 3)
		bob.peer.slow(false) // it reads after all, and this is seen within a second
		bob.sees("msg dm:alice alice: 3")
		time.Sleep(time.Second + time.Millisecond)
		bob.drop()
		_, news = c.hello("bob", bob.with())
		wantSet(t, news, "welcome 0")
	})
}

// What came in its first moments, while it was held, counts as written too.
func TestWhatWasHeldComesOnce(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob, tut := c.in("alice"), c.meet("bob"), c.old("tut")
		alice.talk(`,"to_user":"bob"`, 1, 1)
		say(tut.Session, "bob", "2")
		tut.hears() // it is there
		news := bob.hello("")
		wantSet(t, news, "welcome 0", "msg dm:alice alice: 1", `msg dm:tut tut: "2"`)
		bob.drop()
		_, news = c.hello("bob", bob.with())
		wantSet(t, news, "welcome 0")
	})
}

// What a client has confirmed is not sent again, even if it is not known to be written.
func TestConfirmedIsNotSentAgain(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		bob.peer.slow(true)
		seqs := alice.talk(`,"to_user":"bob"`, 1, 3)
		bob.send(`{"t":"recv","conv":"dm:alice","seq":%d}`, seqs[1])
		bob.drop()
		_, news := c.hello("bob", bob.with())
		wantSet(t, news, "welcome 0", "msg dm:alice alice: 3")
	})
}

// A position says more than any mark.
func TestPositionBeforeMarks(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		seqs := alice.talk(`,"to_user":"bob"`, 1, 3)
		bob.drop()
		pos := fmt.Sprintf(`,"pos":{"dm:ALICE":[%q,%d],"dm:nobody":[%q,1]}`, bob.epoch, seqs[0], bob.epoch)
		_, news := c.hello("bob", bob.with()+pos)
		wantSet(t, news, "welcome 0 dm:ALICE=true dm:nobody=false", "msg dm:alice alice: 2", "msg dm:alice alice: 3")
	})
}

// A message to one who goes away before it is delivered waits for it.
func TestRecipientGoesAwayMeanwhile(t *testing.T) {
	log := newFakeLog()
	log.durability = history.DurabilityFsync
	inBubble(t, Config{Log: log}, func(t *testing.T, c *bubble) {
		alice, bob, tut := c.in("alice"), c.in("bob"), c.old("tut")
		gate := make(chan struct{})
		log.append = func([]*history.Entry) error { <-gate; return nil }
		alice.send(`{"t":"msg","to_user":"bob","message":1}`)
		say(tut.Session, "bob", "2")
		bob.drop()
		close(gate)
		tut.hears(said("system", "tut", "bob is away and will get the message later"))
		_, news := c.hello("bob", bob.with())
		wantSet(t, news, "welcome 0", "msg dm:alice alice: 1", `msg dm:tut tut: "2"`)
	})
}

// Who can never come back is nobody; between two of the tutorial dialect nothing is kept.
func TestNobodyToWaitFor(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, tut, tut2 := c.in("alice"), c.old("tut"), c.old("tut2")
		silent := c.meet("silent")
		silent.send(`{"t":"ping"}`)
		say(tut.Session, "tut2", "1")
		tut2.hears(said("tut", "tut2", "1"))
		if all, _, _ := c.config.Log.Directs(tut.claim()); len(all) > 0 {
			t.Fatalf("kept: %v", all)
		}
		tut2.drop()
		silent.drop()
		for i, nick := range []string{"tut2", "silent"} {
			alice.send(`{"t":"msg","id":%d,"to_user":%q,"message":1}`, i, nick)
			alice.sees(fmt.Sprintf("err %d 404", i))
		}
		say(tut.Session, "tut2", "2")
		tut.hears(said("system", "tut", "tut2 is not here"))
	})
}

// Whoever takes a freed nick anew sees nothing of what was said to the one before, nor does the other side take the two for
// one.
func TestANewClaimSeesNothing(t *testing.T) {
	for name, first := range map[string]string{"after version 2": "v2", "after the tutorial dialect": "tutorial"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, c *bubble) {
				alice := c.in("alice")
				var bob *user
				if first == "v2" {
					bob = c.in("bob")
				} else {
					bob = c.old("bob")
				}
				alice.talk(`,"to_user":"bob"`, 1, 2)
				bob.drop()
				if first == "v2" {
					alice.talk(`,"to_user":"bob"`, 3, 3) // waits
				}
				time.Sleep(reserve + time.Second)
				heir, news := c.hello("bob", fmt.Sprintf(`,"resume":%q,"pos":{"dm:alice":[%q,0]}`, "wrong", alice.epoch))
				wantSet(t, news, "welcome 0 dm:alice=true")
				heir.send(`{"t":"history","id":1,"conv":"dm:alice"}`)
				heir.sees("err 1 404")
				alice.send(`{"t":"read","conv":"dm:bob","seq":9999}`) // of what the first one said: nothing
				heir.sees()
				heir.send(`{"t":"read","conv":"dm:alice","seq":9999}`)
				alice.sees()
				alice.talk(`,"to_user":"bob"`, 4, 4)
				fresh := heir.sees("msg dm:alice alice: 4")[0]
				if fresh.Prev != 0 {
					t.Fatalf("the first message says that there was another: %+v", fresh)
				}
				heir.send(`{"t":"history","id":2,"conv":"dm:alice"}`)
				heir.sees("history 2 dm:alice [4] false")
				if _, isStored, _ := c.config.Log.ClaimByID(bob.claim()); isStored {
					t.Fatal("the old claim is still stored")
				}
			})
		})
	}
}

// A message that is on its way while its recipient's nick passes to another is not for that one.
func TestNickPassesOnMeanwhile(t *testing.T) {
	for name, first := range map[string]func(*bubble) *user{
		"version 2":            func(c *bubble) *user { return c.in("bob") },
		"the tutorial dialect": func(c *bubble) *user { return c.old("bob") },
	} {
		t.Run(name, func(t *testing.T) {
			log := newFakeLog()
			log.durability = history.DurabilityFsync
			inBubble(t, Config{Log: log}, func(_ *testing.T, c *bubble) {
				alice, bob := c.in("alice"), first(c)
				gate := make(chan struct{})
				log.append = func([]*history.Entry) error { <-gate; return nil }
				alice.send(`{"t":"msg","id":1,"to_user":"bob","message":1}`)
				bob.drop()
				time.Sleep(reserve + time.Second)
				heir := c.in("bob")
				close(gate)
				synctest.Wait()
				alice.sees("ack 1 dm:bob  true", "msg dm:bob alice: 1")
				heir.sees()
			})
		})
	}
}

// Who wrote with two bearers of one nick has two conversations of one name: what comes for the one is not lost by the
// other.
func TestTwoOfOneNick(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		alice.drop()
		bob.talk(`,"to_user":"alice"`, 1, 2)
		bob.drop()
		time.Sleep(reserve + time.Second)
		heir := c.in("bob")
		heir.talk(`,"to_user":"alice"`, 3, 4)
		_, news := c.hello("alice", alice.with())
		wantSet(t, news, "welcome 0", "msg dm:bob bob: 1", "msg dm:bob bob: 2", "msg dm:bob bob: 3", "msg dm:bob bob: 4")
	})
}

// What is told up to where counts for each spelling of the nick, as its bearers wrote it.
func TestUpToOfTwoOfOneNick(t *testing.T) {
	h := newHub(t, Config{})
	m := h.newMissed()
	of := &thread{conv: event.Direct("Bob"), last: 7, parts: []part{{Direct: history.Direct{PeerNick: "Bob"}}, {Direct: history.Direct{PeerNick: "bob"}}}}
	h.add(&m, 1, of, []history.Message{{Seq: 5, Body: []byte("1")}, {Seq: 7, Body: []byte("1")}})
	for _, nick := range []string{"Bob", "bob"} {
		if got := m.upTo[event.Direct(nick)]; got != 7 {
			t.Fatalf("%s up to %d, want 7", nick, got)
		}
	}
}

// A hello while messages to its claim are on their way gets each once.
func TestOfflineMessagesOnTheirWay(t *testing.T) {
	const n = 300
	log := newFakeLog()
	log.durability = history.DurabilityFsync
	inBubble(t, Config{Log: log}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		for round := range 3 {
			bob.drop()
			go func() {
				for i := range n {
					alice.write(`{"t":"msg","id":1,"to_user":"bob","message":%d}`, i)
				}
			}()
			back := &user{t: t, peer: &fakePeer{}, seqs: map[string]uint64{}}
			back.come(c.Hub, "bob")
			back.write(`{"t":"hello"%s}`, bob.with())
			synctest.Wait()
			news := back.news()
			for i, o := range news[1:] {
				if string(o.Message) != fmt.Sprint(i) {
					t.Fatalf("round %d, message %d is %v", round, i, o)
				}
			}
			if len(news) != n+1 {
				t.Fatalf("round %d: %d messages, want %d", round, len(news)-1, n)
			}
			back.resume = bob.resume
			bob = back
		}
	})
}
