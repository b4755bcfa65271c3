package accept

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
)

// noEntry checks that a nick is refused, in both dialects.
func (h *house) noEntry(nick, why string) {
	h.t.Helper()
	for _, first := range []string{`{"t":"hello","id":1}`, `{"t":"hello","id":1,"resume":"wrong"}`, `{"t":"ping","id":1}`, `{"t":"hello","id":1,"pos":7}`, `{"id":1,"message":"stolen"}`} {
		p := h.v2(nick)
		_, _ = p.conn.Write(masked(first)) // it may be closed already
		for _, text := range p.isClosed(4509) {
			if o, err := parse(text); err != nil || o["t"] != `"err"` {
				h.t.Errorf("%s: %s is answered by %s", why, first, text)
			}
		}
	}
	if p, answer := h.knock("/conn/ws/"+url.PathEscape(nick), ""); p != nil || answer.StatusCode != http.StatusConflict {
		h.t.Errorf("%s: the tutorial gets %s", why, answer.Status)
	}
}

// TestV2Claim is who has a nick, from the first to the last.
func TestV2Claim(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		alice, w := h.enter("Alice")
		bob, _ := h.enter("bob")
		h.noEntry("alice", "while she is there")
		// With the secret the nick is taken over.
		again, w2 := h.enter("ALICE", resume(w))
		// Other nodes are heard of once a second.
		if w2["nick"] != `"Alice"` || w2["resume"] != w["resume"] || h.isAlone() && w2["online"] != "2" {
			t.Errorf("taken over: %v", w2)
		}
		alice.isClosed(4510)
		bob.say(`{"message":1}`)
		again.hear(said("bob", "room:all", "1", ""))
		bob.hear(said("bob", "room:all", "1", ""))
		// For 5 minutes after she went away the nick is kept.
		again.bye()
		h.noEntry("alice", "while she is away")
		for name, end := range restarts {
			end(h)
			h.start()
			h.noEntry("aliCe", "after "+name)
		}
		alice, w2 = h.enter("alice", resume(w))
		if w2["nick"] != `"Alice"` || w2["resume"] != w["resume"] {
			t.Errorf("after all: %v", w2)
		}
		alice.say(`{"id":1,"to_user":"bob","message":1}`)
		alice.hear(`{"t":"ack","id":1,"mid":*,"conv":"dm:bob","seq":*,"ts":*,"dur":"fsync","online":false}`, said("Alice", "dm:bob", "1", toUser("bob")))
	})
}

// TestV2NoClaim comes without a hello: there is no way back, and the nick is free at once.
func TestV2NoClaim(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		for range 3 {
			p := h.v2("alice")
			p.ask(`{"t":"ping","id":1}`, `{"t":"pong","id":1,"ts":*}`)
			p.say(`{"id":1,"message":1}`)
			p.hear(ackAll, said("alice", "room:all", "1", ""))
			p.bye()
		}
		p := h.tutorial("alice")
		p.bye()
		p, w := h.enter("alice")
		p.bye()
		h.enter("alice", resume(w))
	})
}

// TestV2Privacy gives a nick to somebody else, who gets nothing of what was said to the one before.
func TestV2Privacy(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		alice, w := h.enter("alice")
		before := h.tutorial("nick")
		before.say(`{"to_user":"alice","message":"a secret"}`)
		first := alice.hear(said("nick", "dm:nick", `"a secret"`, toUser("alice")))
		alice.say(`{"id":1,"to_user":"nick","message":"another"}`)
		alice.hear(`{"t":"ack","id":1,"mid":*,"conv":"dm:nick","seq":*,"ts":*,"dur":"fsync","online":true}`, said("alice", "dm:nick", `"another"`, toUser("nick")))
		before.bye()

		after, w2 := h.enter("nick", pos("dm:alice", at(w["epoch"], first.seq("seq")), "dm:nick", at(w["epoch"], 2)))
		if want := `{"dm:alice":false,"dm:nick":false}`; w2["recovered"] != want {
			t.Errorf("recovered %s, want %s", w2["recovered"], want)
		}
		after.ask(`{"t":"history","id":1,"conv":"dm:alice"}`, refused("1", http.StatusNotFound))
		after.say(`{"t":"read","conv":"dm:alice","seq":9223372036854775807}`)
		after.ask(`{"t":"ping","id":2}`, `{"t":"pong","id":2,"ts":*}`)
		// What they say to each other is a conversation of its own, with the same name.
		after.say(`{"to_user":"alice","message":"hello"}`)
		after.hear(`{"t":"msg","from_user":"nick","to_user":"alice","message":"hello","mid":*,"seq":*,"prev":0,"epoch":*,"ts":*,"conv":"dm:alice"}`)
		// Nor does alice hear of a receipt: this is the next thing that she gets.
		alice.hear(`{"t":"msg","from_user":"nick","to_user":"alice","message":"hello","mid":*,"seq":*,"prev":0,"epoch":*,"ts":*,"conv":"dm:nick"}`)
		after.say(`{"t":"history","id":1,"conv":"dm:alice"}`)
		if got := history(t, after); len(got.Msgs) != 1 || got.More {
			t.Errorf("the newcomer finds %+v", got)
		}
		h.crash()
		h.start()
		after, w2 = h.enter("nick", resume(w2), pos("dm:alice", at(w["epoch"], 0)))
		if w2["recovered"] != `{"dm:alice":true}` {
			t.Errorf("recovered %s", w2["recovered"])
		}
		after.hear(said("nick", "dm:alice", `"hello"`, toUser("alice")))
		after.ask(`{"t":"ping","id":2}`, `{"t":"pong","id":2,"ts":*}`)
	})
}

// TestV2Offline says something to somebody who is away: it comes when she does, once.
func TestV2Offline(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		for name, end := range restarts {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := boot(t)
				alice, w := h.enter("alice")
				bob, wb := h.enter("bob")
				bob.say(`{"to_user":"alice","message":"there"}`)
				alice.hear(said("bob", "dm:bob", `"there"`, toUser("alice")))
				bob.hear(said("bob", "dm:alice", `"there"`, toUser("alice")))
				alice.bye()
				h.marked(bob)
				last := uint64(0)
				for i := range 3 {
					bob.say(fmt.Sprintf(`{"id":%d,"to_user":"alice","message":%d}`, i, i))
					last = bob.hear(fmt.Sprintf(`{"t":"ack","id":%d,"mid":*,"conv":"dm:alice","seq":*,"ts":*,"dur":"fsync","online":false}`, i),
						said("bob", "dm:alice", fmt.Sprint(i), toUser("alice"))).seq("seq")
				}
				end(h)
				h.start()
				bob, _ = h.enter("bob", resume(wb), pos("dm:alice", at(wb["epoch"], last)))
				bob.say(`{"id":9,"to_user":"alice","message":3}`)
				bob.hear(`{"t":"ack","id":9,"mid":*,"conv":"dm:alice","seq":*,"ts":*,"dur":"fsync","online":false}`, said("bob", "dm:alice", "3", toUser("alice")))
				alice, _ = h.enter("alice", resume(w))
				for i := range 4 {
					alice.hear(said("bob", "dm:bob", fmt.Sprint(i), toUser("alice")))
				}
				alice.ask(`{"t":"ping","id":1}`, `{"t":"pong","id":1,"ts":*}`)
				alice.bye()
				alice, _ = h.enter("alice", resume(w))
				alice.ask(`{"t":"ping","id":1}`, `{"t":"pong","id":1,"ts":*}`)
			})
		}
	})
}
