package room

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"throng/room/event"
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

// TestTraceOfAway shows what is told of messages that waited for somebody who was away: that they come, are confirmed and deleted.
func TestTraceOfAway(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		alice, bob := c.in("alice"), c.in("bob")
		bob.send(`{"t":"join","id":1,"room":"go"}`)
		alice.send(`{"t":"join","id":1,"room":"go"}`)
		epoch, with := bob.epoch, bob.with()
		bob.drop()
		var mids []string
		for _, to := range []string{`"to_user":"bob"`, `"room":"go"`, `"to_user":"bob"`} {
			alice.news()
			alice.send(`{"t":"msg","id":2,%s,"message":1}`, to)
			mids = append(mids, alice.news()[0].Mid)
		}
		var ofAll [3]*Trace
		for i := range ofAll {
			var bad *event.Error
			if ofAll[i], bad = c.Trace("", mids[i], false); bad != nil {
				t.Fatal(bad)
			}
			defer ofAll[i].Close()
		}
		ofBob, bad := c.Trace("bob", "", false)
		if bad != nil {
			t.Fatal(bad)
		}
		defer ofBob.Close()
		bob, news := c.hello("bob", with+fmt.Sprintf(`,"pos":{"room:go":[%q,1]}`, epoch))
		at := map[string]uint64{}
		for _, o := range news {
			at[o.Mid] = o.Seq
		}
		if all := brief(ofBob.drain()); !slices.Contains(all, "queued bob dm:alice") || !slices.Contains(all, "queued bob room:go") {
			t.Errorf("bob's trace tells %q", all)
		}
		for _, what := range []string{
			fmt.Sprintf(`"recv","conv":"dm:alice","seq":%d`, at[mids[0]]), fmt.Sprintf(`"read","conv":"dm:alice","seq":%d`, at[mids[2]]),
			fmt.Sprintf(`"read","conv":"dm:alice","seq":%d`, at[mids[2]]), fmt.Sprintf(`"recv","conv":"room:go","seq":%d`, at[mids[1]]),
		} {
			bob.send(`{"t":%s}`, what)
		}
		alice.send(`{"t":"read","conv":"dm:bob","seq":%d}`, at[mids[2]]) // her own words
		alice.send(`{"t":"delete","mid":%q}`, mids[0])
		alice.send(`{"t":"delete","mid":%q}`, mids[1])
		for i, want := range [][]string{
			{"queued bob dm:alice", "recv bob dm:alice", "read bob dm:alice", "deleted alice dm:bob"},
			{"queued bob room:go", "recv bob room:go", "deleted alice room:go"},
			{"queued bob dm:alice", "read bob dm:alice"},
		} {
			all := ofAll[i].drain()
			// What the readers of a room are told of the deletion is no message.
			if got := brief(all); !slices.Equal(got, want) {
				t.Errorf("message %d: %q, want %q", i, got, want)
			}
			for _, e := range all {
				if e.Mid != mids[i] || e.Seq < at[mids[i]] {
					t.Errorf("message %d: %+v", i, e)
				}
			}
		}
		if all := brief(ofBob.drain()); !slices.Contains(all, "read bob dm:alice") {
			t.Errorf("bob's trace tells %q", all)
		}
	})
}

// TestAbuseTraceSecrets shows that no frame that may let somebody in is told, however it is written, and that others are.
func TestAbuseTraceSecrets(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, c *bubble) {
		ann, old := c.meet("ann"), c.old("old")
		const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"
		for _, step := range []struct {
			who      *user
			frame    string
			isSecret bool
		}{
			{ann, `{"t":"hello","id":1,"token":"` + token + `","resume":"s3cret"}`, true},
			{ann, `{"t":"h\u0065llo","tok\u0065n":"s3cret"}`, true},
			{ann, `{"t":"ping"}` + "\n" + `{"t":"hello","resum\u0065":"s3cret"}` + "\n" + `{"t":"ping"}`, true},
			{ann, "\n{\n\"t\":\"hello\",\n\"r\\u0065sume\":\"s3cret\"\n}\n", true},
			{ann, `{"t":"hello","tok\u0065n":"s3cret"`, true}, // cut off
			{ann, `{"tok\u0065n":"s3cret","t":"hello`, true},
			{ann, `{"t":"ping"}` + "\n" + `{"r\u0065sume":"s3cret",`, true},
			{ann, `{"t":"helo","r\u0065sume":"s3cret"}`, true},
			{ann, `{"t":"ping","t":"hello","token":"s3cret"}`, true},
			{ann, `{"t":"msg","message":"s3cret","resume":"s3cret"}`, true},
			{ann, `{"t":"msg","message":"` + token + `"}`, true},
			{ann, strings.Repeat(`{"t":"ping"}`+"\n", event.MaxBatch) + `{"t":"hello","r\u0065sume":"s3cret"}`, true},
			{old, `{"t":"hello","r\u0065sume":"s3cret"}`, true},
			{old, `hello s3cret`, true},
			{old, `{"to_user":"","message":"hello, what is a \"token\" to resume?"}`, false},
			{ann, `{"t":"msg","id":1,"message":"hello"}`, false},
			{ann, `{"t":"typing"}` + "\n" + `{"t":"msg","to_user":7,"message":"not well"}`, false},
		} {
			trace, bad := c.Trace(step.who.nick.Name, "", true)
			if bad != nil {
				t.Fatal(bad)
			}
			step.who.send("%s", step.frame)
			all := trace.drain()
			trace.Close()
			i := slices.IndexFunc(all, func(e Event) bool { return e.What == "received" })
			want := step.frame
			if step.isSecret {
				want = unshown
			}
			if i < 0 || all[i].Body != want || all[i].Bytes != len(step.frame) {
				t.Errorf("%q is told as %+v", step.frame, all)
			}
			if text := fmt.Sprintf("%+v", all); strings.Contains(text, "s3cret") || strings.Contains(text, token) {
				t.Errorf("%q gives away %s", step.frame, text)
			}
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
