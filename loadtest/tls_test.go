package loadtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// serveTLS is serveHTTP with TLS. It returns what a swarm has to know of the server.
func serveTLS(t *testing.T, conf *tls.Config, handle http.HandlerFunc) Config {
	server := httptest.NewUnstartedServer(handle)
	conf.NextProtos = []string{"http/1.1"}
	server.TLS = conf
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Listener = crumbler{server.Listener}
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return Config{Addr: server.Listener.Addr().String(), TLS: &TLS{CA: ca}}
}

// crumbler writes the first bytes of each connection one by one and then in odd pieces, so that
// records come in parts.
type crumbler struct{ net.Listener }

func (l crumbler) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &crumbling{Conn: c}, err
}

type crumbling struct {
	net.Conn
	written int
}

func (c *crumbling) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		size := 1
		if c.written > 300 {
			size = 7001
		}
		var m int
		m, err = c.Conn.Write(b[n:min(n+size, len(b))])
		n += m
		c.written += m
	}
	return n, err
}

var versions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// TestSecureEcho has many users send and receive at a time, from one byte to a message of many records.
func TestSecureEcho(t *testing.T) {
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			conf := serveTLS(t, &tls.Config{MinVersion: version, MaxVersion: version}, upgraded(echo))
			s, got, _ := swarm(t, conf)
			const users = 30
			sizes := []int{1, 126, 16 << 10, 300_000}
			var connecting sync.WaitGroup
			for id := range users {
				connecting.Go(func() {
					u, err := s.Connect(t.Context(), id, "/")
					if err != nil {
						t.Errorf("user %d: %v", id, err)
						return
					}
					if v := u.secure.conn.ConnectionState().Version; v != version {
						t.Errorf("user %d: version %x", id, v)
					}
					// Several goroutines send for one user.
					var sending sync.WaitGroup
					for _, size := range sizes {
						sending.Go(func() {
							if err := u.Send(bytes.Repeat([]byte("a"), size)); err != nil {
								t.Errorf("user %d: %v", id, err)
							}
						})
					}
					sending.Wait()
				})
			}
			connecting.Wait()
			if t.Failed() {
				return
			}
			seen := map[string]int{}
			for range users * len(sizes) {
				seen[receive(t, got)]++
			}
			for id := range users {
				for _, size := range sizes {
					if n := seen[fmt.Sprintf("%d %s", id, strings.Repeat("a", size))]; n != 1 {
						t.Errorf("user %d: %d messages of %d bytes", id, n, size)
					}
				}
			}
			s.Close()
		})
	}
}

// TestSecureEnds has a server say goodbye within TLS, and without.
func TestSecureEnds(t *testing.T) {
	for name, version := range versions {
		for _, word := range []string{"", "close frame"} {
			t.Run(name+" "+word, func(t *testing.T) {
				conf := serveTLS(t, &tls.Config{MaxVersion: version}, upgraded(func(c net.Conn) {
					_ = ws.WriteFrame(c, ws.NewTextFrame([]byte("hello")))
					if word != "" {
						_ = ws.WriteFrame(c, ws.NewCloseFrame(ws.NewCloseFrameBody(4001, word)))
					}
				}))
				s, got, gone := swarm(t, conf)
				if _, err := s.Connect(t.Context(), 1, "/"); err != nil {
					t.Fatal(err)
				}
				if m := receive(t, got); m != "1 hello" {
					t.Errorf("received %q", m)
				}
				end := receive(t, gone)
				if closed, ok := errors.AsType[*CloseError](end.err); ok && closed.Reason != word || !ok && (word != "" || end.err != io.EOF) {
					t.Errorf("ended by %v", end.err)
				}
				if end.user.Send(nil) != ErrClosed {
					t.Error("it still sends")
				}
			})
		}
	}
}

// holding writes its first flight, and all the rest at once when it is closed.
type holding struct {
	net.Conn
	begun bool
	held  []byte
}

func (h *holding) Write(b []byte) (int, error) {
	if !h.begun {
		h.begun = true
		return h.Conn.Write(b)
	}
	h.held = append(h.held, b...)
	return len(b), nil
}

func (h *holding) Close() error {
	_ = h.SetWriteDeadline(time.Time{}) // crypto/tls has set one
	_, _ = h.Conn.Write(h.held)
	return h.Conn.Close()
}

// TestSecureHandover has what follows the handshake come together with its end, before the loop may
// read it, and then the rest or the end of the stream.
func TestSecureHandover(t *testing.T) {
	for name, share := range map[string]int{"all": 1, "half": 2} {
		t.Run(name, func(t *testing.T) {
			const messages = 100
			fd := talk(t, messages)
			socket := os.NewFile(uintptr(fd), "user")
			defer socket.Close()
			l := &loop{swarm: &Swarm{}, plain: make([]byte, recordSize)}
			u := &User{loop: l, fd: fd}
			secure := newSecure(u, &tls.Config{InsecureSkipVerify: true})
			u.secure = secure
			agreed := make(chan error, 1)
			go func() { agreed <- secure.handshake(t.Context(), nil) }()

			flight := make([]byte, 1<<20)
			n, err := unix.Read(fd, flight)
			if err == nil {
				err = l.take(u, flight[:n])
			}
			if err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(socket)
			if err != nil {
				t.Fatal(err)
			}
			early := rest[:len(rest)/share]
			if err := l.take(u, early); err != nil {
				t.Fatal(err)
			}
			if err := receive(t, agreed); err != nil {
				t.Fatal(err)
			}
			if late := rest[len(early):]; len(late) > 0 {
				err = l.take(u, late)
			} else {
				err = l.end(u)
			}
			if n := l.received.Load(); n != messages || err != io.EOF {
				t.Errorf("received %d, ended by %v", n, err)
			}
		})
	}
}

// talk returns a socket on which a server answers the handshake and sends so many messages together with
// the end of it. It speaks version 1.2, where the server has the last word.
func talk(t *testing.T, messages int) (fd int) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(ends[1]), "server")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	lender := httptest.NewTLSServer(nil) // of a certificate
	lender.Close()
	var serving sync.WaitGroup
	serving.Go(func() {
		server := tls.Server(&holding{Conn: conn}, &tls.Config{
			Certificates: lender.TLS.Certificates, MaxVersion: tls.VersionTLS12,
		})
		defer func() { _ = server.Close() }()
		for range messages {
			if err := ws.WriteFrame(server, ws.NewTextFrame(make([]byte, 1000))); err != nil {
				t.Error(err)
			}
		}
	})
	t.Cleanup(serving.Wait)
	return ends[0]
}

// TestSecureRefusals are handshakes that fail, and say why.
func TestSecureRefusals(t *testing.T) {
	good := serveTLS(t, &tls.Config{}, upgraded(echo))
	with := func(conf Config, change func(*TLS)) Config {
		changed := *conf.TLS
		change(&changed)
		conf.TLS = &changed
		return conf
	}
	old := serveTLS(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, upgraded(echo))
	mutual := serveTLS(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, upgraded(echo))
	plain := Config{Addr: serve(t, echo), TLS: &TLS{}}
	cases := map[string]struct {
		conf Config
		want string // part of the error; empty: none
	}{
		"trusted":         {good, ""},
		"unknown CA":      {with(good, func(c *TLS) { c.CA = nil }), "certificate signed by unknown authority"},
		"another's name":  {with(good, func(c *TLS) { c.ServerName = "chat.invalid" }), "not chat.invalid"},
		"another name":    {with(good, func(c *TLS) { c.ServerName = "example.com" }), ""},
		"insecure":        {with(good, func(c *TLS) { *c = TLS{Insecure: true} }), ""},
		"old versions":    {old, "protocol version"},
		"client's wanted": {mutual, "certificate required"},
		"not TLS":         {plain, "does not speak TLS on this port"},
		"not plain":       {Config{Addr: good.Addr}, "refused: 400"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, _, gone := swarm(t, c.conf)
			switch _, err := s.Connect(t.Context(), 0, "/"); {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v", err)
			}
			s.Close()
			if c.want != "" && len(gone) > 0 {
				t.Error("OnClose was told of a user who never was")
			}
		})
	}
	s, _, _ := swarm(t, with(good, func(c *TLS) { c.CA = nil }))
	_, err := s.Connect(t.Context(), 0, "/")
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("%v does not hold the cause", err)
	}
}

// TestSecureSilence gives up, in the middle of a handshake, on a server that says nothing, on one that
// hangs up and with a swarm that closes.
func TestSecureSilence(t *testing.T) {
	cases := map[string]struct {
		end  func(cancel func(), server net.Conn, s *Swarm)
		want error
	}{
		"canceled": {func(cancel func(), _ net.Conn, _ *Swarm) { cancel() }, context.Canceled},
		"hung up":  {func(_ func(), server net.Conn, _ *Swarm) { _ = server.Close() }, io.EOF},
		"closed":   {func(_ func(), _ net.Conn, s *Swarm) { s.Close() }, ErrClosed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			s, _, gone := swarm(t, Config{Addr: l.Addr().String(), TLS: &TLS{}})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			failed := make(chan error, 1)
			go func() {
				_, err := s.Connect(ctx, 0, "/")
				failed <- err
			}()
			server, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			// The client's hello is read whole, since a socket closed with unread bytes is reset.
			record := make([]byte, 5)
			if _, err := io.ReadFull(server, record); err != nil || record[0] != 22 {
				t.Fatalf("% x, %v", record, err)
			}
			if _, err := io.CopyN(io.Discard, server, int64(record[3])<<8|int64(record[4])); err != nil {
				t.Fatal(err)
			}
			c.end(cancel, server, s)
			err = receive(t, failed)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "TLS handshake") || strings.Count(err.Error(), "loadtest:") != 1 {
				t.Errorf("got %v", err)
			}
			s.Close()
			if len(gone) > 0 {
				t.Error("OnClose was told of a user who never was")
			}
		})
	}
}
