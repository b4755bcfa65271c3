package engine

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lesismal/nbio"
	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"
)

// Session is what a protocol hangs on a connection.
type Session interface {
	// Message is called for each whole message, in order, on the connection's loop. It must not block: every
	// other connection of that loop waits meanwhile. payload is valid during the call only.
	Message(isBinary bool, payload []byte)
	// Closed is called once, when the connection begins to close or is lost, from any goroutine that uses the
	// connection. It must not block. The one Message that the loop is just delivering may overlap it; no other follows.
	Closed()
}

// Open makes the session of a connection that was let in. It is called exactly once for every Open that Accept
// returned, even when the connection is lost before (then Closed follows at once). It runs before the first byte is
// read and before the 101 is written, but what it sends comes after the 101.
type Open func(*Conn) Session

// transport is the socket below a connection, and below its TLS if it has any: *nbio.Conn, or a stand-in in tests. Write
// never blocks; it takes all of b or fails, and the bytes that really left are reported to Conn.written. A socket whose Write
// fails closes itself and tells Conn.lost.
type transport interface {
	Write(b []byte) (int, error)
	Close() error
}

type state uint8

const (
	stateOpen    state = iota
	stateLeaving       // the session is being told; nothing more is accepted from it
	stateClosing       // the close frame is queued or sent
	stateClosed        // the socket is gone
)

// Conn is one WebSocket connection. Send, Flush, Queued, IsIdle, Close and RemoteAddr may be called from any goroutine and never
// block; SetMaxMessage only in Open. Its fields, small ones beside each other, fill the 288 bytes that Go's allocator has for it
// (TestSpares).
type Conn struct {
	engine  *Engine
	sock    transport
	secure  *secure        // its TLS; nil: none
	session Session        // set by start, before the loop sees the connection
	slot    int            // index in its table, guarded by that one's lock
	id      uint64         // of this connection alone, in this process; it chooses the table
	opened  int64          // engine clock
	from    netip.AddrPort // where the client is, seen through trusted proxies

	// Owned by the loop.
	in         *inbound // nil between messages: a connection that waits holds no buffer
	maxMessage int      // bytes, after decompression
	controls   *rate.Limiter
	arrived    int64 // Engine.now when the read came that is sampled; 0: this one is not
	reads      uint8 // by which clockRead chooses
	deaf       bool  // a protocol error or the peer's close frame ended reading; what still comes is thrown away

	pinged  atomic.Bool  // a keep-alive ping waits for any answer
	heard   atomic.Int64 // engine clock, when the last byte came
	begun   atomic.Int64 // engine clock, when the message that is coming began; 0 = none
	pending atomic.Int64 // bytes given to the socket that it has not sent; inWrite is added during a write

	mu         sync.Mutex // guards what follows; taken before the socket's own lock, never while holding another Conn's
	out        outbox
	state      state
	attached   bool   // the loop serves the socket; before, nothing may be written to it
	peerClosed bool   // the peer's close frame has come
	told       bool   // the session knows that it is closed
	code       uint16 // with which it began to close
	sends      uint8  // by which queue chooses
	queued     int64  // Engine.now when the frame was queued that is sampled; 0: none
}

// RemoteAddr is where the client is, seen through trusted proxies; the port is 0 when they did not tell it.
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.from) }

// SetMaxMessage sets the largest message that is read, in bytes after decompression, in place of
// Config.MaxMessage. Only Open may call it.
func (c *Conn) SetMaxMessage(n int) { c.maxMessage = n }

// Send queues a frame; Flush writes it. It reports whether the frame was taken: not when the connection is closing.
// A connection whose queue would pass Config.Queue is a slow reader: what waits for it is dropped and it is closed with
// 4008. A frame that is larger than the whole queue is taken when nothing else waits.
func (c *Conn) Send(f *Frame) bool {
	c.mu.Lock()
	if c.state != stateOpen {
		c.mu.Unlock()
		return false
	}
	if c.out.bytes > 0 && c.out.bytes+f.cost() > c.engine.config.Queue {
		c.out.drop()
		c.code = CloseTooSlow
		tell := c.leave(stateLeaving) // at once: nothing may get in behind what was dropped
		c.mu.Unlock()
		c.engine.slow.Add(1)
		c.engine.metrics.close(CloseTooSlow, byServer)
		c.part(tell, CloseTooSlow, "too slow a reader", c.engine.config.CloseTimeout)
		return false
	}
	c.out.add(f)
	c.queue()
	c.mu.Unlock()
	return true
}

// Queued is how many bytes wait for the peer: in the queue, as Config.Queue counts them, and in the socket as far as the
// kernel has not taken them.
func (c *Conn) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.bytes + int(c.pending.Load())
}

// IsIdle reports whether nothing is to be done for the peer: its request is answered, and nothing has come that is not yet read. Else it
// may be this server that is waited for.
func (c *Conn) IsIdle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	sock, isSocket := c.sock.(*nbio.Conn)
	switch {
	case c.state == stateClosed:
		return true
	case !c.attached || !isSocket:
		return c.attached
	}
	unread, err := unix.IoctlGetInt(sock.Hash(), unix.TIOCINQ) // of a socket that is just being closed it may be another's
	return unread == 0 || err != nil
}

// Close ends the connection in order: what is queued, then a close frame with code and reason, goes out; the socket
// is closed when the peer has answered, or Config.CloseTimeout after it last read some of it. Later calls do nothing.
// reason is cut to 123 bytes (RFC 6455 section 5.5).
func (c *Conn) Close(code uint16, reason string) {
	c.end(code, reason, c.engine.config.CloseTimeout, byServer)
}

// fail ends the connection because of what the peer sent. What still comes is thrown away: RFC 6455 section 7.1.7
// forbids to go on reading, so that no answer is waited for, only until the close frame is likely to be read.
// The loop alone calls it.
func (c *Conn) fail(f *failure) {
	c.deaf = true
	c.end(f.code, f.reason, failLinger, byServer)
}

// end tells the session, then queues the close frame: when the peer sees it, the session has given up what it held.
// The socket is cut off when it is not gone within, as long as the peer does not go on reading what is queued.
func (c *Conn) end(code uint16, reason string, within time.Duration, by side) {
	c.mu.Lock()
	first := c.state == stateOpen
	if first {
		c.code = code
	}
	tell := first && c.leave(stateLeaving)
	c.mu.Unlock()
	if first {
		c.engine.metrics.close(code, by)
		c.part(tell, code, reason, within)
	}
}

// part does the rest of end, in the state leaving.
func (c *Conn) part(tell bool, code uint16, reason string, within time.Duration) {
	if tell {
		c.session.Closed()
	}
	c.engine.closing.add(c, within, c.left())
	c.mu.Lock()
	if c.state == stateLeaving {
		c.out.add(&Frame{wire: closeFrame(code, reason)})
		c.state = stateClosing
	}
	c.mu.Unlock()
	c.Flush()
}

// left is how much is still to be sent, as a number that falls while the peer reads.
func (c *Conn) left() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(c.out.bytes-int(c.out.offset)) + c.pending.Load()
}

// leave moves on from stateOpen and reports whether the session is to be told now. The caller holds c.mu.
func (c *Conn) leave(to state) bool {
	c.state = to
	if c.told || c.session == nil {
		return false
	}
	c.told = true
	return true
}

// start gives the connection its session. What closed it meanwhile is told to the session now.
func (c *Conn) start(open Open) {
	session := open(c)
	c.mu.Lock()
	c.session = session
	tell := c.state != stateOpen && c.leave(c.state)
	c.mu.Unlock()
	if tell {
		session.Closed()
	}
}

// attach writes the 101 and lets Flush write after it: the loop serves the socket from now on.
func (c *Conn) attach(response []byte) {
	c.mu.Lock()
	if c.state != stateClosed {
		_ = c.write(response)
	}
	c.attached = true
	c.mu.Unlock()
	c.Flush()
}

// lost is called when the socket is gone.
func (c *Conn) lost() {
	c.mu.Lock()
	if c.state == stateClosed {
		c.mu.Unlock()
		return
	}
	if c.state == stateOpen {
		c.code = closeLost
		c.engine.metrics.close(closeLost, byNobody)
	}
	code, tell := c.code, c.leave(stateClosed)
	c.out.clear()
	c.engine.metrics.gone.add(&c.out.sent)
	c.mu.Unlock()
	c.logGone(code)
	if tell {
		c.session.Closed()
	}
	c.engine.forget(c)
}

// closedConn stands in for a connection that was lost before it began.
func closedConn(e *Engine, from netip.AddrPort) *Conn {
	return &Conn{engine: e, sock: noSocket{}, from: from, state: stateClosed}
}

// noSocket is the socket of a connection that has none.
type noSocket struct{}

func (noSocket) Write([]byte) (int, error) { return 0, net.ErrClosed }
func (noSocket) Close() error              { return nil }
