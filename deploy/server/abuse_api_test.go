package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// raw sends the private listener bytes as they are and returns the status line of the answer; "": the connection was closed.
func (h *house) raw(text string) string {
	h.t.Helper()
	conn, err := net.DialTimeout("tcp", h.private, patience)
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		return ""
	}
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line)
}

// status is the status of an answer to a request that was changed.
func (h *house) status(method, path, body string, headers ...string) int {
	h.t.Helper()
	r := h.request(method, path, body)
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Del(headers[i])
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	answer, text := h.do(r)
	if answer.StatusCode >= 400 && !strings.Contains(text, `"request_id"`) {
		h.t.Errorf("%s %s: %s", method, path, text)
	}
	return answer.StatusCode
}

// Whoever misuses the API is refused, clearly, and what people say to each other goes on.
func TestAbuseAPI(t *testing.T) {
	h := boot(t)
	alice, bob := h.come("alice"), h.come("bob")
	goesOn := func(what string) {
		t.Helper()
		alice.say(fmt.Sprintf(`{"t":"msg","to_user":"bob","message":%q}`, what))
		bob.hear(what)
	}
	for name, c := range map[string]struct {
		want    int
		headers []string
		path    string
	}{
		"no key":             {401, []string{"Authorization", ""}, "/api/publish"},
		"a wrong key":        {401, []string{"Authorization", "Bearer wrong"}, "/api/publish"},
		"a key in the query": {401, []string{"Authorization", ""}, "/api/publish?key=" + h.key + "&token=" + h.key},
		"a foreign page":     {403, []string{"Origin", "http://evil.example"}, "/api/publish"},
		"a foreign form":     {403, []string{"Sec-Fetch-Site", "cross-site"}, "/api/publish"},
		"DNS rebinding":      {403, []string{"Host", "evil.example", "Origin", "http://127.0.0.1"}, "/api/publish"},
		"a form's body":      {415, []string{"Content-Type", "text/plain"}, "/api/publish"},
		"another method":     {405, []string{"X-HTTP-Method-Override", "DELETE"}, "/api/kick"},
	} {
		method := "POST"
		if name == "another method" {
			method = "GET"
		}
		if got := h.status(method, c.path, `{"message":"got in"}`, c.headers...); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	for text, want := range map[string]int{
		`{"message":1`: 400, `{"message":1}x`: 400, `{"message":1,"message":2}`: 400, `{"massage":1}`: 400, "\x00": 400,
		`{"message":` + strings.Repeat("[", 10_000): 400, `{"message":"` + strings.Repeat("x", 1<<20): 413,
	} {
		if got := h.status("POST", "/api/publish", text); got != want {
			t.Errorf("%.40q: %d, want %d", text, got, want)
		}
	}
	for _, path := range []string{"/api/../metrics", "/api/%2e%2e/metrics", "/api//stats", "/api/stats/", "/api/users/%2f", "/api/stats%00", "/api/"} {
		line := h.raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + h.key + "\r\nConnection: close\r\n\r\n")
		if !strings.Contains(line, " 404 ") && !strings.Contains(line, " 400 ") {
			t.Errorf("%s: %s", path, line)
		}
	}
	goesOn("after misuse")
	if got := h.ask(200, "GET", "/api/history", ""); strings.Contains(got, "got in") {
		t.Error("something got in:", got)
	}
}

// Bodies that do not end, and many that fail at once, hold up nobody.
func TestAbuseAPIFlood(t *testing.T) {
	h := boot(t)
	alice, bob := h.come("alice"), h.come("bob")
	h.ask(200, "GET", "/api/stats", "") // this address has shown its key
	for range 20 {
		conn, err := net.DialTimeout("tcp", h.private, patience)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		fmt.Fprintf(conn, "POST /api/publish HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
			"Content-Length: 1000\r\n\r\n{", h.key)
	}
	var flooding sync.WaitGroup
	counts := make([]map[int]int, 8)
	for i := range counts {
		counts[i] = map[int]int{}
		flooding.Go(func() {
			for range 50 {
				r := h.request("GET", "/api/users", "")
				r.Header.Set("Authorization", "Bearer wrong")
				answer, err := h.client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				counts[i][answer.StatusCode]++
			}
		})
	}
	for i := range 20 {
		text := fmt.Sprintf("message %d", i)
		alice.say(fmt.Sprintf(`{"t":"msg","to_user":"bob","message":%q}`, text))
		bob.hear(text)
	}
	flooding.Wait()
	all := map[int]int{}
	for _, some := range counts {
		for status, n := range some {
			all[status] += n
		}
	}
	if _, metrics := h.do(h.request("GET", "/metrics", "")); !strings.Contains(metrics, `throng_api_requests_total{reason="rate_limited",status="429"}`) {
		t.Error("nobody has counted them")
	}
	if all[http.StatusTooManyRequests] == 0 || all[http.StatusOK] > 0 || all[http.StatusUnauthorized] > 100 {
		t.Errorf("answers by status: %v", all)
	}
	h.ask(200, "GET", "/api/users", "") // who had shown its key is not shut out
}

// A key is good for its scopes alone, and a file of keys is followed.
func TestAbuseAPIScopes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.toml")
	write := func(scope string) {
		text := fmt.Sprintf("[[key]]\nname = \"bot\"\nkey = \"bot-0123456789abcdef\"\nscopes = [%q]\n", scope)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("read")
	h := boot(t, "--api-key", "", "--api-keys", path)
	h.key = "bot-0123456789abcdef"
	h.ask(200, "GET", "/api/users", "")
	h.ask(403, "POST", "/api/publish", `{"message":1}`)
	h.ask(403, "POST", "/api/kick", `{"nick":"alice"}`)
	h.ask(403, "GET", "/api/history?user=alice&with=bob", "")
	h.ask(403, "GET", "/api/audit", "")
	write("publish")
	h.keys.Reload()
	h.ask(200, "POST", "/api/publish", `{"message":1}`)
	h.ask(403, "GET", "/api/users", "")
}

// What was published under an Idempotency-Key is there once, also when the server was started anew meanwhile.
func TestPublishedOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	publish := func(h *house) string {
		r := h.request("POST", "/api/publish", `{"message":"once","room":"go"}`)
		r.Header.Set("Idempotency-Key", "order-7")
		answer, text := h.do(r)
		if answer.StatusCode != 200 {
			t.Fatal(text)
		}
		return field(t, text, "mid")
	}
	var first string
	t.Run("first", func(t *testing.T) { first = publish(boot(t, "--data", dir)) })
	t.Run("again", func(t *testing.T) {
		h := boot(t, "--data", dir)
		if again := publish(h); again != first {
			t.Errorf("first %s, again %s", first, again)
		}
		if text := h.ask(200, "GET", "/api/history?room=go", ""); strings.Count(text, "once") != 1 {
			t.Error(text)
		}
	})
}
