package engine

import (
	"errors"
	"net"
	"sync"
	"testing"
)

// memory is a transport without a socket, so that the race detector sees all of a connection (nbio hides from it).
// It has nbio's manners: Write takes everything; what the network takes at once is reported to Conn.written inside
// Write, under the socket's lock, the rest later from another goroutine; a failed Write closes the socket, and the loss is
// told from a goroutine of its own.
type memory struct {
	conn    *Conn
	peer    *peer // nil: plain
	running sync.WaitGroup

	mu      sync.Mutex // guards what follows; held while Conn.written runs
	room    int        // bytes that the network takes at once; negative: any number
	sent    []byte     // what has left
	waiting []byte     // what Write took and the network did not
	writes  int
	overlap bool // a Write came while bytes of an earlier one waited
	fails   bool // the next Write fails
	closed  bool
}

var errBroken = errors.New("broken pipe")

func (m *memory) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return -1, net.ErrClosed
	}
	if m.fails {
		m.shut()
		return -1, errBroken
	}
	m.writes++
	m.overlap = m.overlap || len(m.waiting) > 0 && m.peer == nil // of TLS, a write may be several records
	m.waiting = append(m.waiting, b...)
	m.leave()
	return len(b), nil
}

// leave lets go what the network takes. The caller holds m.mu.
func (m *memory) leave() {
	n := len(m.waiting)
	if m.room >= 0 {
		n = min(n, m.room)
		m.room -= n
	}
	if n == 0 {
		return
	}
	m.sent = append(m.sent, m.waiting[:n]...)
	m.waiting = m.waiting[n:]
	m.conn.written(n)
}

// take lets n more bytes leave, any number when it is negative. It is the poller of a socket that became writable.
func (m *memory) take(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n < 0 || m.room < 0 {
		m.room = n
	} else {
		m.room += n
	}
	if !m.closed {
		m.leave()
	}
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shut()
	return nil
}

// shut discards what waits, as nbio does, and tells the connection. The caller holds m.mu.
func (m *memory) shut() {
	if !m.closed {
		m.closed, m.waiting = true, nil
		m.running.Go(m.conn.lost)
	}
}

// fail makes the next Write fail.
func (m *memory) fail() {
	m.mu.Lock()
	m.fails = true
	m.mu.Unlock()
}

// output is what has left so far, without TLS.
func (m *memory) output() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.peer != nil {
		m.peer.hear(m.sent)
		m.sent = nil
		return append([]byte(nil), m.peer.text...)
	}
	return append([]byte(nil), m.sent...)
}

func (m *memory) isClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// socketless is an engine without loop and door; its flusher runs, and its clock stands still unless a test moves it.
func socketless(t testing.TB, config Config) *Engine {
	config.Log = quiet
	config.setDefaults()
	e := &Engine{config: config, log: quiet, writable: newFlusher(), stop: make(chan struct{})}
	e.clock.Store(1)
	e.complaints.log = quiet
	e.returns = newReturns(1, 0)
	e.headroom = newHeadroom(0)
	e.bounds.Store(newBounds(config))
	e.door = newDoor(e)
	e.metrics = newMetrics(e, nil)
	e.running.Go(func() { e.writable.run(e.stop) })
	t.Cleanup(func() {
		close(e.stop)
		e.running.Wait()
	})
	return e
}

// connect puts a connection over m into service, as Engine.enter does, but for the 101.
func connect(t testing.TB, e *Engine, m *memory, window uint8, open Open) *Conn {
	c := &Conn{engine: e, sock: m, maxMessage: e.config.MaxMessage}
	c.out.window = window
	c.heard.Store(e.clock.Load())
	m.conn = c
	if version := tlsOf(t); version != 0 {
		m.peer = speak(t, c, version)
	}
	e.conns.Add(1)
	c.start(open)
	e.tableOf(c).add(c)
	c.mu.Lock()
	c.attached = true // there is no 101 to write
	c.mu.Unlock()
	c.Flush()
	t.Cleanup(func() {
		_ = m.Close()
		m.running.Wait()
	})
	return c
}
