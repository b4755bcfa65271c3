package room

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"throng/room/event"
	"throng/room/history"
)

// What one says, and what it and the others get of it.
func TestSay(t *testing.T) {
	for _, x := range []struct {
		name, frame string
		alice, bob  []string // who says it, and another; both are in the room
		carol       []string // is not
		tut         []string // speaks the tutorial dialect
	}{
		{
			"to everyone", `{"t":"msg","id":7,"cid":"c","message":{"x": 1}}`,
			[]string{`ack 7 room:all c`, `msg room:all alice: {"x": 1} c`},
			[]string{`msg room:all alice: {"x": 1}`}, []string{`msg room:all alice: {"x": 1}`},
			[]string{`{"from_user":"alice","to_user":"","message":{"x": 1}}`},
		},
		{
			"to everyone by name", `{"t":"msg","id":"s","room":"all","message":1}`,
			[]string{`ack "s" room:all`, `msg room:all alice: 1`},
			[]string{`msg room:all alice: 1`}, []string{`msg room:all alice: 1`},
			[]string{`{"from_user":"alice","to_user":"","message":1}`},
		},
		{
			"to everyone by its name in capitals", `{"t":"msg","id":"s","room":"ALL","message":1}`,
			[]string{`ack "s" room:all`, `msg room:all alice: 1`},
			[]string{`msg room:all alice: 1`}, []string{`msg room:all alice: 1`},
			[]string{`{"from_user":"alice","to_user":"","message":1}`},
		},
		{
			"without t and id", `{"from_user":"mallory","message":"hi"}`,
			[]string{`msg room:all alice: "hi"`},
			[]string{`msg room:all alice: "hi"`}, []string{`msg room:all alice: "hi"`},
			[]string{`{"from_user":"alice","to_user":"","message":"hi"}`},
		},
		{
			"to a room", `{"t":"msg","id":1,"cid":"c","room":"GO","message":1}`,
			[]string{`ack 1 room:Go c`, `msg room:Go alice: 1 c`}, []string{`msg room:Go alice: 1`}, nil, nil,
		},
		{"to a room of others", `{"t":"msg","id":1,"room":"rust","message":1}`, []string{`err 1 403`}, nil, nil, nil},
		{"to what can be no room", `{"t":"msg","id":1,"room":"a/b","message":1}`, []string{`err 1 400`}, nil, nil, nil},
		{
			"to one", `{"t":"msg","id":1,"cid":"c","to_user":"BOB","message":1}`,
			[]string{`ack 1 dm:bob c true`, `msg dm:bob alice: 1 c`}, []string{`msg dm:alice alice: 1`}, nil, nil,
		},
		{
			"to one without id", `{"t":"msg","to_user":"bob","message":1}`,
			[]string{`msg dm:bob alice: 1`}, []string{`msg dm:alice alice: 1`}, nil, nil,
		},
		{
			"to oneself", `{"t":"msg","id":1,"cid":"c","to_user":"alice","message":1}`,
			[]string{`ack 1 dm:alice c true`, `msg dm:alice alice: 1 c`}, nil, nil, nil,
		},
		{
			"to one of the tutorial dialect", `{"t":"msg","id":1,"to_user":"tut","message":1}`,
			[]string{`ack 1 dm:tut  true`, `msg dm:tut alice: 1`}, nil, nil,
			[]string{`{"from_user":"alice","to_user":"tut","message":1}`},
		},
		{"to nobody", `{"t":"msg","id":1,"to_user":"nobody","message":1}`, []string{`err 1 404`}, nil, nil, nil},
		{"to nobody without id", `{"t":"msg","to_user":"nobody","message":1}`, []string{`err  404`}, nil, nil, nil},
		{"to what can be no nick", `{"t":"msg","id":1,"to_user":"a/b","message":1}`, []string{`err 1 404`}, nil, nil, nil},
		{"without message", `{"t":"msg","id":1}`, []string{`err 1 400`}, nil, nil, nil},
		{"unknown", `{"t":"dance","id":1}`, []string{`err 1 400`}, nil, nil, nil},
		{"a ping", `{"t":"ping","id":1}`, []string{`pong 1`}, nil, nil, nil},
		{"a ping without id", `{"t":"ping"}`, nil, nil, nil, nil},
		{
			"a batch", "{\"t\":\"ping\",\"id\":1}\n{\"t\":\"msg\",\"room\":\"go\",\"message\":1}\n[]\n{\"t\":\"ping\",\"id\":2}",
			[]string{`pong 1`, `msg room:Go alice: 1`, `err  400`, `pong 2`}, []string{`msg room:Go alice: 1`}, nil, nil,
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
				alice, bob, carol, tut := c.in("alice"), c.in("bob"), c.in("carol"), c.old("tut")
				for _, u := range []*user{bob, alice} {
					u.send(`{"t":"join","id":1,"room":"Go"}`)
					u.news()
				}
				alice.send("%s", x.frame)
				alice.sees(x.alice...)
				bob.sees(x.bob...)
				carol.sees(x.carol...)
				tut.hears(x.tut...)
			})
		})
	}
}

// All that an ack says is true: the message is in the log as it is in the ack, and as its readers have it.
func TestAck(t *testing.T) {
	log := newFakeLog()
	log.durability = history.DurabilityFsync
	inBubble(t, Config{Log: log}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		var prev uint64
		for i := range 3 {
			alice.send(`{"t":"msg","id":%d,"cid":"c%d","message":%d}`, i, i, i)
			got := alice.sees(fmt.Sprintf("ack %d room:all c%d", i, i), fmt.Sprintf("msg room:all alice: %d c%d", i, i))
			ack, own := got[0], got[1]
			read := bob.sees(fmt.Sprintf("msg room:all alice: %d", i))[0]
			if ack.Dur != "fsync" || ack.Seq <= prev || ack.Mid == "" {
				t.Fatalf("ack %+v", ack)
			}
			for _, m := range []object{own, read} {
				if m.Seq != ack.Seq || m.Mid != ack.Mid || m.Ts != ack.Ts || m.Prev != prev || m.Epoch != alice.epoch {
					t.Fatalf("%+v does not fit to %+v, the one before is %d", m, ack, prev)
				}
			}
			if m, ok, _ := log.Find(ack.Mid); !ok || m.Seq != ack.Seq || m.Ts != ack.Ts || m.From != "alice" {
				t.Fatalf("the log has %+v", m)
			}
			prev = ack.Seq
		}
	})
}

// What is said again with the same cid gets the first ack again and goes to nobody; another's cid is its own.
func TestSayAgain(t *testing.T) {
	for name, x := range map[string]struct{ to, conv, online string }{
		"to everyone": {``, "room:all", ""},
		"to a room":   {`,"room":"go"`, "room:go", ""},
		"to one":      {`,"to_user":"bob"`, "dm:bob", " true"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, c *bubble) {
				alice, bob, carol := c.in("alice"), c.in("bob"), c.in("carol")
				for _, u := range []*user{alice, bob, carol} {
					u.send(`{"t":"join","room":"go"}`)
				}
				alice.send(`{"t":"msg","id":1,"cid":"c"%s,"message":1}`, x.to)
				first := alice.sees("ack 1 "+x.conv+" c"+x.online, "msg "+x.conv+" alice: 1 c")[0]
				if len(bob.news()) != 1 {
					t.Fatal("bob misses it")
				}
				alice.send(`{"t":"msg","id":2,"cid":"c"%s,"message":1}`+"\n"+`{"t":"msg","id":3,"cid":"c"%s,"message":1}`, x.to, x.to)
				again := alice.sees("ack 2 "+x.conv+" c"+x.online, "ack 3 "+x.conv+" c"+x.online)
				for _, ack := range again {
					if ack.Seq != first.Seq || ack.Mid != first.Mid || ack.Ts != first.Ts {
						t.Fatalf("ack %+v, the first was %+v", ack, first)
					}
				}
				alice.drop()
				alice, _ = c.hello("alice", alice.with())
				alice.send(`{"t":"join","room":"go"}`)
				alice.send(`{"t":"msg","id":4,"cid":"c"%s,"message":1}`, x.to)
				if ack := alice.sees("ack 4 " + x.conv + " c" + x.online)[0]; ack.Mid != first.Mid {
					t.Fatalf("ack %+v, the first was %+v", ack, first)
				}
				bob.sees()
				carol.send(`{"t":"msg","id":1,"cid":"c"%s,"message":2}`, x.to)
				if got := bob.news(); len(got) != 1 || string(got[0].Message) != "2" {
					t.Fatalf("bob sees %v", got)
				}
			})
		})
	}
}

// A cid that is used for another conversation: the ack is the first one's.
func TestSayAgainElsewhere(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		alice.send(`{"t":"msg","id":1,"cid":"c","message":1}`)
		first := alice.sees("ack 1 room:all c", "msg room:all alice: 1 c")[0]
		bob.news()
		alice.send(`{"t":"msg","id":2,"cid":"c","to_user":"bob","message":1}`)
		if again := alice.news(); len(again) != 1 || again[0].Mid != first.Mid || again[0].Conv != first.Conv {
			t.Fatalf("alice sees %v", again)
		}
		bob.sees()
	})
}

// Nothing is acknowledged or delivered before it is stored, nor at all when it could not be.
func TestNothingBeforeItIsStored(t *testing.T) {
	for name, to := range map[string]string{"everyone": ``, "a room": `,"room":"go"`, "one": `,"to_user":"bob"`} {
		t.Run(name, func(t *testing.T) {
			log := newFakeLog()
			log.durability = history.DurabilityFsync
			inBubble(t, Config{Log: log}, func(t *testing.T, c *bubble) {
				alice, bob, tut := c.in("alice"), c.in("bob"), c.old("tut")
				for _, u := range []*user{alice, bob} {
					u.send(`{"t":"join","room":"go"}`)
				}
				answer := make(chan error)
				log.append = func([]*history.Entry) error { return <-answer }
				alice.send(`{"t":"msg","id":1,"cid":"c"%s,"message":1}`, to)
				alice.sees()
				bob.sees()
				answer <- errors.New("on purpose")
				synctest.Wait()
				failed := alice.sees("err 1 503")[0]
				if !failed.Retry || failed.RetryMs == 0 {
					t.Fatalf("%+v says nothing of trying again", failed)
				}
				bob.sees()
				tut.hears()
				alice.send(`{"t":"msg","id":2,"cid":"c"%s,"message":1}`, to)
				answer <- nil
				synctest.Wait()
				if got := alice.news(); len(got) != 2 || got[0].T != "ack" && got[1].T != "ack" {
					t.Fatalf("alice sees %v", got)
				}
				if got := bob.news(); len(got) != 1 || got[0].Prev != 0 {
					t.Fatalf("bob sees %v", got)
				}
				if waiting := c.road.waiting.Load(); waiting != 0 {
					t.Fatalf("%d bytes wait for nothing", waiting)
				}
			})
		})
	}
}

// A client of the tutorial dialect is told what could not be stored, and so is one of version 2 without an id.
func TestFailureWithoutAck(t *testing.T) {
	log := newFakeLog()
	inBubble(t, Config{Log: log}, func(_ *testing.T, c *bubble) {
		alice, tut := c.in("alice"), c.old("tut")
		log.append = func([]*history.Entry) error { return history.ErrSpace }
		alice.send(`{"message":1}`)
		alice.sees("err  503")
		say(tut.Session, "", "hi")
		tut.hears(said("system", "tut", "the message could not be stored and was not sent"))
	})
}

// What was said by a connection that was taken over meanwhile is seen by the one that took over.
func TestSaidBeforeATakeover(t *testing.T) {
	log := newFakeLog()
	log.durability = history.DurabilityFsync
	inBubble(t, Config{Log: log}, func(_ *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		gate := make(chan struct{})
		log.append = func([]*history.Entry) error { <-gate; return nil }
		alice.send(`{"t":"msg","id":1,"cid":"c","to_user":"bob","message":1}`)
		again, _ := c.hello("alice", alice.with())
		close(gate)
		synctest.Wait()
		again.sees("msg dm:bob alice: 1 c")
		bob.sees("msg dm:alice alice: 1")
	})
}

// Version 2 keeps the rate as the tutorial dialect does.
func TestRateOfVersion2(t *testing.T) {
	inBubble(t, Config{Rate: 1e-6, Burst: 2}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		for i := range 4 {
			alice.send(`{"t":"msg","id":%d,"message":1}`, i)
		}
		got := alice.sees("ack 0 room:all", "ack 1 room:all", "err 2 429", "err 3 429",
			"msg room:all alice: 1", "msg room:all alice: 1")
		if slow := got[2]; !slow.Retry || slow.RetryMs == 0 {
			t.Fatalf("%+v says nothing of trying again", slow)
		}
		alice.send(`{"t":"typing"}`)
		alice.isClosed(4029)
	})
}

func TestBinaryInVersion2(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		alice := c.in("alice")
		alice.Message(true, []byte(`{"t":"ping","id":1}`))
		alice.isClosed(1003)
	})
}

// A repeat of what could not be said any more gets the first ack again: its sender may have lost that.
func TestSayAgainWhatWouldBeRefused(t *testing.T) {
	for name, log := range map[string]func(t *testing.T) history.Log{
		"memory": func(*testing.T) history.Log { return history.Memory(history.Config{}) },
		"pebble": func(t *testing.T) history.Log {
			l, err := history.Open(t.TempDir(), history.Config{Durability: history.DurabilityOS})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			return l
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, Config{Log: log(t)})
			peer, tut := &fakePeer{}, &fakePeer{}
			alice, bob := joinV2(t, h, "alice", peer), join(t, h, "bob", tut)
			write := func(frame string) string {
				before := len(peer.messages())
				alice.Message(false, []byte(frame))
				peer.Flush()
				eventually(t, "an answer", func() bool { return len(peer.messages()) > before })
				return peer.messages()[before]
			}
			direct, room := `{"t":"msg","id":1,"cid":"d","to_user":"bob","message":1}`, `{"t":"msg","id":1,"cid":"r","room":"go","message":1}`
			write(`{"t":"join","id":0,"room":"go"}`)
			acks := map[string]string{}
			for _, frame := range []string{direct, room} {
				acks[frame] = write(frame)
				eventually(t, "the echo", func() bool { return len(objects(t, peer.messages())) >= 1+2*(len(acks)) })
			}
			bob.Closed()
			write(`{"t":"leave","id":0,"room":"go"}`)
			eventually(t, "bob is gone", func() bool { return h.Online() == 1 })
			for frame, ack := range acks {
				if again := objects(t, []string{write(frame)})[0]; again.T != "ack" || again.Mid != objects(t, []string{ack})[0].Mid {
					t.Errorf("%s again: %+v, want %s", frame, again, ack)
				}
				other := strings.Replace(frame, `"cid":"`, `"cid":"new`, 1)
				if refused := objects(t, []string{write(other)})[0]; refused.T != "err" || refused.Code < 403 {
					t.Errorf("%s: %+v, want a refusal", other, refused)
				}
			}
			if h.road.waiting.Load() != 0 {
				t.Errorf("%d bytes seem to wait", h.road.waiting.Load())
			}
		})
	}
}

// What is malformed counts against the rate too, and who goes on is told when to come back.
func TestRateOfWhatIsMalformed(t *testing.T) {
	inBubble(t, Config{Rate: 1, Burst: 3}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		alice.send("%s", strings.Repeat("{\n", 10))
		alice.isClosed(event.CloseRate)
		var got []string
		for _, o := range alice.news() {
			got = append(got, o.String())
		}
		if n := len(got); n < 5 || got[0] != "err  400" || got[3] != "err  429" || !slices.Contains(got, "bye 4029") {
			t.Fatalf("alice sees %q", got)
		}
	})
}
