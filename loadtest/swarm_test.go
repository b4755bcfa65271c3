package loadtest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if role := os.Getenv("LOADTEST_CHILD"); role != "" {
		children[role]()
		return
	}
	goleak.VerifyTestMain(m)
}

// serve runs handle on each connection that a server has upgraded, and returns the server's HOST:PORT.
func serve(t *testing.T, handle func(net.Conn)) string {
	return serveHTTP(t, upgraded(handle))
}

func upgraded(handle func(net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			return
		}
		defer conn.Close()
		handle(conn)
	}
}

func serveHTTP(t *testing.T, handle http.HandlerFunc) string {
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// ended is a call of OnClose.
type ended struct {
	user *User
	err  error
}

// swarm makes a swarm whose callbacks fill channels.
func swarm(t *testing.T, conf Config) (s *Swarm, got chan string, gone chan ended) {
	t.Helper()
	got, gone = make(chan string, 1<<16), make(chan ended, 1<<10)
	conf.OnMessage = func(u *User, at int64, payload []byte) {
		if at > Now() || at < Now()-int64(time.Hour) {
			t.Errorf("read at %d, now %d", at, Now())
		}
		got <- fmt.Sprintf("%d %s", u.ID, payload)
	}
	conf.OnClose = func(u *User, err error) { gone <- ended{u, err} }
	s, err := New(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, got, gone
}

// receive waits for what must come.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// readFrame reads a frame and unmasks it.
func readFrame(r io.Reader) (f ws.Frame, err error) {
	if f.Header, err = ws.ReadHeader(r); err != nil {
		return f, err
	}
	f.Payload = make([]byte, f.Header.Length)
	_, err = io.ReadFull(r, f.Payload)
	ws.Cipher(f.Payload, f.Header.Mask, 0)
	return f, err
}

// echo sends every data frame back, unmasked and cut in two.
func echo(conn net.Conn) {
	for {
		f, err := readFrame(conn)
		if err != nil || f.Header.OpCode == ws.OpClose {
			return
		}
		p := f.Payload
		_ = ws.WriteFrame(conn, ws.NewFrame(f.Header.OpCode, false, p[:len(p)/2]))
		_ = ws.WriteFrame(conn, ws.NewFrame(ws.OpContinuation, true, p[len(p)/2:]))
	}
}

func TestEcho(t *testing.T) {
	for _, loops := range []int{0, 3} {
		s, got, _ := swarm(t, Config{Addr: serve(t, echo), Loops: loops, Rest: time.Millisecond})
		const users = 40
		var connecting sync.WaitGroup
		for id := range users {
			connecting.Go(func() {
				u, err := s.Connect(t.Context(), id, "/")
				if err != nil {
					t.Errorf("user %d: %v", id, err)
					return
				}
				for _, size := range []int{1, 125, 126, 70_000} {
					if err := u.Send(bytes.Repeat([]byte("a"), size)); err != nil {
						t.Errorf("user %d: %v", id, err)
					}
				}
			})
		}
		connecting.Wait()
		if t.Failed() {
			return
		}
		seen := map[string]int{}
		for range users * 4 {
			seen[receive(t, got)]++
		}
		for id := range users {
			for _, size := range []int{1, 125, 126, 70_000} {
				if n := seen[fmt.Sprintf("%d %s", id, strings.Repeat("a", size))]; n != 1 {
					t.Errorf("user %d: %d messages of %d bytes", id, n, size)
				}
			}
		}
		s.Close()
		if n := s.Received(); n != users*4 {
			t.Errorf("received %d", n)
		}
	}
}

// TestCountOnly receives without OnMessage.
func TestCountOnly(t *testing.T) {
	gone := make(chan error, 1)
	s, err := New(Config{
		Addr: serve(t, func(c net.Conn) {
			for range 1000 {
				_ = ws.WriteFrame(c, ws.NewTextFrame([]byte("hello")))
			}
		}),
		OnClose: func(_ *User, err error) { gone <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	u, err := s.Connect(t.Context(), 1, "/")
	if err != nil {
		t.Fatal(err)
	}
	if err := receive(t, gone); err != io.EOF {
		t.Error(err)
	}
	if u.Received() != 1000 || s.Received() != 1000 {
		t.Errorf("the user has received %d, the swarm %d", u.Received(), s.Received())
	}
}

// TestSources sees the users come from several addresses.
func TestSources(t *testing.T) {
	from := make(chan string, 100)
	s, _, _ := swarm(t, Config{Addr: serve(t, func(c net.Conn) {
		from <- c.RemoteAddr().(*net.TCPAddr).IP.String()
		echo(c)
	})})
	seen := map[string]bool{}
	for id := range 2 * DefaultSources {
		if _, err := s.Connect(t.Context(), id, "/"); err != nil {
			t.Fatal(err)
		}
		seen[receive(t, from)] = true
	}
	if len(seen) != DefaultSources || seen["127.0.0.1"] {
		t.Errorf("%d addresses: %v", len(seen), seen)
	}
	s.Close()
}

// TestPing is answered with the same payload.
func TestPing(t *testing.T) {
	pong := make(chan ws.Frame, 1)
	s, got, _ := swarm(t, Config{Addr: serve(t, func(c net.Conn) {
		// The ping comes in the middle of a message.
		_ = ws.WriteFrame(c, ws.NewFrame(ws.OpText, false, []byte("hel")))
		_ = ws.WriteFrame(c, ws.NewPingFrame([]byte("are you there")))
		f, _ := readFrame(c)
		pong <- f
		_ = ws.WriteFrame(c, ws.NewFrame(ws.OpContinuation, true, []byte("lo")))
		echo(c)
	})})
	if _, err := s.Connect(t.Context(), 7, "/"); err != nil {
		t.Fatal(err)
	}
	if f := receive(t, pong); f.Header.OpCode != ws.OpPong || string(f.Payload) != "are you there" {
		t.Errorf("answered %v %q", f.Header.OpCode, f.Payload)
	}
	if m := receive(t, got); m != "7 hello" {
		t.Errorf("received %q", m)
	}
	s.Close()
}

// TestEnds has connections end in every way.
func TestEnds(t *testing.T) {
	closing := func(body []byte) func(net.Conn) {
		return func(c net.Conn) {
			_ = ws.WriteFrame(c, ws.NewCloseFrame(body))
			_, _ = io.Copy(io.Discard, c)
		}
	}
	cases := map[string]struct {
		server func(net.Conn)
		client func(*Swarm, *User)
		want   error
	}{
		"close frame": {closing(ws.NewCloseFrameBody(4008, "too slow")), nil, &CloseError{4008, "too slow"}},
		"empty close": {closing(nil), nil, &CloseError{Code: ws.StatusNoStatusRcvd}},
		"cut":         {func(net.Conn) {}, nil, io.EOF},
		"masked": {func(c net.Conn) {
			_, _ = c.Write([]byte("\x81\x80aaaa"))
			_, _ = io.Copy(io.Discard, c)
		}, nil, ws.ErrProtocolMaskUnexpected},
		"user cuts":    {echo, func(_ *Swarm, u *User) { u.Cut(); u.Cut() }, io.EOF},
		"user leaves":  {echo, func(_ *Swarm, u *User) { _ = u.Leave() }, io.EOF},
		"swarm closes": {echo, func(s *Swarm, _ *User) { s.Close() }, ErrClosed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, _, gone := swarm(t, Config{Addr: serve(t, c.server)})
			u, err := s.Connect(t.Context(), 3, "/")
			if err != nil {
				t.Fatal(err)
			}
			if c.client != nil {
				c.client(s, u)
			}
			end := receive(t, gone)
			var closed *CloseError
			if errors.As(end.err, &closed) {
				if w, ok := c.want.(*CloseError); !ok || *w != *closed {
					t.Errorf("ended by %v, want %v", closed, c.want)
				}
			} else if end.err != c.want {
				t.Errorf("ended by %v, want %v", end.err, c.want)
			}
			if end.user != u || u.Send(nil) != ErrClosed {
				t.Error("the wrong user ended")
			}
			u.Cut() // does nothing
		})
	}
}

// TestSlowServer fills a socket until the user refuses more, and then all that was accepted arrives,
// in order and whole.
func TestSlowServer(t *testing.T) {
	t.Run("ws", func(t *testing.T) {
		slowServer(t, func(handle func(net.Conn)) Config { return Config{Addr: serve(t, handle)} })
	})
	t.Run("wss", func(t *testing.T) {
		slowServer(t, func(handle func(net.Conn)) Config { return serveTLS(t, &tls.Config{}, upgraded(handle)) })
	})
}

func slowServer(t *testing.T, serve func(handle func(net.Conn)) Config) {
	begin, frames := make(chan struct{}), make(chan string)
	s, _, _ := swarm(t, serve(func(c net.Conn) {
		defer close(frames)
		<-begin
		for {
			f, err := readFrame(c)
			if err != nil || f.Header.OpCode == ws.OpClose {
				return
			}
			frames <- string(f.Payload)
		}
	}))
	u, err := s.Connect(t.Context(), 0, "/")
	if err != nil {
		t.Fatal(err)
	}
	message := func(i int) string { return fmt.Sprintf("%d %s", i, strings.Repeat("x", 10_000)) }
	sent := 0
	for err == nil {
		if err = u.Send([]byte(message(sent))); err == nil {
			sent++
		}
	}
	close(begin)
	if err != ErrFull {
		t.Errorf("got %v after %d messages", err, sent)
	}
	for i := range sent {
		if got := receive(t, frames); got != message(i) {
			t.Fatalf("message %d of %d is %.20q", i, sent, got)
		}
	}
	if err := u.Leave(); err != nil {
		t.Error(err)
	}
	if got, open := <-frames; open {
		t.Errorf("one more came: %.20q", got)
	}
}
