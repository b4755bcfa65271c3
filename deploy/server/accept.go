package server

import (
	"net/http"
	"net/netip"
	"strings"

	"throng/deploy/config"
	"throng/engine"
	"throng/room"
	"throng/room/event"
)

const (
	chatPath = "/conn/ws/" // a nick follows
	echoPath = "/conn_ws"
)

func isSocket(path string) bool {
	_, isChat := nickIn(path)
	return isChat || path == echoPath
}

// nickIn is the nick that a path of the chat ends in; false: it is no path of the chat.
func nickIn(path string) (nick string, isChat bool) {
	if path == strings.TrimSuffix(chatPath, "/") {
		return "", true
	}
	return strings.CutPrefix(path, chatPath)
}

// errNoEcho is the refusal of the echo socket when it is turned off.
var errNoEcho = engine.Refuse(http.StatusNotFound, "the echo socket is turned off")

// acceptor is the seam between the halves: it lets a WebSocket request in and gives its connection a session.
func acceptor(settings config.Serve, hub *room.Hub, gate *gate) func(*http.Request) (engine.Open, error) {
	return func(r *http.Request) (engine.Open, error) {
		nick, isChat := nickIn(r.URL.Path)
		caller := room.Caller{Name: nick}
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			caller.Addr = from.Addr().Unmap()
		}
		if !isChat {
			if err := hub.Banned(caller.Addr); err != nil {
				return nil, err
			}
			if settings.EchoMax == 0 {
				return nil, errNoEcho
			}
			return func(c *engine.Conn) engine.Session {
				c.SetMaxMessage(settings.EchoMax)
				return hub.Echo(peer{c}, caller.Addr)
			}, nil
		}
		grant, bad := gate.ask(r)
		if bad != nil {
			return nil, bad
		}
		caller.Grant = grant
		claim := hub.Claim
		if subprotocol(r) != "" {
			claim = hub.ClaimV2
		}
		enter, err := claim(caller)
		if err != nil {
			return nil, err
		}
		return func(c *engine.Conn) engine.Session { return enter(peer{c}) }, nil
	}
}

// subprotocol is what a chat connection speaks: version 2 where the client offers it, else nothing, the tutorial dialect.
func subprotocol(r *http.Request) string {
	if _, isChat := nickIn(r.URL.Path); isChat && engine.Offers(r, event.V2) {
		return event.V2
	}
	return ""
}

// refused has clients of version 2 refused after the upgrade, with a close code; those that may come back are told when.
func (s *Server) refused(r *http.Request, status int) (text []byte, code uint16) {
	if subprotocol(r) == "" {
		return nil, 0
	}
	code = map[int]uint16{
		http.StatusBadRequest: event.CloseBadNick, http.StatusUnauthorized: event.CloseToken,
		http.StatusForbidden: event.CloseOrigin, http.StatusConflict: event.CloseInUse,
		http.StatusTooManyRequests: event.CloseFull, http.StatusServiceUnavailable: event.CloseFull,
	}[status]
	switch {
	case code == 0:
		code = event.CloseError
	case code == event.CloseFull && s.engine.Draining():
		code = event.CloseDraining
	}
	if event.Reconnects(code) {
		text = event.AppendBye(nil, code, s.engine.RetryAfter(status))
	}
	return text, code
}
