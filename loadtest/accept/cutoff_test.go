package accept

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestCutOff cuts one node of three off: it is not ready, and refuses what is said with a 503 that says when to try again, rather than
// lies. What its people say again under the same cid, when it has healed, is there once.
func TestCutOff(t *testing.T) {
	t.Parallel()
	r := bootRing(t, newLines(t))
	r.isWell()
	in := func(i int) *house { return &house{t: t, node: r.nodes[i], turn: &turn{}} }
	alice, _ := in(0).enter("alice")
	bob, _ := in(1).enter("bob")
	const frame = `{"t":"msg","id":1,"cid":"once","message":"hello"}`
	answer := func() object {
		alice.say(frame)
		for {
			if o := alice.next(); o["t"] != `"msg"` {
				return o
			}
		}
	}
	heal := r.wires.cut(0)
	for range 2 {
		if o := answer(); o["t"] != `"err"` || o["code"] != "503" || o["retry"] != "true" || o["retry_after_ms"] == "" {
			t.Fatalf("cut off: %v", o)
		}
		if status, text := r.nodes[0].ready(t); status != http.StatusServiceUnavailable {
			t.Errorf("cut off: %d %s", status, text)
		}
	}
	bob.ask(`{"t":"ping","id":1}`, `{"t":"pong","id":1,"ts":*}`) // and has heard nothing
	heal()
	ack := func() object { // the servers may elect once more
		o := answer()
		for until := time.Now().Add(patience); o["t"] != `"ack"`; o = answer() {
			if o["retry"] != "true" || time.Now().After(until) {
				t.Fatalf("healed: %v", o)
			}
			time.Sleep(time.Second)
		}
		return o
	}
	o := ack()
	if again := ack(); again["mid"] != o["mid"] || again["seq"] != o["seq"] {
		t.Errorf("said again: %v, want the ack %v", again, o)
	}
	bob.hear(said("alice", "room:all", `"hello"`, ""))
	bob.say(`{"t":"history","id":2,"conv":"room:all"}`)
	if page := bob.next(); strings.Count(page["msgs"], `"hello"`) != 1 {
		t.Errorf("the history has %s", page["msgs"])
	}
	r.isWell()
}
