package room

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// publish sends a message as a program does.
func (c *bubble) publish(d Draft) (Receipt, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if d.Body == nil {
		d.Body = []byte(`"hi"`)
	}
	defer synctest.Wait()
	return c.Publish(ctx, d)
}

func TestPublish(t *testing.T) {
	inBubble(t, Config{MaxMessage: 1000}, func(t *testing.T, c *bubble) {
		alice, bob, carol := c.in("Alice"), c.in("bob"), c.old("carol")
		alice.send(`{"t":"join","room":"go"}`)
		alice.news()
		for _, d := range []Draft{{}, {From: "robot"}, {From: "bob", To: "alice"}, {To: "ALICE"}, {Room: "GO"}, {Room: "all"}, {To: "carol"}} {
			if r, err := c.publish(d); err != nil || r.Mid == "" || r.IsKnown || r.IsOnline != (d.To != "") {
				t.Errorf("%+v: %+v, %v", d, r, err)
			}
		}
		alice.sees(`msg room:all system: "hi"`, `msg room:all robot: "hi"`, `msg dm:bob bob: "hi"`, `msg dm:system system: "hi"`,
			`msg room:go system: "hi"`, `msg room:all system: "hi"`)
		bob.sees(`msg room:all system: "hi"`, `msg room:all robot: "hi"`, `msg dm:Alice bob: "hi"`, `msg room:all system: "hi"`)
		carol.hears(said("system", "", "hi"), said("robot", "", "hi"), said("system", "", "hi"), said("system", "carol", "hi"))
		for want, d := range map[int]Draft{
			404: {To: "nobody"}, 400: {Body: []byte(`{"a":1,"a":2}`)}, 413: {Body: []byte(`"` + strings.Repeat("x", 1000) + `"`)},
		} {
			if _, err := c.publish(d); status(err) != want {
				t.Errorf("%d: %v", want, err)
			}
		}
		for _, d := range []Draft{
			{To: "a/b"}, {From: "a/b"}, {Room: "a/b"}, {To: "bob", Room: "go"}, {Cid: strings.Repeat("x", 65)}, {Body: []byte("1 2")},
			{Body: []byte("\xff")}, {Body: []byte(strings.Repeat("[", 65) + strings.Repeat("]", 65))}, {Body: []byte("{")},
		} {
			if _, err := c.publish(d); status(err) != 400 && status(err) != 404 {
				t.Errorf("%+v: %v", d, err)
			}
		}
		alice.sees()
	})
}

// What was sent under a cid is not sent again, whoever has come and gone meanwhile.
func TestPublishOnce(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		first, err := c.publish(Draft{To: "alice", Cid: "x"})
		if err != nil {
			t.Fatal(err)
		}
		alice.sees(`msg dm:system system: "hi"`)
		alice.drop()
		c = c.again(t)
		again, err := c.publish(Draft{To: "alice", Cid: "x"})
		if err != nil || again.Mid != first.Mid || again.Seq != first.Seq || !again.IsKnown {
			t.Fatalf("first %+v, again %+v, %v", first, again, err)
		}
		alice, _ = c.hello("alice", alice.with())
		alice.sees()
		alice.send(`{"t":"history","id":1,"conv":"dm:system"}`)
		alice.sees(`history 1 dm:system ["hi"] false`)
		alice.send(`{"t":"read","conv":"dm:system","seq":%d}`, first.Seq)
		if state, ok, err := c.State(first.Mid); err != nil || !ok || !state.Read {
			t.Fatalf("%+v, %v, %v", state, ok, err)
		}
	})
}

// Who is away gets what was published when coming back.
func TestPublishToAway(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		alice.drop()
		if r, err := c.publish(Draft{From: "robot", To: "alice"}); err != nil || r.IsOnline {
			t.Fatalf("%+v, %v", r, err)
		}
		if _, news := c.hello("alice", alice.with()); len(news) != 2 || news[1].String() != `msg dm:robot robot: "hi"` {
			t.Error(news)
		}
		page, err := c.History(context.Background(), Ask{User: "robot", With: "alice", Limit: 10})
		if err != nil || len(page.Msgs) != 1 || page.Msgs[0].From != "robot" {
			t.Fatalf("%+v, %v", page, err)
		}
	})
}

func TestSurvey(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		ctx := context.Background()
		for _, nick := range []string{"Anna", "bea", "Ben", "carl"} {
			u := c.in(nick)
			for _, room := range []string{"Go", "rust-" + nick} {
				u.send(`{"t":"join","room":"%s"}`, room)
			}
		}
		old := c.old("dora")
		_ = old
		online, nicks := c.Users(ctx, Part{Limit: 2})
		if online != 5 || strings.Join(nicks, " ") != "Anna bea" {
			t.Error(online, nicks)
		}
		if _, nicks = c.Users(ctx, Part{Prefix: "B", Limit: 9}); strings.Join(nicks, " ") != "bea Ben" {
			t.Error(nicks)
		}
		if _, nicks = c.Users(ctx, Part{Prefix: "b", After: "bea", Limit: 9}); strings.Join(nicks, " ") != "Ben" {
			t.Error(nicks)
		}
		if _, nicks = c.Users(ctx, Part{Limit: 0}); nicks != nil {
			t.Error(nicks)
		}
		count, rooms := c.Rooms(ctx, Part{Limit: 9})
		if count != 5 || len(rooms) != 5 || rooms[0] != (RoomCount{Nick{"Go", "go"}, 4}) {
			t.Error(count, rooms)
		}
		if _, rooms = c.Rooms(ctx, Part{Prefix: "rust", After: "rust-BEA", Limit: 1}); len(rooms) != 1 || rooms[0].Room.Name != "rust-Ben" {
			t.Error(rooms)
		}
		name, count, nicks, err := c.Members(ctx, "GO", Part{Limit: 1})
		if name != "Go" || count != 4 || strings.Join(nicks, " ") != "Anna" || err != nil {
			t.Error(name, count, nicks, err)
		}
		p, err := c.Profile(ctx, "ANNA")
		if err != nil || !p.IsOnline || p.Count != 1 || strings.Join(p.Sessions[0].Rooms, " ") != "Go rust-Anna" || p.Sessions[0].ID == "" {
			t.Errorf("%+v, %v", p, err)
		}
		if p, err = c.Profile(ctx, "dora"); err != nil || p.Sessions[0].Dialect != "tutorial" || p.Returns {
			t.Errorf("%+v, %v", p, err)
		}
		if _, err = c.Profile(ctx, "nobody"); status(err) != 404 {
			t.Error(err)
		}
		there, err := c.Presence(ctx, []string{"anna", "nobody", "a/b"})
		if err != nil || !there["anna"] || there["nobody"] || there["a/b"] {
			t.Error(there, err)
		}
		if all := c.Nodes(ctx); len(all) != 1 || all[0].Online != 5 || all[0].Rooms != 5 {
			t.Errorf("%+v", all)
		}
	})
}
