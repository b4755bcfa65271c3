package room

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/event"
)

// Rights are kept in all that has to do with rooms and writing, in both dialects.
func TestAbuseAuthRights(t *testing.T) {
	g := &Grant{Nick: "alice", Join: rooms(t, "go", "Team-*"), Write: rooms(t, "team-a"), ReadAll: true, NoDirect: true}
	inTokens(t, tokens{"few": g}, Config{}, func(t *testing.T, c *bubble) {
		bob := c.own("bob")
		alice, _ := c.hello("alice", token("few")+`,"pos":{"room:secret":["x",1],"room:go":["x",1]}`)
		alice.send(`{"t":"msg","id":1,"room":"secret","message":1}`)
		alice.send(`{"t":"join","id":2,"room":"secret"}`)
		alice.send(`{"t":"join","id":3,"room":"team-A"}`)
		alice.send(`{"t":"join","id":4,"room":"team"}`)
		alice.send(`{"t":"msg","id":5,"room":"go","message":1}`)
		alice.send(`{"t":"msg","id":6,"room":"TEAM-a","message":1}`)
		alice.send(`{"t":"msg","id":7,"message":1}`)
		alice.send(`{"t":"msg","id":8,"room":"all","message":1}`)
		alice.send(`{"t":"msg","id":9,"to_user":"bob","message":1}`)
		alice.send(`{"t":"typing","id":10}`)
		alice.send(`{"t":"typing","id":11,"to_user":"bob"}`)
		alice.send(`{"t":"typing","id":12,"room":"go"}`)
		alice.send(`{"t":"history","id":13,"conv":"room:secret"}`)
		alice.send(`{"t":"history","id":14,"conv":"room:all"}`)
		alice.sees("err 1 403", "err 2 403", "joined 3 room:team-A 1 false", "err 4 403", "err 5 403", "ack 6 room:team-A",
			"msg room:team-A alice: 1", "err 7 403", "err 8 403", "err 9 403", "err 10 403", "err 11 403", "err 12 403", "err 13 403",
			"history 14 room:all [] false")
		bob.send(`{"t":"msg","to_user":"alice","message":"may be read"}`)
		alice.sees(`msg dm:bob bob: "may be read"`)
		old := &user{t: t, peer: &fakePeer{}}
		enter, err := c.Claim(Caller{Name: "alice", Grant: g})
		if err != nil {
			t.Fatal(err)
		}
		old.Session = enter(old.peer)
		old.send(`{"to_user":"","message":1}`)
		old.send(`{"to_user":"bob","message":1}`)
		old.hears(`{"from_user":"system","to_user":"alice","message":"your token does not allow to write to everyone"}`,
			`{"from_user":"system","to_user":"alice","message":"your token does not allow direct messages"}`)
		bob.sees(`msg dm:alice bob: "may be read"`)
		old.drop()
	})
}

func TestParseRooms(t *testing.T) {
	for _, tt := range []struct {
		patterns string
		has, not string
	}{
		{"go", "go", "gopher"}, {"go*", "go gopher", "g"}, {"Go* x", "gopher x", "xy"}, {"*", "a ö", ""}, {"", "", "a"}, {"Ärger*", "ärgernis", "arger"},
	} {
		r := rooms(t, strings.Fields(tt.patterns)...)
		for _, key := range strings.Fields(tt.has) {
			if !r.has(key) {
				t.Errorf("%s has not %s", tt.patterns, key)
			}
		}
		for _, key := range strings.Fields(tt.not) {
			if r.has(key) {
				t.Errorf("%s has %s", tt.patterns, key)
			}
		}
	}
	for _, bad := range []string{"", "a/b", "a *", "\x00*", strings.Repeat("x", 65) + "*", "system"} {
		if _, err := ParseRooms([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// A token's end ends its session, unless another was shown in time.
func TestAbuseAuthExpiry(t *testing.T) {
	inBubble(t, Config{Tokens: tokens{}.check}, func(t *testing.T, c *bubble) {
		now := time.Now()
		until := func(s int) *Grant {
			return &Grant{Nick: "alice", Expires: now.Add(time.Duration(s) * time.Second), Ends: now.Add(time.Duration(s+30) * time.Second)}
		}
		c.config.Tokens = tokens{"short": until(60), "long": until(600), "eve's": {Nick: "eve"}}.check
		first, news := c.hello("alice", token("short"))
		if news[0].Expires != now.Add(time.Minute).UnixMilli() {
			t.Errorf("expires %d", news[0].Expires)
		}
		second, _ := c.hello("alice", token("short"))
		enter, err := c.Claim(Caller{Name: "alice", Grant: until(60)})
		if err != nil {
			t.Fatal(err)
		}
		old := &user{t: t, peer: &fakePeer{}}
		old.Session = enter(old.peer)
		time.Sleep(80 * time.Second)
		second.send(`{"t":"hello","id":1,"token":"eve's"}`)
		second.sees("err 1 403")
		second.send(`{"t":"hello","id":2,"token":"forged"}`)
		second.sees("err 2 401")
		second.send(`{"t":"hello","id":3,"token":"long"}`)
		if w := second.sees("welcome 3"); w[0].Expires != now.Add(10*time.Minute).UnixMilli() || w[0].Resume != "" {
			t.Errorf("%+v", w[0])
		}
		first.isClosed(0)
		time.Sleep(12 * time.Second)
		synctest.Wait()
		first.sees("err  401")
		first.isClosed(event.CloseToken)
		old.hears()
		old.isClosed(event.CloseToken)
		second.isClosed(0)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		second.sees("err  401")
		second.isClosed(event.CloseToken)
		for _, u := range []*user{first, second, old} {
			u.drop()
		}
	})
}

// A new token changes what is allowed at once: rooms that are not allowed any more are left.
func TestNewRights(t *testing.T) {
	ts := tokens{"go": {Nick: "alice", Join: rooms(t, "go")}, "java": {Nick: "alice", Join: rooms(t, "java"), ReadAll: true}}
	inTokens(t, ts, Config{}, func(t *testing.T, c *bubble) {
		bob := c.own("bob")
		alice, _ := c.hello("alice", token("go"))
		for _, u := range []*user{alice, bob} {
			u.send(`{"t":"join","room":"go"}`)
		}
		alice.send(`{"t":"hello","id":1,"token":"java"}` + "\n" + `{"t":"join","id":2,"room":"java"}` + "\n" + `{"t":"msg","id":3,"message":1}`)
		alice.sees("welcome 1", "joined 2 room:java 1 false", "err 3 403")
		bob.send(`{"t":"msg","id":1,"room":"go","message":1}`)
		alice.sees()
		alice.send(`{"t":"history","id":4,"conv":"room:go"}`)
		alice.sees("err 4 403")
	})
}
