package engine

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// ID is the connection's number in the log, of this process alone; 1 is the first.
func (c *Conn) ID() uint64 { return c.id }

// Code is with which code the connection began to close; 0: it did not yet, or without one.
func (c *Conn) Code() uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.code
}

// logOpen tells, at the level debug, that a connection was let in.
func (c *Conn) logOpen() {
	if log := c.engine.log; log.Enabled(context.Background(), slog.LevelDebug) {
		log.Debug("connection opened", "conn", c.id, "remote", c.RemoteAddr().String(), "who", c.who())
	}
}

// logGone tells, at the level debug, that its socket is gone, and with which code it was closed.
func (c *Conn) logGone(code uint16) {
	if log := c.engine.log; log.Enabled(context.Background(), slog.LevelDebug) {
		lasted := time.Duration(c.engine.clock.Load()-c.opened) * time.Millisecond
		log.Debug("connection closed", "conn", c.id, "remote", c.RemoteAddr().String(), "who", c.who(), "code", code, "lasted", lasted)
	}
}

// who is what a session calls itself, if it does; "": nothing.
func (c *Conn) who() string {
	if named, ok := c.session.(fmt.Stringer); ok {
		return named.String()
	}
	return ""
}
