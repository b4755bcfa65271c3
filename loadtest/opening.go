package loadtest

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// maxAnswer bounds the head of the server's answer to a handshake, in bytes.
const maxAnswer = 8 << 10

var (
	errAnswerSize = errors.New("loadtest: the answer to the handshake is larger than 8 KiB")
	errAccept     = errors.New("loadtest: the answer to the handshake is not one to ours")
)

// RefusedError is the answer of a server that did not upgrade the connection.
type RefusedError struct {
	Status int // the HTTP status
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("loadtest: refused: %d %s", e.Status, http.StatusText(e.Status))
}

// opening is a user on the way from connect(2) to the 101. It is dropped when the handshake is done,
// so that a waiting user does not carry it.
type opening struct {
	request []byte
	accept  string     // the Sec-WebSocket-Accept that proves the answer
	asked   bool       // the request has been written
	head    []byte     // what has come of the answer
	done    chan error // one result; has room for it, so that the loop never waits
}

func newOpening(host, path string) *opening {
	var nonce [16]byte
	binary.NativeEndian.PutUint64(nonce[:], rand.Uint64())
	binary.NativeEndian.PutUint64(nonce[8:], rand.Uint64())
	key := base64.StdEncoding.EncodeToString(nonce[:])
	// RFC 6455, 4.2.2, item 5.4.
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return &opening{
		request: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", path, host, key),
		accept: base64.StdEncoding.EncodeToString(sum[:]),
		done:   make(chan error, 1),
	}
}

// ask writes the request once the socket is connected.
func (u *User) ask() error {
	code, err := unix.GetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("loadtest: connect: %w", unix.Errno(code))
	}
	u.opening.asked = true
	return u.write(u.opening.request)
}

// read takes a chunk of the answer. It returns nil until the head is whole, and then the bytes
// behind it, which are the first of the WebSocket stream, in a slice that is not nil.
func (o *opening) read(chunk []byte) ([]byte, error) {
	whole := append(o.head, chunk...)
	end := bytes.Index(whole, []byte("\r\n\r\n"))
	switch {
	case end < 0 && len(whole) > maxAnswer, end > maxAnswer:
		return nil, errAnswerSize
	case end < 0:
		o.head = whole
		return nil, nil
	}
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(whole[:end+4])), nil)
	if err != nil {
		return nil, fmt.Errorf("loadtest: the answer to the handshake: %w", err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return nil, &RefusedError{Status: answer.StatusCode}
	}
	if !strings.EqualFold(answer.Header.Get("Upgrade"), "websocket") ||
		!strings.EqualFold(answer.Header.Get("Connection"), "upgrade") ||
		answer.Header.Get("Sec-WebSocket-Accept") != o.accept {
		return nil, errAccept
	}
	return whole[end+4:], nil
}

// connect starts connecting a socket from one address to another and returns its descriptor.
func connect(from netip.Addr, to netip.AddrPort) (fd int, err error) {
	family, remote := sockaddr(to)
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("loadtest: socket: %w", err)
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
		}
	}()
	if err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return -1, fmt.Errorf("loadtest: TCP_NODELAY: %w", err)
	}
	if from.IsValid() {
		// With the port chosen at connect(2), one port serves several destinations (ip(7)).
		if err = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return -1, fmt.Errorf("loadtest: IP_BIND_ADDRESS_NO_PORT: %w", err)
		}
		_, local := sockaddr(netip.AddrPortFrom(from, 0))
		if err = unix.Bind(fd, local); err != nil {
			return -1, fmt.Errorf("loadtest: bind %v: %w", from, err)
		}
	}
	if err = unix.Connect(fd, remote); err != nil && err != unix.EINPROGRESS {
		return -1, fmt.Errorf("loadtest: connect %v: %w", to, err)
	}
	return fd, nil
}

func sockaddr(a netip.AddrPort) (family int, sa unix.Sockaddr) {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}
