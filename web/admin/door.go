package admin

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// maxKey is the longest key that is looked at, in bytes.
const maxKey = 1024

// local is who asks from this machine while there are no keys at all.
var local = &Key{Name: "local", Scopes: []Scope{Admin}}

var (
	errForeign  = refuse(http.StatusForbidden, "a page of another origin may not ask for this")
	errNamed    = refuse(http.StatusForbidden, "this is answered by an IP address or localhost only, not by another name")
	errLocal    = refuse(http.StatusForbidden, "without a key the API answers this machine only: see --api-key")
	errNoKey    = refuse(http.StatusUnauthorized, "want the header Authorization: Bearer KEY")
	errWrongKey = refuse(http.StatusUnauthorized, "the key is not known here")
)

// Guard has next answer what an operator's program or a page of this server asks for, with a key or without. A page of another origin
// is refused, and so is who calls this server by a name other than localhost, which may have been made to lead here (DNS rebinding):
// 403, counted and logged as a refusal of the API is. Any goroutine may use it.
func (s *Server) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bad := errForeign
		if !isForeign(r) {
			if _, ok := called(r); ok {
				next.ServeHTTP(w, r)
				return
			}
			bad = errNamed
		}
		s.complain(r, RequestID(r), bad)
		http.Error(w, bad.Message, bad.Status)
	})
}

// who finds out whose request it is.
func (s *Server) who(r *http.Request) (*Key, *Error) {
	from := address(r)
	if isForeign(r) {
		return nil, s.fail(from, errForeign)
	}
	if s.keys == nil {
		if !isLocal(r, from) {
			return nil, s.fail(from, errLocal)
		}
		return local, nil
	}
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return nil, s.fail(from, errNoKey)
	}
	scheme, secret, _ := strings.Cut(headers[0], " ") // RFC 9110, section 11.1; the scheme's case does not matter
	secret = strings.TrimSpace(secret)
	if !strings.EqualFold(scheme, "Bearer") || secret == "" || len(secret) > maxKey {
		return nil, s.fail(from, errNoKey)
	}
	key := find(s.keys(), secret)
	if key == nil {
		return nil, s.fail(from, errWrongKey)
	}
	if !s.failures.welcomes(from, key.Name, time.Now()) {
		return nil, errFailures // a guess, after many
	}
	return key, nil
}

// fail counts a failure of an address, which is refused for another reason when it has too many.
func (s *Server) fail(from netip.Addr, bad *Error) *Error {
	if !s.failures.note(from, time.Now()) {
		return errFailures
	}
	return bad
}

// address is where a request comes from; the zero Addr: unknown.
func address(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}

// isForeign reports whether a browser sends the request for a page that is not ours (Fetch Metadata; RFC 6454, section 7).
func isForeign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return true
	}
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return false
	}
	origin, err := url.Parse(origins[0])
	return len(origins) > 1 || err != nil || origin.Host == "" || !strings.EqualFold(origin.Host, r.Host)
}

// isLocal reports whether somebody on this machine asks for this machine: not a browser that was made to believe that we are
// another host (DNS rebinding), and no proxy for somebody else.
func isLocal(r *http.Request, from netip.Addr) bool {
	if !from.IsLoopback() {
		return false
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	addr, ok := called(r)
	return ok && addr.IsLoopback()
}

// called is the address that a request calls this server by, as its Host has it, where localhost is 127.0.0.1; false: it is another
// name, or none.
func called(r *http.Request) (addr netip.Addr, ok bool) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return addr.Unmap(), err == nil
}
