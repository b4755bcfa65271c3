package room

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/event"
	"throng/room/history"
)

// tokens are good ones, each with what it allows. "token of <nick>" need not be among them.
type tokens map[string]*Grant

func (ts tokens) check(token string) (*Grant, *event.Error) {
	if g := ts[token]; g != nil {
		return g, nil
	}
	if nick, ok := strings.CutPrefix(token, "token of "); ok {
		return &Grant{Nick: nick}, nil
	}
	if token == "later" {
		return nil, event.Unavailable("later", time.Second)
	}
	return nil, event.Unauthorized("the token is bad")
}

// rooms are those of patterns.
func rooms(t fataler, patterns ...string) Rooms {
	t.Helper()
	r, bad := ParseRooms(patterns)
	if bad != nil {
		t.Fatalf("%v", bad)
	}
	return r
}

// inTokens is inBubble for a chat that one needs a token for.
func inTokens(t *testing.T, ts tokens, config Config, test func(t *testing.T, c *bubble)) {
	t.Helper()
	config.Tokens = ts.check
	inBubble(t, config, test)
}

// token is the member of a hello with a token.
func token(text string) string { return fmt.Sprintf(`,"token":%q`, text) }

// bearer connects a client of version 2 that has shown a token before.
func (c *bubble) bearer(nick string) *user {
	c.t.Helper()
	u := &user{t: c.t, peer: &fakePeer{}, seqs: map[string]uint64{}}
	enter, err := c.ClaimV2(Caller{Name: nick, Grant: &Grant{Nick: nick}})
	if err != nil {
		c.t.Fatalf("%v", err)
	}
	u.Session = enter(u.peer)
	synctest.Wait()
	return u
}

// own connects a client of version 2 that shows its token with its hello.
func (c *bubble) own(nick string) *user {
	c.t.Helper()
	u, _ := c.hello(nick, token("token of "+nick))
	return u
}

// oldBearer connects a client of the tutorial dialect that has shown a token.
func (c *bubble) oldBearer(nick string) *user {
	c.t.Helper()
	p := &fakePeer{}
	enter, err := c.Claim(Caller{Name: nick, Grant: &Grant{Nick: nick}})
	if err != nil {
		c.t.Fatalf("%v", err)
	}
	u := &user{Session: enter(p), t: c.t, peer: p}
	synctest.Wait()
	return u
}

// Who has no token, or a bad one, is told so and closed; what was said before is refused.
func TestAbuseAuthHello(t *testing.T) {
	for _, tt := range []struct {
		frame string
		err   string
		code  uint16
	}{
		{`{"t":"hello","id":1}`, "err 1 401", event.CloseToken},
		{`{"t":"hello","id":1,"token":""}`, "err 1 401", event.CloseToken},
		{`{"t":"hello","id":1,"token":"forged"}`, "err 1 401", event.CloseToken},
		{`{"t":"hello","id":1,"token":"token of eve"}`, "err 1 401", event.CloseToken},
		{`{"t":"hello","id":1,"token":"token of a/b"}`, "err 1 400", event.CloseBadNick},
		{`{"t":"hello","id":1,"token":"later"}`, "err 1 503", event.CloseFull},
		{`{"t":"hello","id":1,"resume":"guess"}`, "err 1 401", event.CloseToken},
		{`{"t":"msg","id":1,"message":"hi"}`, "err 1 401", event.CloseToken},
		{`{"t":"history","id":1,"conv":"room:all"}`, "err 1 401", event.CloseToken},
		{`{"t":"join","id":1,"room":"go"}`, "err 1 401", event.CloseToken},
	} {
		inTokens(t, nil, Config{}, func(t *testing.T, c *bubble) {
			other := c.own("bob")
			u := c.meet("alice")
			u.send("%s", tt.frame)
			u.sees(tt.err)
			u.isClosed(tt.code)
			u.drop()
			other.sees()
			if c.Online() != 1 {
				t.Errorf("%s: %d are online", tt.frame, c.Online())
			}
			other.drop()
		})
	}
}

// What is malformed is answered as such where a token is asked for, too. The client may show one yet, but is not waited for long, and may not
// send much of it.
func TestAbuseAuthMalformed(t *testing.T) {
	for _, tt := range []struct{ frame, err string }{
		{`{`, "err  400"},
		{``, "err  400"},
		{`[]`, "err  400"},
		{`{"t":"hello","id":1,"token":7}`, "err 1 400"},
		{`{"t":"hello","id":1,"id":1}`, "err 1 400"},
		{`{"t":"bite","id":1}`, "err 1 400"},
		{`{"t":"join","id":1}`, "err 1 400"},
	} {
		inTokens(t, nil, Config{Rate: 1, Burst: 3}, func(_ *testing.T, c *bubble) {
			other := c.own("bob")
			alice, late, flood := c.meet("alice"), c.meet("late"), c.meet("flood")
			for _, u := range []*user{alice, late, flood} {
				u.send("%s", tt.frame)
				u.sees(tt.err)
				u.isClosed(0)
			}
			if w := alice.hello(token("token of alice"))[0]; w.T != "welcome" {
				c.t.Fatalf("%s, and then a hello: %v", tt.frame, w)
			}
			for range 8 {
				flood.send("%s", tt.frame)
			}
			flood.isClosed(event.CloseRate)
			time.Sleep(proofWait + time.Millisecond)
			synctest.Wait()
			late.sees("err  401")
			late.isClosed(event.CloseToken)
			other.sees()
		})
	}
}

// Whoever is refused for having shown no token is told of, once, whichever way it came; who shows a bad one is not.
func TestNoTokenIsTold(t *testing.T) {
	told := 0
	inTokens(t, nil, Config{OnNoToken: func() { told++ }}, func(t *testing.T, c *bubble) {
		say := func(frame string) {
			u := c.meet("alice")
			u.send("%s", frame)
			u.drop()
		}
		for i, refused := range []func(){
			func() { _, _ = c.Claim(Caller{Name: "alice"}) },
			func() { say(`{"t":"hello"}`) },
			func() { say(`{"t":"ping"}` + "\n" + `{"t":"ping"}`) },
			func() { c.meet("alice"); time.Sleep(proofWait + time.Millisecond); synctest.Wait() },
		} {
			if refused(); told != i+1 {
				t.Fatalf("way %d: told of %d", i, told)
			}
		}
		say(`{"t":"hello","token":"forged"}`)
		c.own("bob").send(`{"t":"hello","id":1}`)
		if told != 4 {
			t.Errorf("told of %d who are not to be", told-4)
		}
	})
}

// A client that shows no token at all is not waited for.
func TestAbuseAuthSilent(t *testing.T) {
	inTokens(t, nil, Config{}, func(t *testing.T, c *bubble) {
		u := c.meet("alice")
		time.Sleep(proofWait + time.Millisecond)
		synctest.Wait()
		u.sees("err  401")
		u.isClosed(event.CloseToken)
		u.drop()
		if _, err := c.Claim(Caller{Name: "alice"}); status(err) != http.StatusUnauthorized {
			t.Errorf("tutorial: %v", err)
		}
		if _, err := c.Claim(Caller{Name: "alice", Grant: &Grant{Nick: "bob"}}); status(err) != http.StatusUnauthorized {
			t.Errorf("another's token: %v", err)
		}
		if _, err := c.ClaimV2(Caller{Name: "alice", Grant: &Grant{Nick: "a/b"}}); status(err) != http.StatusBadRequest {
			t.Errorf("a token of no nick: %v", err)
		}
	})
}

// Somebody is one however many connections they have: all get what is said to them and by them.
func TestSessionsOfOne(t *testing.T) {
	inTokens(t, nil, Config{MaxSessions: 3}, func(t *testing.T, c *bubble) {
		bob := c.own("bob")
		bob.wantsPresence = true
		phone, desk, old := c.own("alice"), c.bearer("Alice"), c.oldBearer("alice")
		time.Sleep(2 * time.Second)
		bob.sees("presence room:all 2 +[alice bob] -[]")
		desk.send(`{"t":"hello","id":0}`)
		desk.sees("welcome 0")
		bob.send(`{"t":"msg","id":1,"to_user":"alice","message":1}`)
		bob.sees("ack 1 dm:alice  true", "msg dm:alice bob: 1")
		phone.sees("msg dm:bob bob: 1")
		desk.sees("msg dm:bob bob: 1")
		old.hears(`{"from_user":"bob","to_user":"alice","message":1}`)
		phone.send(`{"t":"msg","id":2,"cid":"c","to_user":"bob","message":2}`)
		phone.sees("ack 2 dm:bob c true", "msg dm:bob alice: 2 c")
		desk.sees("msg dm:bob alice: 2 c")
		seq := bob.sees("msg dm:alice alice: 2")[0].Seq
		bob.send(`{"t":"read","conv":"dm:alice","seq":%d}`, seq)
		phone.sees(fmt.Sprintf("read dm:bob bob %d", seq))
		desk.sees(fmt.Sprintf("read dm:bob bob %d", seq))
		desk.send(`{"t":"msg","id":3,"message":3}`)
		phone.sees("msg room:all alice: 3")
		desk.sees("ack 3 room:all", "msg room:all alice: 3")
		bob.sees("msg room:all alice: 3")
		fourth := c.meet("alice")
		fourth.send(`{"t":"hello","id":0%s}`, token("token of alice"))
		fourth.isClosed(event.CloseInUse)
		phone.drop()
		old.drop()
		time.Sleep(2 * time.Second)
		bob.sees()
		desk.drop()
		time.Sleep(2 * time.Second)
		bob.sees("presence room:all 1 +[] -[alice]")
	})
}

// In a room too one counts once, while one of one's connections is there.
func TestRoomsOfOne(t *testing.T) {
	inTokens(t, nil, Config{}, func(t *testing.T, c *bubble) {
		bob, phone, desk := c.own("bob"), c.own("alice"), c.own("alice")
		for i, u := range []*user{bob, phone, desk} {
			u.send(`{"t":"join","id":1,"room":"go"}`)
			u.sees(fmt.Sprintf("joined 1 room:go %d false", min(i+1, 2)))
		}
		phone.send(`{"t":"leave","id":2,"room":"go"}`)
		phone.sees("left 2 go")
		bob.send(`{"t":"presence","id":3,"room":"go"}`)
		bob.sees("presence 3 go 2 [alice bob]")
		bob.send(`{"t":"msg","room":"go","message":1}`)
		phone.sees()
		desk.sees("msg room:go bob: 1")
		desk.drop()
		bob.send(`{"t":"presence","id":4,"room":"go"}`)
		bob.sees("msg room:go bob: 1", "presence 4 go 1 [bob]")
	})
}

// What was said to somebody while they were away waits for their next connection, whatever it is, and comes once.
func TestOwnedReturn(t *testing.T) {
	inTokens(t, nil, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.oldBearer("alice"), c.own("bob")
		alice.drop()
		time.Sleep(time.Hour) // longer than a nick is kept for others
		bob.send(`{"t":"msg","id":1,"to_user":"alice","message":1}`)
		bob.sees("ack 1 dm:alice  false", "msg dm:alice bob: 1")
		bob.send(`{"t":"msg","id":2,"to_user":"carol","message":1}`)
		bob.sees("err 2 404")
		phone, news := c.hello("alice", token("token of alice"))
		if len(news) != 2 || news[1].String() != "msg dm:bob bob: 1" {
			t.Fatalf("she comes back to %v", news)
		}
		desk, news := c.hello("alice", token("token of alice"))
		if len(news) != 1 {
			t.Fatalf("and once more to %v", news)
		}
		for _, u := range []*user{phone, desk, bob} {
			u.drop()
		}
		again := c.again(t) // after a restart
		bob = again.own("bob")
		bob.sees()
		bob.send(`{"t":"msg","id":1,"to_user":"alice","message":2}`)
		bob.sees("ack 1 dm:alice  false", "msg dm:alice bob: 2")
		if phone, news = again.hello("alice", token("token of alice")); len(news) != 2 || news[1].String() != "msg dm:bob bob: 2" {
			t.Fatalf("after a restart she comes back to %v", news)
		}
		phone.send(`{"t":"history","id":1,"conv":"dm:bob"}`)
		phone.sees("history 1 dm:bob [1 2] false")
		phone.drop()
		bob.drop()
	})
}

// Whoever had a nick before tokens were asked for is another than its bearer, who sees nothing of theirs; and afterwards nobody takes
// the nick of somebody who had a token.
func TestAbuseAuthOtherClaims(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		bob.send(`{"t":"msg","id":1,"to_user":"alice","message":"for her alone"}`)
		alice.sees("msg dm:bob bob: \"for her alone\"")
		alice.drop()
		bob.send(`{"t":"msg","id":2,"to_user":"alice","message":"later"}`)
		bob.drop()
		config := c.config
		config.Tokens = tokens(nil).check
		with := &bubble{newHub(t, config), t}
		bearer, news := with.hello("alice", token("token of alice"))
		if len(news) != 1 {
			t.Fatalf("she comes to %v", news)
		}
		bearer.send(`{"t":"history","id":1,"conv":"dm:bob"}`)
		bearer.sees("err 1 404")
		bearer.send(`{"t":"msg","id":2,"to_user":"bob","message":1}`) // that one cannot come back
		bearer.sees("err 2 404")
		bearer.drop()
		guess := with.meet("alice")
		guess.send(`{"t":"hello","id":1%s}`, alice.with())
		guess.sees("err 1 401")
		guess.isClosed(event.CloseToken)
		guess.drop()
		without := c.again(t)
		time.Sleep(time.Hour)
		if _, err := without.Claim(Caller{Name: "alice"}); status(err) != http.StatusConflict {
			t.Errorf("tutorial: %v", err)
		}
		thief := without.meet("alice")
		thief.send(`{"t":"hello","id":1}`)
		thief.isClosed(event.CloseInUse)
		thief.drop()
	})
}

// What comes right behind the hello is said by the token's bearer.
func TestBehindHello(t *testing.T) {
	inTokens(t, nil, Config{}, func(t *testing.T, c *bubble) {
		u := c.meet("alice")
		u.send(`{"t":"hello","id":1%s}`+"\n"+`{"t":"join","id":2,"room":"go"}`+"\n"+`{"t":"msg","id":3,"room":"go","message":1}`, token("token of Alice"))
		u.sees("welcome 1", "joined 2 room:go 1 false", "ack 3 room:go", "msg room:go alice: 1")
	})
}

// An id that is another's is not taken: whoever chooses a nick cannot become somebody else.
func TestAbuseAuthSameID(t *testing.T) {
	log := newFakeLog()
	inTokens(t, nil, Config{Log: log}, func(t *testing.T, c *bubble) {
		if err := log.SaveClaim(history.Claim{ID: ownedID("alice", 0), Nick: "mallory", Key: "mallory", Secret: ownedMark, Made: ownedMade}); err != nil {
			t.Fatal(err)
		}
		alice := c.own("alice")
		if id := alice.claim(); id != ownedID("alice", 1) {
			t.Errorf("claim %x", id)
		}
	})
}

// A log that fails lets nobody in, and says so.
func TestOwnedLogFails(t *testing.T) {
	log := &claimless{fakeLog: newFakeLog()}
	inTokens(t, nil, Config{Log: log}, func(t *testing.T, c *bubble) {
		log.failed = errors.New("broken")
		if _, err := c.ClaimV2(Caller{Name: "alice", Grant: &Grant{Nick: "alice"}}); status(err) != http.StatusServiceUnavailable {
			t.Errorf("%v", err)
		}
	})
}

// claimless is a log that cannot find claims.
type claimless struct {
	*fakeLog
	failed error
}

func (l *claimless) ClaimByID(id uint64) (history.Claim, bool, error) {
	if l.failed != nil {
		return history.Claim{}, false, l.failed
	}
	return l.fakeLog.ClaimByID(id)
}
