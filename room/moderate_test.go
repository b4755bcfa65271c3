package room

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/event"
)

// does has an act done, which must succeed.
func (c *bubble) does(act Act) Act {
	c.t.Helper()
	done, err := c.try(act)
	if err != nil {
		c.t.Fatalf("%+v: %v", act, err)
	}
	return done
}

func (c *bubble) try(act Act) (Act, error) {
	done, err := c.Moderate(context.Background(), act)
	synctest.Wait()
	return done, err
}

// from connects a client of the tutorial dialect from an address.
func (c *bubble) from(addr, nick string) (*user, error) {
	p := &fakePeer{}
	enter, err := c.Claim(Caller{Name: nick, Addr: netip.MustParseAddr(addr)})
	if err != nil {
		return nil, err
	}
	u := &user{Session: enter(p), t: c.t, peer: p}
	synctest.Wait()
	return u, nil
}

// codeOf is the code of an error; 0 for none.
func codeOf(err error) int {
	var bad *event.Error
	if errors.As(err, &bad) {
		return bad.Code
	}
	return 0
}

func TestKick(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		old, bob := c.old("alice"), c.in("bob")
		c.does(Act{Kind: ActKick, Nick: "Alice", Reason: "be kind", By: "root"})
		old.hears(said("system", "alice", "you were sent away: be kind"))
		old.isClosed(event.CloseOrigin)
		old.drop()
		c.old("alice").isClosed(0) // it may come back
		c.does(Act{Kind: ActKick, Nick: "bob"})
		bob.isClosed(event.CloseOrigin)
		if _, err := c.try(Act{Kind: ActKick, Nick: "carol"}); codeOf(err) != http.StatusNotFound {
			t.Errorf("kick of nobody: %v", err)
		}
		if rules := c.Rules(); len(rules) != 0 {
			t.Errorf("a kick is a rule: %v", rules)
		}
	})
}

func TestMute(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		bob, old := c.in("bob"), c.old("carol")
		bob.send(`{"t":"msg","id":1,"cid":"before","message":"hi"}`)
		bob.sees("ack 1 room:all before", "msg room:all bob: \"hi\" before")
		old.hears(said("bob", "", "hi"))
		c.does(Act{Kind: ActMute, Nick: "BOB", Until: time.Now().Add(90 * time.Second)})
		c.does(Act{Kind: ActMute, Nick: "carol", Reason: "spam"})
		say(old.Session, "", "buy")
		say(old.Session, "bob", "buy")
		old.hears(said("system", "carol", "you are muted: spam"), said("system", "carol", "you are muted: spam"))
		for _, frame := range []string{
			`{"t":"msg","id":2,"cid":"c","message":"hi"}`, `{"t":"msg","id":2,"to_user":"carol","message":"hi"}`,
			`{"t":"msg","id":2,"to_user":"carol","cid":"d","message":"hi"}`, `{"t":"typing","id":2}`, `{"t":"typing","id":2,"to_user":"carol"}`,
		} {
			bob.send("%s", frame)
			if err := bob.sees("err 2 403")[0]; !strings.Contains(bob.peer.last(), "1m30s more") {
				t.Errorf("%s: %v", bob.peer.last(), err)
			}
		}
		bob.send(`{"t":"msg","id":3,"cid":"before","message":"hi"}`) // it was said before
		bob.sees("ack 3 room:all before")
		bob.drop()
		bob, _ = c.hello("bob", bob.with())
		bob.send(`{"t":"msg","id":4,"message":"hi"}`)
		bob.sees("err 4 403")
		time.Sleep(91 * time.Second)
		bob.send(`{"t":"msg","id":5,"message":"hi"}`)
		bob.sees("ack 5 room:all", "msg room:all bob: \"hi\"")
		old.hears(said("bob", "", "hi"))
		c.does(Act{Kind: ActUnmute, Nick: "carol"})
		say(old.Session, "", "sorry")
		old.hears(said("carol", "", "sorry"))
		if _, err := c.try(Act{Kind: ActUnmute, Nick: "carol"}); codeOf(err) != http.StatusNotFound {
			t.Errorf("unmute of who is not muted: %v", err)
		}
	})
}

func TestMuteInOneRoom(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		bob := c.in("bob")
		bob.send(`{"t":"join","id":1,"room":"Go"}`)
		bob.sees("joined 1 room:Go 1 false")
		c.does(Act{Kind: ActMute, Nick: "bob", Room: "go"})
		bob.send(`{"t":"msg","id":2,"room":"go","message":"hi"}`)
		bob.sees("err 2 403")
		bob.send(`{"t":"msg","id":3,"message":"hi"}`)
		bob.sees("ack 3 room:all", "msg room:all bob: \"hi\"")
		c.does(Act{Kind: ActMute, Nick: "bob", Room: "all"})
		bob.send(`{"t":"msg","id":4,"message":"hi"}`)
		bob.sees("err 4 403")
		c.does(Act{Kind: ActUnmute, Nick: "bob", Room: "GO"})
		bob.send(`{"t":"msg","id":5,"room":"go","message":"hi"}`)
		bob.sees("ack 5 room:Go", "msg room:Go bob: \"hi\"")
	})
}

func TestBan(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		old, bob := c.old("alice"), c.in("bob")
		c.does(Act{Kind: ActBan, Nick: "alice", Until: time.Now().Add(time.Hour), Reason: "spam"})
		c.does(Act{Kind: ActBan, Nick: "bob"})
		old.hears(said("system", "alice", "you are banned for 1h0m0s more: spam"))
		old.isClosed(event.CloseOrigin)
		bob.isClosed(event.CloseOrigin)
		old.drop()
		bob.drop()
		for _, nick := range []string{"alice", "ALICE", "bob"} {
			_, err := c.Claim(Caller{Name: nick})
			_, err2 := c.ClaimV2(Caller{Name: nick})
			if status(err) != http.StatusForbidden || status(err2) != http.StatusForbidden {
				t.Errorf("%s comes in: %v, %v", nick, err, err2)
			}
		}
		c.does(Act{Kind: ActUnban, Nick: "bob"})
		c.hello("bob", bob.with())
		time.Sleep(time.Hour)
		c.old("alice").isClosed(0)
		if rules := c.Rules(); len(rules) != 0 {
			t.Errorf("rules in force: %v", rules)
		}
	})
}

func TestBanOfAddresses(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		a, _ := c.from("192.0.2.7", "a")
		b, _ := c.from("192.0.3.7", "b")
		c.does(Act{Kind: ActBan, Addr: netip.MustParsePrefix("192.0.2.99/24")})
		a.isClosed(event.CloseOrigin)
		b.isClosed(0)
		c.does(Act{Kind: ActBan, Addr: netip.MustParsePrefix("2001:db8::1/64")})
		c.does(Act{Kind: ActBan, Addr: netip.MustParsePrefix("::ffff:198.51.100.1/128")})
		for addr, want := range map[string]int{
			"192.0.2.1": 403, "::ffff:192.0.2.1": 403, "192.0.3.1": 0, "2001:db8::ff": 403, "2001:db8:0:1::": 0, "198.51.100.1": 403,
			"198.51.100.2": 0,
		} {
			u, err := c.from(addr, fmt.Sprintf("at-%d", len(addr)*1000+int(addr[len(addr)-1])))
			if codeOf(err) != want {
				t.Errorf("%s: %v", addr, err)
			}
			if u != nil {
				u.drop()
			}
			if bad := c.Banned(netip.MustParseAddr(addr)); codeOf(bad) != want {
				t.Errorf("%s is banned: %v", addr, bad)
			}
		}
		c.does(Act{Kind: ActUnban, Addr: netip.MustParsePrefix("192.0.2.0/24")})
		if _, err := c.from("192.0.2.1", "again"); err != nil {
			t.Error(err)
		}
	})
}

func TestReadOnlyRoom(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		bob, old := c.in("bob"), c.old("carol")
		c.does(Act{Kind: ActReadOnly, Room: "all", Reason: "news only"})
		say(old.Session, "", "hi")
		old.hears(said("system", "carol", "only moderators may write here: news only"))
		say(old.Session, "bob", "hi") // that is not the room
		synctest.Wait()
		bob.sees("msg dm:carol carol: \"hi\"")
		bob.grant.Store(&Grant{Moderator: true})
		bob.send(`{"t":"msg","id":1,"message":"news"}`)
		bob.sees("ack 1 room:all", "msg room:all bob: \"news\"")
		old.hears(said("bob", "", "news"))
		c.does(Act{Kind: ActWritable, Room: "all"})
		say(old.Session, "", "hi")
		old.hears(said("carol", "", "hi"))
		if _, err := c.try(Act{Kind: ActWritable, Room: "all"}); codeOf(err) != http.StatusNotFound {
			t.Errorf("writable again: %v", err)
		}
	})
}

func TestRulesOutliveTheServer(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		c.does(Act{Kind: ActBan, Nick: "alice"})
		c.does(Act{Kind: ActMute, Nick: "bob", Until: time.Now().Add(time.Minute)})
		c.does(Act{Kind: ActUnban, Nick: "alice"})
		c.does(Act{Kind: ActBan, Addr: netip.MustParsePrefix("192.0.2.0/24"), Reason: "flood", By: "root"})
		for range digestEvery { // so that a digest is made
			c.does(Act{Kind: ActReadOnly, Room: "go"})
		}
		c.does(Act{Kind: ActReadOnly, Room: "rust"})
		want := fmt.Sprint(c.Rules())
		d := c.again(t)
		if got := fmt.Sprint(d.Rules()); got != want || len(d.Rules()) != 4 {
			t.Errorf("after a restart %s is in force\nbefore %s", got, want)
		}
		time.Sleep(time.Minute)
		if n := len(c.again(t).Rules()); n != 3 {
			t.Errorf("%d rules, when one is over", n)
		}
	})
}
