package web

import (
	"net/http"
	"strings"
)

// policy is the page's Content-Security-Policy (CSP level 3): only what comes
// from this server, and no string is ever parsed as HTML. 'self' in connect-src
// covers the WebSocket of the same host and port (CSP 3, section 6.7.2.8).
var policy = strings.Join([]string{
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self'",
	"connect-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
	"require-trusted-types-for 'script'",
	"trusted-types 'none'",
}, "; ")

// secure sets the headers that every answer of this package carries, refusals
// included.
func secure(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.TLS != nil {
		// Browsers that have come by https do not come without it for a year (RFC 6797); of plain requests they would not believe it.
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
