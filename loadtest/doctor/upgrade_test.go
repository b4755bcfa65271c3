package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// echo is the echo socket of a server.
func echo(w http.ResponseWriter, r *http.Request) { echoWith(w, r, nil) }

// echoWith is an echo that hands each message to spoil, which may answer it in another way and return false to end.
func echoWith(w http.ResponseWriter, r *http.Request, spoil func(net.Conn, ws.OpCode, []byte) (ok bool)) {
	if r.Header.Get("Upgrade") == "" {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "this address is for WebSocket requests", http.StatusUpgradeRequired)
		return
	}
	conn, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		h, err := ws.ReadHeader(conn)
		if err != nil {
			return
		}
		payload := make([]byte, min(h.Length, 1<<20))
		if _, err := io.ReadFull(conn, payload); err != nil {
			return
		}
		f := ws.UnmaskFrameInPlace(ws.Frame{Header: h, Payload: payload})
		switch {
		case spoil != nil && !spoil(conn, f.Header.OpCode, f.Payload):
			return
		case spoil != nil && f.Header.OpCode != ws.OpPing:
		case f.Header.OpCode == ws.OpPing:
			_ = ws.WriteFrame(conn, ws.NewPongFrame(f.Payload))
		case f.Header.OpCode == ws.OpClose:
			return
		default:
			_ = wsutil.WriteServerMessage(conn, f.Header.OpCode, f.Payload)
		}
	}
}

// quiet is a server that says nothing of broken handshakes.
func quiet(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	return s
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := quiet(t, h)
	s.Start()
	return s
}

// speak is a server without HTTP: it does something with each connection and closes it.
func speak(t *testing.T, do func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			do(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "ws://" + l.Addr().String()
}

// status is a server that answers with a status, headers and a text.
func status(t *testing.T, code int, body string, headers ...string) string {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		http.Error(w, body, code)
	}).URL
}

func TestUpgrade(t *testing.T) {
	good := serve(t, echo)
	for _, rawurl := range []string{
		good.URL, good.URL + "/", good.URL + "/conn_ws", strings.Replace(good.URL, "http", "ws", 1), strings.TrimPrefix(good.URL, "http://"),
	} {
		checks := Upgrade(t.Context(), rawurl, 0)
		sane(t, checks)
		if Worst(checks) != OK {
			t.Errorf("%s:\n%s", rawurl, printed(checks))
		}
		for _, name := range []string{"address", "upgrade", "proxy", "ping", "echo"} {
			named(t, checks, name)
		}
	}
}

func TestUpgradeThroughProxy(t *testing.T) {
	good, err := url.Parse(serve(t, echo).URL)
	if err != nil {
		t.Fatal(err)
	}
	passing := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(good)
			r.Out.URL.Path = strings.TrimPrefix(r.In.URL.Path, "/chat")
		},
		ModifyResponse: func(r *http.Response) error { r.Header.Set("Via", "1.1 a"); return nil },
	}
	checks := Upgrade(t.Context(), serve(t, passing.ServeHTTP).URL+"/chat/", 0)
	sane(t, checks)
	if Worst(checks) != OK || !strings.Contains(named(t, checks, "proxy").Found, "Via: 1.1 a") {
		t.Errorf("a proxy that passes upgrades:\n%s", printed(checks))
	}

	stripping := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(good)
		r.Out.Header.Del("Upgrade")
		r.Out.Header.Del("Connection")
	}}
	checks = Upgrade(t.Context(), serve(t, stripping.ServeHTTP).URL, 0)
	sane(t, checks)
	c := named(t, checks, "upgrade")
	if c.Level != Fail || !strings.Contains(c.Found, "426") || !strings.Contains(c.Advice, "proxy_set_header Upgrade $http_upgrade") {
		t.Errorf("a proxy that leaves out Upgrade:\n%s", printed(checks))
	}
}

// TestUpgradeRefused holds each answer to what it means.
func TestUpgradeRefused(t *testing.T) {
	origin := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			http.Error(w, "origin not allowed", http.StatusForbidden)
			return
		}
		echo(w, r)
	})
	tests := []struct{ name, url, found, advice string }{
		{"400", status(t, 400, "a WebSocket request needs HTTP/1.1"), "400 Bad Request (a WebSocket request needs HTTP/1.1)", "proxy_http_version 1.1"},
		{"400 of a TLS port", status(t, 400, "Client sent an HTTP request to an HTTPS server."), "this port wants TLS", "throng doctor --url wss://127.0.0.1:"},
		{"401", status(t, 401, "who?"), "a login is asked for", "# let /conn_ws pass"},
		{"403 for the origin", origin.URL, "without an Origin header it passes", "throng --origin http://127.0.0.1:"},
		{"403 for all", status(t, 403, "no"), "also without an Origin header", "# a rule of the proxy forbids /conn_ws"},
		{"404", status(t, 404, "the echo socket is turned off"), "404 Not Found (the echo socket is turned off)", "throng --echo-max 64KiB"},
		{"426", status(t, 426, ""), "leaves out the header Upgrade", "timeout tunnel 1h"},
		{"429", status(t, 429, "", "Retry-After", "3"), "come back after 3 s", "throng --max-conns-per-ip 0"},
		{"431", status(t, 431, ""), "more headers than throng takes", "# pass on fewer"},
		{"500", status(t, 500, ""), "in trouble", "# see the log"},
		{"502", status(t, 502, "", "Server", "nginx/1.26"), "does not reach throng", "curl -i http://127.0.0.1:8888/conn_ws"},
		{"503", status(t, 503, "the server is full", "Retry-After", "5"), "503 Service Unavailable (the server is full): throng is full", "throng doctor"},
		{"504", status(t, 504, ""), "no answer from throng", "curl -i"},
		{"418", status(t, 418, ""), "does not answer so", "# see the log"},
		{"200", status(t, 200, "<!doctype html>\r\n\x1b[31mhello"), "200 OK (<!doctype html> [31mhello): a page instead", "curl -i"},
		{"301", status(t, 301, "", "Location", "https://chat.example.com/in/conn_ws"), "elsewhere", "throng doctor --url wss://chat.example.com/in"},
		{"302 to its like", status(t, 302, "", "Location", "/in/conn_ws"), "elsewhere", "throng doctor --url ws://127.0.0.1:"},
		{"302 to nowhere", status(t, 302, ""), "elsewhere", "# the proxy must answer here"},
		{"101 and no more", speak(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
		}), "leaves out Upgrade, Connection or Sec-WebSocket-Accept", "proxy_set_header"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checks := Upgrade(t.Context(), test.url, time.Hour)
			sane(t, checks)
			c := named(t, checks, "upgrade")
			if c.Level != Fail || !strings.Contains(c.Found, test.found) || !strings.Contains(c.Advice, test.advice) {
				t.Errorf("found %+v\n want %+v", c, test)
			}
		})
	}
}

// TestUpgradeNoAnswer tries servers with which one cannot talk.
func TestUpgradeNoAnswer(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	secure := quiet(t, echo)
	secure.StartTLS()
	tests := []struct{ name, url, check, found, advice string }{
		{"no URL", "ws://a b", "address", "invalid character", "--url wss://"},
		{"another scheme", "ftp://a", "address", "not the address of a chat server", "--url wss://"},
		{"no host", "ws:///conn_ws", "address", "names no host", "--url wss://"},
		{"nobody", gone.URL, "address", "connection refused", "ss -ltn 'sport = :"},
		{"hangs up", speak(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }), "upgrade", "hangs up without an answer", "# a proxy"},
		{"garbage", speak(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n")
		}), "upgrade", "does not answer in HTTP", "ss -ltnp"},
		{"garbage without end", speak(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, "HTTP/1.1 101 Yes\r\nA: ")
			for {
				if _, err := c.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}), "upgrade", "", "#"},
		{"a TLS alert", speak(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write([]byte{21, 3, 1, 0, 2, 2, 70})
		}), "upgrade", "speaks TLS", "throng doctor --url wss://127.0.0.1:"},
		{"a TLS server", strings.Replace(secure.URL, "https", "http", 1), "upgrade", "this port wants TLS", "throng doctor --url wss://127.0.0.1:"},
		{"no TLS server", strings.Replace(serve(t, echo).URL, "http", "https", 1), "tls", "does not speak TLS", "throng doctor --url ws://127.0.0.1:"},
		{"an unknown authority", secure.URL, "tls", "signed by unknown authority", "update-ca-certificates"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checks := Upgrade(t.Context(), test.url, 0)
			sane(t, checks)
			c := named(t, checks, test.check)
			if c.Level != Fail || !strings.Contains(c.Found, test.found) || !strings.Contains(c.Advice, test.advice) {
				t.Errorf("found %+v\n want %+v", c, test)
			}
		})
	}
}

func TestUpgradeTLS(t *testing.T) {
	secure := quiet(t, echo)
	secure.StartTLS()
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	v := &visit{limit: upgradeTime, roots: roots}
	checks := v.all(t.Context(), secure.URL, 0)
	sane(t, checks)
	if Worst(checks) != OK || !strings.HasPrefix(named(t, checks, "tls").Found, "TLS 1.3, certificate until ") {
		t.Errorf("a server that is trusted:\n%s", printed(checks))
	}
	v = &visit{limit: upgradeTime, roots: roots}
	checks = v.all(t.Context(), strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), 0)
	sane(t, checks)
	if c := named(t, checks, "tls"); c.Level != Fail || !strings.Contains(c.Advice, "get a certificate for localhost") {
		t.Errorf("another name than that in the certificate:\n%s", printed(checks))
	}
	state := tls.ConnectionState{Version: tls.VersionTLS12, PeerCertificates: []*x509.Certificate{secure.Certificate()}}
	if c := certificate(state, secure.Certificate().NotAfter.Add(-time.Hour)); c.Level != Warn {
		t.Errorf("an hour before the end: %+v", c)
	}
}

// TestUpgradeHangs waits for servers that stop to answer at one place or another.
func TestUpgradeHangs(t *testing.T) {
	hang := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) } // until the other side has had enough
	silent := serve(t, func(w http.ResponseWriter, r *http.Request) {
		echoWith(w, r, func(net.Conn, ws.OpCode, []byte) bool { return true })
	})
	tests := []struct{ name, url, check, found string }{
		{"before the answer", speak(t, hang), "upgrade", "does not answer within 1s"},
		{"in TLS", strings.Replace(speak(t, hang), "ws:", "wss:", 1), "tls", "no TLS handshake within 1s"},
		{"the message", silent.URL, "echo", "nothing more comes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := &visit{limit: time.Second}
			checks := v.all(t.Context(), test.url, time.Hour)
			sane(t, checks)
			if c := named(t, checks, test.check); c.Level != Fail || !strings.Contains(c.Found, test.found) {
				t.Errorf("found %+v\n want %+v", c, test)
			}
		})
	}
}

func TestUpgradeCancelled(t *testing.T) {
	asked := make(chan struct{})
	server := speak(t, func(c net.Conn) { close(asked); _, _ = io.Copy(io.Discard, c) })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	checks := Upgrade(ctx, server, 0)
	if Worst(checks) != Fail {
		t.Errorf("a look that was given up:\n%s", printed(checks))
	}
}

// TestEcho tries servers whose echo is spoilt.
func TestEcho(t *testing.T) {
	closing := func(code ws.StatusCode) func(net.Conn, ws.OpCode, []byte) bool {
		return func(c net.Conn, op ws.OpCode, _ []byte) bool {
			if op == ws.OpBinary {
				_ = ws.WriteFrame(c, ws.NewCloseFrame(ws.NewCloseFrameBody(code, "so it is")))
			}
			return op != ws.OpBinary
		}
	}
	write := func(frames ...ws.Frame) func(net.Conn, ws.OpCode, []byte) bool {
		return func(c net.Conn, op ws.OpCode, _ []byte) bool {
			for _, f := range frames {
				if op == ws.OpBinary {
					_ = ws.WriteFrame(c, f)
				}
			}
			return true
		}
	}
	huge := ws.NewBinaryFrame(nil)
	huge.Header.Length = 1 << 40
	tests := []struct {
		name          string
		spoil         func(net.Conn, ws.OpCode, []byte) bool
		level         Level
		found, advice string
	}{
		{"too big", closing(ws.StatusMessageTooBig), Fail, "closed with 1009 so it is", "throng --echo-max 64KiB"},
		{"too fast", closing(4029), Fail, "closed with 4029", "throng --rate 20"},
		{"stopping", closing(4001), Fail, "closed with 4001", "# the server is stopping"},
		{"altered", write(ws.NewBinaryFrame([]byte("something else"))), Fail, "came back altered", "# the proxy must"},
		{"a text", write(ws.NewTextFrame([]byte("hello"))), Fail, "a frame came that nobody asked for (opcode 1)", "#"},
		{"masked", write(ws.MaskFrame(ws.NewBinaryFrame([]byte("hello")))), Fail, "breaks RFC 6455", "#"},
		{"huge", write(huge), Fail, "a frame of 1099511627776 bytes", "#"},
		{"cut off", func(_ net.Conn, op ws.OpCode, _ []byte) bool { return op != ws.OpBinary }, Fail, "cut off", "#"},
		{"in pieces, pinged meanwhile", func(c net.Conn, op ws.OpCode, p []byte) bool {
			if op == ws.OpBinary {
				_ = ws.WriteFrame(c, ws.NewFrame(ws.OpBinary, false, p[:100]))
				_ = ws.WriteFrame(c, ws.NewPingFrame([]byte("you?")))
				_ = ws.WriteFrame(c, ws.NewFrame(ws.OpContinuation, true, p[100:]))
			}
			return op != ws.OpClose
		}, OK, "64 KiB and back", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) { echoWith(w, r, test.spoil) })
			checks := Upgrade(t.Context(), s.URL, 0)
			sane(t, checks)
			c := named(t, checks, "echo")
			if c.Level != test.level || !strings.Contains(c.Found, test.found) || !strings.Contains(c.Advice, test.advice) {
				t.Errorf("found %+v\n want %+v", c, test)
			}
		})
	}
}

func TestIdle(t *testing.T) {
	good := serve(t, echo)
	checks := Upgrade(t.Context(), good.URL, 50*time.Millisecond)
	sane(t, checks)
	if c := named(t, checks, "idle"); c.Level != OK || !strings.HasPrefix(c.Found, "lives after 50ms of silence, with 0 pings") {
		t.Errorf("found %+v", c)
	}
	// This one pings twice, and hangs up when both pongs have come.
	pongs := 0
	cutting := serve(t, func(w http.ResponseWriter, r *http.Request) {
		echoWith(w, r, func(c net.Conn, op ws.OpCode, p []byte) bool {
			switch op {
			case ws.OpBinary:
				_ = wsutil.WriteServerMessage(c, op, p)
				_ = errors.Join(ws.WriteFrame(c, ws.NewPingFrame(nil)), ws.WriteFrame(c, ws.NewPingFrame(nil)))
			case ws.OpPong:
				pongs++
			}
			return pongs < 2
		})
	})
	checks = Upgrade(t.Context(), cutting.URL, time.Hour)
	sane(t, checks)
	c := named(t, checks, "idle")
	if c.Level != Fail || !strings.Contains(c.Found, "the connection was cut off") || !strings.Contains(c.Advice, "proxy_read_timeout") {
		t.Errorf("found %+v", c)
	}
}

func TestParseURL(t *testing.T) {
	for raw, want := range map[string]string{
		"ws://a":                    "ws://a/conn_ws",
		"http://a:8888/":            "ws://a:8888/conn_ws",
		"https://a/chat/":           "wss://a/chat/conn_ws",
		"wss://a/chat/conn_ws?x=y#": "wss://a/chat/conn_ws",
		"127.0.0.1:8888":            "ws://127.0.0.1:8888/conn_ws",
		"[::1]:8888":                "ws://[::1]:8888/conn_ws",
		"HTTP://a":                  "ws://a/conn_ws",
		"ws://a/%2Fb":               "ws://a/%2Fb/conn_ws",
	} {
		if u, err := parseURL(raw); err != nil || u.String() != want {
			t.Errorf("%q is %v, %v; want %s", raw, u, err, want)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("https://a/chat/")
	f.Add("127.0.0.1:8888")
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := parseURL(raw)
		if err != nil {
			return
		}
		line := fmt.Sprintf("%s %s", u.RequestURI(), u.Host)
		if !strings.HasPrefix(line, "/") || !strings.Contains(u.Path, echoPath) || strings.ContainsAny(line, "\r\n") {
			t.Errorf("%q is asked for as %q", raw, line)
		}
	})
}
