package engine

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"pgregory.net/rapid"
)

// TestTLSStream sends both ways in any pieces, while the network takes what it likes: what is said arrives whole and in order.
func TestTLSStream(t *testing.T) {
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				m, r := &memory{room: 0}, &recorder{}
				c := connect(t, socketless(t, Config{MaxMessage: 1 << 20}), m, 0, r.open)
				m.peer = speak(t, c, version)
				var said []message
				var sent []byte
				size := rapid.SampledFrom([]int{0, 1, 125, 126, 5000, maxRecord - 4, maxRecord, writeSize, 100_000})
				for range rapid.IntRange(1, 20).Draw(rt, "steps") {
					switch rapid.IntRange(0, 3).Draw(rt, "step") {
					case 0:
						payload := noise[2][:size.Draw(rt, "heard")]
						said = append(said, bin(string(payload)))
						cut := rapid.SampledFrom([]int{1, 100, writeSize}).Draw(rt, "cut")
						for _, piece := range chop(m.peer.seal(masked(finBit|byte(ws.OpBinary), payload)), cut, rand.New(rand.NewPCG(1, uint64(cut)))) {
							c.receive(bytes.Clone(piece))
						}
					case 1:
						f := NewFrame(true, noise[2][:size.Draw(rt, "said")])
						if c.Send(f) {
							sent = append(sent, f.wire...)
						}
					case 2:
						c.Flush()
					case 3:
						m.take(size.Draw(rt, "taken"))
					}
				}
				m.take(-1)
				c.Flush()
				eventually(t, "all is written", func() bool { return isIdle(c) })
				if got := m.output(); !bytes.Equal(got, sent) {
					rt.Fatalf("%d bytes have left, want %d", len(got), len(sent))
				}
				if !slices.Equal(r.heard(), said) {
					rt.Fatalf("%d messages, want %d", len(r.heard()), len(said))
				}
			})
		})
	}
}

// FuzzTLS gives a connection arbitrary bytes for records, before and after some that are good. Nothing may panic, and none that is not
// the peer's may come through.
func FuzzTLS(f *testing.F) {
	f.Add([]byte{recordData, 3, 3, 0, 1, 0}, uint8(1), false)
	f.Add([]byte{recordAlert, 3, 3, 0, 2, 1, 0}, uint8(3), true)
	f.Add([]byte{recordHandshake, 3, 3, 0x40, 0}, uint8(5), true)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), uint8(200), false)
	f.Add(bytes.Repeat([]byte{recordData, 3, 3, 0, 0}, 50), uint8(7), true)
	e := socketless(f, Config{})
	f.Fuzz(func(t *testing.T, b []byte, size uint8, old bool) {
		version := uint16(tls.VersionTLS13)
		if old {
			version = tls.VersionTLS12
		}
		m, r := &memory{room: -1}, &recorder{}
		c := connect(t, e, m, 0, r.open)
		m.peer = speak(t, c, version)
		c.arrive(whole(ws.OpText, "before"))
		for _, piece := range chop(b, 1+int(size), rand.New(rand.NewPCG(1, 2))) {
			c.receive(bytes.Clone(piece))
		}
		if heard := r.heard(); len(heard) != 1 || heard[0] != text("before") {
			t.Fatalf("heard %v", heard)
		}
	})
}

// TestTLSResumes: a client that was here before shakes hands the short way.
func TestTLSResumes(t *testing.T) {
	s := serveTLS(t, Config{})
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			config := clientTLS(version)
			config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			for again := range 2 {
				c := connectTo(t, s.addr)
				c.encrypt(config)
				c.ask().answer()
				c.chat()
				if got := c.Conn.(*tls.Conn).ConnectionState().DidResume; got != (again == 1) {
					t.Errorf("resumed %v at connection %d", got, again)
				}
			}
		})
	}
}

// TestTLSProtocols: HTTP/1.1 is spoken whatever else is offered; who wants only something else, as a certificate authority does, gets the
// handshake.
func TestTLSProtocols(t *testing.T) {
	given := serverTLS()
	given.NextProtos = []string{"acme-tls/1"}
	s := serve(t, Config{TLS: given, Pages: page})
	for offered, want := range map[string]string{"h2,http/1.1": protocol, "": "", "acme-tls/1": "acme-tls/1"} {
		t.Run(offered, func(t *testing.T) {
			config := clientTLS(0)
			config.NextProtos = nil
			if offered != "" {
				config.NextProtos = strings.Split(offered, ",")
			}
			c := connectTo(s.t, s.addr)
			c.encrypt(config)
			conn := c.Conn.(*tls.Conn)
			if err := conn.Handshake(); err != nil || conn.ConnectionState().NegotiatedProtocol != want {
				t.Fatalf("%v, protocol %q, want %q", err, conn.ConnectionState().NegotiatedProtocol, want)
			}
			if want == "acme-tls/1" {
				c.expectEnd()
				return
			}
			c.say([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
			if _, body := c.answer(); body != "a page" {
				t.Errorf("the page is %q", body)
			}
		})
	}
}

// TestTLSEndsInOrder: both close frames, then the end of TLS, then that of TCP.
func TestTLSEndsInOrder(t *testing.T) {
	s := serveTLS(t, Config{})
	f := s.forge(tls.VersionTLS12)
	f.joinByHand()
	f.send(f.record(recordData, closing(CloseNormal, "")))
	var heads []byte // kinds of records, which 1.2 does not hide
	for raw := f.raw().(*tap).Conn; ; {
		head := make([]byte, 5)
		if _, err := io.ReadFull(raw, head); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Error("the end is ", err)
			}
			break
		}
		heads = append(heads, head[0])
		if _, err := io.CopyN(io.Discard, raw, int64(head[3])<<8|int64(head[4])); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(heads, []byte{recordData, recordAlert}) {
		t.Errorf("records %v, want the close frame and the end of TLS", heads)
	}
}

// TestAbuseTLSSlowReaders: of 200 clients, 20 never read. The others get everything, in order, and the 20 are let go.
func TestAbuseTLSSlowReaders(t *testing.T) {
	const clients, slow, words = 200, 20, 30
	var mu sync.Mutex
	var conns []*Conn
	s := serveTLS(t, Config{Queue: 128 << 10, Accept: letIn(func(c *Conn) Session {
		mu.Lock()
		defer mu.Unlock()
		conns = append(conns, c)
		return echo{c}
	})})
	var reading sync.WaitGroup
	for i := range clients {
		c := s.joinTLS([]uint16{tls.VersionTLS12, tls.VersionTLS13}[i%2])
		if i < slow {
			if err := c.tcp().SetReadBuffer(4096); err != nil {
				t.Fatal(err)
			}
			continue
		}
		_ = c.SetDeadline(time.Now().Add(10 * patience)) // there are many
		reading.Go(func() {
			for n := range words {
				got, err := readFrame(c.r)
				if err != nil || !strings.HasPrefix(got.payload, fmt.Sprintf("%d ", n)) {
					t.Errorf("client %d: word %d is %v, %v", i, n, got, err)
					return
				}
			}
		})
	}
	mu.Lock()
	defer mu.Unlock()
	for n := range words {
		frame := NewFrame(false, fmt.Appendf(nil, "%d %s", n, strings.Repeat("x", 30_000)))
		for i, c := range conns {
			if i >= slow {
				eventually(t, "there is room", func() bool { return c.Queued() < 64<<10 })
			}
			for more := c.Send(frame); i < slow && more; more = c.Send(frame) {
				c.Flush() // until its socket is full, and its queue
			}
			c.Flush()
		}
	}
	reading.Wait()
	if n := s.TooSlow(); n != slow {
		t.Errorf("%d were too slow, want %d", n, slow)
	}
}
