package engine

import (
	"crypto/tls"
	"errors"
	"net"
	"time"
)

const (
	// maxRecord is the most that one TLS record may hold, in bytes (RFC 8446 section 5.1).
	maxRecord = 16 << 10
	// maxUnread bounds, in bytes, what a socket holds beyond one write of ours: the answers to key updates of a peer that does
	// not read them. Beyond it the connection is cut off.
	maxUnread = 2 * writeSize
)

// secure is the TLS of a connection: crypto/tls above, and below it a net.Conn, which is secure itself. At the door that is the
// socket, and whoever reads or writes waits. On the loop nobody does: a read takes what the loop has brought and then says
// that it would block, by an error that crypto/tls does not keep because it is temporary; a write is the socket's, which
// queues. So a connection needs no goroutine, and crypto/tls keeps what it has of a record.
//
// The loop alone reads. Anyone may write, under crypto/tls's lock for that; it is taken below Conn.mu and above the
// socket's own lock. The loop writes, too, when it reads: an alert, or the answer to a key update.
type secure struct {
	*tls.Conn // above

	door  stream               // the socket at the door; nil on the loop
	dry   bool                 // at the door: a read no longer waits
	await func(isWaiting bool) // in the handshake: told when a read begins to wait for the client, and when it has ended
	conn  *Conn                // whose socket it is on the loop; set before the loop sees it
	in    []byte               // what has been read and not yet taken; owned by the loop

	read  records // what crypto/tls was given, at the door and on the loop
	spent int     // how many of them have held something or are counted as holding nothing
}

// newSecure is TLS over a socket at the door, before its handshake.
func newSecure(door stream, config *tls.Config) *secure {
	s := &secure{door: door}
	s.Conn = tls.Server(below{s}, config)
	return s
}

// below is secure as crypto/tls sees it.
type below struct{ *secure }

func (b below) Read(to []byte) (int, error) {
	switch s := b.secure; {
	case s.door != nil && !s.dry:
		if s.await != nil {
			s.await(true)
			defer s.await(false)
		}
		n, err := s.door.Read(to)
		s.read.take(to[:n])
		return n, err
	case len(s.in) == 0:
		return 0, errWait
	default:
		n := copy(to, s.in)
		s.in = s.in[n:]
		s.read.take(to[:n])
		return n, nil
	}
}

// Write takes all of from or fails; a connection whose write fails is lost.
func (b below) Write(from []byte) (int, error) {
	if b.door != nil {
		return b.door.Write(from)
	}
	if b.conn.pending.Load()%inWrite > maxUnread {
		_ = b.conn.sock.Close()
		return 0, errUnread
	}
	if err := b.conn.put(from); err != nil {
		return 0, err
	}
	return len(from), nil
}

func (b below) Close() error {
	if b.door != nil {
		return b.door.Close()
	}
	return b.conn.sock.Close()
}

func (b below) RemoteAddr() net.Addr {
	if b.door != nil {
		return b.door.RemoteAddr()
	}
	return b.conn.RemoteAddr()
}

// LocalAddr is known at the door only, which alone asks for it.
func (b below) LocalAddr() net.Addr { return b.door.LocalAddr() }

func (b below) SetDeadline(t time.Time) error      { return b.deadline(stream.SetDeadline, t) }
func (b below) SetReadDeadline(t time.Time) error  { return b.deadline(stream.SetReadDeadline, t) }
func (b below) SetWriteDeadline(t time.Time) error { return b.deadline(stream.SetWriteDeadline, t) }

// deadline is the door's; on the loop nothing waits.
func (b below) deadline(set func(stream, time.Time) error, t time.Time) error {
	if b.door != nil {
		return set(b.door, t)
	}
	return nil
}

// drain adds to rest what crypto/tls has read and not yet given, before the socket is taken from the door. Its errors come
// again with the next read.
func (s *secure) drain(rest []byte) []byte {
	s.dry = true
	room := make([]byte, maxRecord)
	for {
		n, err := s.Read(room)
		rest = append(rest, room[:n]...)
		if err != nil {
			s.spare()
			s.spent = s.read.whole()
			return rest
		}
	}
}

// receive takes bytes that the socket has read, as data does, and through TLS where there is any. The loop alone calls it.
func (c *Conn) receive(b []byte) {
	switch {
	case c.secure == nil:
		c.data(b)
	case !c.deaf:
		c.decrypt(b)
	}
}

// decrypt hands on what b holds, as much as is there at a time: whoever reads in one turn also answers in one.
func (c *Conn) decrypt(b []byte) {
	defer c.survive()
	room := scratches.Get().(*[writeSize]byte)
	defer scratches.Put(room)
	c.secure.in = b
	defer func() { c.secure.in = nil }() // the loop's buffer is not ours
	for have := 0; !c.deaf; {
		n, err := c.secure.Read(room[have:])
		have += n
		if n > 0 {
			c.secure.spent++ // room is for more than one record, and a read gives no more
		}
		if err == nil && have+maxRecord <= len(room) {
			continue
		}
		if have > 0 {
			c.data(room[:have])
			have = 0
		}
		if errors.Is(err, errWait) {
			c.secure.spare()
			c.charge()
			return
		}
		if err != nil { // the peer's end, or what is no TLS, which crypto/tls has answered by an alert
			c.engine.broken(c, err)
			c.shut()
			return
		}
	}
}

// charge counts records that have brought nothing, as control frames are counted: updates of keys are many times dearer than
// the bytes that ask for them.
func (c *Conn) charge() {
	s := c.secure
	if empty := s.read.whole() - s.spent; empty > 0 && !c.deaf {
		s.spent += empty
		if !c.mayControl(empty) {
			c.fail(&failure{ClosePolicy, "too many records without content"})
			c.settle()
		}
	}
}

// records counts the records of a stream by their heads (RFC 8446 section 5.1).
type records struct {
	begun int
	left  int // bytes that are still to come of the one that has begun
	head  [5]byte
	have  int // bytes of the next one's head
}

func (r *records) take(b []byte) {
	for len(b) > 0 {
		if r.left > 0 {
			n := min(r.left, len(b))
			r.left -= n
			b = b[n:]
			continue
		}
		n := copy(r.head[r.have:], b)
		r.have += n
		b = b[n:]
		if r.have == len(r.head) {
			r.begun++
			r.have, r.left = 0, int(r.head[3])<<8|int(r.head[4])
		}
	}
}

// whole is how many have come to their end.
func (r *records) whole() int {
	if r.left > 0 {
		return r.begun - 1
	}
	return r.begun
}

// notify says that nothing more follows (RFC 8446 section 6.1), once. The caller holds c.mu, and nothing is queued.
func (c *Conn) notify() {
	if c.secure == nil || !c.attached || c.state == stateClosed {
		return
	}
	c.pending.Add(inWrite)
	_ = c.secure.CloseWrite() // fails only when the connection has
	c.pending.Add(-inWrite)
}

// errWait says that a read would block.
var errWait net.Error = waiting{}

type waiting struct{}

func (waiting) Error() string   { return "nothing more has come yet" }
func (waiting) Timeout() bool   { return true }
func (waiting) Temporary() bool { return true }

var errUnread = errors.New("the peer does not read the answers to its key updates")
