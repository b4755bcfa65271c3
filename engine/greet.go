package engine

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"syscall"

	"github.com/lesismal/nbio"
)

// stream is a connection at the door: a *net.TCPConn, or TLS over one.
type stream interface {
	net.Conn
	CloseWrite() error
}

var (
	errPlainHTTP  = &refusal{http.StatusBadRequest, "this port speaks TLS: use https or wss", "tls_plain_http"}
	errTLS        = &refusal{http.StatusBadRequest, "the TLS handshake failed", "tls_handshake"}
	errTLSTimeout = &refusal{http.StatusRequestTimeout, "the TLS handshake took too long", "tls_timeout"}
	errTLSBroken  = &refusal{http.StatusBadRequest, "bad TLS records", "tls_records"}
)

// secureConfig is the configuration that the door uses: the caller's, within what the engine can serve.
func secureConfig(given *tls.Config) *tls.Config {
	if given == nil {
		return nil
	}
	c := given.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	if !slices.Contains(c.NextProtos, protocol) {
		c.NextProtos = append([]string{protocol}, c.NextProtos...)
	}
	c.DynamicRecordSizingDisabled = true // frames that are joined go out in few records, not in one for each 1,200 bytes
	return c
}

// protocol is what is spoken inside TLS, as ALPN names it (RFC 7301 section 6).
const protocol = "http/1.1"

// greet agrees on keys, where the door speaks TLS. By errHeadLost it says that this has failed, and that the client is answered
// and gone.
func (d *door) greet(a *arrival, r *reading) error {
	if d.engine.config.TLS == nil {
		return nil
	}
	s := newSecure(a.stream, d.engine.config.TLS)
	s.await = func(isWaiting bool) { d.await(r, isWaiting) }
	err := s.Handshake()
	s.await = nil
	d.await(r, true) // for the head
	if err == nil {
		if chosen := s.ConnectionState().NegotiatedProtocol; chosen == "" || chosen == protocol {
			a.stream = s
			return nil
		}
		_ = s.Close() // whoever came for another protocol, as a certificate authority does, has seen the certificate
		return errHeadLost
	}
	refused := judgeTLS(err)
	if refused == nil {
		_ = a.Close()
		return errHeadLost
	}
	d.engine.log.Debug("TLS handshake failed", "remote", a.from.String(), "err", err)
	d.engine.refused(a.from, refused)
	if !errors.Is(refused, errPlainHTTP) {
		_ = a.Close()
		return errHeadLost
	}
	d.sayLast(a, d.engine.response(refused), true)
	return errHeadLost
}

// judgeTLS is what a handshake's error comes to; nil: the client went away.
func judgeTLS(err error) error {
	if bad, ok := errors.AsType[tls.RecordHeaderError](err); ok && bad.Conn != nil && isLetter(bad.RecordHeader[0]) {
		return errPlainHTTP
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errTLSTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return nil
	}
	return errTLS
}

// isLetter reports whether a byte may be the first of an HTTP request.
func isLetter(b byte) bool { return b >= 'A' && b <= 'Z' }

// takeOver makes a connection at the door one for the loop: its socket, its TLS if it has any, and rest with what TLS has
// read beyond it. The connection at the door is closed, even by an error.
func takeOver(conn stream, rest []byte) (*nbio.Conn, *secure, []byte, error) {
	s, ok := conn.(*secure)
	if !ok {
		sock, err := adopt(conn)
		return sock, nil, rest, err
	}
	rest = s.drain(rest)
	sock, err := adopt(s.door)
	return sock, s, rest, err
}

// broken counts a connection whose TLS has ended by what is no TLS.
func (e *Engine) broken(c *Conn, err error) {
	if errors.Is(err, io.EOF) {
		return
	}
	e.log.Debug("TLS has failed", "remote", c.RemoteAddr().String(), "err", err)
	e.refused(c.from, errTLSBroken)
}
