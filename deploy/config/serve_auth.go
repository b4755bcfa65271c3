package config

import (
	"net/http"
	"net/url"
	"strings"
)

// Access is the settings of who may come in.
type Access struct {
	Auth            string // "none": whoever says which nick they want; "jwt": who shows a token
	JWTKey          string // file of the keys of tokens; empty: JWKS
	JWKS            string // URL of the keys of tokens; empty: JWTKey
	JWTAudience     string // that tokens must be for; empty: any
	JWTIssuer       string // that tokens must be of; empty: any
	AuthCookie      string // that may hold a token; empty: none does
	MaxConnsPerNick int    // connections that the bearers of one nick's tokens may have; never 0
}

// byToken is the value of Auth where a token is needed.
const byToken = "jwt"

// ByToken reports whether one has to show a token to come in.
func (s *Access) ByToken() bool { return s.Auth == byToken }

// onAuth is who may come in.
func (s *Access) onAuth() []setting {
	return []setting{
		{"auth", "none", choice(&s.Auth, "none", byToken),
			"who may come in: none = whoever chooses a free nick, jwt = who shows a token, whose sub is the nick"},
		{"jwt-key", "", path(&s.JWTKey, "file", optional),
			"keys of tokens: PEM (public keys, certificates), JWK or JWKS, or a secret of 32 bytes or more; read again when it changes"},
		{"jwks", "", jwksURL(&s.JWKS),
			"URL of the keys of tokens, instead of jwt-key; read again from time to time and when a token names an unknown key"},
		{"jwt-audience", "", word(&s.JWTAudience),
			"aud that tokens must have; empty = any"},
		{"jwt-issuer", "", word(&s.JWTIssuer),
			"iss that tokens must have; empty = any"},
		{"auth-cookie", "throng_token", cookie(&s.AuthCookie),
			"cookie that may hold a token; empty = none"},
		{"max-conns-per-nick", "10", count(&s.MaxConnsPerNick, "connections", 1000, ""),
			"connections that the bearers of one nick's tokens may have; beyond: 409"},
	}
}

// settleAuth checks that the settings of who may come in agree.
func (s *Access) settleAuth(t *table) error {
	for name, isSet := range map[string]bool{
		"jwt-key": s.JWTKey != "", "jwks": s.JWKS != "", "jwt-audience": s.JWTAudience != "", "jwt-issuer": s.JWTIssuer != "",
	} {
		if isSet && !s.ByToken() {
			return t.used[name].refuse("nothing, unless --auth is jwt")
		}
	}
	switch {
	case s.JWTKey != "" && s.JWKS != "":
		return t.used["jwks"].refuse("nothing, since --jwt-key has the keys")
	case s.ByToken() && s.JWTKey == "" && s.JWKS == "":
		return t.used["auth"].refuse("--jwt-key or --jwks as well, where the keys are")
	}
	return nil
}

// word is for a text of one line; empty = none.
func word(to *string) kind {
	const want = "at most 256 letters, digits and signs"
	return kind{unit: "text", want: want, set: func(text string) bool {
		if len(text) > 256 || !isText(text) {
			return false
		}
		*to = text
		return true
	}}
}

// cookie is for the name of one (RFC 6265, 4.1.1); empty = none.
func cookie(to *string) kind {
	return kind{unit: "cookie", want: "the name of a cookie", set: func(text string) bool {
		if text != "" && (len(text) > 256 || (&http.Cookie{Name: text}).Valid() != nil) {
			return false
		}
		*to = text
		return true
	}}
}

// jwksURL is for a URL that nobody can change the answer of on its way. A password in it is kept out of what is printed.
func jwksURL(to *string) kind {
	const want = "https://HOST/PATH, or http:// on this machine"
	return kind{unit: "URL", want: want, secret: always, set: func(text string) bool {
		u, err := url.Parse(text)
		isOwn := err == nil && u.Scheme == "http" && isLoopback(hostPort(u))
		if text != "" && (err != nil || u.Hostname() == "" || u.Scheme != "https" && !isOwn || strings.ContainsAny(text, " \t\r\n")) {
			return false
		}
		*to = text
		return true
	}}
}

// hostPort is the address that a URL is about.
func hostPort(u *url.URL) string {
	if u.Port() == "" {
		return u.Host + ":80"
	}
	return u.Host
}
