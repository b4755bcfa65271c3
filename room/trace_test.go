package room

import (
	"fmt"
	"slices"
	"testing"
)

// drain takes what has been told.
func (t *Trace) drain() (all []Event) {
	for {
		select {
		case e := <-t.Events:
			all = append(all, e)
		default:
			return all
		}
	}
}

// brief are events without what changes.
func brief(all []Event) (lines []string) {
	for _, e := range all {
		line := e.What
		if e.Nick != "" {
			line += " " + e.Nick
		}
		if e.Conv != "" {
			line += " " + e.Conv
		}
		if e.Code > 0 {
			line += fmt.Sprint(" ", e.Code)
		}
		if e.Count > 0 {
			line += fmt.Sprint(" ", e.Count)
		}
		lines = append(lines, line)
	}
	return lines
}

// TestTrace shows what is told of one nick and of one message, and that nothing is told of others.
func TestTrace(t *testing.T) {
	inBubble(t, Config{Shards: 1}, func(t *testing.T, c *bubble) {
		alice, bob, carol := c.in("alice"), c.in("bob"), c.in("carol")
		ofBob, bad := c.Trace("BOB", "", true)
		if bad != nil {
			t.Fatal(bad)
		}
		defer ofBob.Close()
		alice.send(`{"t":"msg","id":1,"to_user":"carol","message":"not bob's"}`)
		carol.send(`{"t":"msg","id":1,"to_user":"nobody","message":"not bob's"}`)
		alice.news()
		if all := ofBob.drain(); len(all) > 0 {
			t.Errorf("bob's trace tells %v of others", brief(all))
		}
		bob.send(`{"t":"msg","id":1,"to_user":"nobody","message":"to nobody"}`)
		alice.send(`{"t":"msg","id":2,"to_user":"bob","message":"to bob"}`)
		alice.news()
		all := ofBob.drain()
		want := []string{"received bob", "refused bob 404", "queued bob dm:alice", "written bob"}
		if got := brief(all); !slices.Equal(slices.DeleteFunc(got, func(s string) bool { return s == "written bob" }), want[:3]) {
			t.Errorf("%q, want %q", got, want)
		}
		if all[0].Body == "" {
			t.Error("the frame was asked for, and is not there")
		}
		mid := all[slices.IndexFunc(all, func(e Event) bool { return e.What == "queued" })].Mid
		ofMessage, bad := c.Trace("", mid, false)
		if bad != nil {
			t.Fatal(bad)
		}
		defer ofMessage.Close()
		bob.send(`{"t":"msg","id":2,"message":"another"}`)
		bob.news()
		if all := ofMessage.drain(); len(all) > 0 {
			t.Errorf("the message's trace tells %v", brief(all))
		}
	})
}

// TestAbuseTraces shows that traces are few, hold little, drop what nobody takes, and leave nothing behind.
func TestAbuseTraces(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		var all []*Trace
		for range maxTraces {
			trace, bad := c.Trace("ann", "", false)
			if bad != nil {
				t.Fatal(bad)
			}
			all = append(all, trace)
		}
		if _, bad := c.Trace("ann", "", false); bad == nil || bad.Code != 503 {
			t.Errorf("one more: %v", bad)
		}
		ann := c.in("ann")
		for i := range maxTold {
			ann.send(`{"t":"ping","id":%d}`, i)
		}
		ann.news()
		for _, trace := range all {
			if trace.Dropped() == 0 {
				t.Error("nothing was dropped")
			}
			for _, e := range trace.drain() {
				if e.Body != "" {
					t.Fatal("a frame that was not asked for")
				}
			}
			trace.Close()
		}
		if c.traces.Load() != nil {
			t.Error("traces are left")
		}
		for _, q := range [][2]string{{"", ""}, {"ann", "mid"}, {"a/b", ""}} {
			if _, bad := c.Trace(q[0], q[1], false); bad == nil || bad.Code != 400 {
				t.Errorf("%q: %v", q, bad)
			}
		}
	})
}
