package engine

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
)

// echo sends every message back.
type echo struct{ conn *Conn }

func (s echo) Message(isBinary bool, payload []byte) { s.conn.Send(NewFrame(isBinary, payload)) }
func (echo) Closed()                                 {}

// letIn accepts everybody with one kind of session.
func letIn(open Open) func(*http.Request) (Open, error) {
	return func(*http.Request) (Open, error) { return open, nil }
}

// server is an engine on a loopback port.
type server struct {
	*Engine
	t    testing.TB
	addr string
}

// serve starts an engine whose socket is /ws, an echo if config says nothing else. The test's end shuts it down.
func serve(t testing.TB, config Config) *server {
	t.Helper()
	if config.Accept == nil {
		config.Accept = letIn(func(c *Conn) Session { return echo{c} })
	}
	config.IsSocket = func(path string) bool { return path == "/ws" }
	if config.Log == nil {
		config.Log = quiet
	}
	if tlsOf(t) != 0 {
		config.TLS = serverTLS()
	}
	e, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- e.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := e.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Error("shutdown:", err)
		}
		if err := <-served; err != nil {
			t.Error("serve:", err)
		}
		if n := e.Conns(); n != 0 {
			t.Errorf("%d connections are left after shutdown", n)
		}
	})
	return &server{e, t, l.Addr().String()}
}

// in is the same server for a subtest.
func (s *server) in(t *testing.T) *server { return &server{s.Engine, t, s.addr} }

// dial opens a connection, with the TLS that the test is about.
func (s *server) dial() *client {
	s.t.Helper()
	c := connectTo(s.t, s.addr)
	if version := tlsOf(s.t); version != 0 {
		c.encrypt(clientTLS(version))
	}
	return c
}

// join opens a WebSocket.
func (s *server) join() *client {
	s.t.Helper()
	c := s.dial()
	c.say([]byte(handshake("/ws")))
	if r, body := c.answer(); r.StatusCode != http.StatusSwitchingProtocols {
		s.t.Fatalf("answer %s %q, want 101", r.Status, body)
	}
	return c
}
