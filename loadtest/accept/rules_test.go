package accept

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// order gives the server an order by its API.
func (n *node) order(path, body string) {
	n.t.Helper()
	defer http.DefaultClient.CloseIdleConnections()
	answer, err := http.Post("http://"+n.Admin+path, "application/json", strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		n.t.Fatalf("%s %s: %s", path, body, answer.Status)
	}
}

// TestAbuseRulesStay has the banned and the muted try again after a kill -9, and after the log was moved to another folder.
func TestAbuseRulesStay(t *testing.T) {
	t.Parallel()
	serve := func(data string) *house {
		n := newNode(t, data, []string{"--admin", "127.0.0.1:0"})
		n.start()
		return &house{t: t, node: n, turn: &turn{}}
	}
	h := serve(filepath.Join(t.TempDir(), "data"))
	mallory, _ := h.enter("mallory")
	h.order("/api/ban", `{"nick":"mallory","reason":"spam"}`)
	mallory.isClosed(4503)
	eve, w := h.enter("eve")
	h.order("/api/mute", `{"nick":"eve"}`)
	eve.bye()

	holds := func(h *house, when, other string) {
		t.Helper()
		if p, answer := h.knock("/conn/ws/Mallory", ""); p != nil || answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s the banned one comes in: %s", when, answer.Status)
		}
		h.v2("mallory").isClosed(4503)
		eve, _ := h.enter("eve", resume(w))
		eve.say(`{"id":1,"message":"again"}`)
		o := eve.next()
		for o["id"] != "1" {
			o = eve.next()
		}
		if o["t"] != `"err"` {
			t.Errorf("%s the muted one speaks: %v", when, o)
		}
		eve.bye()
		p, _ := h.enter(other)
		p.say(`{"message":"all is well"}`)
		p.hear(said(other, "room:all", `"all is well"`, ""))
		p.bye()
	}
	holds(h, "at once", "alice")
	h.crash()
	h.start()
	holds(h, "after kill -9", "bob")
	h.stop()
	to := filepath.Join(t.TempDir(), "to")
	mustLogMove(t, h.data, to, "Moved in")
	holds(serve(to), "after a move", "carol")
}
