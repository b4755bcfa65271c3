package room

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/event"
	"throng/room/history"
)

// bearers has several bear the nick bob one after the other, in several spellings, and talk with alice, who talks back. It
// returns the seqs of all.
func bearers(c *bubble, alice *user) (seqs []uint64) {
	n := 0
	for _, nick := range []string{"bob", "Bob", "BOB"} {
		bob := c.old(nick)
		for range 3 {
			say(bob.Session, "alice", fmt.Sprint(n))
			bob.hears()
			seqs = append(seqs, alice.news()[0].Seq)
			seqs = append(seqs, alice.talk(`,"to_user":"bob"`, n+1, n+1)...)
			n += 2
			bob.seen = len(bob.peer.messages())
		}
		bob.drop()
	}
	return seqs
}

// What was said with all bearers of a nick is one conversation for the other side: its history has every page both ways.
func TestHistoryOfSeveralBearers(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		seqs := append([]uint64{0}, bearers(c, alice)...)
		n := len(seqs) - 1
		page := func(from string) object {
			alice.send(`{"t":"history","id":1,"conv":"dm:bob"%s}`, from)
			return alice.news()[0]
		}
		for limit := 1; limit <= n+1; limit++ {
			var back, forth []object
			for before := uint64(0); len(back) <= n; {
				o := page(fmt.Sprintf(`,"before":%d,"limit":%d`, before, limit))
				back = append(slices.Clone(o.Msgs), back...)
				if !o.More {
					break
				}
				before = o.Msgs[0].Seq
			}
			for after := uint64(0); len(forth) <= n; {
				o := page(fmt.Sprintf(`,"after":%d,"limit":%d`, after, limit))
				forth = append(forth, o.Msgs...)
				if !o.More {
					break
				}
				after = o.Msgs[len(o.Msgs)-1].Seq
			}
			for i, way := range [][]object{back, forth} {
				if len(way) != n {
					t.Fatalf("limit %d, way %d has %d messages, want %d", limit, i, len(way), n)
				}
				for j, m := range way {
					if m.Seq != seqs[j+1] || m.Prev != seqs[j] || m.Conv != "dm:BOB" {
						t.Fatalf("limit %d, way %d, message %d is %+v, want seq %d behind %d", limit, i, j, m, seqs[j+1], seqs[j])
					}
				}
			}
		}
		heir := c.in("bob")
		heir.send(`{"t":"history","id":1,"conv":"dm:alice"}`)
		heir.sees("err 1 404")
	})
}

// From any position in it all comes that is behind, once and in order.
func TestRecoveryOfSeveralBearers(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		seqs := append([]uint64{0}, bearers(c, alice)...)
		secret := alice.with()
		for i, from := range seqs {
			alice.drop()
			var news []object
			alice, news = c.hello("alice", secret+fmt.Sprintf(`,"pos":{"dm:bob":[%q,%d]}`, alice.epoch, from))
			if !news[0].recovered()["dm:bob"] || len(news) != len(seqs)-i {
				t.Fatalf("from %d: %v", from, news)
			}
			for j, o := range news[1:] {
				if o.Seq != seqs[i+1+j] || o.Prev != seqs[i+j] {
					t.Fatalf("from %d: %+v, want seq %d behind %d", from, o, seqs[i+1+j], seqs[i+j])
				}
			}
		}
	})
}

// What several bearers of a nick said to somebody who was away comes in order, once.
func TestOfflineMessagesOfSeveralBearers(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		alice.drop()
		for i := range 6 {
			bob := c.old("bob")
			say(bob.Session, "alice", fmt.Sprint(i))
			bob.drop()
		}
		for _, want := range []int{6, 0} {
			back, news := c.hello("alice", alice.with())
			if len(news) != 1+want {
				t.Fatalf("%d messages come, want %d: %v", len(news)-1, want, news)
			}
			var last uint64
			for i, o := range news[1:] {
				if string(o.Message) != fmt.Sprintf(`"%d"`, i) || o.Prev != last {
					t.Fatalf("message %d is %+v", i, o)
				}
				last = o.Seq
			}
			back.drop()
		}
	})
}

// A message that is stored between two looks into the log comes once: of what is told nothing is left out that is older.
func TestSeveralBearersWhileTheyTalk(t *testing.T) {
	log := newFakeLog()
	inBubble(t, Config{Log: log}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		seqs := bearers(c, alice)
		alice.drop()
		head, _, _ := log.Directs(alice.claim())
		log.hasRead = func() { // each look finds one more in the part that was looked into and one in another
			for _, d := range head[:2] {
				_ = log.Append([]*history.Entry{{Message: history.Message{Conv: d.Conv, From: "bob", To: "alice", Body: []byte("1")}, Peer: d.Peer}})
			}
		}
		_, news := c.hello("alice", alice.with()+fmt.Sprintf(`,"pos":{"dm:bob":[%q,%d]}`, alice.epoch, seqs[1]))
		log.hasRead = nil
		if len(news) != len(seqs)-1 {
			t.Fatalf("%d messages come, want the %d that there were: %v", len(news)-1, len(seqs)-2, news)
		}
	})
}

// Retention works in each part by itself: what was removed makes a position void, and is seen as a gap in front of what is left.
func TestSeveralBearersTrimmed(t *testing.T) {
	inBubble(t, Config{Log: history.Memory(history.Config{KeepCount: 4})}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		seqs := bearers(c, alice) // of six in each part the last four are left
		alice.send(`{"t":"history","id":1,"conv":"dm:bob"}`)
		page := alice.news()[0]
		if len(page.Msgs) != 12 || page.More {
			t.Fatalf("%d messages, more %v", len(page.Msgs), page.More)
		}
		for i, m := range page.Msgs {
			at := i/4*6 + 2 + i%4
			if m.Seq != seqs[at] || m.Prev != seqs[at-1] {
				t.Fatalf("message %d is seq %d behind %d, want %d behind %d", i, m.Seq, m.Prev, seqs[at], seqs[at-1])
			}
		}
		secret := alice.with()
		for i, want := range map[int]bool{11: false, 12: false, 13: true, 14: true} {
			alice.drop()
			var news []object
			alice, news = c.hello("alice", secret+fmt.Sprintf(`,"pos":{"dm:bob":[%q,%d]}`, alice.epoch, seqs[i]))
			if news[0].recovered()["dm:bob"] != want {
				t.Fatalf("from message %d: %v, want %v", i, news[0], want)
			}
		}
	})
}

// strangers stores one message each of so many to somebody, and that they have read all. It returns the seqs.
func strangers(t *testing.T, log history.Log, to history.Claim, n int, body string) (seqs []uint64) {
	t.Helper()
	batch := make([]*history.Entry, n)
	for i := range batch {
		peer := uint64(i + 1)
		batch[i] = &history.Entry{Peer: to.ID, Message: history.Message{
			Conv: convDirect(peer, to.ID), Claim: peer, From: stranger(i), To: to.Nick, Body: []byte(body),
		}}
	}
	if err := log.Append(batch); err != nil {
		t.Fatal(err)
	}
	for i, e := range batch {
		log.Mark(uint64(i+1), e.Conv, history.Marks{Recv: e.Seq, Read: e.Seq})
		seqs = append(seqs, e.Seq)
	}
	return seqs
}

// stranger is a nick as long as it may be.
func stranger(i int) string { return fmt.Sprintf("%0*d", maxNick, i) }

// However many direct conversations somebody has, and whatever waits in them, a hello is answered and brings the latest.
func TestManyDirects(t *testing.T) {
	const queue, n = 64 << 10, 2000
	for name, x := range map[string]struct {
		body string
		seen bool
		want []string
	}{
		"only receipts":      {"1", true, []string{"read", "recv"}},
		"short messages":     {"1", false, []string{"gap", "msg"}},
		"messages too large": {fmt.Sprintf("%q", strings.Repeat("x", queue)), false, []string{"gap", "read", "recv"}},
	} {
		t.Run(name, func(t *testing.T) {
			log := history.Memory(history.Config{KeepCount: -1, KeepBytes: -1})
			inBubble(t, Config{Log: log, Queue: queue}, func(t *testing.T, c *bubble) {
				alice := c.in("alice")
				alice.drop()
				claim, _, _ := log.ClaimByID(alice.claim())
				seqs := strangers(t, log, claim, n, x.body)
				if x.seen {
					for i, seq := range seqs {
						log.Mark(claim.ID, convDirect(uint64(i+1), claim.ID), history.Marks{Sent: seq})
					}
				}
				peer := &fakePeer{limit: queue}
				back := c.meetOn("alice", peer)
				news := back.hello(alice.with())[1:]
				back.isClosed(0)
				if size := len(strings.Join(peer.messages(), "")); size > queue/2+1000 || peer.sends > 10 {
					t.Fatalf("%d bytes come in %d frames, want %d bytes at most, many objects in a frame", size, peer.sends, queue/2)
				}
				kinds := map[string]map[string]bool{}
				for _, o := range news {
					if kinds[o.T] == nil {
						kinds[o.T] = map[string]bool{}
					}
					kinds[o.T][o.Conv] = true
				}
				for _, kind := range x.want {
					if len(kinds[kind]) < 20 {
						t.Errorf("%d conversations have %s", len(kinds[kind]), kind)
					}
				}
				for kind, convs := range kinds {
					first := n - len(convs)
					if kind == "gap" {
						first -= len(kinds["msg"])
					}
					if !convs["dm:"+stranger(first)] {
						t.Errorf("%d conversations have %s, which are not the latest", len(convs), kind)
					}
				}
			})
		})
	}
}

// What does not fit into one hello comes with the next.
func TestManyDirectsComeInTheEnd(t *testing.T) {
	const n = 500
	log := history.Memory(history.Config{KeepCount: -1, KeepBytes: -1})
	inBubble(t, Config{Log: log, Queue: 64 << 10}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		alice.drop()
		claim, _, _ := log.ClaimByID(alice.claim())
		strangers(t, log, claim, n, "1")
		came := map[uint64]int{}
		for hellos := 0; len(came) < n; hellos++ {
			if hellos == n {
				t.Fatalf("%d of %d messages come in %d hellos", len(came), n, hellos)
			}
			back, news := c.hello("alice", alice.with())
			for _, o := range news {
				if o.T == "msg" {
					came[o.Seq]++
				}
			}
			back.drop()
			time.Sleep(time.Second)
		}
		for seq, times := range came {
			if times != 1 {
				t.Fatalf("%d comes %d times", seq, times)
			}
		}
	})
}

// The nicks of direct conversations are normalised once, however many positions a client gives.
func TestManyPositionsInManyDirects(t *testing.T) {
	const n = 200
	log := history.Memory(history.Config{})
	h := newHub(t, Config{Log: log})
	claim := history.Claim{ID: 1 << 60, Nick: "alice", Key: "alice"}
	pos := map[string]event.Position{}
	for i := range uint64(n) {
		entry := &history.Entry{Peer: claim.ID, Message: history.Message{
			Conv: convDirect(i+1, claim.ID), Claim: i + 1, From: fmt.Sprint("Жук", i), Body: []byte("1"),
		}}
		if err := log.Append([]*history.Entry{entry}); err != nil {
			t.Fatal(err)
		}
		pos[fmt.Sprint("dm:жук", i)] = event.Position{Epoch: log.Epoch()}
	}
	if allocs := testing.AllocsPerRun(1, func() { h.recover(claim, false, pos) }); allocs > 100*n {
		t.Fatalf("%v allocations, want a few for each of %d", allocs, n)
	}
	for name, ok := range h.recover(claim, false, pos).recovered {
		if !ok {
			t.Fatalf("%s is not recovered", name)
		}
	}
}

// A direct conversation of which retention has removed everything is forgotten, with its positions: none is said to be recovered, also where
// somebody else of the nick has said something since.
func TestPositionInWhatIsForgotten(t *testing.T) {
	inBubble(t, Config{Log: history.Memory(history.Config{KeepAge: time.Hour})}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		bob, carol := c.old("bob"), c.old("carol")
		say(bob.Session, "alice", "1")
		say(carol.Session, "alice", "1")
		synctest.Wait()
		seq := alice.sees(`msg dm:bob bob: "1"`, `msg dm:carol carol: "1"`)[0].Seq
		alice.drop()
		say(bob.Session, "alice", "2")
		bob.drop()
		time.Sleep(2 * time.Hour)
		say(c.old("bob").Session, "alice", "3")
		synctest.Wait()
		_, news := c.hello("alice", alice.with()+fmt.Sprintf(`,"pos":{"dm:bob":[%q,%d],"dm:carol":[%q,0],"room:all":[%q,0]}`,
			alice.epoch, seq, alice.epoch, alice.epoch))
		if got := fmt.Sprint(news); got != `[welcome 0 dm:bob=false dm:carol=false room:all=false]` {
			t.Errorf("%s", got)
		}
	})
}
