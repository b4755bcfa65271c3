package engine

import (
	"fmt"
	"sync"
	"time"
)

// slowestUpload is what a message that has begun must come in at, in bytes a second, beyond twice the ping interval: a peer
// that trickles holds a buffer for a bounded time only.
const slowestUpload = 4 << 10

// sweep keeps the time for all connections: one goroutine instead of a timer each. Every tick it visits one table,
// so that pings are spread out and each connection is seen at least every quarter of the ping interval.
func (e *Engine) sweep() {
	tick := max(min(e.config.Ping/(4*tables), 250*time.Millisecond), time.Millisecond)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var found []*Conn
	for i := 0; ; i = (i + 1) % tables {
		select {
		case <-ticker.C:
		case <-e.stop:
			return
		}
		e.clock.Store(time.Since(e.epoch).Milliseconds() + 1)
		found = e.tables[i].collect(found[:0], e.due)
		for j, c := range found {
			e.visit(c)
			found[j] = nil
		}
		e.closing.expire(e.clock.Load())
	}
}

// due reports whether a connection was silent for a ping interval or is in the middle of a message.
func (e *Engine) due(c *Conn) bool {
	return c.begun.Load() != 0 || e.clock.Load()-c.heard.Load() >= e.config.Ping.Milliseconds()
}

// visit pings a silent connection and closes one that does not answer, or whose message never ends.
func (e *Engine) visit(c *Conn) {
	now, ping := e.clock.Load(), e.config.Ping.Milliseconds()
	silent := now - c.heard.Load()
	begun := c.begun.Load()
	switch {
	case silent >= 2*ping:
		c.Close(ClosePolicy, fmt.Sprintf("silent for %v", 2*e.config.Ping))
	case begun != 0 && now-begun > 2*ping+1000*int64(c.maxMessage)/slowestUpload:
		c.Close(ClosePolicy, "message takes too long")
	case silent >= ping && !c.pinged.Load():
		c.keepAlive()
	}
}

// failLinger is how long a peer that broke the protocol has to read why, before its socket is closed.
const failLinger = 200 * time.Millisecond

// closers are the connections that have begun to close, each with the engine clock at which it is cut off.
type closers struct {
	mu    sync.Mutex // guards until; a leaf: nothing is locked while it is held
	until map[*Conn]int64
}

// add never blocks.
func (l *closers) add(c *Conn, within time.Duration) {
	l.mu.Lock()
	if l.until == nil {
		l.until = map[*Conn]int64{}
	}
	l.until[c] = c.engine.clock.Load() + within.Milliseconds()
	l.mu.Unlock()
}

// expire cuts off those whose time has come: the peer has not answered.
func (l *closers) expire(now int64) {
	var late []*Conn
	l.mu.Lock()
	for c, until := range l.until {
		if until <= now {
			late = append(late, c)
			delete(l.until, c)
		}
	}
	l.mu.Unlock()
	for _, c := range late {
		_ = c.sock.Close()
	}
}
