package loadtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// choose upgrades with a header of its own.
func choose(name string, values ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, _, err := ws.HTTPUpgrader{Header: http.Header{name: values}}.Upgrade(r, w)
		if err != nil {
			return
		}
		defer conn.Close()
		echo(conn)
	}
}

// TestRequest is what the server gets to see.
func TestRequest(t *testing.T) {
	asked := make(chan *http.Request, 1)
	s, _, _ := swarm(t, Config{
		Addr: serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			asked <- r
			choose("Sec-WebSocket-Protocol", "v2")(w, r)
		}),
		Subprotocols: []string{"v1", "v2"},
		Header:       http.Header{"X-All": {"a", "b"}},
	})
	u, err := s.Connect(t.Context(), 0, "/x%20y?z=1", WithHeader(http.Header{"Authorization": {"Bearer me"}}))
	if err != nil {
		t.Fatal(err)
	}
	r := receive(t, asked)
	got := []string{r.RequestURI, r.Host, r.Header.Get("Sec-WebSocket-Protocol"), r.Header.Get("Authorization"),
		fmt.Sprint(r.Header["X-All"])}
	want := []string{"/x%20y?z=1", s.conf.Addr, "v1, v2", "Bearer me", "[a b]"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("asked %q, want %q", got, want)
	}
	if u.Subprotocol() != "v2" {
		t.Errorf("subprotocol %q", u.Subprotocol())
	}
	s.Close()
}

func TestNoSubprotocol(t *testing.T) {
	s, _, _ := swarm(t, Config{Addr: serve(t, echo), Subprotocols: []string{"v1"}})
	u, err := s.Connect(t.Context(), 0, "/")
	if err != nil {
		t.Fatal(err)
	}
	if u.Subprotocol() != "" {
		t.Errorf("subprotocol %q", u.Subprotocol())
	}
	s.Close()
}

func TestBadConfig(t *testing.T) {
	header := func(name, value string) Config {
		return Config{Addr: "127.0.0.1:1", Header: http.Header{name: {value}}}
	}
	cases := map[string]Config{
		"no address": {}, "no port": {Addr: "127.0.0.1"}, "no such port": {Addr: "127.0.0.1:http-or-what"},
		"subprotocol": {Addr: "127.0.0.1:1", Subprotocols: []string{"a b"}},
		"twice":       {Addr: "127.0.0.1:1", Subprotocols: []string{"a", "a"}},
		"two lines":   header("A", "b\r\nC: d"),
		"bad name":    header("a:", "b"),
		"host":        header("host", "b"),
		"key":         header("Sec-WebSocket-Key", "b"),
		"no PEM":      {Addr: "127.0.0.1:1", TLS: &TLS{CA: []byte("x")}},
	}
	for name, conf := range cases {
		if s, err := New(conf); err == nil {
			s.Close()
			t.Errorf("%s: no error", name)
		}
	}
	s, _, _ := swarm(t, Config{Addr: "127.0.0.1:1"})
	if _, err := s.Connect(t.Context(), 0, "/", WithHeader(http.Header{"Upgrade": {"x"}})); err == nil {
		t.Error("no error for one user's header")
	}
}

// TestGivingUp cancels at any moment: whoever Connect returned is told of in the end, and nobody else.
func TestGivingUp(t *testing.T) {
	s, _, gone := swarm(t, Config{Addr: serve(t, echo)})
	users := make([]*User, 300)
	var connecting sync.WaitGroup
	for id := range users {
		connecting.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), rand.N(40*time.Millisecond))
			defer cancel()
			u, err := s.Connect(ctx, id, "/")
			if users[id] = u; err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("user %d: %v", id, err)
			}
		})
	}
	connecting.Wait()
	s.Close()
	close(gone)
	told := map[*User]int{}
	for end := range gone {
		told[end.user]++
	}
	for id, u := range users {
		if u != nil && told[u] != 1 {
			t.Errorf("user %d was told of %d times", id, told[u])
		}
		delete(told, u)
	}
	if len(told) > 0 {
		t.Errorf("%d users were told of who never were", len(told))
	}
}

// TestRefusals are handshakes that do not become connections.
func TestRefusals(t *testing.T) {
	raw := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, answer)
		}
	}
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	cases := map[string]struct {
		server http.HandlerFunc
		want   func(error) bool
	}{
		"status": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict) }, func(err error) bool {
			refused, ok := errors.AsType[*RefusedError](err)
			return ok && *refused == RefusedError{Status: http.StatusConflict}
		}},
		"not now": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, func(err error) bool {
			refused, ok := errors.AsType[*RefusedError](err)
			return ok && *refused == RefusedError{Status: http.StatusServiceUnavailable, RetryAfter: "7"}
		}},
		"no upgrade": {raw("HTTP/1.1 101 Switching Protocols\r\n\r\n"), is(errAccept)},
		"another's key": {raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"), is(errAccept)},
		"endless head": {raw("HTTP/1.1 101 " + strings.Repeat("a", maxAnswer)), is(errAnswerSize)},
		"no HTTP":      {raw("SSH-2.0\r\n\r\n"), func(err error) bool { return err != nil }},
		"cut":          {raw("HTTP/1.1 101"), is(io.EOF)},
		"extension":    {choose("Sec-WebSocket-Extensions", "permessage-deflate"), is(errExtension)},
		"subprotocol":  {choose("Sec-WebSocket-Protocol", "v9"), is(errProtocol)},
		"subprotocols": {choose("Sec-WebSocket-Protocol", "v1", "v2"), is(errProtocol)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, _, gone := swarm(t, Config{Addr: serveHTTP(t, c.server), Subprotocols: []string{"v1", "v2"}})
			if u, err := s.Connect(t.Context(), 0, "/"); u != nil || !c.want(err) {
				t.Errorf("got %v, %v", u, err)
			}
			s.Close()
			if len(gone) > 0 {
				t.Error("OnClose was told of a user who never was")
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, _, _ := swarm(t, Config{Addr: l.Addr().String()})
	l.Close()
	if _, err := s.Connect(t.Context(), 0, "/"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
	s.Close()
	if _, err := s.Connect(t.Context(), 0, "/"); err != ErrClosed {
		t.Errorf("got %v after Close", err)
	}
}

// TestNoAnswer gives up on a server that accepts and says nothing.
func TestNoAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, _, _ := swarm(t, Config{Addr: l.Addr().String()})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := s.Connect(ctx, 0, "/")
		failed <- err
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if err := receive(t, failed); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// The socket is closed too.
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Error(err)
	}
}

// TestCloseWhileConnecting fails the users who are on their way.
func TestCloseWhileConnecting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, _, _ := swarm(t, Config{Addr: l.Addr().String()})
	failed := make(chan error, 1)
	go func() {
		_, err := s.Connect(t.Context(), 0, "/")
		failed <- err
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.Close()
	if err := receive(t, failed); err != ErrClosed {
		t.Errorf("got %v", err)
	}
}
