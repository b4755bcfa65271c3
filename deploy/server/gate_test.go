package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"throng/deploy/config"
	"throng/room/event"
)

var secret = []byte("0123456789abcdef0123456789abcdef")

// tokenOf is a token of a nick for an hour, changed by some claims.
func tokenOf(nick string, changes jwt.MapClaims) string {
	claims := jwt.MapClaims{"sub": nick, "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range changes {
		claims[name] = value
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
	if err != nil {
		panic(err)
	}
	return token
}

// journal is a log that can be read again. Any goroutine may use it.
type journal struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// gated is a server in this process, with its log.
type gated struct {
	*Server
	t   *testing.T
	log *journal
}

// bootGated starts a server on loopback. It is stopped with the test.
func bootGated(t *testing.T, args ...string) *gated {
	t.Helper()
	var settings config.Serve
	base := []string{"--addr", "127.0.0.1:0", "--admin", "off", "--data", "mem", "--rate", "0"}
	if _, err := config.Parse(&settings, slices.Concat(base, args), nil); err != nil {
		t.Fatal(err)
	}
	h := &gated{t: t, log: &journal{}}
	var err error
	h.Server, err = Start(settings, Options{Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.Stop(ctx); err != nil {
			t.Error("stop:", err)
		}
	})
	return h
}

// withKey starts a server that wants tokens signed with the secret.
func withKey(t *testing.T, args ...string) *gated {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	return bootGated(t, slices.Concat([]string{"--auth", "jwt", "--jwt-key", path}, args)...)
}

// guest is somebody on a WebSocket.
type guest struct {
	t    *testing.T
	conn net.Conn
	in   io.Reader
}

// call asks for a WebSocket and returns the HTTP status. Without an upgrade there is no guest.
func (h *gated) call(nick, query string, isV2 bool, header http.Header) (*guest, int) {
	h.t.Helper()
	status := 0
	d := ws.Dialer{Timeout: patience, Header: ws.HandshakeHeaderHTTP(header), OnStatusError: func(code int, _ []byte, _ io.Reader) { status = code }}
	if isV2 {
		d.Protocols = []string{event.V2}
	}
	conn, rest, _, err := d.Dial(context.Background(), "ws://"+h.Addr().String()+"/conn/ws/"+url.PathEscape(nick)+query)
	if err != nil {
		if status == 0 {
			h.t.Fatal(err)
		}
		return nil, status
	}
	h.t.Cleanup(func() { conn.Close() })
	g := &guest{t: h.t, conn: conn, in: conn}
	if rest != nil {
		g.in = io.MultiReader(io.LimitReader(bufio.NewReader(rest), int64(rest.Buffered())), conn)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	return g, http.StatusSwitchingProtocols
}

// say sends a text.
func (g *guest) say(format string, args ...any) {
	g.t.Helper()
	if err := wsutil.WriteClientText(g.conn, fmt.Appendf(nil, format, args...)); err != nil {
		g.t.Fatal(err)
	}
}

// heard is what a client of version 2 was sent, or the code with which it was closed.
type heard struct {
	T       string `json:"t"`
	Code    int    `json:"code"`
	Expires int64  `json:"expires"`
	Nick    string `json:"nick"`
	closed  int
	text    string
}

// hear is the next frame that is no presence.
func (g *guest) hear() (o heard) {
	g.t.Helper()
	for {
		head, err := ws.ReadHeader(g.in)
		if err != nil {
			g.t.Fatal(err)
		}
		payload := make([]byte, head.Length)
		if _, err := io.ReadFull(g.in, payload); err != nil {
			g.t.Fatal(err)
		}
		switch {
		case head.OpCode == ws.OpClose && len(payload) < 2:
			g.t.Fatal("closed without a code")
		case head.OpCode == ws.OpClose:
			return heard{closed: int(binary.BigEndian.Uint16(payload)), text: string(payload[2:])}
		case head.OpCode != ws.OpText:
			continue
		}
		first, _, _ := bytes.Cut(payload, []byte("\n"))
		if o = (heard{text: string(payload)}); json.Unmarshal(first, &o) == nil && o.T != "presence" {
			return o
		}
	}
}

// isShut checks with which code the connection is closed, after an err or a bye.
func (g *guest) isShut(code int) {
	g.t.Helper()
	o := g.hear()
	for o.closed == 0 {
		o = g.hear()
	}
	if o.closed != code {
		g.t.Fatalf("closed with %d, want %d", o.closed, code)
	}
}

// bearer is a header with a token.
func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func withCookie(token, origin string) http.Header {
	h := http.Header{"Cookie": {"a=b; throng_token=" + token}}
	if origin != "" {
		h.Set("Origin", origin)
	}
	return h
}

// A token comes by header, query or cookie, in both dialects, and in version 2 with the hello.
func TestTokenTaken(t *testing.T) {
	h := withKey(t)
	token := tokenOf("alice", nil)
	for _, tt := range []struct {
		name, query string
		header      http.Header
	}{
		{"bearer", "", bearer(token)},
		{"bearer in small letters", "", http.Header{"Authorization": {"bearer " + token}}},
		{"query", "?token=" + token, nil},
		{"cookie", "", withCookie(token, "")},
		{"cookie of our page", "", withCookie(token, "http://"+h.Addr().String())},
		{"another scheme beside", "?token=" + token, http.Header{"Authorization": {"Basic YTpi"}}},
		{"bearer before the others", "?token=bad", http.Header{"Authorization": {"Bearer " + token}, "Cookie": {"throng_token=bad"}}},
		{"query before the cookie", "?token=" + token, withCookie("bad", "")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old, status := h.call("alice", tt.query, false, tt.header)
			if old == nil {
				t.Fatalf("tutorial: %d", status)
			}
			old.say(`{"message":"hi"}`)
			if o := old.hear(); o.text != `{"from_user":"alice","to_user":"","message":"hi"}` {
				t.Errorf("tutorial: %+v", o)
			}
			old.conn.Close()
			g, _ := h.call("Alice", tt.query, true, tt.header)
			g.say(`{"t":"hello","id":1}`)
			if o := g.hear(); o.T != "welcome" || o.Nick != "alice" || o.Expires == 0 {
				t.Errorf("version 2: %+v", o)
			}
			g.conn.Close()
		})
	}
	g, _ := h.call("alice", "", true, nil)
	g.say(`{"t":"hello","id":1,"token":%q}`, token)
	if o := g.hear(); o.T != "welcome" {
		t.Errorf("hello: %+v", o)
	}
}

// What is refused is refused in both dialects, counted, and told in the log without the token.
func TestAbuseAuthUpgrade(t *testing.T) {
	h := withKey(t, "--jwt-audience", "chat", "--jwt-issuer", "house", "--log-level", "debug")
	ours := jwt.MapClaims{"aud": "chat", "iss": "house"}
	with := func(name string, value any) jwt.MapClaims {
		c := jwt.MapClaims{"aud": "chat", "iss": "house"}
		c[name] = value
		return c
	}
	good := tokenOf("alice", ours)
	none, _ := jwt.NewWithClaims(jwt.SigningMethodNone, with("sub", "alice")).SignedString(jwt.UnsafeAllowNoneSignatureType)
	for _, tt := range []struct {
		name, nick, query string
		header            http.Header
		status, code      int
		kind              string
	}{
		{name: "none", kind: "missing"},
		{name: "expired", header: bearer(tokenOf("alice", with("exp", 1))), kind: "expired"},
		{name: "not yet", header: bearer(tokenOf("alice", with("nbf", time.Now().Add(time.Hour).Unix()))), kind: "not_yet"},
		{name: "audience", header: bearer(tokenOf("alice", with("aud", "mail"))), kind: "audience"},
		{name: "issuer", header: bearer(tokenOf("alice", with("iss", "me"))), kind: "issuer"},
		{name: "alg none", header: bearer(none), kind: "algorithm"},
		{name: "changed", header: bearer(good[:len(good)-3]), kind: "signature"},
		{name: "forged", header: bearer(good[:strings.LastIndexByte(good, '.')+1] + strings.Repeat("A", 43)), kind: "signature"},
		{name: "query", query: "?token=a.b.c", kind: "malformed"},
		{name: "query that cannot be read", query: "?token=%zz", kind: "malformed"},
		{name: "two in the query", query: "?token=" + good + "&token=" + good, kind: "malformed"},
		{name: "cookie", header: withCookie("a.b.c", ""), kind: "malformed"},
		{name: "two cookies", header: http.Header{"Cookie": {"throng_token=" + good + "; throng_token=" + good}}, kind: "malformed"},
		{name: "a good cookie behind a bad header", header: http.Header{"Authorization": {"Bearer x"}, "Cookie": {"throng_token=" + good}}, kind: "malformed"},
		{name: "of another", nick: "bob", header: bearer(good), status: 401, code: 4501},
		{name: "of no nick", header: bearer(tokenOf("a/b", ours)), status: 400, code: 4500},
		{name: "a right that is not known", header: bearer(tokenOf("alice", with("throng", map[string]any{"x": 1}))), kind: "malformed"},
		{name: "a room that cannot be", header: bearer(tokenOf("alice", with("throng", map[string]any{"join": []string{"a/b"}}))), kind: "malformed"},
		{name: "long", header: bearer(strings.Repeat("x", 9000)), kind: "malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.nick == "" {
				tt.nick = "alice"
			}
			if tt.kind != "" {
				tt.status, tt.code = 401, 4501
			}
			before := testutil.ToFloat64(h.gate.tokens.WithLabelValues(tt.kind))
			if _, status := h.call(tt.nick, tt.query, false, tt.header); status != tt.status {
				t.Errorf("tutorial: status %d, want %d", status, tt.status)
			}
			g, _ := h.call(tt.nick, tt.query, true, tt.header)
			if g == nil {
				t.Fatal("version 2 is refused before the upgrade")
			}
			if tt.name == "none" {
				g.say(`{"t":"msg","message":1}`)
			}
			g.isShut(tt.code)
			if n := testutil.ToFloat64(h.gate.tokens.WithLabelValues(tt.kind)) - before; tt.kind != "" && n != 2 {
				t.Errorf("%s counted %v times", tt.kind, n)
			}
		})
	}
	if log := h.log.String(); !strings.Contains(log, "a token was refused") || strings.Contains(log, "eyJ") || strings.Contains(log, good[:30]) {
		t.Errorf("log: %s", log)
	}
	if n := strings.Count(h.log.String(), "a token was refused"); n > 10 {
		t.Errorf("%d lines in the log", n)
	}
}

// A page of another site, for which a browser sends our cookie, does not get in: neither by its origin nor, where all origins may
// connect, by the cookie.
func TestAbuseAuthCrossSite(t *testing.T) {
	cookie := withCookie(tokenOf("alice", nil), "https://evil.example")
	if _, status := withKey(t).call("alice", "", false, cookie); status != http.StatusForbidden {
		t.Errorf("status %d", status)
	}
	h := withKey(t, "--origin", "*")
	if _, status := h.call("alice", "", false, cookie); status != http.StatusUnauthorized {
		t.Errorf("any origin: status %d", status)
	}
	if g, status := h.call("alice", "", false, withCookie(tokenOf("alice", nil), "http://"+h.Addr().String())); g == nil {
		t.Errorf("our own page: status %d", status)
	}
	if g, status := h.call("alice", "?token="+tokenOf("alice", nil), false, http.Header{"Origin": {"https://evil.example"}}); g == nil {
		t.Errorf("a page that has a token: status %d", status)
	}
	later := withKey(t)
	settings := later.settings
	settings.Origin = []string{"*"}
	later.Reload(settings)
	if _, status := later.call("alice", "", false, cookie); status != http.StatusUnauthorized {
		t.Errorf("any origin since a reload: status %d", status)
	}
	// While the origins are narrowed the engine may let in for a moment whom the gate knows no more.
	settings.Origin = []string{"https://friend.example"}
	later.gate.reload(settings)
	if _, status := later.call("alice", "", false, cookie); status != http.StatusUnauthorized {
		t.Errorf("any origin, but not any more: status %d", status)
	}
	if g, status := later.call("alice", "", false, withCookie(tokenOf("alice", nil), "https://friend.example")); g == nil {
		t.Errorf("the page of a friend: status %d", status)
	}
}

// A token that ends ends its connection, in both dialects; one that is shown in time lets it go on, another's does not.
func TestAbuseAuthLiveExpiry(t *testing.T) {
	h := withKey(t)
	// The leeway is nearly over already.
	short := func() string { return tokenOf("alice", jwt.MapClaims{"exp": time.Now().Add(-27 * time.Second).Unix()}) }
	old, status := h.call("alice", "", false, bearer(short()))
	if old == nil {
		t.Fatal(status)
	}
	ends, stays := (*guest)(nil), (*guest)(nil)
	for _, g := range []**guest{&ends, &stays} {
		*g, _ = h.call("alice", "", true, nil)
		(*g).say(`{"t":"hello","id":1,"token":%q}`, short())
		if o := (*g).hear(); o.T != "welcome" {
			t.Fatalf("%+v", o)
		}
	}
	stays.say(`{"t":"hello","id":2,"token":%q}`, tokenOf("eve", nil))
	if o := stays.hear(); o.T != "err" || o.Code != 403 {
		t.Fatalf("%+v", o)
	}
	stays.say(`{"t":"hello","id":3,"token":%q}`, tokenOf("alice", nil))
	if o := stays.hear(); o.T != "welcome" || o.Expires < time.Now().UnixMilli() {
		t.Fatalf("%+v", o)
	}
	if o := ends.hear(); o.T != "err" || o.Code != 401 {
		t.Fatalf("%+v", o)
	}
	ends.isShut(4501)
	old.isShut(4501)
	stays.say(`{"t":"ping","id":4}`)
	if o := stays.hear(); o.T != "pong" {
		t.Errorf("%+v", o)
	}
}

// While the keys cannot be read nobody gets in, who is asked to come back; the server starts all the same.
func TestAbuseAuthNoKeys(t *testing.T) {
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }))
	defer issuer.Close()
	h := bootGated(t, "--auth", "jwt", "--jwks", issuer.URL)
	if _, status := h.call("alice", "", false, bearer(tokenOf("alice", nil))); status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
	g, _ := h.call("alice", "", true, nil)
	g.say(`{"t":"hello","id":1,"token":%q}`, tokenOf("alice", nil))
	if o := g.hear(); o.Code != 503 {
		t.Errorf("%+v", o)
	}
	g.isShut(4053)
}

// FuzzTakeToken looks for requests that make the taker panic, or that it takes a token from that is not there.
func FuzzTakeToken(f *testing.F) {
	f.Add("Bearer a.b.c", "token=x&token=y", "throng_token=z")
	f.Add("bearer", "token=%zz", "throng_token=\"q\"; throng_token=")
	f.Add("Basic x", ";", "=;=")
	f.Fuzz(func(t *testing.T, authorization, query, cookie string) {
		r := &http.Request{URL: &url.URL{RawQuery: query}, Header: http.Header{"Authorization": {authorization}, "Cookie": {cookie}}}
		token, ok := takeToken(r, "throng_token")
		unescaped, err := url.QueryUnescape(query)
		if token != "" && !strings.Contains(authorization+cookie, token) && (err != nil || !strings.Contains(unescaped, token)) {
			t.Errorf("token %q, %v", token, ok)
		}
	})
}
