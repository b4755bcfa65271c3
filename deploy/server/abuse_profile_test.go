package server

import (
	"net/http"
	"strings"
	"testing"
)

// Profiles are for who calls this machine by an address or localhost, and for no page of another site. The command line is none of
// them, none is taken without end, and a refusal is counted.
func TestAbuseProfiles(t *testing.T) {
	h := boot(t)
	address := h.private
	_, port, _ := strings.Cut(address, ":")
	for _, c := range []struct {
		name, path string
		headers    []string
		want       int
	}{
		{"as go tool pprof does", "heap", nil, 200},
		{"by name", "heap", []string{"Host", "localhost:" + port}, 200},
		{"from another machine", "heap", []string{"Host", "10.0.0.7:8889"}, 200},
		{"IPv6", "heap", []string{"Host", "[2001:db8::1]:8889"}, 200},
		{"its own page", "heap", []string{"Origin", "http://" + address, "Sec-Fetch-Site", "same-origin"}, 200},
		{"an operator's browser", "", []string{"Sec-Fetch-Site", "none"}, 200},
		{"DNS rebinding", "heap", []string{"Host", "evil.example:" + port}, 403},
		{"rebinding, a page", "heap", []string{"Host", "evil.example", "Origin", "http://evil.example", "Sec-Fetch-Site", "same-origin"}, 403},
		{"a name like an address", "heap", []string{"Host", "127.0.0.1.evil.example"}, 403},
		{"a foreign page", "heap", []string{"Origin", "http://evil.example"}, 403},
		{"a sandboxed page", "heap", []string{"Origin", "null"}, 403},
		{"another port's page", "heap", []string{"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"}, 403},
		{"a foreign page's image", "block?rate=1&seconds=2", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a foreign page's list", "", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"the command line", "cmdline", nil, 404},
		{"the command line, rebinding", "cmdline", []string{"Host", "evil.example"}, 403},
		{"for a day", "trace?seconds=100000", nil, 400},
		{"without end", "profile?seconds=inf", nil, 400},
		{"for no number", "profile?seconds=nan", nil, 400},
		{"backwards", "heap?seconds=-1", nil, 400},
		{"a little too long", "goroutine?seconds=301", nil, 400},
	} {
		r := h.request("GET", "/debug/pprof/"+c.path, "")
		r.Header.Del("Authorization")
		for i := 0; i < len(c.headers); i += 2 {
			if c.headers[i] == "Host" {
				r.Host = c.headers[i+1]
			} else {
				r.Header.Set(c.headers[i], c.headers[i+1])
			}
		}
		answer, text := h.do(r)
		if answer.StatusCode != c.want {
			t.Errorf("%s: %d %.200q, want %d", c.name, answer.StatusCode, text, c.want)
		}
	}
	r := h.request("GET", "/metrics", "")
	r.Host = "throng.example:8889" // Prometheus calls by name
	answer, metrics := h.do(r)
	if answer.StatusCode != http.StatusOK || !strings.Contains(metrics, `throng_api_requests_total{reason="forbidden",status="403"} 9`) {
		t.Errorf("%d, and the refusals are not counted", answer.StatusCode)
	}
}

// What the private listener has is told from what it has not by the method too.
func TestMethodsOfThePrivateListener(t *testing.T) {
	h := boot(t)
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/debug/pprof/heap", "/"} {
		answer, text := h.do(h.request("POST", path, ""))
		if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d %q, Allow %q", path, answer.StatusCode, text, answer.Header.Get("Allow"))
		}
	}
}
