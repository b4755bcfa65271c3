package accept

import (
	"fmt"
	"net/http"
	"testing"
)

// said is the pattern of a message; more are the members that only some have.
func said(from, conv, message, more string) string {
	return fmt.Sprintf(`{"t":"msg","from_user":%q,"message":%s,"mid":*,"seq":*,"prev":*,"epoch":*,"ts":*,"conv":%q%s}`, from, message, conv, more)
}

// toUser and inRoom are such members.
func toUser(nick string) string { return fmt.Sprintf(`,"to_user":%q`, nick) }
func inRoom(room string) string { return fmt.Sprintf(`,"room":%q`, room) }

// TestV2Messages is every way of saying something: who gets it, and the ack.
func TestV2Messages(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		alice, w := h.enter("alice")
		bob, _ := h.enter("Bob")
		eve, _ := h.enter("eve")
		odd := `{"a" : [1, 2.50,"\u00e9\/",null],"b":"é😀\ud800"}`
		for _, row := range []struct{ frame, ack, own, others string }{
			{`{"t":"msg","id":1,"message":"hi"}`, ackAll, said("alice", "room:all", `"hi"`, ""), said("alice", "room:all", `"hi"`, "")},
			{`{"id":1,"message":"hi","from_user":"eve"}`, ackAll, said("alice", "room:all", `"hi"`, ""), said("alice", "room:all", `"hi"`, "")},
			{`{"id":1,"message":null,"to_user":"","room":"all"}`, ackAll, said("alice", "room:all", `null`, ""), said("alice", "room:all", `null`, "")},
			{
				`{"t":"msg","id":"x","cid":"c1","zzz":[{}],"message":` + odd + `}`,
				`{"t":"ack","id":"x","cid":"c1","mid":*,"conv":"room:all","seq":*,"ts":*,"dur":"fsync"}`,
				said("alice", "room:all", odd, `,"cid":"c1"`), said("alice", "room:all", odd, ""),
			},
		} {
			alice.say(row.frame)
			got := alice.hearAll(row.ack, row.own)
			for _, other := range []*person{bob, eve} {
				o := other.hear(row.others)
				for _, key := range []string{"mid", "seq", "ts", "prev"} {
					if o[key] != got[1][key] || key != "prev" && o[key] != got[0][key] {
						t.Errorf("%s: %s is %s for others, %s for the sender, %s in the ack", row.frame, key, o[key], got[1][key], got[0][key])
					}
				}
				if o["epoch"] != w["epoch"] {
					t.Errorf("epoch %s, want %s", o["epoch"], w["epoch"])
				}
			}
		}
		// Direct: the sender sees it too, nobody else does.
		alice.say(`{"t":"msg","id":2,"cid":"c2","to_user":"bOB","message":1}`)
		alice.hear(`{"t":"ack","id":2,"cid":"c2","mid":*,"conv":"dm:Bob","seq":*,"ts":*,"dur":"fsync","online":true}`,
			said("alice", "dm:Bob", "1", toUser("Bob")+`,"cid":"c2"`))
		bob.hear(said("alice", "dm:alice", "1", toUser("Bob")))
		alice.say(`{"to_user":"Bob","message":2}`) // no id, no ack
		alice.hear(said("alice", "dm:Bob", "2", toUser("Bob")))
		bob.hear(said("alice", "dm:alice", "2", toUser("Bob")))
		// To oneself: once.
		alice.say(`{"id":3,"to_user":"alice","message":3}`)
		alice.hear(`{"t":"ack","id":3,"mid":*,"conv":"dm:alice","seq":*,"ts":*,"dur":"fsync","online":true}`, said("alice", "dm:alice", "3", toUser("alice")))
		eve.say(`{"id":1,"message":"last"}`)
		eve.hear(ackAll, said("eve", "room:all", `"last"`, ""))
		alice.hear(said("eve", "room:all", `"last"`, ""))
	})
}

// TestV2Again says the same twice: it counts once, and the first ack comes again, also after a restart.
func TestV2Again(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		for name, end := range restarts {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := boot(t)
				alice, w := h.enter("alice")
				bob, wb := h.enter("bob")
				frame := `{"id":%d,"cid":"c","to_user":"bob","message":%d}`
				ack := `{"t":"ack","id":%d,"cid":"c","mid":%s,"conv":"dm:bob","seq":%s,"ts":%s,"dur":"fsync","online":*}`
				alice.say(fmt.Sprintf(frame, 1, 1))
				first := alice.hear(fmt.Sprintf(ack, 1, "*", "*", "*"), said("alice", "dm:bob", "1", toUser("bob")+`,"cid":"c"`))
				alice.ask(fmt.Sprintf(frame, 2, 2), fmt.Sprintf(ack, 2, first["mid"], first["seq"], first["ts"]))
				// Of another sender, or in another batch, the same cid is another message.
				bob.hear(said("alice", "dm:alice", "1", toUser("bob")))
				bob.say(`{"id":1,"cid":"c","to_user":"alice","message":3}`)
				bob.hear(`{"t":"ack","id":1,"cid":"c","mid":*,"conv":"dm:alice","seq":*,"ts":*,"dur":"fsync","online":true}`,
					said("bob", "dm:alice", "3", toUser("alice")+`,"cid":"c"`))
				end(h)
				h.start()
				alice, _ = h.enter("alice", resume(w))
				alice.say(fmt.Sprintf(frame, 4, 4))
				for o := alice.next(); o["t"] != `"ack"`; o = alice.next() {
				}
				alice.say(fmt.Sprintf(frame, 5, 5))
				alice.hear(fmt.Sprintf(ack, 5, first["mid"], first["seq"], first["ts"]))
				bob, _ = h.enter("bob", resume(wb), pos("dm:alice", at(wb["epoch"], 0)))
				bob.hear(said("alice", "dm:alice", "1", toUser("bob")), said("bob", "dm:alice", "3", toUser("alice")+`,"cid":"c"`))
				bob.ask(`{"t":"ping","id":1}`, `{"t":"pong","id":1,"ts":*}`)
			})
		}
	})
}

// TestV2Rooms joins and leaves them.
func TestV2Rooms(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t, "--max-rooms", "2")
		alice, w := h.enter("alice")
		bob, _ := h.enter("bob")
		eve, _ := h.enter("eve")
		joined := `{"t":"joined","id":1,"room":"Go 妹","conv":"room:Go 妹","members":%d,"epoch":` + w["epoch"] + `,"seq":*,"recovered":%t}`
		alice.ask(`{"t":"join","id":1,"room":"Go 妹"}`, fmt.Sprintf(joined, 1, false))
		alice.ask(`{"t":"join","id":1,"room":"gO  妹"}`, fmt.Sprintf(joined, 1, false))
		bob.ask(`{"t":"join","id":1,"room":"go 妹"}`, fmt.Sprintf(joined, 2, false))
		for i := range 3 {
			alice.say(fmt.Sprintf(`{"id":1,"room":"go 妹","message":%d}`, i))
			alice.hear(`{"t":"ack","id":1,"mid":*,"conv":"room:Go 妹","seq":*,"ts":*,"dur":"fsync"}`, said("alice", "room:Go 妹", fmt.Sprint(i), inRoom("Go 妹")))
			bob.hear(said("alice", "room:Go 妹", fmt.Sprint(i), inRoom("Go 妹")))
		}
		// Who is not there hears nothing, and may not read or speak.
		eve.ask(`{"id":1,"room":"go 妹","message":1}`, refused("1", http.StatusForbidden))
		eve.ask(`{"t":"history","id":1,"conv":"room:go 妹"}`, refused("1", http.StatusForbidden))
		eve.ask(`{"t":"presence","id":1,"room":"go 妹"}`, refused("1", http.StatusForbidden))
		eve.ask(`{"t":"typing","id":1,"room":"go 妹"}`, refused("1", http.StatusForbidden))
		eve.ask(`{"t":"read","id":1,"conv":"room:go 妹","seq":1}`, refused("1", http.StatusForbidden))
		// Who joins with a position gets what came after it.
		eve.say(`{"t":"join","id":1,"room":"go 妹","pos":` + at(w["epoch"], 0) + `}`)
		all := eve.hearAll(fmt.Sprintf(joined, 3, true), said("alice", "room:Go 妹", "0", inRoom("Go 妹")), said("alice", "room:Go 妹", "1", inRoom("Go 妹")),
			said("alice", "room:Go 妹", "2", inRoom("Go 妹")))
		if all[0]["seq"] != all[3]["seq"] {
			t.Errorf("joined at %s, the last message is %s", all[0]["seq"], all[3]["seq"])
		}
		eve.ask(`{"t":"leave","id":1,"room":"GO 妹"}`, `{"t":"left","id":1,"room":"Go 妹"}`)
		eve.ask(`{"t":"leave","id":1,"room":"never"}`, `{"t":"left","id":1,"room":"never"}`)
		eve.ask(`{"t":"history","id":1,"conv":"room:go 妹"}`, refused("1", http.StatusForbidden))
		eve.say(`{"t":"join","id":1,"room":"go 妹","pos":["other",2]}`)
		eve.hear(fmt.Sprintf(joined, 3, false))
		eve.say(`{"t":"join","id":1,"room":"go 妹","pos":` + at(w["epoch"], 1<<62) + `}`)
		eve.hear(fmt.Sprintf(joined, 3, false))
		// room:all is always joined.
		eve.ask(`{"t":"join","id":1,"room":"all"}`, `{"t":"joined","id":1,"room":"all","conv":"room:all","members":3,"epoch":`+w["epoch"]+`,"seq":0,"recovered":false}`)
		// Not more than --max-rooms, however they are asked for.
		eve.say(`{"t":"join","id":2,"room":"two"}`)
		eve.hear(`{"t":"joined","id":2,"room":"two","conv":"room:two","members":1,"epoch":*,"seq":0,"recovered":false}`)
		eve.ask(`{"t":"join","id":3,"room":"three"}`, refused("3", http.StatusForbidden))
		eve.say(`{"t":"hello","id":4,` + pos("room:three", at(w["epoch"], 0)) + `}`)
		eve.hear(`{"t":"welcome","id":4,"nick":"eve","session":*,"resume":*,"epoch":*,"online":3,"ping_s":25,"limits":*,"recovered":{"room:three":false}}`)
		eve.ask(`{"t":"history","id":5,"conv":"room:three"}`, refused("5", http.StatusForbidden))
	})
}

// TestV2Typing is relayed and nothing else.
func TestV2Typing(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		alice, _ := h.enter("alice")
		bob, _ := h.enter("bob")
		for _, p := range []*person{alice, bob} {
			p.say(`{"t":"join","id":1,"room":"go"}`)
			p.hear(`{"t":"joined","id":1,"room":"go","conv":"room:go","members":*,"epoch":*,"seq":0,"recovered":false}`)
		}
		alice.say(`{"t":"typing","to_user":"BOB","id":9}`)
		bob.hear(`{"t":"typing","conv":"dm:alice","from_user":"alice","to_user":"bob"}`)
		alice.say(`{"t":"typing","to_user":"nobody"}`)
		alice.say(`{"t":"typing","room":"GO"}`)
		bob.hear(`{"t":"typing","conv":"room:go","from_user":"alice","room":"go"}`)
		alice.say(`{"t":"typing"}`)
		bob.hear(`{"t":"typing","conv":"room:all","from_user":"alice"}`)
		bob.ask(`{"t":"history","id":1,"conv":"room:all"}`, `{"t":"history","id":1,"conv":"room:all","msgs":[],"more":false}`)
	})
}

// TestV2Receipts are told to the other side, and stored.
func TestV2Receipts(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		for name, end := range restarts {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := boot(t)
				alice, w := h.enter("alice")
				bob, _ := h.enter("bob")
				var seqs []uint64
				for i := range 3 {
					alice.say(fmt.Sprintf(`{"to_user":"bob","message":%d}`, i))
					alice.hear(said("alice", "dm:bob", fmt.Sprint(i), toUser("bob")))
					seqs = append(seqs, bob.hear(said("alice", "dm:alice", fmt.Sprint(i), toUser("bob"))).seq("seq"))
				}
				receipt := func(kind string, seq uint64) string {
					return fmt.Sprintf(`{"t":%q,"conv":"dm:bob","from_user":"bob","seq":%d}`, kind, seq)
				}
				bob.say(fmt.Sprintf(`{"t":"recv","id":7,"conv":"dm:ALICE","seq":%d}`, seqs[1]))
				alice.hear(receipt("recv", seqs[1]))
				bob.say(fmt.Sprintf(`{"t":"read","conv":"dm:alice","seq":%d}`, seqs[0]))
				alice.hear(receipt("read", seqs[0]))
				bob.say(`{"t":"recv","conv":"dm:alice","seq":9223372036854775807}`) // no more than there is
				alice.hear(receipt("recv", seqs[2]))
				bob.say(`{"t":"read","conv":"room:all","seq":9}`) // nobody is told
				bob.say(`{"t":"read","conv":"dm:nobody","seq":9}`)
				bob.ask(`{"t":"ping","id":8}`, `{"t":"pong","id":8,"ts":*}`)
				h.marked(alice)
				end(h)
				h.start()
				alice, _ = h.enter("alice", resume(w), pos("dm:bob", at(w["epoch"], seqs[2])))
				alice.hear(receipt("recv", seqs[2]))
				alice.hear(receipt("read", seqs[0]))
			})
		}
	})
}

// marked waits until marks that were made before are on disk, which takes them a moment: receipts and the like are durable
// within seconds, and not at once as messages are.
func (h *house) marked(p *person) {
	h.t.Helper()
	// Changes of presence are told once a second, and the log writes as often; one that nodes share every third second.
	rounds := 2
	if !h.isAlone() {
		rounds = 5
	}
	for range rounds {
		visitor := h.v2("visitor")
		p.news("room:all")
		visitor.bye()
		p.news("room:all")
	}
}

// TestV2Tutorial has both dialects in the same conversations. Who speaks the tutorial one gets three keys and nothing else.
func TestV2Tutorial(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		alice, w := h.enter("alice")
		tut := h.tutorial("Tut")
		three := func(from, to, message string) {
			t.Helper()
			want := fmt.Sprintf(`{"from_user":%q,"to_user":%q,"message":%s}`, from, to, message)
			if got, err := tut.text(); err != nil || got != want {
				t.Fatalf("got %s, %v; want %s", got, err, want)
			}
		}
		// All that version 2 has and the tutorial has not.
		carol, _ := h.enter("carol")
		carol.say(`{"t":"typing","to_user":"tut"}`)
		carol.say(`{"t":"typing"}`)
		alice.hear(`{"t":"typing","conv":"room:all","from_user":"carol"}`)
		alice.say(`{"t":"join","id":1,"room":"go"}`)
		alice.hear(`{"t":"joined","id":1,"room":"go","conv":"room:go","members":1,"epoch":*,"seq":0,"recovered":false}`)
		alice.say(`{"room":"go","message":"not for tut"}`)
		alice.hear(said("alice", "room:go", `"not for tut"`, inRoom("go")))
		bob, _ := h.enter("bob")
		bob.bye()
		alice.news("room:all")

		alice.say(`{"t":"msg","id":1,"cid":"c","message":{"x" : 1}}`)
		alice.hear(ackAll[:len(ackAll)-1]+`,"cid":"c"}`, said("alice", "room:all", `{"x" : 1}`, `,"cid":"c"`))
		three("alice", "", `{"x" : 1}`)
		alice.say(`{"to_user":"TUT","message":"hi","id":2}`)
		alice.hear(`{"t":"ack","id":2,"mid":*,"conv":"dm:Tut","seq":*,"ts":*,"dur":"fsync","online":true}`, said("alice", "dm:Tut", `"hi"`, toUser("Tut")))
		three("alice", "Tut", `"hi"`)

		tut.say(`{"from_user":"x","to_user":"","message":"all"}`)
		three("Tut", "", `"all"`)
		alice.hear(said("Tut", "room:all", `"all"`, ""))
		tut.say(`{"from_user":"x","to_user":"ALICE","message":"one"}`) // the sender gets no copy
		o := alice.hear(said("Tut", "dm:Tut", `"one"`, toUser("alice")))
		alice.say(`{"t":"read","conv":"dm:tut","seq":` + o["seq"] + `}`)
		alice.say(`{"t":"history","id":1,"conv":"dm:tut"}`)
		if got := history(t, alice); len(got.Msgs) != 2 || got.Msgs[1].Prev != got.Msgs[0].Seq {
			t.Errorf("the conversation has %+v", got)
		}

		for _, frame := range []string{`{"t":"ping","id":1}`, `{"t":"hello","id":1}`, `{"t":"msg"}`, "{}\n{}"} {
			tut.say(frame)
			if got, err := parse(must(t, tut)); err != nil || !matches(t, got, `{"from_user":"system","to_user":"Tut","message":*}`) {
				t.Errorf("%s is answered by %v", frame, got)
			}
		}
		tut.say(`{"t":"typing","to_user":"","message":1}`) // unknown keys are ignored there
		three("Tut", "", `1`)
		alice.hear(said("Tut", "room:all", `1`, ""))

		// Somebody of version 2 who is away gets it later, and the sender is told.
		alice.bye()
		tut.say(`{"to_user":"alice","message":"later"}`)
		if got, err := parse(must(t, tut)); err != nil || !matches(t, got, `{"from_user":"system","to_user":"Tut","message":*}`) {
			t.Errorf("%v, %v", got, err)
		}
		alice, _ = h.enter("alice", resume(w))
		alice.hear(said("Tut", "dm:Tut", `"later"`, toUser("alice")))
		// Of the tutorial nobody is away: gone is gone.
		tut.bye()
		alice.toNobody("tut", h.isAlone())
	})
}

func must(t *testing.T, p *person) string {
	t.Helper()
	text, err := p.text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
