package engine

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// sampleKey is a valid Sec-WebSocket-Key, from RFC 6455 section 1.3.
const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// masked is a client's frame. first is the header's first byte: FIN, RSV and opcode.
func masked(first byte, payload []byte) []byte {
	f := ws.NewFrame(ws.OpCode(first&0x0f), first&finBit != 0, bytes.Clone(payload))
	f.Header.Rsv = first >> 4 & 7
	return ws.MustCompileFrame(ws.MaskFrameInPlaceWith(f, [4]byte{0x37, 0xfa, 0x21, 0x3d}))
}

// whole is a client's unfragmented frame.
func whole(op ws.OpCode, payload string) []byte { return masked(finBit|byte(op), []byte(payload)) }

// part is a fragment that is not the last.
func part(op ws.OpCode, payload string) []byte { return masked(byte(op), []byte(payload)) }

// closing is a client's close frame.
func closing(code uint16, reason string) []byte {
	return whole(ws.OpClose, string(binary.BigEndian.AppendUint16(nil, code))+reason)
}

// seen is a frame that the server sent.
type seen struct {
	first   byte // FIN, RSV and opcode
	payload string
}

// unmasked is what a server's whole, uncompressed frame looks like.
func unmasked(op ws.OpCode, payload string) seen { return seen{finBit | byte(op), payload} }

// closed is the server's close frame.
func closed(code uint16, reason string) seen {
	return unmasked(ws.OpClose, string(binary.BigEndian.AppendUint16(nil, code))+reason)
}

// code is the status of a close frame, 0 for all else.
func (s seen) code() uint16 {
	if s.first != finBit|byte(ws.OpClose) || len(s.payload) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16([]byte(s.payload))
}

func (s seen) String() string {
	if len(s.payload) > 100 {
		return fmt.Sprintf("%#x %q… (%d bytes)", s.first, s.payload[:100], len(s.payload))
	}
	return fmt.Sprintf("%#x %q", s.first, s.payload)
}

// readFrame reads one of the server's frames, which are never masked.
func readFrame(r io.Reader) (seen, error) {
	h, err := ws.ReadHeader(r)
	if err != nil {
		return seen{}, err
	}
	if h.Masked {
		return seen{}, fmt.Errorf("the server masked a frame: %+v", h)
	}
	payload := make([]byte, h.Length)
	_, err = io.ReadFull(r, payload)
	first := h.Rsv<<4 | byte(h.OpCode)
	if h.Fin {
		first |= finBit
	}
	return seen{first, string(payload)}, err
}

// frames cuts b into the frames that a server sent; what is not whole at the end is an error.
func frames(t testing.TB, b []byte) []seen {
	t.Helper()
	var all []seen
	for r := bytes.NewReader(b); r.Len() > 0; {
		f, err := readFrame(r)
		if err != nil {
			t.Fatalf("bad output after %v frames: %v", len(all), err)
		}
		all = append(all, f)
	}
	return all
}

// client is a user on a real socket. It fails its test when something takes longer than patience.
type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

// connectTo opens a TCP connection; the test closes it at its end.
func connectTo(t testing.TB, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &client{t, conn, bufio.NewReader(conn)}
}

// encrypt begins TLS; what the server does not like of it comes with the first write or read.
func (c *client) encrypt(config *tls.Config) {
	c.Conn = tls.Client(c.Conn, config)
	c.r = bufio.NewReader(c.Conn)
}

// handshake is a client's request for path, with more header lines.
func handshake(path string, lines ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: throng.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + sampleKey + "\r\n" +
		strings.Join(append(lines, ""), "\r\n") + "\r\n"
}

// say sends bytes as they are.
func (c *client) say(parts ...[]byte) {
	c.t.Helper()
	if _, err := c.Write(bytes.Join(parts, nil)); err != nil {
		c.t.Fatal("write:", err)
	}
}

// answer reads an HTTP response; its body is read too.
func (c *client) answer() (*http.Response, string) {
	c.t.Helper()
	r, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal("no HTTP response:", err)
	}
	defer r.Body.Close()
	if r.StatusCode == http.StatusSwitchingProtocols {
		return r, ""
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatal("response body:", err)
	}
	return r, string(body)
}

// hear reads the next frame.
func (c *client) hear() seen {
	c.t.Helper()
	f, err := readFrame(c.r)
	if err != nil {
		c.t.Fatal("no frame:", err)
	}
	return f
}

// expect reads a frame for each of want.
func (c *client) expect(want ...seen) {
	c.t.Helper()
	for _, w := range want {
		if got := c.hear(); got != w {
			c.t.Fatalf("got frame %v, want %v", got, w)
		}
	}
}

// expectEnd reads the end of the connection.
func (c *client) expectEnd() {
	c.t.Helper()
	if n, err := io.Copy(io.Discard, c.r); err != nil || n > 0 {
		c.t.Fatalf("%d bytes and error %v, want the end of the connection", n, err)
	}
}
