package engine

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// change is the usual handshake with one text in place of another.
func change(from, to string) string {
	request := handshake("/ws")
	if !strings.Contains(request, from) {
		panic("nothing to change: " + from)
	}
	return strings.Replace(request, from, to, 1)
}

// badRequests are refused, wherever on a connection they come.
var badRequests = []struct {
	name, sent string
	status     int
}{
	{"POST", change("GET", "POST"), 400},
	{"HTTP/1.0", change("HTTP/1.1", "HTTP/1.0"), 400},
	{"HTTP/2.0", change("HTTP/1.1", "HTTP/2.0"), 505},
	{"no version", change(" HTTP/1.1", ""), 400},
	{"no Connection", change("Connection: Upgrade\r\n", ""), 400},
	{"Connection without Upgrade", change("Connection: Upgrade", "Connection: keep-alive"), 400},
	{"no key", change("Sec-WebSocket-Key: "+sampleKey+"\r\n", ""), 400},
	{"two keys", change("\r\n\r\n", "\r\nSec-WebSocket-Key: "+sampleKey+"\r\n\r\n"), 400},
	{"short key", change(sampleKey, "dGhlIHNhbXBsZSBub25j"), 400},
	{"long key", change(sampleKey, "AAAA"+sampleKey), 400},
	{"key that is no Base64", change(sampleKey, "!!!!IHNhbXBsZSBub25jZQ=="), 400},
	{"no version of WebSocket", change("Sec-WebSocket-Version: 13\r\n", ""), 426},
	{"version 8", change("Version: 13", "Version: 8"), 426},
	{"versions", change("Version: 13", "Version: 13, 8"), 426},
	{"no Host", change("Host: throng.test\r\n", ""), 400},
	{"no Host, but a whole URL", change("/ws HTTP/1.1\r\nHost: throng.test", "http://throng.test/ws HTTP/1.1"), 400},
	{"empty Host", change("Host: throng.test", "Host:"), 400},
	{"two Hosts", handshake("/ws", "Host: throng.test"), 400},
	{"bad Host", change("throng.test", "throng test"), 400},
	{"body", handshake("/ws", "Content-Length: 5") + "hello", 413},
	{"body to come", handshake("/ws", "Content-Length: 5"), 413},
	{"chunked body", handshake("/ws", "Transfer-Encoding: chunked") + "0\r\n\r\n", 413},
	{"two lengths", handshake("/ws", "Content-Length: 5", "Content-Length: 6"), 400},
	{"length that is no number", handshake("/ws", "Content-Length: +5"), 400},
	{"unknown transfer encoding", handshake("/ws", "Transfer-Encoding: gzip"), 501},
	{"expectation", handshake("/ws", "Expect: a miracle"), 417},
	{"space before the colon", handshake("/ws", "X : y"), 400},
	{"line without a colon", handshake("/ws", "X"), 400},
	{"header without a name", handshake("/ws", ": y"), 400},
	{"bad header name", handshake("/ws", "X(y): z"), 400},
	{"NUL in a header", handshake("/ws", "X: a\x00b"), 400},
	{"bad path", change("/ws", "/ws%zz"), 400},
	{"line of a header too long", handshake("/ws", "X: "+strings.Repeat("x", 40<<10)), 431},
	{"too many headers", handshake("/ws", slices.Repeat([]string{"X: y"}, 10<<10)...), 431},
	{"empty line first", "\r\n" + handshake("/ws"), 400},
	{"foreign origin", handshake("/ws", "Origin: http://evil.test"), 403},
	{"origin with another port", handshake("/ws", "Origin: http://throng.test:81"), 403},
	{"null origin", handshake("/ws", "Origin: null"), 403},
	{"two origins", handshake("/ws", "Origin: http://throng.test", "Origin: http://throng.test"), 403},
	{"not allowed", handshake("/ws?refuse"), 418},
}

// goodRequests are let in.
var goodRequests = map[string]string{
	"usual":          handshake("/ws"),
	"as browsers do": handshake("/ws", "Origin: http://throng.test", "Pragma: no-cache", "Cookie: a=b", "Accept-Encoding: gzip"),
	"any case": "GET /ws HTTP/1.1\r\nhost: throng.test\r\nUPGRADE: WebSocket\r\nconnection: uPGRADE\r\n" +
		"sec-websocket-version: 13\r\nSEC-WEBSOCKET-KEY: " + sampleKey + "\r\n\r\n",
	"several tokens":          change("Connection: Upgrade", "Connection: keep-alive, Upgrade"),
	"tokens in two headers":   change("Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade"),
	"several protocols":       change("Upgrade: websocket", "Upgrade: h2c, WebSocket"),
	"a length of 0":           handshake("/ws", "Content-Length: 0"),
	"HTTP/1.2":                change("HTTP/1.1", "HTTP/1.2"),
	"bare LF":                 strings.ReplaceAll(handshake("/ws"), "\r\n", "\n"),
	"a folded header":         handshake("/ws", "X: a\r\n b"),
	"a whole URL":             change("/ws", "http://throng.test/ws"),
	"an origin of https":      handshake("/ws", "Origin: https://throng.test"),
	"an origin in capitals":   handshake("/ws", "Origin: http://THRONG.test"),
	"an origin that is named": handshake("/ws", "Origin: https://friend.test"),
}

func TestCheckOrigin(t *testing.T) {
	for _, test := range []struct {
		host    string
		origins []string
		allowed []string
		ok      bool
	}{
		{host: "a.test", ok: true},
		{host: "a.test", origins: []string{"http://a.test"}, ok: true},
		{host: "a.test:8888", origins: []string{"http://a.test:8888"}, ok: true},
		{host: "a.test:8888", origins: []string{"http://a.test"}},
		{host: "a.test", origins: []string{"http://b.test"}},
		{host: "a.test", origins: []string{"http://a.test.evil.test"}},
		{host: "a.test", origins: []string{"http://evil.test/a.test"}},
		{host: "a.test", origins: []string{"http://a.test@evil.test"}},
		{host: "a.test", origins: []string{"null"}},
		{host: "a.test", origins: []string{""}},
		{host: "", origins: []string{""}},
		{host: "a.test", origins: []string{"http://b.test"}, allowed: []string{"http://b.test"}, ok: true},
		{host: "a.test", origins: []string{"https://b.test"}, allowed: []string{"http://b.test"}},
		{host: "a.test", origins: []string{"http://c.test"}, allowed: []string{"*"}, ok: true},
		{host: "a.test", origins: []string{"http://a.test", "http://evil.test"}, allowed: []string{"http://a.test"}},
	} {
		r := &http.Request{Host: test.host, Header: http.Header{}}
		if test.origins != nil {
			r.Header["Origin"] = test.origins
		}
		if ok := AllowsOrigin(r, test.allowed); ok != test.ok {
			t.Errorf("host %q, origins %q, allowed %q: %t", test.host, test.origins, test.allowed, ok)
		}
	}
}

// pipe is what a handshake reads and writes.
type pipe struct {
	io.Reader
	io.Writer
}

// FuzzHandshake: a request that is let in is one that the library lets in as well, with the same answer; but the library
// knows no lists of tokens, and judges no extensions here.
func FuzzHandshake(f *testing.F) {
	for _, request := range badRequests {
		f.Add(request.sent)
	}
	for _, request := range goodRequests {
		f.Add(request)
	}
	f.Fuzz(func(t *testing.T, request string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
		if err != nil || !wantsSocket(r) || checkHandshake(r) != nil {
			return
		}
		var again, answer bytes.Buffer
		_, _ = fmt.Fprintf(&again, "%s / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", r.Method, r.Host)
		_ = r.Header.WriteSubset(&again, map[string]bool{
			"Connection": true, "Upgrade": true, "Sec-Websocket-Extensions": true, "Sec-Websocket-Protocol": true})
		again.WriteString("\r\n")
		if _, err := ws.Upgrade(pipe{&again, &answer}); err != nil {
			t.Fatalf("the library refuses it: %v", err)
		}
		want, err := http.ReadResponse(bufio.NewReader(&answer), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(switching(r, "permessage-deflate", ""))), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.StatusCode != want.StatusCode || got.Header.Get("Sec-WebSocket-Accept") != want.Header.Get("Sec-WebSocket-Accept") {
			t.Fatalf("answer %v %v, want %v %v", got.Status, got.Header, want.Status, want.Header)
		}
	})
}

func TestOffers(t *testing.T) {
	for _, row := range []struct {
		name    string
		headers []string
		want    bool
	}{
		{"no header", nil, false},
		{"alone", []string{"throng.v2.json"}, true},
		{"among others", []string{"graphql-ws, throng.v2.json ,x"}, true},
		{"in a second header", []string{"graphql-ws", "\tthrong.v2.json"}, true},
		{"another", []string{"throng.v2.jsonx, xthrong.v2.json"}, false},
		{"names are case-sensitive", []string{"Throng.v2.json"}, false},
		{"empty", []string{""}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := &http.Request{Header: http.Header{"Sec-Websocket-Protocol": row.headers}}
			if got := Offers(r, "throng.v2.json"); got != row.want {
				t.Fatalf("got %v, want %v", got, row.want)
			}
		})
	}
}
