package loadtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
)

// recordSize is the most that one TLS record can hold (RFC 8446, 5.1).
const recordSize = 16 << 10

// secure is a user's TLS: crypto/tls between the stream and the socket, without a goroutine of its own.
//
// The handshake runs on the goroutine of Connect, which waits for what the loop has read. It takes most
// of a millisecond of processor time, which on the loop would be in everyone's way. From then on the
// loop alone reads: it gives the bytes of a read to crypto/tls until that would have to wait for more.
// A read that "would block" is an error that crypto/tls does not keep if it is temporary; what it has of
// a record stays with it. Anyone may write, under the lock that crypto/tls has for that; the user's mu
// is taken inside.
type secure struct {
	conn *tls.Conn
	wire wire
}

func newSecure(u *User, conf *tls.Config) *secure {
	s := &secure{wire: wire{user: u, more: make(chan struct{}, 1)}}
	s.conn = tls.Client(&s.wire, conf)
	return s
}

// handshake waits for the server's certificate and agrees on keys. An error in done ends it.
func (s *secure) handshake(ctx context.Context, done <-chan error) error {
	s.wire.ctx, s.wire.done = ctx, done
	err := s.conn.Handshake()
	switch ended := s.wire.ended; {
	case err == nil:
		if err = ended; ended != nil { // it came with the last of the handshake
			err = s.farewell(ended)
		}
	case ended == nil && errors.Is(err, ErrClosed):
		err = <-done // has the reason
	}
	s.wire.ctx, s.wire.done, s.wire.ended = nil, nil, nil
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Errorf("loadtest: TLS handshake: the server does not speak TLS on this port: %w", err)
	}
	if err != nil {
		return fmt.Errorf("loadtest: TLS handshake: %w", inner{err})
	}
	s.wire.user.mu.Lock()
	defer s.wire.user.mu.Unlock()
	s.wire.more = nil
	return nil
}

// farewell is what the server had to say at last, when the connection has ended and nobody reads it any more; else why it has ended.
func (s *secure) farewell(ended error) error {
	if _, err := s.conn.Read(make([]byte, 1)); err != nil && !errors.Is(err, errWait) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("loadtest: TLS: %w", err)
	}
	return ended
}

// take decrypts what the loop has read and hands it to feed in pieces, which are valid until feed
// returns. Room is for one piece.
func (s *secure) take(chunk, room []byte, feed func([]byte) error) error {
	if s.wire.keep(chunk) {
		return nil
	}
	for {
		n, err := s.conn.Read(room)
		if n > 0 {
			if err := feed(room[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, errWait):
			s.wire.in = nil // nothing is left of it, and the loop's buffer is not ours
			return nil
		case errors.Is(err, io.EOF):
			return err
		case err != nil:
			return fmt.Errorf("loadtest: TLS: %w", err)
		}
	}
}

// wire is the socket as crypto/tls sees it.
type wire struct {
	net.Conn // nil: crypto/tls asks for nothing but what is below
	user     *User
	// in is what crypto/tls has not taken. The user's mu guards it until the handshake is done; then it is
	// the loop's, and of one read.
	in []byte
	// more has room for one and says that in has grown. It is nil after the handshake. The user's mu
	// guards it.
	more chan struct{}
	// These are the handshake's.
	ctx   context.Context
	done  <-chan error
	ended error // what done has given
}

// keep adds a chunk to what there is to read, and says whether that is for the handshake.
func (w *wire) keep(chunk []byte) bool {
	w.user.mu.Lock()
	defer w.user.mu.Unlock()
	if w.more == nil {
		if len(w.in) == 0 {
			w.in = chunk
		} else {
			w.in = append(w.in, chunk...)
		}
		return false
	}
	w.in = append(w.in, chunk...)
	select {
	case w.more <- struct{}{}:
	default:
	}
	return true
}

// Read is called by the goroutine of Connect during the handshake, and then by the loop only.
func (w *wire) Read(b []byte) (int, error) {
	for {
		w.user.mu.Lock()
		n, more := copy(b, w.in), w.more
		w.in = w.in[n:]
		w.user.mu.Unlock()
		switch {
		case n > 0:
			return n, nil
		case more == nil:
			return 0, errWait
		case w.ended != nil:
			return 0, w.ended
		}
		select {
		case <-more:
		case w.ended = <-w.done: // and what came before the end is read first
		case <-w.ctx.Done():
			return 0, w.ctx.Err()
		}
	}
}

func (w *wire) Write(b []byte) (int, error) {
	w.user.mu.Lock()
	defer w.user.mu.Unlock()
	if err := w.user.write(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// errWait says that a read would block.
var errWait net.Error = waitError{}

type waitError struct{}

func (waitError) Error() string   { return "loadtest: nothing more has come yet" }
func (waitError) Timeout() bool   { return true }
func (waitError) Temporary() bool { return true }
