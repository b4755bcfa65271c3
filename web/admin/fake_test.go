package admin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// fakeChat is a chat of which everything is known.
type fakeChat struct {
	mu    sync.Mutex // guards sent and done
	sent  []Draft
	done  []Act
	fails error                     // of Publish
	wait  func(ctx context.Context) // in Publish; nil: nothing
}

func (f *fakeChat) Publish(ctx context.Context, d Draft) (Receipt, error) {
	if f.wait != nil {
		f.wait(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails != nil {
		return Receipt{}, f.fails
	}
	if d.To == "nobody" {
		return Receipt{}, refuse(http.StatusNotFound, "nobody is not here")
	}
	f.sent = append(f.sent, d)
	return Receipt{Mid: fmt.Sprint("m", len(f.sent)), Conv: "room:all", Seq: uint64(len(f.sent)), Ts: 1, Dur: "mem"}, nil
}

func (f *fakeChat) drafts() []Draft {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Draft(nil), f.sent...)
}

func (*fakeChat) Users(_ context.Context, p Part) (int, []string, error) {
	all := []string{"alice", "bob", "carol"}
	return 3, all[:min(p.Limit, 3)], nil
}

func (*fakeChat) User(_ context.Context, nick string) (User, error) {
	if nick == "nobody" {
		return User{}, refuse(http.StatusNotFound, "nobody is not here")
	}
	return User{Nick: nick, IsOnline: true, Count: 1, Sessions: []Session{{Dialect: "v2"}}}, nil
}

func (*fakeChat) Rooms(context.Context, Part) (int, []Room, error) { return 1, []Room{{"go", 2}}, nil }

func (*fakeChat) Members(_ context.Context, room string, p Part) (string, int, []string, error) {
	if room == "empty" {
		return room, 0, nil, nil
	}
	return room, 2, []string{"alice", "bob"}[:min(p.Limit, 2)], nil
}

func (*fakeChat) Presence(_ context.Context, nicks []string) (map[string]bool, error) {
	there := map[string]bool{}
	for _, n := range nicks {
		there[n] = n == "alice"
	}
	return there, nil
}

func (*fakeChat) History(_ context.Context, a Ask) (History, error) {
	return History{Conv: "room:all", Messages: []Message{{Mid: "m1", Seq: 2, From: "alice", Body: []byte(`"hi"`)}}, More: a.Limit == 1}, nil
}

func (*fakeChat) Message(_ context.Context, mid string) (any, error) {
	if mid != "m1" {
		return nil, refuse(http.StatusNotFound, "no such message")
	}
	return struct {
		Mid string `json:"mid"`
	}{mid}, nil
}

func (*fakeChat) Trace(ctx context.Context, f Follow, say func(any) error) error {
	if f.Nick == "nobody" {
		return refuse(http.StatusBadRequest, "nobody is not to be followed")
	}
	for n := range 2 {
		if err := say(map[string]any{"what": n, "nick": f.Nick + f.Mid, "body": f.HasBody}); err != nil {
			return nil
		}
	}
	<-ctx.Done()
	return nil
}

func (f *fakeChat) Moderate(_ context.Context, a Act) (Act, error) {
	if a.Nick == "nobody" {
		return Act{}, refuse(http.StatusNotFound, "nobody is not here")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	a.ID, a.At, a.Seq = "a1", 1, uint64(len(f.done)+1)
	f.done = append(f.done, a)
	return a, nil
}

func (f *fakeChat) Rules(context.Context) ([]Act, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Act(nil), f.done...), nil
}

func (f *fakeChat) Acts(_ context.Context, _ uint64, limit int) ([]Act, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Act(nil), f.done[:min(limit, len(f.done))]...), len(f.done) > limit, nil
}

func (*fakeChat) Nodes(context.Context) []Node { return []Node{{Online: 3}} }

type fakeStats struct{}

func (fakeStats) Now() Process {
	return Process{Version: "test", Gauges: map[string]float64{"g": 1}, Counters: map[string]float64{"c": 2}}
}

// office is an API over a fake chat, at which a test knocks.
type office struct {
	*Server
	t    *testing.T
	chat *fakeChat
}

func open(t *testing.T, keys ...Key) *office {
	t.Helper()
	chat := &fakeChat{}
	c := Config{Chat: chat, Stats: fakeStats{}, Log: slog.New(slog.DiscardHandler)}
	if keys != nil {
		c.Keys = func() []Key { return keys }
	}
	s := New(c)
	t.Cleanup(s.Close)
	return &office{s, t, chat}
}

// ask sends a request as one from this machine. headers are pairs; Host is one of them.
func (o *office) ask(method, path, body string, headers ...string) (status int, text string, h http.Header) {
	o.t.Helper()
	r := httptest.NewRequest(method, "/", io.NopCloser(strings.NewReader(body)))
	r.RemoteAddr, r.Host = "127.0.0.1:4711", "127.0.0.1:8889"
	u, err := url.ParseRequestURI(path)
	if err != nil {
		o.t.Fatal(err)
	}
	r.URL, r.RequestURI = u, path
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		switch headers[i] {
		case "Host":
			r.Host = headers[i+1]
		case "From":
			r.RemoteAddr = headers[i+1]
		default:
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return w.Code, w.Body.String(), w.Header()
}
