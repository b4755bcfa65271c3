package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

// TestMain lets the test binary play the program.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		main()
		return
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreCurrent(), // nbio starts goroutines as a package
		// A centrifuge Node leaves a worker behind that sleeps for a second.
		goleak.IgnoreAnyFunction("github.com/centrifugal/centrifuge/internal/dissolve.(*Dissolver).runWorker"))
}

// eachPeer runs a test with each peer, started in this process.
func eachPeer(t *testing.T, test func(t *testing.T, addr string)) {
	for _, name := range slices.Sorted(maps.Keys(peers)) {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			stop, err := peers[name](listener, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := stop(t.Context()); err != nil {
					t.Error(err)
				}
			}()
			test(t, listener.Addr().String())
		})
	}
}

// user is one side of the dialect.
type user struct {
	t    *testing.T
	nick string
	conn *websocket.Conn
}

func dial(addr, nick string) (*websocket.Conn, *http.Response, error) {
	return websocket.DefaultDialer.Dial("ws://"+addr+"/conn/ws/"+url.PathEscape(nick), nil)
}

// enter connects a user and waits until the chat knows the nick.
func enter(t *testing.T, addr, nick string) *user {
	t.Helper()
	conn, answer, err := dial(addr, nick)
	if err != nil {
		t.Fatalf("%s: %v", nick, err)
	}
	_ = answer.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	u := &user{t, nick, conn}
	for deadline := time.Now().Add(10 * time.Second); ; {
		u.say(nick, `"knock"`)
		if got := u.hear(); got.From == nick {
			return u
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not known", nick)
		}
	}
}

func (u *user) say(to, message string) {
	u.t.Helper()
	u.send(fmt.Sprintf(`{"from_user":"forged","to_user":%q,"message":%s}`, to, message))
}

func (u *user) send(text string) {
	u.t.Helper()
	if err := u.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		u.t.Fatal(err)
	}
}

// hear waits for the next message, which must have the dialect's three keys and no other.
func (u *user) hear() chat {
	u.t.Helper()
	_ = u.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	kind, text, err := u.conn.ReadMessage()
	if err != nil {
		u.t.Fatalf("%s heard nothing: %v", u.nick, err)
	}
	var keys map[string]json.RawMessage
	var c chat
	if err := json.Unmarshal(text, &keys); err != nil || kind != websocket.TextMessage || len(keys) != 3 {
		u.t.Fatalf("%s heard %q: %v", u.nick, text, err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		u.t.Fatal(err)
	}
	return c
}

// wantHear checks what a user hears next.
func (u *user) wantHear(from, to, message string) {
	u.t.Helper()
	c := u.hear()
	var got, want any
	if err := json.Unmarshal([]byte(message), &want); err != nil {
		u.t.Fatal(err)
	}
	if err := json.Unmarshal(c.Message, &got); err != nil || c.From != from || c.To != to || !reflect.DeepEqual(got, want) {
		u.t.Errorf("%s heard %s to %q: %s, want %s to %q: %s", u.nick, c.From, c.To, c.Message, from, to, message)
	}
}

func TestDialect(t *testing.T) {
	eachPeer(t, func(t *testing.T, addr string) {
		ann, bob, zoe := enter(t, addr, "ann"), enter(t, addr, "bob"), enter(t, addr, "zoë")

		// To everyone, the sender included; from_user is the server's.
		ann.say("", `"hello, all"`)
		for _, u := range []*user{ann, bob, zoe} {
			u.wantHear("ann", "", `"hello, all"`)
		}
		// To one alone: ann's next message is the one that follows.
		ann.say("bob", `{"any":["value",1.5,null,true,"<é>"]}`)
		bob.wantHear("ann", "bob", `{"any":["value",1.5,null,true,"<é>"]}`)
		zoe.send(`{"message":"to_user may be absent"}`)
		for _, u := range []*user{ann, bob, zoe} {
			u.wantHear("zoë", "", `"to_user may be absent"`)
		}
		bob.say("zoë", `"hello"`)
		zoe.wantHear("bob", "zoë", `"hello"`)

		// What goes wrong is told, and the socket stays open.
		for _, wrong := range []string{`{"to_user":"nobody","message":1}`, `{`, `[1]`, `"text"`, `{"to_user":1}`} {
			ann.send(wrong)
			if c := ann.hear(); c.From != "system" || c.To != "ann" || !strings.HasPrefix(string(c.Message), `"`) {
				t.Errorf("after %s: %s to %s: %s", wrong, c.From, c.To, c.Message)
			}
		}
		// Order within a conversation.
		for i := range 200 {
			ann.say("", fmt.Sprint(i))
		}
		for i := range 200 {
			bob.wantHear("ann", "", fmt.Sprint(i))
		}
	})
}

func TestNicks(t *testing.T) {
	eachPeer(t, func(t *testing.T, addr string) {
		ann := enter(t, addr, "ann")
		for nick, want := range map[string]int{
			"ann":                   http.StatusConflict,
			"system":                http.StatusBadRequest,
			strings.Repeat("x", 65): http.StatusBadRequest,
		} {
			conn, answer, err := dial(addr, nick)
			if err == nil {
				_ = conn.Close()
				t.Errorf("%s was let in", nick)
				continue
			}
			if answer == nil || answer.StatusCode != want {
				t.Errorf("%s: %v, want %d", nick, err, want)
			}
		}
		// A nick is free again when its socket has ended.
		_ = ann.conn.Close()
		for deadline := time.Now().Add(10 * time.Second); ; {
			conn, _, err := dial(addr, "ann")
			if err == nil {
				_ = conn.Close()
				return
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
	})
}

var said = regexp.MustCompile(`^(\w+) addr=(\S+) admin=(\S+)$`)

// TestProgram starts and stops each peer as a process.
func TestProgram(t *testing.T) {
	for name := range peers {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], name, "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0")
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(stderr)
			line, _ := lines.ReadString('\n')
			words := said.FindStringSubmatch(strings.TrimSpace(line))
			if words == nil || words[1] != name {
				t.Fatalf("it said %q", line)
			}
			page, err := http.Get("http://" + words[3] + "/debug/pprof/goroutine?debug=1")
			if err != nil {
				t.Fatal(err)
			}
			_ = page.Body.Close()
			http.DefaultClient.CloseIdleConnections()

			ann := enter(t, words[2], "ann")
			_ = cmd.Process.Signal(syscall.SIGTERM)
			rest, _ := io.ReadAll(lines)
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v: %s", err, rest)
			}
			if _, _, err := ann.conn.ReadMessage(); err == nil {
				t.Error("a message after the end")
			}
		})
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"irc"}, {"gws", "--port", "1"}, {"gws", "--addr", "nowhere"}} {
		if err := run(t.Context(), args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
