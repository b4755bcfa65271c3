package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// shutdown runs Shutdown beside the test and gives its error when it returns.
func (s *server) shutdown(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	return done
}

// expectDone waits for a shutdown's end.
func expectDone(t *testing.T, done <-chan error, want error) {
	t.Helper()
	select {
	case err := <-done:
		if !errors.Is(err, want) {
			t.Errorf("shutdown ends with %v, want %v", err, want)
		}
	case <-time.After(patience):
		t.Fatal("shutdown does not end")
	}
}

// TestShutdown: everybody gets what is queued for it, and then 4001.
func TestShutdown(t *testing.T) {
	const messages = 500
	text := strings.Repeat("x", 1000)
	s := serve(t, Config{Accept: letIn(func(c *Conn) Session {
		for i := range messages {
			c.Send(NewFrame(false, fmt.Appendf(nil, "%d %s", i, text)))
		}
		return &recorder{}
	})})
	var clients []*client
	for range 20 {
		clients = append(clients, s.join())
	}
	done := s.shutdown(t.Context())
	var reading sync.WaitGroup
	for _, c := range clients {
		reading.Go(func() {
			for i := range messages {
				if f, err := readFrame(c.r); err != nil || f != unmasked(ws.OpText, fmt.Sprintf("%d %s", i, text)) {
					t.Errorf("message %d is %v, %v", i, f, err)
					return
				}
			}
			if f, err := readFrame(c.r); err != nil || f.code() != CloseDraining {
				t.Errorf("the end is %v, %v; want a close with 4001", f, err)
			}
			_, _ = c.Write(closing(CloseDraining, ""))
		})
	}
	reading.Wait()
	expectDone(t, done, nil)
}

// TestShutdownCutsOff: who does not go is cut off when the time is over, and its session is told.
func TestShutdownCutsOff(t *testing.T) {
	r := &recorder{}
	s := watched(t, Config{CloseTimeout: time.Hour}, r)
	c := s.join()
	ctx, cancel := context.WithCancel(t.Context())
	done := s.shutdown(ctx)
	c.expect(closed(CloseDraining, "draining"))
	cancel()
	expectDone(t, done, context.Canceled)
	c.expectEnd()
	if r.told() != 1 || s.Conns() != 0 {
		t.Errorf("told %d times, %d connections left", r.told(), s.Conns())
	}
	expectDone(t, s.shutdown(t.Context()), nil) // once more does no harm
}

// TestShutdownMeetsNewcomer: a connection that was let in while the others were told goes, too.
func TestShutdownMeetsNewcomer(t *testing.T) {
	for road, open := range roads {
		t.Run(road, func(t *testing.T) {
			asked, answer := make(chan struct{}), make(chan struct{})
			s := serve(t, Config{Pages: page, Accept: func(*http.Request) (Open, error) {
				close(asked)
				<-answer
				return (&recorder{}).open, nil
			}})
			c := open(s).ask()
			<-asked
			done := s.shutdown(t.Context())
			eventually(t, "it drains", s.Draining)
			close(answer)
			if r, body := c.answer(); r.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("answer %s %q", r.Status, body)
			}
			c.expect(closed(CloseDraining, "draining"))
			c.say(closing(CloseDraining, ""))
			expectDone(t, done, nil)
		})
	}
}

// TestShutdownBesideSilence: nobody's unfinished request is waited for.
func TestShutdownBesideSilence(t *testing.T) {
	s := serve(t, Config{HeadTimeout: time.Hour, Pages: page})
	s.browse()
	s.dial().say([]byte("GET /ws HTTP/1.1\r\n"))
	for range 30 {
		s.dial()
	}
	expectDone(t, s.shutdown(t.Context()), nil)
}

// TestShutdownAtOnce stops engines that have hardly begun.
func TestShutdownAtOnce(t *testing.T) {
	config := Config{Accept: choosy, IsSocket: func(string) bool { return true }, Log: quiet}
	for range 50 {
		e, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		expectDone(t, (&server{Engine: e}).shutdown(t.Context()), nil)
	}
}

// TestServeAfterShutdown: it closes the listener, and that is no error.
func TestServeAfterShutdown(t *testing.T) {
	s := serve(t, Config{})
	expectDone(t, s.shutdown(t.Context()), nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l); err != nil {
		t.Error(err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is not closed: %v", err)
	}
}

func TestNewNeedsItsCallbacks(t *testing.T) {
	for _, config := range []Config{{}, {Accept: choosy}, {IsSocket: func(string) bool { return true }}} {
		if _, err := New(config); err == nil {
			t.Error("an engine without callbacks")
		}
	}
}
