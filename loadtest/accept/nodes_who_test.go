package accept

import (
	"fmt"
	"net/http"
	"testing"
)

// toNobody says something to somebody of the tutorial who has just gone, which is refused. Where another node hears of it
// in the same moment the message may be stored, and the sender is told that nobody was there.
func (p *person) toNobody(nick string, isAlone bool) {
	p.t.Helper()
	p.say(fmt.Sprintf(`{"id":1,"to_user":%q,"message":1}`, nick))
	o := p.next()
	if o["t"] == `"err"` || isAlone {
		if want, _ := parse(refused("1", http.StatusNotFound)); !o.is(want) {
			p.t.Errorf("to %s, who is gone: %v", nick, o)
		}
		return
	}
	if o["t"] == `"msg"` {
		o = p.next()
	}
	if o["t"] != `"ack"` || o["online"] != "false" {
		p.t.Errorf("to %s, who is gone: %v", nick, o)
	}
}

// TestNodesComeAndGo has somebody come and go at one node while others at the other node speak to her. They are told at once
// whether she is there: from her welcome on, and no more from when her connection is closed.
func TestNodesComeAndGo(t *testing.T) {
	t.Parallel()
	a, b := bootTwo(t).doors()
	bob, _ := a.enter("bob")
	tut := a.tutorial("tut")
	isTold := func(round int, isThere bool) {
		t.Helper()
		bob.say(`{"id":1,"to_user":"alice","message":1}`)
		ack := bob.hear(`{"t":"ack","id":1,"mid":*,"conv":"dm:alice","seq":*,"ts":*,"dur":"fsync","online":*}`,
			said("bob", "dm:alice", "1", toUser("alice")))
		if ack["online"] != fmt.Sprint(isThere) {
			t.Errorf("round %d: bob is told %v, she is there: %v", round, ack, isThere)
		}
		if isThere {
			return // nothing would be told to who speaks the tutorial dialect
		}
		tut.say(`{"to_user":"alice","message":2}`)
		if got, err := parse(must(t, tut)); err != nil || !matches(t, got, `{"from_user":"system","to_user":"tut","message":*}`) {
			t.Errorf("round %d: tut is told %v, %v", round, got, err)
		}
	}
	bob.ask(`{"id":1,"to_user":"alice","message":0}`, refused("1", http.StatusNotFound))
	alice, w := b.enter("alice")
	for round := range 30 {
		isTold(round, true)
		alice.bye()
		isTold(round, false)
		isTold(round, false) // by what is remembered
		alice, _ = b.enter("alice", resume(w))
	}
	for range 30 { // one who cannot come back
		bob.ask(`{"id":1,"to_user":"guest","message":0}`, refused("1", http.StatusNotFound))
		guest := b.tutorial("guest")
		bob.say(`{"id":1,"to_user":"guest","message":1}`)
		bob.hear(`{"t":"ack","id":1,"mid":*,"conv":"dm:guest","seq":*,"ts":*,"dur":"fsync","online":true}`,
			said("bob", "dm:guest", "1", toUser("guest")))
		guest.bye()
		bob.toNobody("guest", false)
	}
}
