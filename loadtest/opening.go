package loadtest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/sys/unix"
)

// maxAnswer bounds the head of the server's answer to a handshake, in bytes.
const maxAnswer = 8 << 10

var (
	errAnswerSize = errors.New("loadtest: the answer to the handshake is larger than 8 KiB")
	errAccept     = errors.New("loadtest: the answer to the handshake is not one to ours")
	errExtension  = errors.New("loadtest: the server has chosen an extension, and none was offered")
	errProtocol   = errors.New("loadtest: the server has chosen a subprotocol that was not offered")
	errGivenUp    = errors.New("loadtest: nobody waits for the answer any more")
)

// RefusedError is the answer of a server that did not upgrade the connection.
type RefusedError struct {
	Status     int    // the HTTP status
	RetryAfter string // the header Retry-After as it stands: seconds or a date; empty without one
}

func (e *RefusedError) Error() string {
	text := fmt.Sprintf("loadtest: refused: %d %s", e.Status, http.StatusText(e.Status))
	if e.RetryAfter != "" {
		text += ", retry after " + e.RetryAfter
	}
	return text
}

// inner is an error of this package within another one, which has said already that it is of this package.
type inner struct{ error }

func (e inner) Error() string { return strings.TrimPrefix(e.error.Error(), "loadtest: ") }
func (e inner) Unwrap() error { return e.error }

// opening is a user on the way from connect(2) to the 101. It is dropped when the handshake is done,
// so that a waiting user does not carry it.
type opening struct {
	request   []byte
	secure    *secure  // nil without TLS
	offered   []string // subprotocols
	accept    string   // the Sec-WebSocket-Accept that proves the answer
	connected bool     // connect(2) has succeeded; the loop's
	head      []byte   // what has come of the answer; the loop's
	// done gets a nil when the socket is connected and another when the server has upgraded it, or in
	// the place of either the error that ended it. It has room for both, so that the loop never waits.
	done chan error
	// settled is set by whoever is first: the loop that has the answer, or Connect that gives up. So
	// both agree on whether there was a user.
	settled atomic.Bool
}

// newOpening makes up the request (RFC 6455, 4.1).
func newOpening(conf *Config, addr, path string, own http.Header) *opening {
	var nonce [16]byte
	binary.NativeEndian.PutUint64(nonce[:], rand.Uint64())
	binary.NativeEndian.PutUint64(nonce[8:], rand.Uint64())
	key := base64.StdEncoding.EncodeToString(nonce[:])
	var request bytes.Buffer
	fmt.Fprintf(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n", path, addr, key)
	if len(conf.Subprotocols) > 0 {
		fmt.Fprintf(&request, "Sec-WebSocket-Protocol: %s\r\n", strings.Join(conf.Subprotocols, ", "))
	}
	_ = conf.Header.Write(&request) // a buffer takes everything
	_ = own.Write(&request)
	request.WriteString("\r\n")
	// RFC 6455, 4.2.2, item 5.4.
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return &opening{
		request: request.Bytes(),
		offered: conf.Subprotocols,
		accept:  base64.StdEncoding.EncodeToString(sum[:]),
		done:    make(chan error, 2),
	}
}

// open brings a registered user from the connect(2) under way to the 101. After an error the user is
// nobody's but the loop's, which ends it once it is cut.
func (u *User) open(ctx context.Context, o *opening) error {
	if err := o.wait(ctx, "connecting"); err != nil {
		return err
	}
	if o.secure != nil {
		if err := o.secure.handshake(ctx, o.done); err != nil {
			return err
		}
	}
	// If the loop has ended the user meanwhile, it has the reason.
	if err := u.put(o.request); err != nil && !errors.Is(err, ErrClosed) {
		return fmt.Errorf("loadtest: asking for the upgrade: %w", inner{err})
	}
	err := o.wait(ctx, "waiting for the answer to the handshake")
	if o.secure != nil && errors.Is(err, io.EOF) {
		err = o.secure.farewell(err) // it may have come while the handshake ended
	}
	return err
}

// wait waits for the loop's next result.
func (o *opening) wait(ctx context.Context, what string) error {
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
	}
	if o.settled.Swap(true) {
		return <-o.done // the answer came first after all
	}
	return fmt.Errorf("loadtest: %s: %w", what, ctx.Err())
}

// check asks how connect(2) has ended (connect(2), EINPROGRESS).
func (o *opening) check(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	if err != nil {
		return fmt.Errorf("loadtest: connect: %w", err)
	}
	o.connected = true
	o.done <- nil
	return nil
}

// readAnswer takes a chunk of the answer. It returns nil until the head is whole, and then the bytes
// behind it, which are the first of the WebSocket stream, in a slice that is not nil.
func (u *User) readAnswer(chunk []byte) ([]byte, error) {
	o := u.opening
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
	if u.protocol, err = o.accepted(answer); err != nil {
		return nil, err
	}
	if o.settled.Swap(true) {
		return nil, errGivenUp
	}
	u.opening = nil
	o.done <- nil
	return whole[end+4:], nil
}

// accepted checks an answer and returns which subprotocol it chose, counted from 1 (RFC 6455, 4.1, the
// list at the end).
func (o *opening) accepted(answer *http.Response) (protocol uint8, err error) {
	h := answer.Header
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return 0, &RefusedError{Status: answer.StatusCode, RetryAfter: h.Get("Retry-After")}
	}
	if !strings.EqualFold(h.Get("Upgrade"), "websocket") ||
		!httpguts.HeaderValuesContainsToken(h.Values("Connection"), "upgrade") ||
		h.Get("Sec-WebSocket-Accept") != o.accept {
		return 0, errAccept
	}
	if len(h.Values("Sec-WebSocket-Extensions")) > 0 {
		return 0, errExtension
	}
	if chosen := h.Values("Sec-WebSocket-Protocol"); len(chosen) > 0 {
		at := slices.Index(o.offered, chosen[0])
		if at < 0 || len(chosen) > 1 {
			return 0, fmt.Errorf("%w: %q", errProtocol, chosen)
		}
		protocol = uint8(at + 1)
	}
	return protocol, nil
}
