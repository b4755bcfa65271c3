package engine

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"

	"github.com/pires/go-proxyproto"
	"golang.org/x/sys/unix"
)

// Bounds of a PROXY header, in bytes (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt).
const (
	maxProxyV1   = 107     // section 2.1
	fixedProxyV2 = 16      // of version 2 what comes before its addresses (section 2.2)
	maxProxy     = 4 << 10 // the protocol allows 64 KiB of extensions; no proxy sends that
)

// proxyV1 is how version 1 begins.
var proxyV1 = append(bytes.Clone(proxyproto.SIGV1), ' ')

// looksProxied reports whether a request begins like a PROXY header.
func looksProxied(b []byte) bool {
	return bytes.HasPrefix(b, proxyV1) || bytes.HasPrefix(b, proxyproto.SIGV2)
}

// peeker is a connection whose next bytes can be looked at without taking them.
type peeker interface {
	io.Reader
	// peek waits for bytes and copies what is there.
	peek(b []byte) (int, error)
}

// socket is a peeker.
type socket struct{ *net.TCPConn }

func (s socket) peek(b []byte) (n int, err error) {
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, err
	}
	waited := raw.Read(func(fd uintptr) bool {
		n, _, err = unix.Recvfrom(int(fd), b, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return err != unix.EAGAIN
	})
	switch {
	case waited != nil:
		return 0, waited
	case err == nil && n == 0:
		return 0, io.EOF
	}
	return max(n, 0), err
}

// readProxy takes a PROXY header off a connection, until its deadline, and nothing that comes behind it. It returns the
// client that the header names; the zero AddrPort: none, the proxy speaks for itself. Its errors are refusals, or errHeadLost.
func readProxy(conn peeker) (netip.AddrPort, error) {
	b := make([]byte, 0, 256)
	for {
		had := len(b)
		n, err := conn.peek(b[had:cap(b)])
		if err != nil {
			return netip.AddrPort{}, lost(err)
		}
		b = b[:had+n]
		length, bad := proxyLength(b)
		if bad != nil {
			return netip.AddrPort{}, bad
		}
		if length > 0 && length < len(b) {
			b = b[:length]
		}
		if _, err := io.ReadFull(conn, b[had:]); err != nil { // they are there
			return netip.AddrPort{}, lost(err)
		}
		if length == len(b) {
			return parseProxy(b)
		}
		if len(b) == cap(b) {
			b = append(make([]byte, 0, max(length, 2*len(b))), b...)
		}
	}
}

// lost is the refusal of a header that did not come to its end.
func lost(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errHeadTimeout
	}
	return errHeadLost
}

// proxyLength is the length of the header that begins with b, which is not empty; 0: that cannot be told yet. It may be more than b.
func proxyLength(b []byte) (int, error) {
	switch {
	case bytes.HasPrefix(b, proxyV1) || bytes.HasPrefix(proxyV1, b):
		length := bytes.IndexByte(b, '\n') + 1
		if length > maxProxyV1 || length == 0 && len(b) >= maxProxyV1 {
			return 0, errBadProxy
		}
		return length, nil
	case bytes.HasPrefix(proxyproto.SIGV2, b):
		return fixedProxyV2, nil
	case bytes.HasPrefix(b, proxyproto.SIGV2):
		if len(b) < fixedProxyV2 {
			return fixedProxyV2, nil
		}
		length := fixedProxyV2 + int(binary.BigEndian.Uint16(b[fixedProxyV2-2:]))
		if length > maxProxy {
			return 0, errBadProxy
		}
		return length, nil
	}
	return 0, errBadProxy
}

// parseProxy reads a header that is whole.
func parseProxy(b []byte) (netip.AddrPort, error) {
	h, err := proxyproto.Read(bufio.NewReaderSize(bytes.NewReader(b), len(b)))
	if err != nil {
		return netip.AddrPort{}, errBadProxy
	}
	// A client that came to the proxy by something else than TCP has no address that could be counted.
	client, ok := h.SourceAddr.(*net.TCPAddr)
	if h.Command.IsLocal() || !ok {
		return netip.AddrPort{}, nil
	}
	return bare(client.AddrPort()), nil
}
