package accept

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"throng/loadtest/process"
)

// logMove runs throng log move, as a user would type it.
func logMove(t *testing.T, from, to string) (code int, out, err string) {
	t.Helper()
	path, failed := program()
	if failed != nil {
		t.Fatal(failed)
	}
	var stdout, stderr bytes.Buffer
	c := process.Command(t.Context(), path, "log", "move", "--from", from, "--to", to)
	c.Stdout, c.Stderr = &stdout, &stderr
	failed = c.Run()
	if exit, isExit := errors.AsType[*exec.ExitError](failed); isExit {
		code, failed = exit.ExitCode(), nil
	}
	if failed != nil {
		t.Fatal(failed)
	}
	return code, stdout.String(), stderr.String()
}

// mustLogMove runs throng log move, which has to say this.
func mustLogMove(t *testing.T, from, to, want string) {
	t.Helper()
	if code, out, err := logMove(t, from, to); code != 0 || !strings.Contains(out, want) || err != "" {
		t.Fatalf("code %d: %s%s; want %s", code, out, err, want)
	}
}

// host runs the NATS server of a node without the node.
func host(t *testing.T, data, listen string) *node {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	p, err := process.Start(t.Context(), path, "log", "host", "--nats", "embedded", "--nats-listen", listen, "--data", data)
	if err != nil {
		t.Fatal(err)
	}
	n := newNode(t, data, nil)
	n.run(p)
	return n
}

// remembered is a conversation as a client pages it.
type remembered struct {
	Mid, From string
	Message   string
	Ts        int64
}

// memory is all of the conversations of somebody, by pages.
func memory(t *testing.T, p *person, convs ...string) map[string][]remembered {
	t.Helper()
	all := map[string][]remembered{}
	for _, conv := range convs {
		before, more := "", true
		for more {
			p.say(fmt.Sprintf(`{"t":"history","id":1,"conv":%q,"limit":40%s}`, conv, before))
			o := p.next()
			for o["t"] != `"history"` {
				if o["t"] == `"err"` {
					t.Fatalf("%s: %v", conv, o)
				}
				o = p.next()
			}
			var msgs []struct {
				Mid     string          `json:"mid"`
				From    string          `json:"from_user"`
				Message json.RawMessage `json:"message"`
				Ts      int64           `json:"ts"`
				Seq     uint64          `json:"seq"`
			}
			if err := json.Unmarshal([]byte(o["msgs"]), &msgs); err != nil {
				t.Fatal(err)
			}
			for _, m := range slices.Backward(msgs) {
				all[conv] = append(all[conv], remembered{m.Mid, m.From, string(m.Message), m.Ts})
			}
			if more = o["more"] == "true"; more {
				before = fmt.Sprintf(`,"before":%d`, msgs[0].Seq)
			}
		}
	}
	return all
}

func sameMemory(t *testing.T, got, want map[string][]remembered) {
	t.Helper()
	for conv, msgs := range want {
		if !slices.Equal(got[conv], msgs) {
			t.Errorf("%s: %d messages %v\nwant %d: %v", conv, len(got[conv]), got[conv], len(msgs), msgs)
		}
	}
}

// TestMove takes a chat from one server to a node of a cluster and back, by the command line. Everything that was said is there for
// whoever comes back with the secret of before, and what was not delivered yet is delivered.
func TestMove(t *testing.T) {
	t.Parallel()
	convs := []string{"room:all", "room:go", "dm:bob"}
	h := boot(t)
	alice, w := h.enter("alice")
	bob, wb := h.enter("bob")
	for _, p := range []*person{alice, bob} {
		p.say(`{"t":"join","id":1,"room":"go"}`)
		p.hear(`{"t":"joined","id":1,"room":"go","conv":"room:go","members":*,"epoch":*,"seq":0,"recovered":false}`)
	}
	alice.chat(100)
	for i := range 5 {
		alice.say(fmt.Sprintf(`{"to_user":"bob","message":%d}`, i))
		alice.hear(said("alice", "dm:bob", fmt.Sprint(i), toUser("bob")))
		bob.say(fmt.Sprintf(`{"room":"go","message":%d}`, i))
		alice.hear(said("bob", "room:go", fmt.Sprint(i), inRoom("go")))
	}
	want := memory(t, alice, convs...)
	bob.bye()
	alice.say(`{"id":1,"to_user":"bob","message":"while you were away"}`)
	alice.hear(`{"t":"ack","id":1,"mid":*,"conv":"dm:bob","seq":*,"ts":*,"dur":"fsync","online":false}`,
		said("alice", "dm:bob", `"while you were away"`, toUser("bob")))
	want["dm:bob"] = memory(t, alice, "dm:bob")["dm:bob"]

	second, listen := filepath.Join(t.TempDir(), "second"), freePort(t)
	if code, _, err := logMove(t, h.data, second); code != 1 || !strings.Contains(err, "in use by another process") {
		t.Errorf("while the server runs: code %d, %s", code, err)
	}
	h.stop()
	nats := host(t, second, listen)
	mustLogMove(t, h.data, "nats://"+listen, "Moved in")
	mustLogMove(t, h.data, "nats://"+listen, "already")
	nats.stop()

	n := newNode(t, second, []string{"--admin", "off", "--nats", "embedded", "--nats-listen", listen})
	n.dur = "os"
	n.start()
	if code, _, err := logMove(t, "nats://"+listen, filepath.Join(t.TempDir(), "x")); code != 1 || !strings.Contains(err, "nodes are alive") {
		t.Errorf("while a node is alive: code %d, %s", code, err)
	}
	h2 := h.at(n)
	bob, _ = h2.enter("bob", resume(wb))
	bob.hear(said("alice", "dm:alice", `"while you were away"`, toUser("bob")))
	alice, again := h2.enter("alice", resume(w), pos("room:all", at(w["epoch"], 5), "room:go", at(w["epoch"], 5)))
	if again["epoch"] == w["epoch"] || again["recovered"] != `{"room:all":false,"room:go":false}` || again["resume"] != w["resume"] {
		t.Errorf("welcome %v after %v", again, w)
	}
	sameMemory(t, memory(t, alice, convs...), want)
	alice.say(`{"message":"from here"}`)
	alice.hear(said("alice", "room:all", `"from here"`, ""))
	want["room:all"] = memory(t, alice, "room:all")["room:all"]
	n.stop()

	third := filepath.Join(t.TempDir(), "third")
	nats = host(t, second, listen)
	mustLogMove(t, "nats://"+listen, third, "Moved in")
	nats.stop()
	alone := newNode(t, third, []string{"--admin", "off"})
	alone.start()
	alice, _ = h.at(alone).enter("alice", resume(w), pos("room:go", at(w["epoch"], 5)))
	sameMemory(t, memory(t, alice, convs...), want)
	h.at(alone).enter("bob", resume(wb))
}

// TestMoveKilled kills the move again and again. No server starts on what is half there, and in the end all is there once.
func TestMoveKilled(t *testing.T) {
	t.Parallel()
	h := boot(t)
	alice, w := h.enter("alice")
	alice.chat(3000)
	want := memory(t, alice, "room:all")
	h.stop()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	to, killed, refused := filepath.Join(t.TempDir(), "to"), 0, 0
	for delay := 20 * time.Millisecond; ; delay += 10 * time.Millisecond {
		c := process.Command(t.Context(), path, "log", "move", "--from", h.data, "--to", to)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		select {
		case err = <-ended:
		case <-time.After(delay): // the moment to kill it, anywhere
			if err := c.Process.Kill(); err != nil {
				t.Log(err) // it has just ended
			}
			err = <-ended
		}
		if err == nil {
			break
		}
		killed++
		n := newNode(t, to, []string{"--admin", "off"})
		if err := n.launch(t.Context()); err != nil {
			if !strings.Contains(err.Error(), "was not finished") {
				t.Fatal(err)
			}
			refused++
			continue
		}
		n.stop() // it had not begun, or had just been done
	}
	t.Logf("killed %d times, %d times in the middle", killed, refused)
	n := newNode(t, to, []string{"--admin", "off"})
	n.start()
	alice, _ = h.at(n).enter("alice", resume(w))
	sameMemory(t, memory(t, alice, "room:all"), want)
}
