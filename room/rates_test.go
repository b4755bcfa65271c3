package room

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestPaces: the sessions of one claim share a pace, which is kept for who leaves to come back, as long as that makes a difference.
func TestPaces(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	of := limits{messages: allowance{1, 2}}
	p := newPaces[uint64](func() limits { return of })
	one, other := p.enter(7), p.enter(7)
	for i, want := range []verdict{within, within, beyond} {
		if got := []*share[uint64]{one, other}[i%2].judge(of.messages, now, false); got != want {
			t.Errorf("message %d: %v", i, got)
		}
	}
	p.leave(one, now)
	p.leave(other, now)
	if back := p.enter(7); back.judge(of.messages, now, false) == within {
		t.Error("whoever comes back begins anew")
	} else {
		p.leave(back, now)
	}
	p.tidy(now.Add(time.Second))
	if len(p.away) != 1 || len(p.here) != 0 {
		t.Errorf("%d are kept, %d are there", len(p.away), len(p.here))
	}
	if p.tidy(now.Add(time.Minute)); len(p.away) != 0 {
		t.Error("it is kept for nothing")
	}
	for key := range uint64(2 * maxAway) {
		s := p.enter(key)
		s.judge(of.messages, now, false)
		p.leave(s, now)
	}
	if len(p.away) > maxAway {
		t.Errorf("%d are kept", len(p.away))
	}
}

// TestAbuseBytes: who sends more bytes than it may is told, and cut off when it goes on; one large message passes, and is paid for.
func TestAbuseBytes(t *testing.T) {
	inBubble(t, Config{ByteRate: 1000, ByteBurst: 2000, Burst: 3}, func(t *testing.T, c *bubble) {
		alice, bob, tut := c.in("alice"), c.in("bob"), c.old("tut")
		large := strings.Repeat("x", 5000)
		alice.send(`{"id":1,"message":%q}`, large)
		alice.send(`{"id":2,"message":"short"}`)
		bob.send(`{"id":1,"message":"mine"}`)
		alice.sees("msg room:all alice: \""+large+"\"", "ack 1 room:all", "err 2 429", "msg room:all bob: \"mine\"")
		_ = tut
		time.Sleep(5 * time.Second)
		alice.send(`{"id":3,"message":"again"}`)
		alice.sees("ack 3 room:all", "msg room:all alice: \"again\"")
		alice.send(`{"id":4,"message":%q}`, large)
		for range 4 {
			alice.send(`{"message":"goes on"}`)
		}
		alice.isClosed(4029)
		bob.isClosed(0)
	})
}

// TestAbuseFrames: whatever a client of version 2 sends counts as a message, and its bytes count. Who goes on beyond is cut off.
func TestAbuseFrames(t *testing.T) {
	frames := []string{
		`{"t":"ping","id":1}`, `{"t":"msg","id":1,"message":1}`, `{"t":"history","id":1,"conv":"room:all"}`, `{"t":"presence","id":1}`,
		`{"t":"typing","id":1}`, `{"t":"recv","id":1,"conv":"room:all","seq":1}`, `{"t":"read","id":1,"conv":"dm:bob","seq":1}`,
		`{"t":"join","id":1,"room":"go"}`, `{"t":"leave","id":1,"room":"go"}`, `{"t":"hello","id":1}`, `{"t":"delete","id":1,"mid":"x"}`,
		`{"t":"what","id":1}`, `nonsense`,
	}
	for name, config := range map[string]Config{
		"messages": {Rate: 1e-6, Burst: 2},
		"bytes":    {ByteRate: 1e-6, ByteBurst: 50, Burst: 2},
	} {
		for _, frame := range frames {
			inBubble(t, config, func(t *testing.T, c *bubble) {
				alice := c.in("alice")
				for range 100 {
					alice.send("%s", frame)
				}
				slow, answered := 0, 0
				for _, o := range alice.news() {
					switch {
					case o.T == "err" && o.Code == 429:
						slow++
					case o.T != "bye":
						answered++
					}
				}
				if slow == 0 || answered > 6 {
					t.Errorf("%s, %s: %d answers, and %d times it is told to slow down", name, frame, answered, slow)
				}
				alice.isClosed(4029)
			})
		}
	}
}

// TestPingsBesideChat: who pings once a second beside lively chat is within the limits that a server has by default.
func TestPingsBesideChat(t *testing.T) {
	inBubble(t, Config{Rate: 20, Burst: 40}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		for range 60 {
			alice.send(`{"t":"ping","id":1}`)
			alice.sees("pong 1")
			for range 10 {
				alice.send(`{"t":"typing"}`)
			}
			alice.news()
			time.Sleep(time.Second)
		}
	})
}

// TestAbuseAddress: many connections from one network may not send more together than it may, and its neighbours may.
func TestAbuseAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Config{AddressRate: 5})
		taken := func(nick, addr string) bool {
			t.Helper()
			p := &fakePeer{}
			enter, err := h.Claim(Caller{Name: nick, Addr: netip.MustParseAddr(addr)})
			if err != nil {
				t.Fatal(err)
			}
			s := enter(p)
			say(s, "", "hello "+nick)
			synctest.Wait()
			p.Flush()
			defer s.Closed()
			return strings.Contains(fmt.Sprint(p.messages()), "hello "+nick)
		}
		for i := range 20 {
			if got := taken(fmt.Sprint("u", i), fmt.Sprintf("2001:db8::%d", i+1)); got != (i < 10) {
				t.Errorf("message %d: taken is %v", i, got)
			}
		}
		if !taken("bob", "2001:db8:0:1::1") || !taken("carol", "192.0.2.1") {
			t.Error("somebody else is refused")
		}
		time.Sleep(10 * time.Second)
		if !taken("dave", "2001:db8::1") {
			t.Error("it is refused for ever")
		}
		if h.rates.tidy(time.Now().Add(time.Minute)); len(h.rates.networks.here)+len(h.rates.networks.away) != 0 {
			t.Error("addresses are kept")
		}
	})
}
