package engine

import (
	"encoding/binary"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"golang.org/x/time/rate"
)

// Close codes (RFC 6455 section 7.4.1, and Throng's own, which tell a client whether to come back).
const (
	CloseNormal   = 1000
	CloseProtocol = 1002
	CloseNotUTF8  = 1007
	ClosePolicy   = 1008
	CloseTooBig   = 1009
	CloseInternal = 1011
	CloseDraining = 4001 // come back after a while
	CloseTooSlow  = 4008 // come back and read faster

	closeGoingAway = 1001 // browsers give it when a page is left
	closeLost      = 1006 // stands for no close frame (RFC 6455 section 7.1.5)
)

// A peer may send this many control frames a second, and this many at once; a flood of them is closed with 1008.
const (
	controlRate  = 50
	controlBurst = 200
)

// control acts on a ping, pong or close frame. payload is valid during the call only.
func (c *Conn) control(op ws.OpCode, payload []byte) *failure {
	c.engine.metrics.control.Inc()
	if op == ws.OpClose {
		return c.peerClose(payload)
	}
	if !c.mayControl(1) {
		return &failure{ClosePolicy, "too many control frames"}
	}
	if op == ws.OpPing {
		c.mu.Lock()
		if c.state == stateOpen {
			c.out.addControl(controlFrame(ws.OpPong, payload))
		}
		c.mu.Unlock()
	}
	return nil
}

// mayControl counts n more control frames, or records of TLS without content, and reports whether they are not too many.
func (c *Conn) mayControl(n int) bool {
	if c.controls == nil {
		c.controls = rate.NewLimiter(controlRate, controlBurst)
	}
	return c.controls.AllowN(time.UnixMilli(c.engine.clock.Load()), n)
}

// peerClose answers the peer's close frame, or takes it as the answer to ours (RFC 6455 section 5.5.1).
func (c *Conn) peerClose(payload []byte) *failure {
	c.answered()
	var code uint16
	if len(payload) > 0 {
		if len(payload) < 2 {
			return protocolError("close frame without a whole code")
		}
		code = binary.BigEndian.Uint16(payload)
		if !validCloseCode(code) {
			return protocolError("bad close code")
		}
		if !utf8.Valid(payload[2:]) {
			return &failure{CloseNotUTF8, "close reason is not UTF-8"}
		}
	}
	c.deaf = true
	c.end(code, "", c.engine.config.CloseTimeout, byClient)
	return nil
}

// answered notes that the peer's close frame has come: the socket is closed once ours has left.
func (c *Conn) answered() {
	c.mu.Lock()
	c.peerClosed = true
	c.mu.Unlock()
}

// validCloseCode reports whether a peer may send code: what RFC 6455 section 7.4 and the IANA registry name, and
// the ranges for libraries and applications.
func validCloseCode(code uint16) bool {
	switch {
	case code >= 3000 && code <= 4999:
		return true
	case code == 1004, code == 1005, code == 1006:
		return false
	}
	return code >= 1000 && code <= 1014
}

// closeFrame is a whole close frame; code 0 is none. reason is cut to what fits (RFC 6455 section 5.5.1).
func closeFrame(code uint16, reason string) []byte {
	if code == 0 {
		return controlFrame(ws.OpClose, nil)
	}
	for len(reason) > maxReason {
		_, last := utf8.DecodeLastRuneInString(reason)
		reason = reason[:len(reason)-last]
	}
	return controlFrame(ws.OpClose, ws.NewCloseFrameBody(ws.StatusCode(code), reason))
}

// keepAlive sends a ping.
func (c *Conn) keepAlive() {
	c.pinged.Store(true)
	c.mu.Lock()
	if c.state == stateOpen {
		c.out.addControl(controlFrame(ws.OpPing, nil))
	}
	c.mu.Unlock()
	c.Flush()
}
