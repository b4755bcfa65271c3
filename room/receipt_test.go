package room

import (
	"fmt"
	"strings"
	"testing"

	"throng/room/history"
)

// Who is told that somebody types.
func TestTyping(t *testing.T) {
	for _, x := range []struct {
		name, frame      string
		alice, bob, cora []string // who types; is in the room too; is not
	}{
		{"to everyone", `{"t":"typing"}`, []string{"typing room:all alice"}, []string{"typing room:all alice"}, []string{"typing room:all alice"}},
		{"in a room", `{"t":"typing","room":"GO"}`, []string{"typing room:go alice"}, []string{"typing room:go alice"}, nil},
		{"to one", `{"t":"typing","to_user":"bob"}`, nil, []string{"typing dm:alice alice"}, nil},
		{"to nobody", `{"t":"typing","to_user":"nobody"}`, nil, nil, nil},
		{"to one of the tutorial dialect", `{"t":"typing","to_user":"tut"}`, nil, nil, nil},
		{"to what can be no nick", `{"t":"typing","to_user":"a/b"}`, []string{"err  404"}, nil, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, c *bubble) {
				alice, bob, cora, tut := c.in("alice"), c.in("bob"), c.in("cora"), c.old("tut")
				for _, u := range []*user{alice, bob} {
					u.send(`{"t":"join","room":"go"}`)
				}
				alice.send("%s", x.frame)
				alice.sees(x.alice...)
				bob.sees(x.bob...)
				cora.sees(x.cora...)
				tut.hears()
				if head, _ := c.config.Log.Head(convEveryone); head.Last > 0 {
					t.Fatal("it is stored")
				}
			})
		})
	}
}

// Whoever comes back is not told who typed when it was away.
func TestTypingIsNotKept(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		bob.drop()
		alice.send(`{"t":"typing","to_user":"bob"}`)
		_, news := c.hello("bob", bob.with())
		if len(news) != 1 {
			c.t.Fatalf("bob sees %v", news)
		}
	})
}

// A receipt goes to the other side, at most up to what there is, and is stored; read is received too.
func TestReceipts(t *testing.T) {
	for _, x := range []struct {
		name  string
		frame string // %d stands for the second of three seqs
		alice string // is told; %d likewise
		want  [2]int // received and read, as indices of seqs from 1
	}{
		{"received", `{"t":"recv","conv":"dm:alice","seq":%d}`, "recv dm:bob bob %d", [2]int{2, 0}},
		{"read", `{"t":"read","conv":"dm:ALICE","seq":%d}`, "read dm:bob bob %d", [2]int{2, 2}},
		{"nothing", `{"t":"read","conv":"dm:alice","seq":0}`, "", [2]int{}},
		{"with nobody", `{"t":"read","conv":"dm:nobody","seq":%d}`, "", [2]int{}},
	} {
		t.Run(x.name, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, c *bubble) {
				alice, bob := c.in("alice"), c.in("bob")
				seqs := append([]uint64{0}, alice.talk(`,"to_user":"bob"`, 1, 3)...)
				bob.news()
				bob.send("%s", seqIn(x.frame, seqs[2]))
				bob.sees()
				if x.alice == "" {
					alice.sees()
				} else {
					alice.sees(seqIn(x.alice, seqs[2]))
				}
				marks := c.marks(bob, alice)
				if marks.Recv != seqs[x.want[0]] || marks.Read != seqs[x.want[1]] {
					t.Fatalf("marks %+v, seqs %v", marks, seqs)
				}
			})
		})
	}
}

// seqIn puts a seq where %d stands.
func seqIn(text string, seq uint64) string { return strings.Replace(text, "%d", fmt.Sprint(seq), 1) }

// marks are those of one in the direct conversation with another.
func (c *bubble) marks(of, with *user) history.Marks {
	m, _ := c.config.Log.Marks(of.claim(), convDirect(of.claim(), with.claim()))
	return m
}

// What a client claims to have read it may have made up: no mark is beyond the last message.
func TestReceiptBeyondTheEnd(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		seqs := alice.talk(`,"to_user":"bob"`, 1, 2)
		bob.news()
		bob.send(`{"t":"read","conv":"dm:alice","seq":9223372036854775807}`)
		alice.sees(fmt.Sprintf("read dm:bob bob %d", seqs[1]))
		alice.send(`{"t":"msg","to_user":"bob","message":3}`)
		if marks := c.marks(bob, alice); marks.Read != seqs[1] || marks.Recv != seqs[1] {
			t.Fatalf("marks %+v, want %d", marks, seqs[1])
		}
		bob.send(`{"t":"read","conv":"room:all","seq":9223372036854775807}`)
		if m, _ := c.config.Log.Marks(bob.claim(), convEveryone); m != (history.Marks{}) {
			t.Fatalf("marks %+v of an empty conversation", m)
		}
	})
}

// A receipt in a room is its owner's alone.
func TestReceiptInARoom(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		for _, u := range []*user{alice, bob} {
			u.send(`{"t":"join","room":"go"}`)
		}
		seqs := alice.talk(`,"room":"go"`, 1, 2)
		all := alice.talk("", 3, 3)
		bob.news()
		bob.send(`{"t":"read","conv":"room:GO","seq":%d}`+"\n"+`{"t":"recv","conv":"room:all","seq":%d}`, seqs[0], all[0])
		alice.sees()
		bob.sees()
		go1, _ := c.config.Log.Marks(bob.claim(), convRoom("go"))
		all1, _ := c.config.Log.Marks(bob.claim(), convEveryone)
		if go1.Read != seqs[0] || all1.Recv != all[0] || all1.Read != 0 {
			t.Fatalf("marks %+v and %+v", go1, all1)
		}
	})
}

// TestReceiptInARoomOfNobody: of who cannot come back nothing is kept that nobody asks for.
func TestReceiptInARoomOfNobody(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		seqs := c.in("alice").talk("", 1, 1)
		eve := c.meet("eve")
		eve.send(`{"t":"ping"}`) // no hello
		eve.send(`{"t":"read","conv":"room:all","seq":%d}`, seqs[0])
		if m, _ := c.config.Log.Marks(eve.claim(), convEveryone); eve.claim() == 0 || m != (history.Marks{}) {
			t.Fatalf("claim %x has marks %+v", eve.claim(), m)
		}
	})
}

// A sender who was away while its message was read is told when it comes back.
func TestReceiptForOneWhoIsAway(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		seqs := alice.talk(`,"to_user":"bob"`, 1, 2)
		alice.drop()
		bob.send(`{"t":"recv","conv":"dm:alice","seq":%d}`+"\n"+`{"t":"read","conv":"dm:alice","seq":%d}`, seqs[1], seqs[0])
		back, news := c.hello("alice", alice.with())
		want := fmt.Sprintf("[welcome 0 recv dm:bob bob %d read dm:bob bob %d]", seqs[1], seqs[0])
		if got := fmt.Sprint(news); got != want {
			t.Fatalf("alice sees %s, want %s", got, want)
		}
		back.sees()
	})
}

// How far a message has got can be asked for.
func TestState(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		bob.drop()
		alice.send(`{"t":"msg","id":1,"to_user":"bob","message":1}` + "\n" + `{"t":"msg","id":2,"message":1}`)
		acks := alice.sees("ack 1 dm:bob  false", "ack 2 room:all", "msg dm:bob alice: 1", "msg room:all alice: 1")
		is := func(isDelivered, isRead bool) {
			t.Helper()
			s, ok, err := c.State(acks[0].Mid)
			if !ok || err != nil || s.Delivered != isDelivered || s.Read != isRead || s.Seq != acks[0].Seq || s.Stored != "mem" {
				t.Fatalf("state %+v, %v, %v; want delivered %v, read %v", s, ok, err, isDelivered, isRead)
			}
		}
		is(false, false)
		back, _ := c.hello("bob", bob.with())
		is(true, false)
		back.send(`{"t":"read","conv":"dm:alice","seq":%d}`, acks[0].Seq)
		is(true, true)
		if s, ok, err := c.State(acks[1].Mid); !ok || err != nil || s.Delivered || s.From != "alice" || s.To != "" {
			t.Fatalf("state of a broadcast: %+v, %v, %v", s, ok, err)
		}
		if _, ok, err := c.State("00000000000000000000"); ok || err != nil {
			t.Fatalf("state of nothing: %v, %v", ok, err)
		}
	})
}

// A receipt for somebody who cannot come back is stored all the same.
func TestReceiptForOneWhoIsGone(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.meet("bob")
		bob.send(`{"t":"msg","id":1,"to_user":"alice","message":1}`)
		ack := bob.news()[0]
		alice.news()
		bob.drop()
		alice.send(`{"t":"read","conv":"dm:bob","seq":%d}`, ack.Seq)
		if s, ok, err := c.State(ack.Mid); !ok || err != nil || !s.Read {
			t.Fatalf("state %+v, %v, %v; want it read", s, ok, err)
		}
	})
}
