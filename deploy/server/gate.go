package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"throng/deploy/config"
	"throng/engine"
	"throng/room"
	"throng/room/auth"
	"throng/room/event"
)

// gate looks at tokens. nil is one that nobody needs a token to pass. Any goroutine may use it.
type gate struct {
	verifier *auth.Verifier
	cookie   string                   // that may hold a token; "": none does
	friends  atomic.Pointer[[]string] // origins, beside our own, whose pages may use the cookie
	log      *slog.Logger
	seldom   rate.Sometimes         // however many tokens are refused, the log has a line a second
	tokens   *prometheus.CounterVec // that were shown, by what became of them
}

// keysWithin is how long a request waits for keys that are being read.
const keysWithin = 3 * time.Second

// newGate makes the gate that the settings ask for.
func newGate(settings config.Serve, log *slog.Logger, stats prometheus.Registerer) (*gate, error) {
	if !settings.ByToken() {
		return nil, nil
	}
	tokens := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "throng_auth_tokens_total", Help: "Tokens that were shown, by what became of them: accepted, or why they were refused; missing: none was, which was refused.",
	}, []string{"result"})
	reads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "throng_auth_key_reads_total", Help: "Readings of the keys of tokens, by result: ok or failed.",
	}, []string{"result"})
	keys := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "throng_auth_keys", Help: "Keys that tokens are checked with.",
	})
	stats.MustRegister(tokens, reads, keys)
	verifier, err := auth.New(auth.Config{
		File: settings.JWTKey, URL: settings.JWKS, Audience: settings.JWTAudience, Issuer: settings.JWTIssuer, Logger: log,
		OnRead: func(n int, err error) {
			keys.Set(float64(n))
			if err == nil {
				reads.WithLabelValues("ok").Inc()
			} else {
				reads.WithLabelValues("failed").Inc()
			}
		},
	})
	if err != nil {
		return nil, &SettingError{"jwt-key", err} // that of a URL is read later
	}
	g := &gate{
		verifier: verifier, cookie: settings.AuthCookie, log: log, seldom: rate.Sometimes{Interval: time.Second}, tokens: tokens,
	}
	g.befriend(settings.Origin)
	return g, nil
}

// close ends the reading of keys.
func (g *gate) close() {
	if g != nil {
		g.verifier.Close()
	}
}

// hasKeys reports whether somebody could pass with the right token.
func (g *gate) hasKeys() bool { return g == nil || g.verifier.HasKeys() }

// CheckNick says why a server would take the sub of a token for no nick; nil: it would take it for one.
func CheckNick(sub string) error {
	if _, bad := room.ParseNick(sub); bad != nil {
		return bad
	}
	return nil
}

// befriend sets whose pages may use the cookie, by those that may connect. Browsers add cookies to what the page of any other site asks for. So
// where any site may connect only our own pages may.
func (g *gate) befriend(origins []string) {
	if slices.Contains(origins, "*") {
		origins = nil
	}
	g.friends.Store(&origins)
}

// reload has the keys read again, and takes over which pages may connect. Whether the engine does so earlier or later is all one: none but
// friends use the cookie, whoever it lets in.
func (g *gate) reload(settings config.Serve) {
	if g != nil {
		g.befriend(settings.Origin)
		g.verifier.Reload()
	}
}

// check is what a room asks of the gate; nil: it is open.
func (g *gate) check() func(string) (*room.Grant, *event.Error) {
	if g == nil {
		return nil
	}
	return func(token string) (*room.Grant, *event.Error) {
		grant, bad := g.grant(g.verifier.Check(token))
		if bad != nil {
			return nil, bad.why
		}
		return grant, nil
	}
}

// ask gives what the token of a request allows; nil: it has none. It may wait for keysWithin.
func (g *gate) ask(r *http.Request) (*room.Grant, *refusedToken) {
	if g == nil {
		return nil, nil
	}
	token, ok := takeToken(r, g.cookieFor(r))
	switch {
	case !ok:
		return nil, g.refuse(auth.Malformed, event.Unauthorized("the request has several tokens, or one that cannot be read"))
	case token == "":
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), keysWithin)
	defer cancel()
	return g.grant(g.verifier.Verify(ctx, token))
}

// missing stands among the kinds for having shown no token.
const missing auth.Kind = "missing"

// lacks counts somebody who is refused for having shown none. A gate that is open is not told.
func (g *gate) lacks() { g.count(missing) }

// cookieFor is the cookie that a request may have a token in; "": none.
func (g *gate) cookieFor(r *http.Request) string {
	if !engine.AllowsOrigin(r, *g.friends.Load()) {
		return ""
	}
	return g.cookie
}

// grant makes of what the verifier says what the room goes by.
func (g *gate) grant(c *auth.Claims, bad *auth.Error) (*room.Grant, *refusedToken) {
	if bad != nil {
		if bad.Kind == auth.Unavailable {
			return nil, g.refuse(bad.Kind, event.Unavailable(bad.Error(), time.Second))
		}
		return nil, g.refuse(bad.Kind, event.Unauthorized(bad.Error()))
	}
	grant := &room.Grant{
		Nick: c.Subject, Expires: c.Expires, Ends: c.Expires.Add(auth.Leeway), Moderator: c.Moderator, ReadAll: c.ReadAll, NoDirect: c.NoDirect,
	}
	for _, rooms := range []struct {
		to       *room.Rooms
		patterns []string
	}{{&grant.Join, c.Join}, {&grant.Write, c.Write}} {
		if rooms.patterns == nil {
			continue
		}
		some, wrong := room.ParseRooms(rooms.patterns)
		if wrong != nil {
			return nil, g.refuse(auth.Malformed, event.Unauthorized("the token names a room that cannot be"))
		}
		*rooms.to = some
	}
	g.tokens.WithLabelValues("accepted").Inc()
	return grant, nil
}

// refuse counts a token that is refused.
func (g *gate) refuse(kind auth.Kind, bad *event.Error) *refusedToken {
	g.count(kind)
	return &refusedToken{bad, kind}
}

func (g *gate) count(kind auth.Kind) {
	g.tokens.WithLabelValues(string(kind)).Inc()
	g.seldom.Do(func() { g.log.Info("a token was refused", "reason", string(kind)) })
}

// refusedToken is a token that lets nobody in.
type refusedToken struct {
	why  *event.Error
	kind auth.Kind
}

func (r *refusedToken) Error() string { return r.why.Message }

// Status is the HTTP status of the refusal.
func (r *refusedToken) Status() int { return r.why.Code }

// Kind is the word by which the engine counts it.
func (r *refusedToken) Kind() string { return "token_" + string(r.kind) }

// takeToken is the token of a request: that of Authorization: Bearer, else of ?token=, else of a cookie ("": not looked at). The first
// that is there counts, and false is that there are several of it. The request may keep what is returned.
func takeToken(r *http.Request, cookie string) (token string, ok bool) {
	var all []string
	for _, value := range r.Header.Values("Authorization") {
		if scheme, rest, _ := strings.Cut(value, " "); strings.EqualFold(scheme, "Bearer") {
			all = append(all, strings.TrimSpace(rest))
		}
	}
	if len(all) == 0 && r.URL.RawQuery != "" {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return "", false
		}
		all = query["token"]
	}
	if len(all) == 0 && cookie != "" {
		for _, one := range r.CookiesNamed(cookie) {
			all = append(all, one.Value)
		}
	}
	if len(all) == 0 {
		return "", true
	}
	return strings.Clone(all[0]), len(all) == 1
}
