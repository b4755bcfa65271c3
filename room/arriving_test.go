package room

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/event"
)

// arriving gives somebody a nick who has no connection yet.
func (c *bubble) arriving(nick string, grant *Grant) (enter func(Peer) *Session) {
	c.t.Helper()
	enter, err := c.ClaimV2(Caller{Name: nick, Grant: grant})
	if err != nil {
		c.t.Fatalf("%v", err)
	}
	return enter
}

// arrives gives them their connection.
func (c *bubble) arrives(enter func(Peer) *Session) *user {
	u := &user{t: c.t, peer: &fakePeer{}, seqs: map[string]uint64{}}
	u.Session = enter(u.peer)
	synctest.Wait()
	return u
}

// Whatever happens to a nick whose bearer has not got its connection yet harms nobody, and they come in, unless they are banned.
func TestAbuseArriving(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		eve := c.in("eve")
		enter := c.arriving("bob", nil)
		eve.send(`{"t":"typing","to_user":"bob"}`)
		eve.send(`{"t":"msg","id":1,"to_user":"bob","message":"hi"}`)
		m := eve.sees("ack 1 dm:bob  true", "msg dm:bob eve: \"hi\"")[1]
		eve.send(`{"t":"read","conv":"dm:bob","seq":%d}`, m.Seq)
		eve.send(`{"t":"delete","id":2,"mid":%q}`, m.Mid)
		eve.sees("deleted dm:bob", "done 2")
		c.does(Act{Kind: ActKick, Nick: "bob"})
		bob := c.arrives(enter)
		bob.hello("")
		bob.isClosed(0)
		enter = c.arriving("carol", nil)
		c.does(Act{Kind: ActBan, Nick: "carol"})
		c.arrives(enter).isClosed(event.CloseOrigin)
	})
}

// The same of several connections of one nick, whose tokens end.
func TestAbuseArrivingAgain(t *testing.T) {
	inTokens(t, tokens{}, Config{}, func(_ *testing.T, c *bubble) {
		first := c.bearer("alice")
		first.hello("")
		enter := c.arriving("alice", &Grant{Nick: "alice", Ends: time.Now().Add(time.Second)})
		first.send(`{"t":"msg","id":1,"to_user":"alice","message":"to myself"}`)
		time.Sleep(3 * time.Second)
		late := c.arrives(enter)
		time.Sleep(time.Second)
		synctest.Wait()
		late.isClosed(event.CloseToken)
		first.isClosed(0)
	})
}

// A claim that comes back on another node before its connection here is there has it closed.
func TestTakenOverArriving(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		enter, err := c.Claim(Caller{Name: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		s, done := c.shardOf("alice"), make(chan struct{})
		s.mail.put(yield{"alice", s.people["alice"].claim.ID, done})
		<-done
		u := &user{t: t, peer: &fakePeer{}}
		u.Session = enter(u.peer)
		synctest.Wait()
		u.isClosed(event.CloseTakenOver)
		u.drop()
		if status(func() error { _, err := c.Claim(Caller{Name: "alice"}); return err }()) == http.StatusConflict {
			t.Error("the nick is kept for nobody")
		}
	})
}
