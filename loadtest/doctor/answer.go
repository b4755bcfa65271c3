package doctor

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// answer is what came back for an opening handshake.
type answer struct {
	status   int
	header   http.Header
	body     string // the beginning of it, clean
	upgraded bool   // 101, with all that belongs to it
}

// What proxies must be told.
const (
	passNginx = `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; ` +
		`proxy_set_header Host $http_host;   # nginx, in the location`
	passApache  = `ProxyPass "/" "http://127.0.0.1:8888/" upgrade=websocket   # Apache 2.4.47 and later`
	passHAProxy = `timeout tunnel 1h   # haproxy passes upgrades in mode http; take out what deletes the headers Upgrade and Connection`
	seeThrong   = `curl -i http://127.0.0.1:8888` + echoPath + `   # on the server: 426 means that throng is well`
)

// check says whether the upgrade passed, and if not what the answer means.
func (a answer) check(to *url.URL) Check {
	c := Check{Name: "upgrade", Found: fmt.Sprintf("%s://%s%s: %d %s", to.Scheme, to.Host, to.Path, a.status, http.StatusText(a.status))}
	if a.upgraded {
		return c
	}
	c.Level = Fail
	if a.body != "" {
		c.Found += fmt.Sprintf(" (%s)", a.body)
	}
	meaning, advice := a.explain(to)
	c.Found += ": " + meaning
	c.Advice = advice
	return c
}

// explain says what a refusal means, and what to change.
func (a answer) explain(to *url.URL) (meaning, advice string) {
	stripped := lines(passNginx, passHAProxy, passApache)
	switch a.status {
	case http.StatusSwitchingProtocols:
		return "the proxy leaves out Upgrade, Connection or Sec-WebSocket-Accept of the answer", stripped
	case http.StatusBadRequest:
		if strings.Contains(a.body, "HTTPS") {
			return "this port wants TLS", "throng doctor --url wss://" + to.Host + strings.TrimSuffix(to.Path, echoPath)
		}
		return "the proxy leaves out headers of the handshake, or passes it on as HTTP/1.0", stripped
	case http.StatusUpgradeRequired, http.StatusNotImplemented, http.StatusMethodNotAllowed:
		return "the proxy leaves out the header Upgrade", stripped
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return "a login is asked for", "# let " + to.Path + " pass the proxy without a login: throng has its own (--auth)"
	case http.StatusForbidden:
		return "refused", "# see the log of the proxy"
	case http.StatusNotFound, http.StatusGone:
		return "the proxy does not pass this path on, or the echo socket is turned off",
			lines("location / { proxy_pass http://127.0.0.1:8888; }   # nginx: /conn_ws and /conn/ws/ must reach throng",
				"throng --echo-max 64KiB   # 0 turns it off", seeThrong)
	case http.StatusTooManyRequests:
		return "too many from this address" + a.retry(),
			"throng --max-conns-per-ip 0   # behind a proxy all connections come from its address"
	case http.StatusRequestHeaderFieldsTooLarge, http.StatusRequestURITooLong:
		return "the proxy adds more headers than throng takes", "# pass on fewer headers and cookies"
	case http.StatusBadGateway:
		return "the proxy does not reach throng", lines(seeThrong, "# and the proxy must have the address of throng's log line (addr=…)")
	case http.StatusServiceUnavailable:
		return "throng is full or stopping, or the proxy has no server that is well" + a.retry(),
			lines(seeThrong, "throng doctor   # on the server: how many sockets it has room for; see also --max-conns")
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "the proxy gets no answer from throng", seeThrong
	}
	return a.explainRange(to)
}

// explainRange does so for statuses that have no word of their own.
func (a answer) explainRange(to *url.URL) (meaning, advice string) {
	switch a.status / 100 {
	case 2:
		return "a page instead of an upgrade: something else than throng answers this path", seeThrong
	case 3:
		where := clean(a.header.Get("Location"))
		if u, err := to.Parse(where); err == nil && where != "" {
			if found, err := parseURL(u.String()); err == nil {
				return "it is elsewhere, and browsers do not follow for a WebSocket", fmt.Sprintf("throng doctor --url %s://%s%s",
					found.Scheme, found.Host, strings.TrimSuffix(found.Path, echoPath))
			}
		}
		return "it is elsewhere, and browsers do not follow for a WebSocket", "# the proxy must answer here, without a redirect"
	case 5:
		return "the proxy is in trouble", lines("# see the log of the proxy", seeThrong)
	}
	return "throng does not answer so", "# see the log of the proxy"
}

// retry is when one may come back.
func (a answer) retry() string {
	if after := clean(a.header.Get("Retry-After")); after != "" {
		return ", come back after " + after + " s"
	}
	return ""
}

// proxies tells who has had a hand in an answer. Throng names itself in none of these headers.
func (a answer) proxies() Check {
	var found []string
	for _, name := range []string{"Server", "Via", "X-Served-By", "Cf-Ray"} {
		for _, value := range a.header.Values(name) {
			if value = clean(value); value != "" {
				found = append(found, name+": "+value)
			}
		}
	}
	c := Check{Name: "proxy", Found: "none that names itself"}
	if len(found) > 0 {
		c.Found = strings.Join(found, ", ") + "; its timeouts for a silent connection must be above --ping"
	}
	return c
}

// clean makes one short printable line of what a stranger sent.
func clean(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if runes := []rune(s); len(runes) > 160 {
		return string(runes[:160]) + "…"
	}
	return s
}
