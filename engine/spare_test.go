package engine

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/gobwas/ws"
)

// held is how many bytes crypto/tls's buffers for reading have.
func (s *secure) held() (n int) {
	for _, at := range spares {
		n += at.of(s.Conn).Cap()
	}
	return n
}

// TestSpares: the fields are there that are to be emptied, and a Conn has the size that is said of it.
func TestSpares(t *testing.T) {
	if len(spares) != 2 {
		t.Errorf("%d of 2 buffers are found: crypto/tls has changed", len(spares))
	}
	if len(addresses) != 2 {
		t.Errorf("%d of 2 addresses are found: nbio has changed", len(addresses))
	}
	if size := unsafe.Sizeof(Conn{}); size > 288 {
		t.Errorf("a Conn has %d bytes, want 288", size)
	}
}

// TestTLSHoldsNoBuffers: a connection that waits has given up what its handshake and its messages needed, whatever their size.
func TestTLSHoldsNoBuffers(t *testing.T) {
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			m, r := &memory{room: -1}, &recorder{}
			c := connect(t, socketless(t, Config{MaxMessage: 1 << 20}), m, 0, r.open)
			m.peer = speak(t, c, version)
			for _, size := range []int{0, 1, 100, 1000, maxRecord, 300_000} {
				c.arrive(whole(ws.OpText, string(bytes.Repeat([]byte("x"), size))))
				if held := c.secure.held(); held > 2*largeSpare {
					t.Errorf("%d bytes are held after a message of %d", held, size)
				}
			}
			half := m.peer.seal(whole(ws.OpText, "in two pieces"))
			c.receive(bytes.Clone(half[:20]))
			c.receive(bytes.Clone(half[20:]))
			if heard := r.heard(); len(heard) != 7 || heard[6] != text("in two pieces") {
				t.Errorf("%d messages, the last %v", len(heard), heard[len(heard)-1])
			}
		})
	}
}
