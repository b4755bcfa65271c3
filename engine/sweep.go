package engine

import (
	"fmt"
	"runtime/debug"
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
	var looked looks
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
		looked = e.look(looked)
	}
}

// looks is when the sweep last did what is not for each connection, by the engine's clock.
type looks struct{ memory, second int64 }

// look does what is to be done from time to time.
func (e *Engine) look(last looks) looks {
	now := e.clock.Load()
	if now-last.memory >= lookEvery.Milliseconds() {
		e.headroom.look(e.running.Go)
		last.memory = now
	}
	if now-last.second >= 1000 {
		if e.rush.isOver(e.returns.measure(time.Duration(now-last.second) * time.Millisecond)) {
			e.running.Go(debug.FreeOSMemory)
		}
		e.complaints.settle(now / 1000)
		e.bounds.Load().inrush.tidy()
		for _, b := range e.barriers {
			b.knock()
		}
		last.second = now
	}
	return last
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

// closers are the connections that have begun to close.
type closers struct {
	mu   sync.Mutex // guards list; a leaf: nothing is locked while it is held
	list map[*Conn]closer
}

// closer is when a connection is cut off, unless it has got on.
type closer struct {
	within time.Duration // without getting on
	until  int64         // engine clock
	end    int64         // engine clock; getting on does not help beyond
	left   int64         // Conn.left when until was set
}

// add never blocks. left is c.left().
func (l *closers) add(c *Conn, within time.Duration, left int64) {
	now := c.engine.clock.Load()
	l.put(c, closer{within, now + within.Milliseconds(), now + 2*c.engine.config.Ping.Milliseconds(), left})
}

func (l *closers) put(c *Conn, when closer) {
	l.mu.Lock()
	if l.list == nil {
		l.list = map[*Conn]closer{}
	}
	l.list[c] = when
	l.mu.Unlock()
}

// expire cuts off those whose time has come. Who has read on since is given the same time again: what was queued for it
// is not lost because it reads slowly.
func (l *closers) expire(now int64) {
	late := map[*Conn]closer{}
	l.mu.Lock()
	for c, when := range l.list {
		if when.until <= now {
			late[c] = when
			delete(l.list, c)
		}
	}
	l.mu.Unlock()
	for c, when := range late {
		if left := c.left(); left < when.left && now < when.end {
			when.left, when.until = left, now+when.within.Milliseconds()
			l.put(c, when)
			continue
		}
		c.shut()
	}
}
