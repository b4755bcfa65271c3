package room

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/history"
)

func TestWelcome(t *testing.T) {
	config := Config{MaxRooms: 7, MaxMessage: 1234, Ping: 25 * time.Second, Rate: 50, Burst: 100}
	inBubble(t, config, func(t *testing.T, c *bubble) {
		c.old("tut")
		alice, news := c.hello("ａｌｉｃｅ", "")
		w := news[0]
		if len(news) != 1 || w.Nick != "alice" || string(w.ID) != "0" || w.PingS != 25 || string(w.Online) != "2" {
			t.Fatalf("welcome: %+v", w)
		}
		if len(w.Resume) < 32 || w.Session == "" || w.Epoch != c.config.Log.Epoch() {
			t.Fatalf("welcome: resume %q, session %q, epoch %q", w.Resume, w.Session, w.Epoch)
		}
		if l := w.Limits; l.MaxMessage != 1234 || l.MaxRooms != 7 || l.Rate != 50 || l.Burst != 100 {
			t.Fatalf("limits: %+v", l)
		}
		bob, _ := c.hello("bob", "")
		if bob.resume == w.Resume {
			t.Fatal("two claims have the same secret")
		}
		alice.send(`{"t":"hello","id":"again"}`)
		if again := alice.sees(`welcome "again"`)[0]; again.Resume != w.Resume || string(again.Online) != "3" {
			t.Fatalf("second welcome: %+v", again)
		}
	})
}

// Who comes for a nick that somebody has or had, and with what, and what becomes of both.
func TestClaimOfAnother(t *testing.T) {
	const in, refused, taken = 0, 4509, 4510
	for _, x := range []struct {
		name      string
		first     string        // who has the nick: a dialect, and whether it said hello
		away      time.Duration // since when it is away; 0: it is there
		hello     string        // of the one who comes; SECRET stands for the first one's
		code      uint16        // with which it is closed
		firstCode uint16
	}{
		{"tutorial is there", "tutorial", 0, `{"t":"hello"}`, refused, in},
		{"tutorial was there", "tutorial", 1, `{"t":"hello"}`, in, in},
		{"one without secret is there", "silent", 0, `{"t":"hello"}`, refused, in},
		{"one without secret was there", "silent", 1, `{"t":"hello"}`, in, in},
		{"no secret", "v2", 0, `{"t":"hello"}`, refused, in},
		{"wrong secret", "v2", 0, `{"t":"hello","resume":"wrong"}`, refused, in},
		{"empty secret", "v2", 0, `{"t":"hello","resume":""}`, refused, in},
		{"no hello", "v2", 0, `{"t":"ping","id":1}`, refused, in},
		{"malformed hello", "v2", 0, `{"t":"hello","resume":1}` + "\n" + `{"t":"hello"}`, refused, in},
		{"the secret", "v2", 0, `{"t":"hello","resume":"SECRET"}`, in, taken},
		{"no secret, reserved", "v2", reserve - time.Second, `{"t":"hello"}`, refused, in},
		{"wrong secret, reserved", "v2", reserve - time.Second, `{"t":"hello","resume":"wrong"}`, refused, in},
		{"the secret, reserved", "v2", time.Second, `{"t":"hello","resume":"SECRET"}`, in, in},
		{"no secret, free again", "v2", reserve + time.Second, `{"t":"hello"}`, in, in},
		{"wrong secret, free again", "v2", reserve + time.Second, `{"t":"hello","resume":"wrong"}`, in, in},
		{"no hello, free again", "v2", reserve + time.Second, `{"t":"msg","message":1}`, in, in},
		{"the secret, long after", "v2", 20 * reserve, `{"t":"hello","resume":"SECRET"}`, in, in},
	} {
		t.Run(x.name, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, c *bubble) {
				var first *user
				switch x.first {
				case "tutorial":
					first = c.old("Bob")
				case "silent":
					first = c.meet("Bob")
					first.send(`{"t":"ping"}`)
				default:
					first = c.in("Bob")
				}
				if x.away > 0 {
					first.drop()
					time.Sleep(x.away)
				}
				second := c.meet("bob")
				second.send(`%s`, strings.Replace(x.hello, "SECRET", first.resume, 1))
				second.isClosed(x.code)
				if x.away == 0 {
					first.isClosed(x.firstCode)
				}
				second.news()
				second.send(`{"t":"presence","id":1}`)
				switch came := second.news(); {
				case x.code == in && (len(came) != 1 || came[0].Count != 1):
					t.Fatalf("who is in sees %v", came)
				case x.code != in && len(came) > 0:
					t.Fatalf("who is refused sees %v", came)
				}
			})
		})
	}
}

// A tutorial client is refused before the upgrade while a claim that can come back has the nick, and for five minutes.
func TestTutorialAndAReservedNick(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		bob := c.in("bob")
		for _, x := range []struct {
			wait time.Duration
			want int
		}{{0, 409}, {reserve - time.Second, 409}, {2 * time.Second, 0}} {
			time.Sleep(x.wait)
			if _, err := c.Claim(Caller{Name: "BOB"}); status(err) != x.want {
				t.Fatalf("claim: %v, want %d", err, x.want)
			}
			if x.wait == 0 {
				bob.drop()
			}
		}
		c.meet("bob").isClosed(4509) // whose nick was given to another cannot come back
	})
}

func TestClaimV2Refuses(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		c.old("tut")
		for nick, want := range map[string]int{"": 400, "a/b": 400, "system": 400, "TUT": 409} {
			if _, err := c.ClaimV2(Caller{Name: nick}); status(err) != want {
				t.Errorf("claim of %q: %v, want %d", nick, err, want)
			}
		}
		if c.Online() != 1 {
			t.Fatalf("%d online, want 1", c.Online())
		}
	})
	h := New(Config{Wire: fakeWire{}})
	h.Close()
	if _, err := h.ClaimV2(Caller{Name: "alice"}); status(err) != 503 {
		t.Fatalf("claim: %v, want 503", err)
	}
}

// A claim survives a restart of the server, and its nick is kept from then on for five minutes.
func TestClaimAfterARestart(t *testing.T) {
	for name, isAway := range map[string]bool{"it was away": true, "it was there": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{Log: history.Memory(history.Config{})}, func(t *testing.T, c *bubble) {
				bob := c.in("Bob")
				if isAway {
					bob.drop()
				}
				time.Sleep(reserve / 2)
				c = c.again(t)
				time.Sleep(reserve / 4)
				thief := c.meet("bob")
				thief.send(`{"t":"hello"}`)
				thief.isClosed(4509)
				thief.drop()
				back, news := c.hello("bob", bob.with())
				if news[0].Nick != "Bob" || news[0].Resume != bob.resume {
					t.Fatalf("welcome back: %+v", news[0])
				}
				back.drop()
			})
		})
	}
}

// A client that says no hello gets what is said once it is known that none will come, and nothing is lost meanwhile.
func TestSilentClient(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		bob, carol := c.meet("bob"), c.meet("carol")
		alice.send(`{"t":"msg","message":1}`)
		bob.sees()
		carol.send(`{"t":"ping","id":1}`) // its first frame
		carol.sees("pong 1", "msg room:all alice: 1")
		time.Sleep(helloWait - time.Millisecond)
		synctest.Wait()
		bob.sees()
		time.Sleep(time.Millisecond)
		synctest.Wait()
		bob.sees("msg room:all alice: 1")
		alice.send(`{"t":"msg","message":2}`)
		bob.sees("msg room:all alice: 2")
		bob.drop()
		bob = c.meet("bob") // nothing was given out to come back with
		bob.hello("")
	})
}

// Whoever was taken over gets nothing more and does no harm.
func TestTakeover(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		alice.send(`{"t":"join","id":1,"room":"go"}`)
		alice.news()
		again, _ := c.hello("alice", alice.with())
		alice.isClosed(4510)
		alice.drop()
		bob.send(`{"t":"msg","to_user":"alice","message":1}`)
		again.sees("msg dm:bob bob: 1")
		alice.sees()
		again.send(`{"t":"msg","id":2,"room":"go","message":1}`) // rooms are the connection's own
		again.sees("err 2 403")
		if c.Online() != 2 || c.places.count("go") != 0 {
			t.Fatalf("%d online, %d in the room, want 2 and 0", c.Online(), c.places.count("go"))
		}
	})
}

// Two connections of one client say hello with its secret at once, while something is waiting for it: one is in, and the
// other is told that it was taken over.
func TestTwoTakeoversAtOnce(t *testing.T) {
	log := newFakeLog()
	inBubble(t, Config{Log: log}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		bob.drop()
		alice.send(`{"t":"msg","to_user":"bob","message":1}`)
		gate := make(chan struct{})
		log.read = func(string) { <-gate }
		one, two := c.meet("bob"), c.meet("bob")
		one.send(`{"t":"hello","id":1%s}`, bob.with())
		two.send(`{"t":"hello","id":2%s}`, bob.with())
		close(gate)
		synctest.Wait()
		one.isClosed(4510)
		two.sees("welcome 2", "msg dm:alice alice: 1")
	})
}

// What a claim is when the log cannot store it: nobody is told a secret that would not last, nor kept out by it.
func TestHelloThatCannotBeStored(t *testing.T) {
	log := newFakeLog()
	inBubble(t, Config{Log: log}, func(t *testing.T, c *bubble) {
		log.save = func(history.Claim) error { return history.ErrSpace }
		alice := c.meet("alice")
		alice.send(`{"t":"hello","id":1}`)
		alice.sees("err 1 503")
		alice.isClosed(4053)
		alice.drop()
		log.save = nil
		c.in("alice")
	})
}

// waitsToBeStored is that a claim is, behind an older state of it.
func waitsToBeStored() bool {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	for one := range strings.SplitSeq(string(all), "\n\n") {
		if strings.Contains(one, "[sync.Mutex.Lock") && strings.Contains(one, "room.(*Hub).save") {
			return true
		}
	}
	return false
}

// What is stored of a claim is its newest state, however long an older one takes to be stored.
func TestClaimIsStoredInOrder(t *testing.T) {
	log := newFakeLog()
	h := New(Config{Wire: fakeWire{}, Log: log})
	bob := &user{peer: &fakePeer{}}
	bob.come(h, "bob")
	isWelcome := func(u *user) bool {
		got := objects(t, u.peer.messages())
		return len(got) > 0 && got[0].T == "welcome"
	}
	bob.Message(false, []byte(`{"t":"hello"}`))
	eventually(t, "a welcome", func() bool { return isWelcome(bob) })
	secret := objects(t, bob.peer.messages())[0].Resume
	gate, held := make(chan struct{}), make(chan struct{})
	log.save = func(c history.Claim) error {
		if c.Away > 0 {
			close(held)
			<-gate
		}
		return nil
	}
	bob.Closed()
	<-held
	back := &user{peer: &fakePeer{}}
	back.come(h, "bob")
	back.Message(false, fmt.Appendf(nil, `{"t":"hello","resume":%q}`, secret))
	eventually(t, "who has come back is welcome, or waits to be stored", func() bool { return isWelcome(back) || waitsToBeStored() })
	close(gate)
	eventually(t, "a welcome back", func() bool { return isWelcome(back) })
	h.Close() // what was begun is done
	if saved, _, _ := log.ClaimByNick("bob"); saved.Away != 0 {
		t.Fatalf("stored as away since %v, and it is there", time.UnixMilli(saved.Away))
	}
}

// Many come for one nick at once: one is in.
func TestHelloRace(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		for round := range 20 {
			nick := fmt.Sprintf("n%d", round)
			users := make([]*user, 8)
			for i := range users {
				users[i] = &user{t: t, peer: &fakePeer{}, seqs: map[string]uint64{}}
				go func() {
					users[i].come(c.Hub, nick)
					users[i].write(`{"t":"hello","id":1}`)
				}()
			}
			synctest.Wait()
			in := 0
			for _, u := range users {
				if len(u.news()) == 1 {
					in++
				} else {
					u.isClosed(4509)
				}
			}
			if in != 1 {
				t.Fatalf("%d are in, want 1", in)
			}
		}
	})
}

// A claim that comes back keeps the name that it was first written with, also in what is said right behind the hello.
func TestNameOfAClaim(t *testing.T) {
	h := newHub(t, Config{})
	reader := &fakePeer{}
	joinV2(t, h, "reader", reader)
	for round := range 20 {
		peer := &fakePeer{}
		first, resume := joinV2(t, h, fmt.Sprintf("Alice%d", round), peer), ""
		first.Message(false, []byte(`{"t":"hello","id":1}`))
		eventually(t, "a welcome", func() bool {
			peer.Flush()
			for _, o := range objects(t, peer.messages()) {
				resume += o.Resume
			}
			return resume != ""
		})
		enter, err := h.ClaimV2(Caller{Name: fmt.Sprintf("aLICE%d", round)})
		if err != nil {
			t.Fatal(err)
		}
		second := enter(&fakePeer{})
		second.Message(false, fmt.Appendf(nil, "{\"t\":\"hello\",\"resume\":%q}\n{\"t\":\"typing\"}\n{\"message\":%d}", resume, round))
		second.Message(false, fmt.Appendf(nil, `{"message":%d}`, round))
	}
	eventually(t, "all is said", func() bool {
		said := 0
		for _, o := range objects(t, reader.messages()) {
			if o.FromUser != "" && !strings.HasPrefix(o.FromUser, "Alice") {
				t.Fatalf("from %q", o.FromUser)
			}
			if o.T == "msg" {
				said++
			}
		}
		return said == 40
	})
}
