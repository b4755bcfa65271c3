package room

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/history"
)

// moderator connects somebody in version 2 who may moderate.
func (c *bubble) moderator(nick string) *user {
	c.t.Helper()
	u := c.meet(nick)
	u.grant.Store(&Grant{Nick: nick, Moderator: true})
	if w := u.hello("")[0]; !w.Moderator {
		c.t.Fatalf("%s is not told to be a moderator: %v", nick, w)
	}
	return u
}

func TestDelete(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		root, bob, old := c.moderator("root"), c.in("bob"), c.old("carol")
		bob.send(`{"t":"join","id":1,"room":"go"}`)
		bob.sees("joined 1 room:go 1 false")
		bob.send(`{"t":"msg","id":2,"message":"spam"}`)
		mid, seq := bob.sees("ack 2 room:all", "msg room:all bob: \"spam\"")[0].Mid, bob.seqs["room:all"]
		root.sees("msg room:all bob: \"spam\"")
		old.hears(said("bob", "", "spam"))
		root.send(`{"t":"delete","id":3,"mid":%q,"reason":"no"}`, mid)
		root.sees("done 3", "deleted room:all")
		if o := bob.sees("deleted room:all")[0]; o.Seq != seq || o.Mid != mid {
			t.Errorf("deleted is %v", o)
		}
		old.hears() // its dialect has no word for it
		bob.send(`{"t":"history","id":4,"conv":"room:all"}`)
		if m := bob.news()[0].Msgs[0]; !m.Deleted || string(m.Message) != "null" || m.Seq != seq || m.Mid != mid || m.FromUser != "bob" {
			t.Errorf("history has %+v", m)
		}
		dave, news := c.hello("dave", fmt.Sprintf(`,"pos":{"room:all":[%q,1]}`, bob.epoch))
		if len(news) < 2 || !news[1].Deleted {
			t.Errorf("recovered %v", news)
		}
		dave.send(`{"t":"msg","id":5,"cid":"c","to_user":"bob","message":"psst"}`)
		place := dave.sees("ack 5 dm:bob c true", "msg dm:bob dave: \"psst\" c")[0].Seq
		bob.sees("msg dm:dave dave: \"psst\"")
		bob.send(`{"t":"delete","id":6,"conv":"dm:dave","seq":%d}`, place)
		bob.sees("err 6 403")
		root.send(`{"t":"delete","id":6,"conv":"dm:dave","seq":%d}`, place) // no conversation of root's
		root.sees("err 6 404")
		dave.send(`{"t":"delete","id":7,"conv":"dm:bob","seq":%d}`, place)
		dave.sees("done 7", "deleted dm:bob")
		bob.sees("deleted dm:dave")
		root.sees()
		dave.send(`{"t":"msg","id":8,"cid":"c","to_user":"bob","message":"psst"}`)
		dave.sees("ack 8 dm:bob c true")
		bob.sees()
	})
}

func TestDeleteByWhom(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob, eve := c.in("alice"), c.in("bob"), c.in("eve")
		alice.send(`{"t":"msg","id":1,"to_user":"bob","message":"hi"}`)
		direct := alice.sees("ack 1 dm:bob  true", "msg dm:bob alice: \"hi\"")[0]
		alice.send(`{"t":"join","id":2,"room":"go"}`)
		alice.send(`{"t":"msg","id":3,"room":"go","message":"hi"}`)
		inRoom := alice.sees("joined 2 room:go 1 false", "ack 3 room:go", "msg room:go alice: \"hi\"")[1]
		bob.sees("msg dm:alice alice: \"hi\"")
		ruled := c.does(Act{Kind: ActReadOnly, Room: "x"})
		for _, step := range []struct {
			who  *user
			what string
			want int
		}{
			{eve, fmt.Sprintf(`"mid":%q`, direct.Mid), 404},
			{bob, fmt.Sprintf(`"mid":%q`, direct.Mid), 403},
			{eve, fmt.Sprintf(`"mid":%q`, inRoom.Mid), 403},
			{eve, fmt.Sprintf(`"conv":"room:go","seq":%d`, inRoom.Seq), 403},
			{eve, `"mid":"00000000000000000000"`, 404},
			{eve, fmt.Sprintf(`"mid":%q`, ruled.ID), 404}, // what moderators do is no message
			{eve, `"conv":"room:all","seq":1`, 404},
			{eve, `"conv":"room:all","seq":0`, 404},
			{eve, `"conv":"room:all","seq":9223372036854775807`, 404},
			{eve, `"conv":"dm:nobody","seq":1`, 404},
			{eve, `"conv":"dm:a/b","seq":1`, 404},
		} {
			step.who.send(`{"t":"delete","id":9,%s}`, step.what)
			step.who.sees(fmt.Sprint("err 9 ", step.want))
		}
		if _, err := c.try(Act{Kind: ActDelete, Mid: ruled.ID}); codeOf(err) != http.StatusNotFound {
			t.Errorf("delete of an act: %v", err)
		}
		if _, ok, _ := c.State(ruled.ID); ok {
			t.Error("an act has the state of a message")
		}
		c.does(Act{Kind: ActDelete, Mid: direct.Mid})
		alice.sees("deleted dm:bob")
		bob.sees("deleted dm:alice")
		eve.sees()
	})
}

// Whose token does not let them into a room cannot tell a message there from one that there is not.
func TestAbuseDeleteUnseen(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, carol, dave := c.in("alice"), c.in("carol"), c.in("dave")
		carol.grant.Store(&Grant{Nick: "carol", Join: rooms(t, "lobby", "pub*")})
		dave.grant.Store(&Grant{Nick: "dave", Join: rooms(t, "priv")})
		alice.send(`{"t":"join","id":1,"room":"Priv"}`)
		alice.send(`{"t":"msg","id":2,"room":"priv","message":"hi"}`)
		mid := alice.sees("joined 1 room:Priv 1 false", "ack 2 room:Priv", `msg room:Priv alice: "hi"`)[1].Mid
		for _, unseen := range []string{mid, mid[:len(mid)-1] + "!"} {
			carol.send(`{"t":"delete","id":3,"mid":%q}`, unseen)
			if answer := carol.sees("err 3 404")[0]; string(answer.Message) != `"no such message"` {
				t.Errorf("%s: %s", unseen, answer.Message)
			}
		}
		dave.send(`{"t":"delete","id":3,"mid":%q}`, mid)
		dave.sees("err 3 403")
		alice.grant.Store(&Grant{Nick: "alice", Join: rooms(t, "lobby")}) // her own she may take back wherever it is
		alice.send(`{"t":"delete","id":4,"mid":%q}`, mid)
		alice.sees("done 4", "deleted room:Priv")
	})
}

func TestFramesOfModerators(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		root, bob := c.moderator("root"), c.in("bob")
		for _, frame := range []string{
			`"mute","nick":"bob","for_ms":60000,"reason":"spam"`, `"unmute","nick":"bob"`, `"mute","nick":"bob","room":"go"`,
			`"ban","nick":"eve"`, `"unban","nick":"eve"`, `"readonly","room":"go","on":true`, `"readonly","room":"go","on":false`,
		} {
			root.send(`{"t":%s,"id":1}`, frame)
			root.sees("done 1")
		}
		root.send(`{"t":"motd","id":3,"text":"be kind"}`)
		root.sees("done 3", `motd "be kind"`)
		bob.sees(`motd "be kind"`)
		root.send(`{"t":"kick","id":4,"nick":"bob"}`)
		root.send(`{"t":"kick","id":5,"nick":"nobody"}`)
		root.send(`{"t":"unban","id":6,"nick":"eve"}`)
		root.send(`{"t":"kick","nick":"a/b"}`)
		root.sees("done 4", "err 5 404", "err 6 404", "err  400")
		bob.isClosed(4503)
		if w := c.in("dave"); !w.isTheDay(`"be kind"`) {
			t.Error("the welcome has no message of the day")
		}
		old := c.old("old")
		synctest.Wait()
		old.hears(said("system", "old", "be kind"))
		root.send(`{"t":"motd","id":7,"text":""}`)
		root.sees("done 7", "motd null")
		c.old("older").hears()
		rules, acts := c.Rules(), trail(t, c)
		if len(rules) != 1 || rules[0].Kind != ActMute || rules[0].By != "root" {
			t.Errorf("in force: %v", rules)
		}
		if len(acts) != 10 || acts[0].Kind != ActMotd || acts[9].Reason != "spam" || acts[9].Until.Sub(acts[9].At) != time.Minute {
			t.Errorf("trail: %v", acts)
		}
	})
}

// isTheDay is that the last welcome has that message of the day.
func (u *user) isTheDay(text string) bool {
	for _, o := range objects(u.t, u.peer.messages()) {
		if o.T == "welcome" {
			return string(o.Motd) == text
		}
	}
	return false
}

// trail is all that was done, in pages.
func trail(t *testing.T, c *bubble) (all []Act) {
	t.Helper()
	for before, more := uint64(0), true; more; {
		var page []Act
		var err error
		if page, more, err = c.Acts(before, 3); err != nil || len(page) > 3 || more && len(page) != 3 {
			t.Fatal(page, more, err)
		}
		all = append(all, page...)
		before = page[len(page)-1].Seq
	}
	return all
}

// TestOwnDeletesAreNoActs has people take back what they said, some of it again and again: readers are told once, a webhook too, and
// nothing of it is in the trail or among the rules, after a restart either.
func TestOwnDeletesAreNoActs(t *testing.T) {
	log := history.Memory(history.Config{Trail: Trail, TrailCount: 3, Passing: Passing, PassingCount: 4})
	inBubble(t, Config{Log: log, Hooks: Hooks{IsOn: true}}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		c.does(Act{Kind: ActBan, Nick: "eve"})
		inForce := c.rulings.inForce()
		for range 9 {
			bob.send(`{"t":"msg","id":1,"message":"oops"}`)
			mid := bob.sees("ack 1 room:all", `msg room:all bob: "oops"`)[0].Mid
			for i := range 3 {
				bob.send(`{"t":"delete","id":2,"mid":%q}`, mid)
				if i == 0 {
					bob.sees("done 2", "deleted room:all")
				} else {
					bob.sees("done 2")
				}
			}
			alice.sees(`msg room:all bob: "oops"`, "deleted room:all")
		}
		if c.rulings.inForce() != inForce {
			t.Error("the rules were copied")
		}
		if acts, _, err := c.Acts(0, 0); err != nil || len(acts) != 1 || acts[0].Kind != ActBan {
			t.Errorf("trail: %v, %v", acts, err)
		}
		if kept, _, _ := log.Read(Passing, 0, 0, 100); len(kept) != 4 {
			t.Errorf("%d of what was taken back are kept", len(kept))
		}
		var told []string
		for _, is := range c.happened() {
			if is == "bob: delete" {
				told = append(told, is)
			}
		}
		if len(told) != 4 { // of the messages themselves a webhook may have told long before
			t.Errorf("a webhook is told %q", told)
		}
		d := c.again(t)
		if rules := d.Rules(); len(rules) != 1 {
			t.Errorf("in force after a restart: %v", rules)
		}
		carol := d.in("carol")
		carol.send(`{"t":"history","id":3,"conv":"room:all"}`)
		for _, m := range carol.sees("history 3 room:all [null null null null null null null null null] false")[0].Msgs {
			if !m.Deleted {
				t.Errorf("%s is there again", m.Mid)
			}
		}
	})
}

// TestTakenBackWhileTheLogIsDown has the log fail between the erasure and the word of it: readers are told later.
func TestTakenBackWhileTheLogIsDown(t *testing.T) {
	log, isDown := newDownLog()
	inBubble(t, Config{Log: log}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		bob.send(`{"t":"msg","id":1,"message":"oops"}`)
		mid := bob.sees("ack 1 room:all", `msg room:all bob: "oops"`)[0].Mid
		alice.sees(`msg room:all bob: "oops"`)
		isDown.Store(true)
		bob.send(`{"t":"delete","id":2,"mid":%q}`, mid)
		bob.sees("done 2")
		alice.sees()
		isDown.Store(false)
		time.Sleep(retryAfter)
		synctest.Wait()
		alice.sees("deleted room:all")
		bob.sees("deleted room:all")
		if n := c.road.waiting.Load(); n != 0 {
			t.Errorf("%d bytes are said to wait", n)
		}
	})
}

// TestUnsaidIsFoundLater has the word that a message was taken back come before what is left of it.
func TestUnsaidIsFoundLater(t *testing.T) {
	late := &lateLog{Log: history.Memory(history.Config{})}
	inBubble(t, Config{Log: late}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		alice.send(`{"t":"msg","id":1,"message":"oops"}`)
		mid := alice.sees("ack 1 room:all", `msg room:all alice: "oops"`)[0].Mid
		late.lags.Store(3)
		c.hearUnsaid(mid)
		synctest.Wait()
		alice.sees()
		time.Sleep(time.Second)
		synctest.Wait()
		alice.sees("deleted room:all")
		late.lags.Store(1000)
		c.hearUnsaid(mid)
		time.Sleep(time.Minute)
		synctest.Wait()
		if asked := 1000 - late.lags.Load(); asked < 5 || asked > 20 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// lateLog finds nothing so many times.
type lateLog struct {
	history.Log
	lags atomic.Int64
}

func (l *lateLog) Find(mid string) (history.Message, bool, error) {
	if l.lags.Add(-1) >= 0 {
		return history.Message{}, false, nil
	}
	return l.Log.Find(mid)
}
