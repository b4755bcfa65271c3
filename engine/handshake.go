package engine

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// wantsSocket reports whether r asks for a WebSocket.
func wantsSocket(r *http.Request) bool {
	return httpguts.HeaderValuesContainsToken(r.Header["Upgrade"], "websocket")
}

// checkHandshake judges the opening handshake (RFC 6455 sections 4.2.1 and 4.2.2).
func checkHandshake(r *http.Request) error {
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-Websocket-Key"))
	switch {
	case r.Method != http.MethodGet:
		return badHandshake("a WebSocket request is a GET")
	case !r.ProtoAtLeast(1, 1):
		return badHandshake("a WebSocket request needs HTTP/1.1")
	case !httpguts.ValidHostHeader(r.Host) || r.Host == "":
		return badHandshake("bad Host header")
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		return &refusal{status: http.StatusRequestEntityTooLarge, reason: "a WebSocket request has no body"}
	case !httpguts.HeaderValuesContainsToken(r.Header["Connection"], "upgrade"):
		return badHandshake("Connection: Upgrade is missing")
	case len(r.Header["Sec-Websocket-Version"]) != 1 || r.Header.Get("Sec-Websocket-Version") != "13":
		return &refusal{status: http.StatusUpgradeRequired, reason: "WebSocket version 13 is needed"}
	case len(r.Header["Sec-Websocket-Key"]) != 1 || err != nil || len(key) != 16:
		return badHandshake("bad Sec-WebSocket-Key")
	}
	for name, values := range r.Header {
		for _, value := range values {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				return badHandshake("bad header")
			}
		}
	}
	return nil
}

// AllowsOrigin reports whether a WebSocket request comes from the page's own origin, from one that allowed names, of which "*" is any, or from
// no browser (RFC 6455 section 10.2). Any goroutine may call it.
func AllowsOrigin(r *http.Request, allowed []string) bool {
	origins := r.Header["Origin"]
	if len(origins) != 1 {
		return len(origins) == 0
	}
	if u, err := url.Parse(origins[0]); err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
		return true
	}
	return slices.ContainsFunc(allowed, func(a string) bool { return a == "*" || strings.EqualFold(a, origins[0]) })
}

// Offers reports whether a WebSocket request names a subprotocol among those that its client speaks (RFC 6455 section
// 11.3.4). Any goroutine may call it.
func Offers(r *http.Request, subprotocol string) bool {
	for _, list := range r.Header["Sec-Websocket-Protocol"] {
		for name := range strings.SplitSeq(list, ",") {
			if strings.Trim(name, " \t") == subprotocol {
				return true
			}
		}
	}
	return false
}

// switching is the 101 (RFC 6455 section 4.2.2); extension and subprotocol are "" for none.
func switching(r *http.Request, extension, subprotocol string) []byte {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // RFC 6455 section 1.3
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + guid))
	b := make([]byte, 0, 256)
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	b = base64.StdEncoding.AppendEncode(b, sum[:])
	if extension != "" {
		b = append(b, "\r\nSec-WebSocket-Extensions: "...)
		b = append(b, extension...)
	}
	if subprotocol != "" {
		b = append(b, "\r\nSec-WebSocket-Protocol: "...)
		b = append(b, subprotocol...)
	}
	return append(b, "\r\n\r\n"...)
}
