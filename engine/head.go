package engine

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	maxHead   = 16 << 10 // bytes of a request line with its headers
	usualHead = 2 << 10  // bytes; what a browser or a library sends fits
)

var headEnd = []byte("\r\n\r\n")

// head is the beginning of a connection: a request's head and what came with it. It is pooled; free gives it back,
// and whatever refers into it ends there.
type head struct {
	bytes  []byte
	length int // of the request's head in bytes

	src    bytes.Reader
	reader *bufio.Reader
}

var heads = sync.Pool{New: func() any {
	return &head{bytes: make([]byte, 0, usualHead), reader: bufio.NewReaderSize(nil, usualHead)}
}}

func (h *head) free() {
	if cap(h.bytes) > maxHead {
		return
	}
	h.src.Reset(nil)
	h.reader.Reset(nil)
	heads.Put(h)
}

// readHead reads until a request's head is complete. Its errors are refusals, or errHeadLost when nobody is left to
// be answered.
func readHead(conn net.Conn, within time.Duration) (*head, error) {
	h := heads.Get().(*head)
	h.bytes = h.bytes[:0]
	err := h.read(conn, within)
	if err != nil {
		h.free()
		return nil, err
	}
	return h, nil
}

func (h *head) read(conn net.Conn, within time.Duration) error {
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return errHeadLost
	}
	for {
		if len(h.bytes) == cap(h.bytes) {
			grown := make([]byte, len(h.bytes), min(2*cap(h.bytes), maxHead+1))
			copy(grown, h.bytes)
			h.bytes = grown
		}
		had := len(h.bytes)
		n, err := conn.Read(h.bytes[had:cap(h.bytes)])
		h.bytes = h.bytes[:had+n]
		if n > 0 && (h.bytes[0] < 'A' || h.bytes[0] > 'Z') {
			return errNotHTTP // a TLS hello, for one: do not wait for the end of what has none
		}
		from := max(had-len(headEnd)+1, 0)
		if i := bytes.Index(h.bytes[from:], headEnd); i >= 0 && from+i+len(headEnd) <= maxHead {
			h.length = from + i + len(headEnd)
			return nil
		}
		switch {
		case len(h.bytes) > maxHead:
			return errHeadTooBig
		case errors.Is(err, os.ErrDeadlineExceeded):
			return errHeadTimeout
		case err != nil:
			return errHeadLost
		}
	}
}

// request parses the head, as strictly as net/http does.
func (h *head) request() (*http.Request, error) {
	h.src.Reset(h.bytes[:h.length])
	h.reader.Reset(&h.src)
	r, err := http.ReadRequest(h.reader)
	if err != nil {
		return nil, err
	}
	// ReadRequest joins Host headers; two that differ are how requests are smuggled (RFC 9112 section 3.2).
	if bytes.Count(bytes.ToLower(h.bytes[:h.length]), []byte("\nhost:")) > 1 {
		return nil, badHandshake("more than one Host header")
	}
	return r, nil
}

// rest is what came after the head.
func (h *head) rest() []byte { return h.bytes[h.length:] }
