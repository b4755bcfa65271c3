package engine

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// serveTLS is serve over TLS, for tests that are about TLS itself.
func serveTLS(t testing.TB, config Config) *server {
	t.Helper()
	config.TLS = serverTLS()
	return serve(t, config)
}

// joinTLS opens a WebSocket over a version of TLS.
func (s *server) joinTLS(version uint16) *client {
	s.t.Helper()
	c := connectTo(s.t, s.addr)
	c.encrypt(clientTLS(version))
	if r, body := c.ask().answer(); r.StatusCode != http.StatusSwitchingProtocols {
		s.t.Fatalf("answer %s %q, want 101", r.Status, body)
	}
	return c
}

// chat has a user say something and hear it.
func (c *client) chat() {
	c.t.Helper()
	c.say(whole(ws.OpText, "still here"))
	c.expect(unmasked(ws.OpText, "still here"))
}

// refused is how many were refused for a reason.
func (s *server) refused(status int, reason string) int {
	return int(testutil.ToFloat64(s.metrics.refused.WithLabelValues(strconv.Itoa(status), reason)))
}

// hello is the first record of a client that offers these versions.
func hello(t testing.TB, low, high uint16) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	config := clientTLS(0)
	config.MinVersion, config.MaxVersion = low, high
	go func() { _ = tls.Client(theirs, config).Handshake(); theirs.Close() }()
	head := make([]byte, 5)
	if _, err := io.ReadFull(ours, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, int(head[3])<<8|int(head[4]))
	if _, err := io.ReadFull(ours, body); err != nil {
		t.Fatal(err)
	}
	return append(head, body...)
}

// TestAbuseTLSHandshakes: whatever comes in place of a handshake is counted and ended, and those who are in notice nothing.
func TestAbuseTLSHandshakes(t *testing.T) {
	good := hello(t, tls.VersionTLS12, tls.VersionTLS13)
	for name, test := range map[string]struct {
		sent   []byte
		status int
		reason string
	}{
		"garbage":            {bytes.Repeat([]byte{0xde, 0xad}, 500), 400, "tls_handshake"},
		"TLS 1.0":            {hello(t, tls.VersionTLS10, tls.VersionTLS10), 400, "tls_handshake"},
		"TLS 1.1":            {hello(t, tls.VersionTLS10, tls.VersionTLS11), 400, "tls_handshake"},
		"SSL 2":              {[]byte{0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10}, 400, "tls_handshake"},
		"record too long":    {[]byte{recordHandshake, 3, 1, 0xff, 0xff, 1}, 400, "tls_handshake"},
		"hello without end":  {slices.Concat([]byte{recordHandshake, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff}, make([]byte, 0x4000)), 400, "tls_handshake"},
		"alert first":        {[]byte{recordAlert, 3, 1, 0, 2, 2, 40}, 400, "tls_handshake"},
		"data first":         {[]byte{recordData, 3, 3, 0, 1, 0}, 400, "tls_handshake"},
		"hello twice":        {slices.Concat(good, good), 400, "tls_handshake"},
		"changed":            {slices.Concat(good[:200], []byte{good[200] ^ 0xff}, good[201:len(good)-40], make([]byte, 40)), 400, "tls_handshake"},
		"half, and no more":  {good[:len(good)/2], 408, "tls_timeout"},
		"nothing":            {nil, 408, "tls_timeout"},
		"HTTP without TLS":   {[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 400, "tls_plain_http"},
		"ws in place of wss": {[]byte(handshake("/ws")), 400, "tls_plain_http"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveTLS(t, Config{HeadTimeout: time.Second})
			user := s.joinTLS(tls.VersionTLS13)
			c := connectTo(t, s.addr)
			c.say(test.sent)
			if test.reason == "tls_plain_http" {
				if r, body := c.answer(); r.StatusCode != http.StatusBadRequest || body != errPlainHTTP.reason+"\n" {
					t.Errorf("answer %s %q", r.Status, body)
				}
			}
			if _, err := io.Copy(io.Discard, c.r); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection stays open")
			}
			eventually(t, "it is counted", func() bool { return s.refused(test.status, test.reason) == 1 })
			user.chat()
		})
	}
}

// TestAbuseTLSSlowHandshakes: clients that begin a handshake and do not end it lose their connections to those who come later.
func TestAbuseTLSSlowHandshakes(t *testing.T) {
	const limit, flood = 16, 100
	s := serveTLS(t, Config{MaxHandshakes: limit, HeadTimeout: time.Hour})
	user := s.joinTLS(tls.VersionTLS12)
	begun := hello(t, tls.VersionTLS12, tls.VersionTLS13)
	for i := range flood {
		c := connectTo(t, s.addr)
		c.say(begun[:len(begun)*(i%3)/3])
		if i%3 == 2 {
			c.say(begun[len(begun)*2/3:]) // and then never reads, nor goes on
		}
		if i%25 == 0 {
			s.joinTLS(tls.VersionTLS13).chat()
			user.chat()
		}
	}
	eventually(t, "the oldest are given up", func() bool { return s.refused(408, "tls_timeout") >= flood-limit })
	s.joinTLS(tls.VersionTLS12).chat()
}

// TestTLSHandshakesTakeTurns: where the server itself is slow, those whom it has begun to serve are not given up for newcomers, and more
// handshakes than there may be are not begun.
func TestTLSHandshakesTakeTurns(t *testing.T) {
	const limit, comers = 4, 20
	var under, most atomic.Int64
	gate := make(chan struct{})
	config := serverTLS()
	cert := config.Certificates[0]
	config.Certificates = nil
	config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		for n := under.Add(1); n > most.Load(); {
			most.Store(n)
		}
		defer under.Add(-1)
		<-gate
		return &cert, nil
	}
	s := serve(t, Config{TLS: config, MaxHandshakes: limit})
	var joining sync.WaitGroup
	come := func(count int) *atomic.Int64 {
		in := &atomic.Int64{}
		for range count {
			c := connectTo(t, s.addr)
			joining.Go(func() {
				if tls.Client(c.Conn, clientTLS(tls.VersionTLS13)).Handshake() == nil {
					in.Add(1)
				}
			})
		}
		return in
	}
	first := come(limit)
	eventually(t, "as many as may are at it", func() bool { return under.Load() == limit })
	come(comers - limit)
	ripe := time.NewTimer(2 * dawdling) // who would be given up by then is
	<-ripe.C
	close(gate)
	joining.Wait()
	// All of them would have been given up. Some may be now: who does not answer the server soon.
	if most.Load() > limit || first.Load() == 0 {
		t.Errorf("%d were under way at once, where %d may, and %d of the first came in", most.Load(), limit, first.Load())
	}
}

// TestAbuseTLSRecords: what is no TLS on a connection that was let in ends it, and nobody else's.
func TestAbuseTLSRecords(t *testing.T) {
	for name, version := range versions {
		frame := whole(ws.OpText, "hello")
		for what, send := range map[string]func(*forger){
			"garbage": func(f *forger) { f.send([]byte("GET / HTTP/1.1\r\n\r\n")) },
			"changed record": func(f *forger) {
				r := f.record(recordData, frame)
				r[len(r)-1] ^= 1
				f.send(r)
			},
			"again":                  func(f *forger) { r := f.record(recordData, frame); f.send(r, r) },
			"left out":               func(f *forger) { f.record(recordData, frame); f.send(f.record(recordData, frame)) },
			"too long":               func(f *forger) { f.send([]byte{recordData, 3, 3, 0x50, 0}) },
			"unknown kind":           func(f *forger) { f.send(f.record(99, frame)) },
			"renegotiation":          func(f *forger) { f.send(f.record(recordHandshake, hello(f.t, f.version, f.version)[5:])) },
			"half a hello, and chat": func(f *forger) { f.send(f.record(recordHandshake, []byte{1, 0, 1, 0}), f.record(recordData, frame)) },
			"alert":                  func(f *forger) { f.send(f.record(recordAlert, []byte{2, 80})) },
			"records without content": func(f *forger) {
				var records [][]byte // at once: it may be closed behind any of them
				for range 20 {
					records = append(records, f.record(recordData, nil))
				}
				f.send(records...)
			},
			"end of TLS alone": func(f *forger) { f.send(f.record(recordAlert, []byte{1, 0})) },
			"half a record, and the end": func(f *forger) {
				f.send(f.record(recordData, frame)[:10])
				_ = f.raw().(*tap).Conn.(*net.TCPConn).CloseWrite()
			},
			"reset inside a record": func(f *forger) {
				f.send(f.record(recordData, frame)[:10])
				_ = f.raw().(*tap).Conn.(*net.TCPConn).SetLinger(0)
				_ = f.raw().Close()
			},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				r := &recorder{}
				s := serveTLS(t, Config{Accept: letIn(func(c *Conn) Session {
					if c.engine.Conns() > 1 {
						return r
					}
					return echo{c}
				})})
				user := s.joinTLS(version)
				f := s.forge(version)
				f.joinByHand()
				send(f)
				eventually(t, "it is gone", func() bool { return s.Conns() == 1 })
				eventually(t, "its session is told", func() bool { return r.told() == 1 })
				user.chat()
			})
		}
	}
}

// TestTinyRecords: 10,000 records of a byte each, with some that hold nothing between them, are a slow way to say something, and no more.
func TestTinyRecords(t *testing.T) {
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			f := serveTLS(t, Config{}).forge(version)
			f.joinByHand()
			text := string(bytes.Repeat([]byte("x"), 10_000))
			var sent []byte
			for i, b := range whole(ws.OpText, text) {
				sent = append(sent, f.record(recordData, []byte{b})...)
				if i%100 == 0 {
					sent = append(sent, f.record(recordData, nil)...)
				}
			}
			go func() { _, _ = f.raw().Write(sent) }()
			f.expect(unmasked(ws.OpText, text))
		})
	}
}

// TestKeyUpdate: new keys are taken, and given when they are asked for.
func TestKeyUpdate(t *testing.T) {
	f := serveTLS(t, Config{}).forge(tls.VersionTLS13)
	f.joinByHand()
	for i := range 40 {
		update := f.update(i%2 == 0)
		text := fmt.Sprint("with keys ", i)
		f.send(update, f.record(recordData, whole(ws.OpText, text)))
		f.expect(unmasked(ws.OpText, text))
	}
}

// TestAbuseTLSKeyUpdates: a peer that asks for new keys all the time is told to go, whether or not it brings content between them, and
// before it has taken much of the loop's time.
func TestAbuseTLSKeyUpdates(t *testing.T) {
	for _, answer := range []bool{true, false} {
		t.Run(fmt.Sprint("answered ", answer), func(t *testing.T) {
			s := serveTLS(t, Config{MaxMessage: 64 << 20})
			user := s.joinTLS(tls.VersionTLS13)
			f := s.forge(tls.VersionTLS13)
			f.joinByHand()
			f.send(f.record(recordData, masked(finBit|byte(ws.OpBinary), make([]byte, 1<<20))[:14])) // the head of a message that is to last
			var sent []byte
			for range 4 * controlBurst {
				sent = append(append(sent, f.update(answer)...), f.record(recordData, []byte{0})...)
			}
			_, _ = f.raw().Write(sent) // the end may come before all of it is written
			if !answer {               // so many answers without content are too many for this client, too
				f.expect(closed(ClosePolicy, "too many records without content"))
			}
			eventually(t, "it is gone", func() bool { return s.Conns() == 1 })
			user.chat()
		})
	}
}

// TestAbuseTLSUnread: what TLS alone has to say to a peer that does not read is bounded; then the peer is cut off.
func TestAbuseTLSUnread(t *testing.T) {
	m := &memory{room: 0}
	c := connect(t, socketless(t, Config{}), m, 0, (&recorder{}).open)
	m.peer = speak(t, c, tls.VersionTLS13)
	var err error
	for n := 0; err == nil; n += writeSize {
		if n > maxUnread+writeSize {
			t.Fatalf("%d bytes wait", n)
		}
		_, err = below{c.secure}.Write(make([]byte, writeSize))
	}
	if !errors.Is(err, errUnread) || !m.isClosed() {
		t.Errorf("error %v, closed is %v", err, m.isClosed())
	}
}

// TestRecords counts records however they are cut.
func TestRecords(t *testing.T) {
	stream := slices.Concat([]byte{23, 3, 3, 0, 0}, []byte{23, 3, 3, 0, 2, 1, 2}, []byte{22, 3, 3, 1, 0}, make([]byte, 256), []byte{23, 3, 3, 0, 9, 1})
	for size := 1; size < len(stream); size++ {
		var r records
		for piece := range slices.Chunk(stream, size) {
			r.take(piece)
		}
		if r.begun != 4 || r.whole() != 3 {
			t.Fatalf("in pieces of %d: %d begun, %d whole", size, r.begun, r.whole())
		}
	}
}
