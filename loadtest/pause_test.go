package loadtest

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// TestPause has a server send until the sockets are full, and none of it is read before Resume.
func TestPause(t *testing.T) {
	t.Run("ws", func(t *testing.T) { pause(t, func(h func(net.Conn)) Config { return Config{Addr: serve(t, h)} }) })
	t.Run("wss", func(t *testing.T) {
		pause(t, func(h func(net.Conn)) Config { return serveTLS(t, &tls.Config{}, upgraded(h)) })
	})
}

func pause(t *testing.T, serve func(handle func(net.Conn)) Config) {
	const messages = 1000
	var stream bytes.Buffer
	message := func(i int) string { return fmt.Sprintf("%d %s", i, strings.Repeat("x", 10_000)) }
	for i := range messages {
		_ = ws.WriteFrame(&stream, ws.NewTextFrame([]byte(message(i))))
	}
	begin, sent := make(chan struct{}), make(chan struct{})
	s, got, _ := swarm(t, serve(func(c net.Conn) {
		<-begin
		_, _ = c.Write(stream.Bytes())
		close(sent)
		echo(c)
	}))
	u, err := s.Connect(t.Context(), 1, "/", WithReceiveBuffer(4096))
	if err != nil {
		t.Fatal(err)
	}
	size, err := unix.GetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil || size > 16<<10 {
		t.Errorf("a receive buffer of %d bytes, %v", size, err)
	}
	u.Pause()
	u.Pause()
	close(begin)
	unread(t, u.fd)
	select {
	case <-sent:
		t.Error("10 MB went into the sockets")
	case m := <-got:
		t.Errorf("%.20q was read", m)
	case <-time.After(100 * time.Millisecond): // either would have happened by now
	}
	u.Resume()
	u.Resume()
	for i := range messages {
		if m := receive(t, got); m != "1 "+message(i) {
			t.Fatalf("message %d is %.20q", i, m)
		}
	}
	s.Close()
}

// unread waits until bytes lie in a socket.
func unread(t *testing.T, fd int) {
	t.Helper()
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		switch n, err := unix.Poll(poll, 20_000); {
		case err == unix.EINTR:
			continue
		case n != 1 || err != nil:
			t.Fatalf("nothing came: %v", err)
		}
		return
	}
}

// TestPauseStress pauses and resumes at any moment.
func TestPauseStress(t *testing.T) {
	s, got, _ := swarm(t, Config{Addr: serve(t, echo)})
	u, err := s.Connect(t.Context(), 1, "/")
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var toggling sync.WaitGroup
	toggling.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				u.Pause()
				u.Resume()
			}
		}
	})
	for i := range 500 {
		text := fmt.Sprint(i)
		if err := u.Send([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if m := receive(t, got); m != "1 "+text {
			t.Fatalf("received %q after %d", m, i)
		}
	}
	close(stop)
	toggling.Wait()
	s.Close()
	u.Pause()
	u.Resume() // do nothing
}

// TestPausedEnd tells of a paused user's end, and why.
func TestPausedEnd(t *testing.T) {
	begin := make(chan struct{})
	s, got, gone := swarm(t, Config{Addr: serve(t, func(c net.Conn) {
		<-begin
		_ = ws.WriteFrame(c, ws.NewTextFrame([]byte("you are slow")))
		_ = ws.WriteFrame(c, ws.NewCloseFrame(ws.NewCloseFrameBody(4008, "too slow")))
	})})
	u, err := s.Connect(t.Context(), 1, "/")
	if err != nil {
		t.Fatal(err)
	}
	u.Pause()
	close(begin)
	if end := receive(t, gone); end.user != u || end.err.Error() != "loadtest: closed by the server: 4008 too slow" {
		t.Errorf("ended by %v", end.err)
	}
	if m := receive(t, got); m != "1 you are slow" {
		t.Errorf("received %q", m)
	}
}

// TestServerDies tells all users of it, once, the paused ones too.
func TestServerDies(t *testing.T) {
	server := child(t, "server")
	s, _, gone := swarm(t, Config{Addr: server.says()})
	const users = 100
	for id := range users {
		u, err := s.Connect(t.Context(), id, "/")
		if err != nil {
			t.Fatal(err)
		}
		if id%3 == 0 {
			u.Pause()
		}
	}
	if err := server.Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	told := map[int]bool{}
	for range users {
		end := receive(t, gone)
		if told[end.user.ID] || end.err == nil {
			t.Errorf("user %d ended twice, or by %v", end.user.ID, end.err)
		}
		told[end.user.ID] = true
	}
	s.Close()
	if len(gone) > 0 {
		t.Errorf("%d more were told of", len(gone))
	}
	if _, err := s.Connect(t.Context(), 0, "/"); err == nil {
		t.Error("the dead server answers")
	}
}
