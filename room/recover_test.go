package room

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"throng/room/event"
	"throng/room/history"
)

// A client says where it was, in a conversation of five messages of which the oldest were perhaps removed, and gets all
// that is behind, or nothing.
func TestRecovery(t *testing.T) {
	const mine = "" // the epoch of the log
	for _, x := range []struct {
		name  string
		keep  int // of the five messages; 0 = all
		epoch string
		seq   int // index of the five seqs from 1; 0 and 6: below and beyond
		want  []int
		ok    bool
	}{
		{"at the end", 0, mine, 5, nil, true},
		{"in the middle", 0, mine, 2, []int{3, 4, 5}, true},
		{"at the beginning", 0, mine, 0, []int{1, 2, 3, 4, 5}, true},
		{"beyond the end", 0, mine, 6, nil, false},
		{"of another log", 0, "another", 2, nil, false},
		{"of another log, at the end", 0, "another", 5, nil, false},
		{"behind what was removed", 3, mine, 3, []int{4, 5}, true},
		{"at the last that was removed", 3, mine, 2, []int{3, 4, 5}, true},
		{"among what was removed", 3, mine, 1, nil, false},
		{"before what was removed", 3, mine, 0, nil, false},
	} {
		for conv, to := range map[string]string{"room:all": ``, "room:go": `,"room":"go"`, "dm:bob": `,"to_user":"bob"`} {
			t.Run(x.name+" in "+conv, func(t *testing.T) {
				inBubble(t, Config{Log: history.Memory(history.Config{KeepCount: x.keep})}, func(t *testing.T, c *bubble) {
					alice, bob := c.in("alice"), c.in("bob")
					alice.send(`{"t":"join","room":"go"}`)
					seqs := append([]uint64{0}, alice.talk(to, 1, 5)...)
					seqs = append(seqs, seqs[5]+1)
					alice.drop()
					bob.drop()
					epoch := x.epoch
					if epoch == mine {
						epoch = alice.epoch
					}
					_, news := c.hello("alice", alice.with()+fmt.Sprintf(`,"pos":{%q:[%q,%d]}`, conv, epoch, seqs[x.seq]))
					want := []string{fmt.Sprintf("welcome 0 %s=%v", conv, x.ok)}
					for _, i := range x.want {
						want = append(want, fmt.Sprintf("msg %s alice: %d", conv, i))
					}
					wantSet(t, news, want...)
				})
			})
		}
	}
}

// A position that is too far back is not recovered: a client pages so much.
func TestRecoveryOfTooMuch(t *testing.T) {
	inBubble(t, Config{Queue: 16 << 20}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		seqs := alice.talk("", 1, maxRecover+1)
		for i, want := range []bool{false, true} {
			_, news := c.hello(fmt.Sprint("u", i), fmt.Sprintf(`,"pos":{"room:all":[%q,%d]}`, alice.epoch, uint64(i)*seqs[0]))
			if news[0].recovered()["room:all"] != want || len(news) != 1+i*maxRecover {
				t.Fatalf("with %d missed: %v and %d messages", maxRecover+1-i, news[0], len(news)-1)
			}
		}
	})
}

// What is recovered never cuts off the client that it is for: it is bounded as its queue is.
func TestRecoveryFitsTheQueue(t *testing.T) {
	const queue = 64 << 10
	body := fmt.Sprintf("%q", strings.Repeat("x", 1000))
	for _, to := range []string{``, `,"to_user":"bob"`} {
		inBubble(t, Config{Queue: queue}, func(t *testing.T, c *bubble) {
			alice, bob := c.in("alice"), c.in("bob")
			bob.drop()
			var last uint64
			for range 100 {
				alice.send(`{"t":"msg","id":1%s,"message":%s}`, to, body)
				for _, o := range alice.news() {
					last = max(last, o.Seq)
				}
			}
			p := &fakePeer{limit: queue}
			back := c.meetOn("bob", p)
			news := back.hello(bob.with() + fmt.Sprintf(`,"pos":{"room:all":[%q,0]}`, alice.epoch))
			back.isClosed(0)
			if to == `` {
				wantSet(t, news, "welcome 0 room:all=false")
				return
			}
			end := news[len(news)-1] // all of it, or what fits and a gap up to the end
			if end.T != "gap" || end.To != last || end.From <= news[len(news)-2].Seq || len(news) < 10 {
				t.Fatalf("bob sees %d objects, the last %v; the last seq is %d", len(news), end, last)
			}
		})
	}
}

// What is removed while it is being read was not all: nothing is recovered.
func TestRecoveryOfWhatIsRemovedMeanwhile(t *testing.T) {
	for left := range 3 {
		log := newFakeLog()
		log.Log = history.Memory(history.Config{KeepCount: 3})
		inBubble(t, Config{Log: log}, func(t *testing.T, c *bubble) {
			alice := c.in("alice")
			seqs := alice.talk("", 1, 3)
			log.read = func(string) {
				log.read = nil
				batch := make([]*history.Entry, 3)
				for i := range batch {
					batch[i] = &history.Entry{Message: history.Message{Conv: convEveryone, Body: []byte("0")}}
				}
				_ = log.Log.Append(batch[left:])
			}
			bob, news := c.hello("bob", fmt.Sprintf(`,"pos":{"room:all":[%q,%d]}`, alice.epoch, seqs[0]))
			if left == 2 { // only the first is gone, which the client has
				wantSet(t, news, "welcome 0 room:all=true", "msg room:all alice: 2", "msg room:all alice: 3", "msg room:all : 0")
			} else {
				wantSet(t, news, "welcome 0 room:all=false")
			}
			bob.sees()
		})
	}
}

// A conversation that a hello names by two spellings is recovered once.
func TestRecoveryByTwoSpellings(t *testing.T) {
	for _, x := range []struct{ to, conv, one, other string }{
		{``, "room:all", "room:ALL", "room:all"},
		{`,"room":"Go"`, "room:Go", "room:GO", "room:go"},
		{`,"to_user":"Vic"`, "dm:Vic", "dm:VIC", "dm:vic"},
	} {
		t.Run(x.conv, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, c *bubble) {
				alice, host := c.in("alice"), c.in("host")
				c.in("Vic").drop()
				host.send(`{"t":"join","room":"Go"}`) // and keeps its spelling
				alice.send(`{"t":"join","room":"Go"}`)
				first := alice.talk(x.to, 1, 2)[0]
				alice.drop()
				_, news := c.hello("alice", alice.with()+
					fmt.Sprintf(`,"pos":{%q:[%q,%d],%q:[%q,%d]}`, x.one, alice.epoch, first, x.other, alice.epoch, first))
				wantSet(t, news, fmt.Sprintf("welcome 0 %s=true %s=false", x.one, x.other), fmt.Sprintf("msg %s alice: 2", x.conv))
			})
		})
	}
}

// A position in a room is the wish to be there again.
func TestRecoveryJoinsRooms(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		for _, u := range []*user{alice, bob} {
			u.send(`{"t":"join","room":"Go"}`)
		}
		alice.talk(`,"room":"go"`, 1, 1)
		bob.drop()
		alice.talk(`,"room":"go"`, 2, 2)
		pos := fmt.Sprintf(`,"pos":{"room:go":[%q,0],"room:rust":["gone",7],"room:ALL":[%q,0],"room:a/b":[%q,0],"nonsense":[%q,0]}`,
			bob.epoch, bob.epoch, bob.epoch, bob.epoch)
		back, news := c.hello("bob", bob.with()+pos)
		wantSet(t, news, "welcome 0 nonsense=false room:ALL=true room:a/b=false room:go=true room:rust=false",
			"msg room:Go alice: 1", "msg room:Go alice: 2")
		alice.talk(`,"room":"go"`, 3, 3)
		back.sees("msg room:Go alice: 3")
		back.send(`{"t":"msg","id":1,"room":"rust","message":1}` + "\n" + `{"t":"msg","id":2,"room":"All","message":1}`)
		back.sees("ack 1 room:rust", "ack 2 room:all", "msg room:rust bob: 1", "msg room:all bob: 1")
	})
}

// Those who miss the same are told the same frames; a cid is in its sender's own only.
func TestRecoveryIsShared(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		for i := range 50 {
			alice.send(`{"t":"msg","cid":"c%d","message":%d}`, i, i)
		}
		pos := fmt.Sprintf(`,"pos":{"room:all":[%q,0]}`, alice.epoch)
		alice.drop()
		for _, nick := range []string{"bob", "carol", "alice"} {
			rest := pos
			if nick == "alice" {
				rest += alice.with()
			}
			_, news := c.hello(nick, rest)
			for i, o := range news[1:] {
				if string(o.Message) != fmt.Sprint(i) || (o.Cid != "") != (nick == "alice") {
					t.Fatalf("%s sees %v", nick, o)
				}
			}
			if len(news) != 51 {
				t.Fatalf("%s sees %d messages", nick, len(news)-1)
			}
		}
		if len(c.recent.frames) != 1 {
			t.Fatalf("%d stretches were encoded for others, want 1", len(c.recent.frames))
		}
	})
}

func TestRecentForgets(t *testing.T) {
	var r recent
	made := 0
	for i := range 10 * maxRecent {
		for range 2 {
			r.get(stretch{event.Everyone(), "all", 1, uint64(i), 0}, func() []Frame { made++; return nil })
		}
	}
	if made != 10*maxRecent || len(r.frames) > maxRecent {
		t.Fatalf("made %d, %d are kept", made, len(r.frames))
	}
}

// Many come back, again and again, while many talk: each has all of the conversation, once and in order, from where it was.
func TestRecoverySplicesIntoTheStream(t *testing.T) {
	for name, log := range logs(t) {
		t.Run(name, func(t *testing.T) {
			const readers, rounds, talkers = 8, 8, 3
			h := newHub(t, Config{Log: log, Shards: 3})
			pos := func(seq uint64) string {
				return fmt.Sprintf(`{"t":"hello","pos":{"room:all":[%q,%d],"room:go":[%q,%d]}}`, log.Epoch(), seq, log.Epoch(), seq)
			}
			var stop atomic.Bool
			var talking, reading sync.WaitGroup
			for i := range talkers {
				p := &fakePeer{}
				s := joinV2(t, h, fmt.Sprint("talker", i), p)
				s.Message(false, []byte(pos(0)))
				eventually(t, "a welcome", func() bool { return len(p.messages()) > 0 })
				talking.Go(func() {
					for n := 0; !stop.Load() && n < 100_000; n++ {
						s.Message(false, fmt.Appendf(nil, `{"message":%d}`+"\n"+`{"room":"go","message":%d}`, n, n))
						time.Sleep(100 * time.Microsecond) // people are no faster
					}
				})
			}
			wrong := make([]error, readers)
			for i := range readers {
				reading.Go(func() { wrong[i] = comeAndGo(t, h, fmt.Sprint("reader", i), rounds, pos) })
			}
			reading.Wait()
			stop.Store(true)
			talking.Wait()
			for _, err := range wrong {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// comeAndGo connects again and again with the position up to which it has everything, and checks that what comes fits to
// what it has.
func comeAndGo(t fataler, h *Hub, nick string, rounds int, pos func(uint64) string) error {
	chain := map[string]uint64{}
	for round := range rounds {
		enter, err := h.ClaimV2(Caller{Name: fmt.Sprint(nick, "-", round)})
		if err != nil {
			return err
		}
		p := &fakePeer{}
		s := enter(p)
		from := min(chain["room:all"], chain["room:go"])
		s.Message(false, []byte(pos(from)))
		count := func() int { return len(p.messages()) }
		if !comes(func() bool { return count() >= 20 }) {
			return fmt.Errorf("%s: nothing comes: %q", nick, p.messages())
		}
		p.shut()
		s.Closed()
		if err := follows(t, p.messages(), from, chain); err != nil {
			return fmt.Errorf("%s, round %d: %w", nick, round, err)
		}
	}
	return nil
}

// follows checks that messages that came after a position are a chain in each conversation, and notes their ends.
func follows(t fataler, messages []string, from uint64, chain map[string]uint64) error {
	var bad error
	all := objects(t, messages)
	recovered := all[0].recovered()
	begun := map[string]bool{}
	for _, o := range all {
		if o.T != "msg" {
			continue
		}
		isFirst := !begun[o.Conv]
		begun[o.Conv] = true
		switch {
		case isFirst && recovered[o.Conv] && (o.Prev > from || o.Seq <= from):
			bad = fmt.Errorf("%s begins with %d behind %d, want what is behind %d", o.Conv, o.Seq, o.Prev, from)
		case !isFirst && o.Prev != chain[o.Conv]:
			bad = fmt.Errorf("%s goes on with %d behind %d, after %d", o.Conv, o.Seq, o.Prev, chain[o.Conv])
		}
		chain[o.Conv] = o.Seq
	}
	return bad
}

// Several answers at once that bring what was missed share one queue: what no longer fits is not recovered, and said to be so.
func TestRecoveriesShareTheQueue(t *testing.T) {
	const queue, rooms = 64 << 10, 4
	body := strings.Repeat("x", 1000)
	for _, isSlow := range []bool{false, true} {
		inBubble(t, Config{Queue: queue}, func(t *testing.T, c *bubble) {
			alice := c.in("alice")
			var joins []string
			for i := range rooms {
				alice.send(`{"t":"join","room":"r%d"}`, i)
				for range 20 {
					alice.send(`{"room":"r%d","message":%q}`, i, body)
				}
				joins = append(joins, fmt.Sprintf(`{"t":"join","id":%d,"room":"r%d","pos":[%q,0]}`, i, i, alice.epoch))
			}
			bob := c.meetOn("bob", &fakePeer{limit: queue})
			bob.hello("")
			bob.peer.slow(isSlow)
			bob.send("%s", strings.Join(joins, "\n"))
			bob.isClosed(0)
			bob.peer.slow(false)
			came, recovered := map[string]int{}, 0
			for _, o := range bob.news() {
				switch {
				case o.T == "msg":
					came[o.Conv]++
				case string(o.Recovered) == "true":
					came[o.Conv] -= 20
					recovered++
				}
			}
			for conv, n := range came {
				if n != 0 {
					t.Errorf("slow %v: %s lacks %d messages", isSlow, conv, -n)
				}
			}
			if want := map[bool]int{false: rooms, true: 2}[isSlow]; recovered != want {
				t.Errorf("slow %v: %d are recovered, want %d", isSlow, recovered, want)
			}
		})
	}
}

// What does not fit is nothing of the positions and gaps of the rest.
func TestWhatDoesNotFit(t *testing.T) {
	inBubble(t, Config{Queue: queue}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		bob.drop()
		alice.talk("", 1, 1)
		seqs := alice.talk(`,"to_user":"bob"`, 2, 3)
		claim, _, _ := c.config.Log.ClaimByID(bob.claim())
		m := c.recover(claim, false, map[string]event.Position{"room:all": {Epoch: bob.epoch}})
		full := len(m.frames)
		session := &Session{peer: &fakePeer{queued: queue / 2}}
		s := c.shards[0]
		if !s.fit(session, &m) || len(m.frames) != full || !m.recovered["room:all"] || len(m.directs) != 1 {
			t.Fatalf("it fits, and becomes %+v", m)
		}
		session.peer = &fakePeer{queued: queue * 3 / 4}
		isFit := s.fit(session, &m)
		var text []string
		for _, f := range m.frames {
			text = append(text, f.(fakeFrame)...)
		}
		wantSet(t, objects(t, text), fmt.Sprintf("gap dm:alice 1-%d", seqs[1]))
		if _, isTold := m.upTo[event.Everyone()]; isFit || m.recovered["room:all"] || isTold || len(m.directs) > 0 {
			t.Fatalf("it does not fit, and becomes %+v", m)
		}
	})
}

// What was encoded for one spelling of a room's name is not used for another.
func TestRecoveryInTheSpellingOfTheTime(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		alice := c.in("alice")
		alice.send(`{"t":"join","room":"Go"}`)
		alice.talk(`,"room":"go"`, 1, 1)
		for i, name := range []string{"Go", "GO"} {
			bob := c.in(fmt.Sprint("bob", i))
			bob.send(`{"t":"join","id":1,"room":%q,"pos":[%q,0]}`, name, alice.epoch)
			bob.sees(fmt.Sprintf("joined 1 room:%s %d true", name, 2-i), fmt.Sprintf("msg room:%s alice: 1", name))
			bob.drop()
			alice.drop()
		}
	})
}
