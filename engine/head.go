package engine

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
)

const (
	maxHead   = 16 << 10 // bytes of a request line with its headers
	usualHead = 2 << 10  // bytes; what a browser or a library sends fits
)

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

// readHead reads until a request's head is complete, or conn's deadline. Its errors are refusals, or errHeadLost when
// nobody is left to be answered.
func readHead(conn net.Conn) (*head, error) {
	h := heads.Get().(*head)
	h.bytes = h.bytes[:0]
	err := h.read(conn)
	if err != nil {
		h.free()
		return nil, err
	}
	return h, nil
}

func (h *head) read(conn net.Conn) error {
	for {
		if len(h.bytes) == cap(h.bytes) {
			grown := make([]byte, len(h.bytes), min(2*cap(h.bytes), maxHead+1))
			copy(grown, h.bytes)
			h.bytes = grown
		}
		had := len(h.bytes)
		n, err := conn.Read(h.bytes[had:cap(h.bytes)])
		h.bytes = h.bytes[:had+n]
		if looksProxied(h.bytes) {
			return errNoProxy
		}
		if n > 0 && !isLetter(h.bytes[0]) {
			return errNotHTTP // a TLS hello, for one: do not wait for the end of what has none
		}
		if h.length = headEnd(h.bytes, had); h.length > 0 && h.length <= maxHead {
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
//
// Its errors mean that net/http is to read and answer the request.
func (h *head) request() (*http.Request, error) {
	h.src.Reset(h.bytes[:h.length])
	h.reader.Reset(&h.src)
	r, err := http.ReadRequest(h.reader)
	if err != nil {
		return nil, err
	}
	// ReadRequest hides how many Host headers there were (RFC 9112 section 3.2: exactly one). That, other versions
	// and expectations are net/http's to judge, so that there is one strictness.
	if countHosts(h.bytes[:h.length]) != 1 || r.ProtoMajor != 1 || r.Header["Expect"] != nil {
		return nil, errOddRequest
	}
	return r, nil
}

// countHosts is how many Host headers a head has.
func countHosts(head []byte) int {
	const name = "host:"
	n := 0
	for line := range bytes.Lines(head) {
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			n++
		}
	}
	return n
}

// headEnd finds the empty line that ends a head, as net/http does: a line may end in LF alone (RFC 9112 section
// 2.2). It returns the head's length, 0 when there is no end yet. The first had bytes were searched before.
func headEnd(b []byte, had int) int {
	for i := max(had-2, 0); i < len(b); i++ {
		if b[i] != '\n' {
			continue
		}
		switch rest := b[i+1:]; {
		case bytes.HasPrefix(rest, []byte("\n")):
			return i + 2
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return i + 3
		}
	}
	return 0
}

// rest is what came after the head.
func (h *head) rest() []byte { return h.bytes[h.length:] }
