package engine

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"
)

// refusal is an HTTP answer in place of the 101.
type refusal struct {
	status int
	reason string
	kind   string // the word by which it is counted; "": by its status
}

func (r *refusal) Error() string { return r.reason }

// Status is the HTTP status.
func (r *refusal) Status() int { return r.status }

// Kind is the word by which it is counted; "": by its status.
func (r *refusal) Kind() string { return r.kind }

// Refuse makes an error for Config.Accept that is answered with an HTTP status and a reason of one line.
func Refuse(status int, reason string) error { return &refusal{status: status, reason: reason} }

func badHandshake(reason string) *refusal {
	return &refusal{status: http.StatusBadRequest, reason: reason}
}

var (
	errNotHTTP     = badHandshake("not an HTTP request")
	errBadProxy    = &refusal{http.StatusBadRequest, "the PROXY header is missing or malformed", "proxy_header"}
	errNoProxy     = &refusal{http.StatusBadRequest, "a PROXY header is not expected from this address", "untrusted_proxy"}
	errHeadTimeout = &refusal{http.StatusRequestTimeout, "the request did not arrive in time", "slow_request"}
	errHeadTooBig  = &refusal{http.StatusRequestHeaderFieldsTooLarge, "the request's headers are too large", "large_head"}
	errOrigin      = &refusal{http.StatusForbidden, "origin not allowed", "origin"}
	errTooFast     = &refusal{http.StatusTooManyRequests, "too many new connections from this address", "connect_rate"}
	errBusy        = &refusal{http.StatusServiceUnavailable, "too many are coming in at present", "accept_rate"}
	errMemory      = &refusal{http.StatusServiceUnavailable, "the server has no memory left for more", "memory"}
	errTooMany     = &refusal{http.StatusTooManyRequests, "too many connections from this address", "address"}
	errDraining    = &refusal{http.StatusServiceUnavailable, "the server is shutting down", "draining"}
	errFull        = &refusal{http.StatusServiceUnavailable, "the server is full", "full"}

	errOddRequest = errors.New("a request for net/http to judge")
	errHeadLost   = errors.New("connection lost before the request ended") // nobody is left to be answered
)

// How long, and for how many bytes, a refused client is listened to, so that the refusal is not lost in a reset.
const (
	lingerTime  = time.Second
	lingerBytes = 256 << 10
)

// refuse answers a request with err and closes the connection in order. It may take up to lingerTime.
func (d *door) refuse(a *arrival, err error) {
	if errors.Is(err, errHeadLost) {
		_ = a.Close()
		return
	}
	d.engine.refused(a.from, err)
	d.sayLast(a, d.engine.response(err), !errors.Is(err, errHeadTimeout))
}

// turnAway refuses a valid WebSocket request: by HTTP, or after the upgrade where Config.Refused asks for that.
func (d *door) turnAway(a *arrival, r *http.Request, err error) {
	text, code := d.engine.config.Refused(r, status(err))
	if code == 0 {
		d.refuse(a, err)
		return
	}
	d.engine.refused(a.from, err)
	answer := switching(r, "", d.engine.config.Subprotocol(r))
	if len(text) > 0 {
		answer = append(answer, NewFrame(false, text).wire...)
	}
	d.sayLast(a, append(answer, closeFrame(code, err.Error())...), true)
}

// sayLast writes the last that a client gets and closes the connection, after listening for a while if asked to.
func (d *door) sayLast(a *arrival, answer []byte, listen bool) {
	defer a.Close()
	_ = a.SetDeadline(time.Now().Add(lingerTime))
	if _, err := a.Write(answer); err != nil || !listen {
		return
	}
	select {
	case d.lingering <- struct{}{}:
		if a.CloseWrite() == nil {
			_, _ = io.CopyN(io.Discard, a, lingerBytes)
		}
		<-d.lingering
	default:
	}
}

// status is the HTTP status that err stands for.
func status(err error) int {
	var with interface{ Status() int }
	if errors.As(err, &with) {
		return with.Status()
	}
	return http.StatusInternalServerError
}

// response is the refusal that err stands for, as bytes: a short text, and the connection ends.
func (e *Engine) response(err error) []byte {
	status := status(err)
	extra := ""
	switch status {
	case http.StatusUpgradeRequired:
		extra = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		extra = fmt.Sprintf("Retry-After: %d\r\n", int(math.Ceil(e.RetryAfter(status).Seconds())))
	}
	reason := strings.NewReplacer("\r", " ", "\n", " ").Replace(err.Error()) + "\n"
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"+
		"%sConnection: close\r\nContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), extra, len(reason), reason)
}
