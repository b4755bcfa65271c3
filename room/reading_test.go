package room

import (
	"context"
	"testing"
)

func TestOperatorReads(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		ctx := context.Background()
		alice, bob := c.in("alice"), c.in("bob")
		alice.send(`{"t":"join","room":"go"}`)
		for _, text := range []string{`"to_user":"bob",`, `"room":"go",`, ``} {
			for range 3 {
				alice.send(`{%s"message":%q}`, text, "hi")
			}
		}
		for _, ask := range []Ask{{Limit: 2}, {Room: "GO", Limit: 2}, {User: "Alice", With: "bob", Limit: 2}, {User: "bob", With: "ALICE", Limit: 2}} {
			page, err := c.History(ctx, ask)
			if err != nil || len(page.Msgs) != 2 || !page.More || page.Msgs[0].From != "alice" {
				t.Fatalf("%+v: %+v, %v", ask, page, err)
			}
			ask.Before = page.Msgs[0].Seq
			if page, err = c.History(ctx, ask); err != nil || len(page.Msgs) != 1 || page.More {
				t.Fatalf("%+v: %+v, %v", ask, page, err)
			}
			ask.Before, ask.After, ask.HasAfter = 0, page.Msgs[0].Seq, true
			if page, err = c.History(ctx, ask); err != nil || len(page.Msgs) != 2 || page.More {
				t.Fatalf("%+v: %+v, %v", ask, page, err)
			}
		}
		for want, asks := range map[int][]Ask{
			404: {{User: "alice", With: "nobody", Limit: 1}, {User: "system", With: "alice", Limit: 1}},
			400: {{Room: "a/b", Limit: 1}, {User: "a/b", With: "alice", Limit: 1}, {User: "alice", With: "a/b", Limit: 1}},
		} {
			for _, ask := range asks {
				if _, err := c.History(ctx, ask); status(err) != want {
					t.Errorf("%+v: %v, want %d", ask, err, want)
				}
			}
		}
		if page, err := c.History(ctx, Ask{Room: "empty", Limit: 1}); err != nil || len(page.Msgs) != 0 {
			t.Error(page, err)
		}
		bob.drop()
	})
}
