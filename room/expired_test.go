package room

import (
	"testing"
	"time"

	"throng/room/history"
)

// TestExpiredClaim has people be away for longer than messages are kept: they cannot be written to any more and come back as somebody
// new, unless something waits for them.
func TestExpiredClaim(t *testing.T) {
	for name, in := range map[string]func(*testing.T, Config, func(*testing.T, *bubble)){
		"by secret": inBubble,
		"by token": func(t *testing.T, config Config, test func(*testing.T, *bubble)) {
			inTokens(t, tokens{}, config, test)
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, Config{Log: history.Memory(history.Config{KeepAge: time.Hour})}, func(t *testing.T, c *bubble) {
				comes := func(nick, with string) (*user, []object) {
					if c.isByToken() {
						with = token("token of " + nick)
					}
					return c.hello(nick, with)
				}
				alice, _ := comes("alice", "")
				bob, _ := comes("bob", "")
				carol, _ := comes("carol", "")
				secret := bob.resume
				bob.drop()
				carol.drop()
				time.Sleep(50 * time.Minute)
				alice.send(`{"t":"msg","id":1,"to_user":"carol","message":"waits"}`)
				alice.sees("ack 1 dm:carol  false", `msg dm:carol alice: "waits"`)
				time.Sleep(20 * time.Minute)
				alice.send(`{"t":"msg","id":2,"message":"time has passed"}`)
				alice.send(`{"t":"msg","id":3,"to_user":"bob","message":"nobody"}`)
				alice.sees("ack 2 room:all", `msg room:all alice: "time has passed"`, "err 3 404")
				_, news := comes("carol", carol.with())
				wantSet(t, news, "welcome 0", `msg dm:alice alice: "waits"`)

				bob, news = comes("bob", bob.with())
				wantSet(t, news, "welcome 0")
				if !c.isByToken() && bob.resume == secret {
					t.Error("the secret is still good")
				}
				bob.drop()
				alice.send(`{"t":"msg","id":4,"to_user":"bob","message":"again"}`)
				alice.sees("ack 4 dm:bob  false", `msg dm:bob alice: "again"`)
				_, news = comes("bob", bob.with())
				wantSet(t, news, "welcome 0", `msg dm:alice alice: "again"`)
			})
		})
	}
}
