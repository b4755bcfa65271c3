package room

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/history"
)

var allHooks = Hooks{IsOn: true, Messages: true, Connects: true, Disconnects: true}

// happened is what a webhook would tell, in short.
func (c *bubble) happened() (all []string) {
	c.t.Helper()
	msgs, _, err := c.config.Log.Scan(0, 1000)
	if err != nil {
		c.t.Fatalf("%v", err)
	}
	for i := range msgs {
		is, ok := Happened(&msgs[i])
		if !ok {
			continue
		}
		var d struct {
			Nick, Dialect, Reason, Room, Kind string
			From                              string `json:"from_user"`
			To                                string `json:"to_user"`
			Message                           json.RawMessage
		}
		if err := json.Unmarshal(is.Data, &d); err != nil {
			c.t.Fatalf("%s: %v", is.Data, err)
		}
		switch is.Type {
		case HappenedMessage:
			all = append(all, fmt.Sprintf("%s: %s>%s%s %s", is.User, d.From, d.To, d.Room, d.Message))
		case HappenedModeration:
			all = append(all, fmt.Sprintf("%s: %s", is.User, d.Kind))
		default:
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s: %s %s %s %s", is.User, is.Type, d.Nick, d.Dialect, d.Reason)))
		}
	}
	return all
}

func (c *bubble) wantHappened(want ...string) {
	c.t.Helper()
	synctest.Wait()
	if got := c.happened(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		c.t.Fatalf("happened:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestHappened has everything happen that there is: it can be read in its order, and nobody but a webhook sees it.
func TestHappened(t *testing.T) {
	inBubble(t, Config{Hooks: allHooks}, func(_ *testing.T, c *bubble) {
		want := []string{": disconnect   server ended", "alice: connect Alice tutorial", "bob: connect bob v2", "carol: connect carol tutorial"}
		old, err := c.from("192.0.2.7", "Alice")
		if err != nil {
			c.t.Fatalf("%v", err)
		}
		bob, welcome := c.hello("bob", "")
		carol := c.old("carol")
		c.wantHappened(want...)
		msgs, _, _ := c.config.Log.Read(convHook, 0, 0, 9)
		if text := string(msgs[1].Body); !strings.Contains(text, `"addr":"192.0.2.7"`) {
			c.t.Fatalf("no address: %s", text)
		}
		if text := string(msgs[2].Body); !strings.Contains(text, `"session":"`+welcome[0].Session+`"`) {
			c.t.Fatalf("the session is not %s: %s", welcome[0].Session, text)
		}
		say(old.Session, "carol", "psst") // is stored for the sake of the webhook
		carol.hears(said("Alice", "carol", "psst"))
		bob.send(`{"t":"join","room":"Go"}`)
		bob.send(`{"room":"go","message":{"a":1}}`)
		c.does(Act{Kind: ActMute, Nick: "carol", By: "Bob"})
		bob.send(`{"t":"history","id":1,"conv":"room:hook"}`)
		bob.sees("msg room:Go bob: {\"a\":1}", "err 1 403")
		old.drop()
		bob.drop()
		carol.drop()
		c.wantHappened(append(want, `alice: Alice>carol "psst"`, `bob: bob>Go {"a":1}`, "bob: mute",
			"alice: disconnect Alice tutorial", "bob: disconnect bob v2", "carol: disconnect carol tutorial")...)
	})
}

// TestFirstServerEndsNone has a server begin on a log in which nothing was noted yet: it tells of no end. The next one does.
func TestFirstServerEndsNone(t *testing.T) {
	log := newFakeLog()
	log.durability = history.DurabilityOS
	inBubble(t, Config{Log: log, Hooks: allHooks}, func(t *testing.T, c *bubble) {
		c.old("alice")
		c.wantHappened(": begin", "alice: connect alice tutorial")
		d := c.again(t)
		d.wantHappened(": begin", "alice: connect alice tutorial", ": disconnect   server ended")
		d.again(t).wantHappened(": begin", "alice: connect alice tutorial", ": disconnect   server ended", ": disconnect   server ended")
	})
}

// TestNothingIsNoted has no webhook be there: nothing is stored for one.
func TestNothingIsNoted(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		a, b := c.old("alice"), c.old("bob")
		say(a.Session, "bob", "psst")
		b.hears(said("alice", "bob", "psst"))
		a.drop()
		c.wantHappened()
	})
}

// TestNotesWaitForTheLog has a log that cannot store for a while: what has happened meanwhile is stored later, once and in order.
func TestNotesWaitForTheLog(t *testing.T) {
	log, isDown := newDownLog()
	inBubble(t, Config{Log: log, Hooks: Hooks{IsOn: true, Connects: true, Disconnects: true}}, func(_ *testing.T, c *bubble) {
		synctest.Wait()
		isDown.Store(true)
		for range 3 {
			c.old("alice").drop()
			time.Sleep(700 * time.Millisecond)
		}
		c.wantHappened(": disconnect   server ended")
		isDown.Store(false)
		time.Sleep(retryAfter)
		c.wantHappened(": disconnect   server ended",
			"alice: connect alice tutorial", "alice: disconnect alice tutorial", "alice: connect alice tutorial",
			"alice: disconnect alice tutorial", "alice: connect alice tutorial", "alice: disconnect alice tutorial")
		if n := c.road.waiting.Load(); n != 0 {
			c.t.Fatalf("%d bytes are said to wait", n)
		}
	})
}

// TestOneReminder has a log that cannot store while much happens and is said: what waits for it is tried with all that comes, and in
// quiet once a second.
func TestOneReminder(t *testing.T) {
	log, isDown := newDownLog()
	down := log.append
	var tries atomic.Int64
	log.append = func(batch []*history.Entry) error {
		tries.Add(1)
		return down(batch)
	}
	inBubble(t, Config{Log: log, Hooks: Hooks{IsOn: true, Connects: true, Disconnects: true}}, func(t *testing.T, c *bubble) {
		alice := c.old("alice")
		synctest.Wait()
		isDown.Store(true)
		for range 100 {
			c.old("bob").drop()
			say(alice.Session, "", "again")
			time.Sleep(retryAfter / 20)
		}
		synctest.Wait()
		tries.Store(0)
		time.Sleep(10*retryAfter + retryAfter/2)
		synctest.Wait()
		if n := tries.Load(); n < 10 || n > 11 {
			t.Errorf("tried %d times in ten seconds", n)
		}
		isDown.Store(false)
		time.Sleep(retryAfter)
		synctest.Wait()
		if n, all := c.road.waiting.Load(), len(c.happened()); n != 0 || all != 202 {
			t.Errorf("%d bytes are said to wait, and %d things to have happened", n, all)
		}
	})
}

// TestNotesAreBounded has a log that cannot store for too long.
func TestNotesAreBounded(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, c *bubble) {
		r := newRoad(c.Hub)
		p := &post{note: &note{body: []byte("{}")}}
		r.waiting.Add((maxUnnoted + 5) * p.cost())
		for range maxUnnoted + 5 {
			r.noteLater(p)
		}
		if len(r.unnoted) != maxUnnoted {
			c.t.Fatalf("%d notes wait", len(r.unnoted))
		}
		time.Sleep(2 * retryAfter) // the reminder
	})
}
