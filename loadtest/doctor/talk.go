package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gobwas/ws"
)

const (
	echoSize   = 64 << 10        // the largest message that a server takes by default
	frameLimit = 2 * echoSize    // the largest frame that is read
	pongTime   = 5 * time.Second // for the pong after a silence
)

var pingPayload = []byte("throng doctor")

// echo sends a ping and a message of 64 KiB and waits for both to come back.
func (t *talk) echo() []Check {
	sent := make([]byte, echoSize)
	for i := range sent {
		sent[i] = byte(i * 31 >> 3) // not a text, and not the same all over
	}
	start := time.Now()
	err := errors.Join(t.send(ws.OpPing, pingPayload), t.send(ws.OpBinary, sent))
	var (
		pong, back time.Duration
		message    []byte
	)
	for err == nil && (pong == 0 || back == 0) {
		var f ws.Frame
		if f, err = t.frame(); err != nil {
			break
		}
		switch f.Header.OpCode {
		case ws.OpPong:
			if bytes.Equal(f.Payload, pingPayload) {
				pong = time.Since(start)
			}
		case ws.OpBinary, ws.OpContinuation: // a proxy may cut a message into frames
			message = append(message, f.Payload...)
			if len(message) > len(sent) || f.Header.Fin && !bytes.Equal(message, sent) {
				err = errAltered
			} else if f.Header.Fin {
				back = time.Since(start)
			}
		case ws.OpPing:
		default:
			err = fmt.Errorf("a frame came that nobody asked for (opcode %d)", f.Header.OpCode)
		}
	}
	return []Check{
		came("ping", "pong", pong, err, "# pings and pongs must pass: without them throng closes a silent connection after twice --ping"),
		came("echo", "64 KiB and back", back, err, echoAdvice(err)),
	}
}

var errAltered = errors.New("the message came back altered")

// came is the check of something that should have come back.
func came(name, what string, took time.Duration, err error, advice string) Check {
	if took > 0 {
		return Check{Name: name, Found: fmt.Sprintf("%s in %v", what, took.Round(10*time.Microsecond))}
	}
	return Check{Name: name, Level: Fail, Found: "did not come back: " + reason(err), Advice: advice}
}

func echoAdvice(err error) string {
	var closed *closeError
	if errors.As(err, &closed) {
		switch closed.code {
		case ws.StatusMessageTooBig:
			return "throng --echo-max 64KiB   # it is less now; or the proxy has a limit of its own for messages"
		case 4029:
			return "throng --rate 20 --burst 40   # it is less now"
		case ws.StatusGoingAway, 4001:
			return "# the server is stopping: try again"
		}
	}
	return "# the proxy must pass frames on as they are, 64 KiB at least: see its limits for WebSocket messages"
}

// reason is an error in the words of one who waits.
func reason(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing more comes"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isReset(err):
		return "the connection was cut off"
	}
	return clean(err.Error())
}

// idle says nothing for a while, answers pings, and sees whether the connection is still there.
func (t *talk) idle(ctx context.Context, long time.Duration) Check {
	c := Check{Name: "idle"}
	start := time.Now()
	pings, err := 0, error(nil)
	t.within(ctx, long, func() {
		for err == nil {
			// Nothing is taken while nothing has come, so that the end of the silence loses no half frame.
			if _, err = t.in.Peek(1); err == nil {
				var f ws.Frame
				f, err = t.frame()
				if f.Header.OpCode == ws.OpPing {
					pings++
				}
			}
		}
	})
	lasted := time.Since(start)
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
		t.within(ctx, pongTime, func() { err = t.pong() })
	}
	switch {
	case err == nil:
		c.Found = fmt.Sprintf("lives after %v of silence, with %s of the server", long, plural(pings, "ping"))
		return c
	case ctx.Err() != nil:
		c.Level, c.Found = Warn, fmt.Sprintf("given up after %v of silence", lasted.Round(100*time.Millisecond))
		return c
	}
	c.Level = Fail
	c.Found = fmt.Sprintf("ended after %v of silence: %s", lasted.Round(100*time.Millisecond), reason(err))
	c.Advice = lines("proxy_read_timeout 75s; proxy_send_timeout 75s;   # nginx; or throng --ping with less than the proxy's timeout",
		"timeout tunnel 1h   # haproxy")
	return c
}

// pong pings and waits for the answer.
func (t *talk) pong() error {
	if err := t.send(ws.OpPing, pingPayload); err != nil {
		return err
	}
	for {
		f, err := t.frame()
		if err != nil || f.Header.OpCode == ws.OpPong && bytes.Equal(f.Payload, pingPayload) {
			return err
		}
	}
}

// send sends one whole frame, masked as a client's must be (RFC 6455 section 5.3). The payload is copied.
func (t *talk) send(op ws.OpCode, payload []byte) error {
	return ws.WriteFrame(t.conn, ws.MaskFrame(ws.NewFrame(op, true, payload)))
}

// frame reads one frame. It answers pings itself, and a close frame is a [closeError].
func (t *talk) frame() (ws.Frame, error) {
	h, err := ws.ReadHeader(t.in)
	switch {
	case err != nil:
		return ws.Frame{}, err
	case h.Length > frameLimit:
		return ws.Frame{}, fmt.Errorf("a frame of %d bytes came", h.Length)
	case h.Masked || h.Rsv != 0:
		return ws.Frame{}, errors.New("a frame came that breaks RFC 6455")
	}
	f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
	if _, err := io.ReadFull(t.in, f.Payload); err != nil {
		return ws.Frame{}, err
	}
	switch h.OpCode {
	case ws.OpPing:
		return f, t.send(ws.OpPong, f.Payload)
	case ws.OpClose:
		code, reason := ws.ParseCloseFrameData(f.Payload)
		return f, &closeError{code, reason}
	}
	return f, nil
}

// closeError is the close frame with which the other side ended the talk.
type closeError struct {
	code   ws.StatusCode
	reason string
}

func (e *closeError) Error() string {
	return fmt.Sprintf("closed with %d %s", e.code, e.reason)
}

// leave says goodbye.
func (t *talk) leave() {
	_ = t.conn.SetDeadline(time.Now().Add(time.Second))
	_ = t.send(ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))
}
