package loadtest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// maxPending bounds the bytes that may wait for one user's socket to become writable again.
const maxPending = 1 << 20

var (
	// ErrClosed is returned for a user whose socket is gone and for a swarm that was closed.
	ErrClosed = errors.New("loadtest: closed")
	// ErrFull says that the server takes a user's messages more slowly than they are sent.
	ErrFull = errors.New("loadtest: 1 MiB waits for the server to read")
)

// CloseError is the close frame with which a server ended a user's connection.
type CloseError struct {
	Code   ws.StatusCode // 1005 if the frame held none
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("loadtest: closed by the server: %d %s", e.Code, e.Reason)
}

// User is one simulated user: a socket and the place in its stream, about 160 bytes, and some 8 KB more
// with TLS. All methods may be called from any goroutine, callbacks included, and none blocks.
type User struct {
	// ID is the number given to [Swarm.Connect]; the package only carries it.
	ID int

	loop     *loop
	opening  *opening // until the handshake is done; the loop's once the user is registered
	stream   decoder  // the loop's
	received atomic.Uint64
	paused   atomic.Bool
	protocol uint8 // which of Config.Subprotocols, counted from 1; 0: none; set before Connect returns

	mu     sync.Mutex // guards what follows
	secure *secure    // nil without TLS, and once closed; only the loop changes it
	fd     int        // -1 once closed; only the loop closes it
	out    []byte     // what the socket did not take at once
}

// Subprotocol is the one of [Config.Subprotocols] that the server has chosen; empty: none.
func (u *User) Subprotocol() string {
	if u.protocol == 0 {
		return ""
	}
	return u.loop.swarm.conf.Subprotocols[u.protocol-1]
}

// Received counts the text and binary messages that have come.
func (u *User) Received() uint64 { return u.received.Load() }

// Send sends one text message. The text is copied before Send returns. The error is [ErrClosed],
// [ErrFull] (then nothing of the message was sent) or the socket's own.
func (u *User) Send(text []byte) error { return u.send(ws.OpText, text) }

// Leave sends close code 1000 and leaves it to the server to end the connection, as a page does
// that is closed.
func (u *User) Leave() error {
	return u.send(ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))
}

// Cut ends the connection without a word of WebSocket, as a lost network does in the end.
func (u *User) Cut() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fd >= 0 {
		// The loop sees the end of the stream and closes the descriptor. Closing it here could
		// hand its number to a new user while the loop still reads.
		_ = unix.Shutdown(u.fd, unix.SHUT_RDWR)
	}
}

var frames = sync.Pool{New: func() any { return new([]byte) }}

func (u *User) send(op ws.OpCode, payload []byte) error {
	buf := frames.Get().(*[]byte)
	defer frames.Put(buf)
	*buf = appendFrame((*buf)[:0], op, payload)
	return u.put(*buf)
}

// put sends bytes of the stream to the server, all or none.
func (u *User) put(b []byte) error {
	u.mu.Lock()
	if u.secure == nil {
		defer u.mu.Unlock()
		if err := u.room(len(b)); err != nil {
			return err
		}
		return u.write(b)
	}
	secure, err := u.secure, u.room(len(b))
	// What has been encrypted must be sent, since each record counts. So room is asked before, and senders
	// who ask at the same time can together exceed the bound by their messages.
	u.mu.Unlock()
	if err != nil {
		return err
	}
	_, err = secure.conn.Write(b)
	return err
}

// room says whether so many bytes more may be written. The caller holds mu.
func (u *User) room(n int) error {
	switch {
	case u.fd < 0:
		return ErrClosed
	case len(u.out) > 0 && len(u.out)+n > maxPending:
		return ErrFull
	}
	return nil
}

// write gives bytes to the socket and keeps what it does not take for flush. The caller holds mu.
func (u *User) write(b []byte) error {
	if u.fd < 0 {
		return ErrClosed
	}
	if len(u.out) > 0 {
		u.out = append(u.out, b...)
		return nil
	}
	n, err := writeSome(u.fd, b)
	if err == nil && n < len(b) {
		u.out = append(u.out, b[n:]...)
	}
	return err
}

// flush writes what waits. The loop calls it when the socket has become writable.
func (u *User) flush() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fd < 0 || len(u.out) == 0 {
		return
	}
	// An error here comes to the loop as an event too, with the end of the socket.
	if n, _ := writeSome(u.fd, u.out); n < len(u.out) {
		u.out = u.out[n:]
		return
	}
	u.out = nil
}

// writeSome writes what the socket takes now, which may be nothing.
func writeSome(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Write(fd, b)
		switch err {
		case nil:
			return n, nil
		case unix.EAGAIN:
			return 0, nil
		case unix.EINTR:
			continue
		}
		return 0, err
	}
}
