package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"throng/deploy/config"
	"throng/room/event"
)

// patience is how long a test waits for what must come. It is no measure of speed.
const patience = 30 * time.Second

// house is a server in this process.
type house struct {
	t *testing.T
	*Server
	private string // where the private listener listens
	key     string // "": none
	client  *http.Client
}

// boot starts a server on loopback with a key for all there is unless args say otherwise. It is stopped with the test.
func boot(t *testing.T, args ...string) *house {
	t.Helper()
	const key = "boss-0123456789a"
	h := &house{t: t, private: free(t), key: key, client: &http.Client{Transport: &http.Transport{}}}
	var settings config.Serve
	standard := []string{"--addr", "127.0.0.1:0", "--admin", h.private, "--data", "mem", "--rate", "0", "--api-key", key}
	if _, err := config.Parse(&settings, slices.Concat(standard, args), nil); err != nil {
		t.Fatal(err)
	}
	s, err := Start(settings, Options{Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h.Server = s
	t.Cleanup(func() {
		h.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error("stop:", err)
		}
	})
	return h
}

// request is one to the private listener, with the key.
func (h *house) request(method, path, body string) *http.Request {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.private+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if h.key != "" {
		r.Header.Set("Authorization", "Bearer "+h.key)
	}
	return r
}

// do sends a request and reads the answer, whose body can be read again.
func (h *house) do(r *http.Request) (*http.Response, string) {
	h.t.Helper()
	answer, err := h.client.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		h.t.Fatal(err)
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return answer, string(text)
}

// ask sends a request and checks the status of the answer.
func (h *house) ask(want int, method, path, body string) string {
	h.t.Helper()
	answer, text := h.do(h.request(method, path, body))
	if answer.StatusCode != want {
		h.t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, answer.StatusCode, text, want)
	}
	return text
}

// person is a client of version 2.
type person struct {
	t    *testing.T
	conn net.Conn
}

// come brings somebody into the chat, welcome.
func (h *house) come(nick string) *person {
	h.t.Helper()
	dialer := ws.Dialer{Protocols: []string{event.V2}, Timeout: patience}
	conn, _, _, err := dialer.Dial(h.t.Context(), "ws://"+h.Addr().String()+"/conn/ws/"+nick)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(2 * patience))
	h.t.Cleanup(func() { conn.Close() })
	p := &person{h.t, conn}
	p.say(`{"t":"hello","id":1}`)
	p.hear(`"t":"welcome"`)
	return p
}

func (p *person) say(frame string) {
	p.t.Helper()
	if err := wsutil.WriteClientText(p.conn, []byte(frame)); err != nil {
		p.t.Fatal(err)
	}
}

// hear waits for an object that has a text in it.
func (p *person) hear(part string) {
	p.t.Helper()
	for {
		frame, err := wsutil.ReadServerText(p.conn)
		if err != nil {
			p.t.Fatalf("waiting for %s: %v", part, err)
		}
		for line := range strings.SplitSeq(string(frame), "\n") {
			if strings.Contains(line, part) {
				return
			}
		}
	}
}

// field is a member of a JSON object, as text.
func field(t *testing.T, text, name string) string {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return fmt.Sprint(o[name])
}
