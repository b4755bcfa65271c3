package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAbuseAPIWithoutKeys(t *testing.T) {
	o := open(t)
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{
		"this machine":           {nil, 200},
		"by name":                {[]string{"Host", "localhost:8889"}, 200},
		"IPv6":                   {[]string{"Host", "[::1]:8889", "From", "[::1]:1"}, 200},
		"its own page":           {[]string{"Origin", "http://127.0.0.1:8889", "Sec-Fetch-Site", "same-origin"}, 200},
		"another machine":        {[]string{"From", "10.0.0.7:1"}, 403},
		"nobody knows who":       {[]string{"From", "@"}, 403},
		"DNS rebinding":          {[]string{"Host", "evil.example:8889"}, 403},
		"rebinding, no port":     {[]string{"Host", "127.0.0.1.evil.example"}, 403},
		"no host":                {[]string{"Host", ""}, 403},
		"a foreign page":         {[]string{"Origin", "http://evil.example"}, 403},
		"another port's page":    {[]string{"Origin", "http://127.0.0.1:8888"}, 403},
		"a sandboxed page":       {[]string{"Origin", "null"}, 403},
		"a foreign page's image": {[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"a sibling's":            {[]string{"Sec-Fetch-Site", "same-site"}, 403},
		"through a proxy":        {[]string{"X-Forwarded-For", "1.2.3.4"}, 403},
		"through a proxy, RFC":   {[]string{"Forwarded", "for=1.2.3.4"}, 403},
	} {
		if status, text, _ := o.ask("GET", "/api/stats", "", c.headers...); status != c.want {
			t.Errorf("%s: %d %s, want %d", name, status, text, c.want)
		}
		o.failures.byAddr = map[netip.Prefix]*record{}
	}
}

// Who is refused by the guard is told so in clear text, and stands in the log.
func TestAbuseGuard(t *testing.T) {
	o := open(t)
	var log strings.Builder
	o.log = slog.New(slog.NewTextHandler(&log, nil))
	guarded := o.Guard(http.NotFoundHandler())
	for name, c := range map[string]struct {
		host, origin string
		want         int
		says         string
	}{
		"by an address":     {"10.0.0.7:8889", "", 404, "not found"},
		"its own page":      {"localhost", "http://localhost", 404, "not found"},
		"by another name":   {"evil.example", "", 403, "by an IP address or localhost only"},
		"by no name at all": {"", "", 403, "by an IP address or localhost only"},
		"a foreign page":    {"127.0.0.1:8889", "http://evil.example", 403, "a page of another origin"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if r.Host = c.host; c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		log.Reset()
		o.complained.Store(0)
		guarded.ServeHTTP(w, r)
		logged := strings.Contains(log.String(), "api refused") && strings.Contains(log.String(), c.says)
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.says) || logged != (c.want == 403) {
			t.Errorf("%s: %d %s, logged %q; want %d, %s", name, w.Code, w.Body, log.String(), c.want, c.says)
		}
	}
}

func TestAbuseAPIKeys(t *testing.T) {
	sum := func(s string) Key { return NewKey("x", s) }
	reader, writer, boss := sum("reader-0123456789"), sum("writer-0123456789"), sum("boss")
	reader.Name, reader.Scopes = "reader", []Scope{Read}
	writer.Name, writer.Scopes = "writer", []Scope{Publish}
	o := open(t, reader, writer, boss)
	for name, c := range map[string]struct {
		method, path, auth string
		want               int
	}{
		"none":             {"GET", "/api/stats", "", 401},
		"wrong":            {"GET", "/api/stats", "Bearer nonsense", 401},
		"empty":            {"GET", "/api/stats", "Bearer ", 401},
		"basic":            {"GET", "/api/stats", "Basic boss", 401},
		"huge":             {"GET", "/api/stats", "Bearer " + strings.Repeat("x", 5000), 401},
		"in the query":     {"GET", "/api/stats?key=boss", "", 401},
		"right":            {"GET", "/api/stats", "Bearer boss", 200},
		"any case":         {"GET", "/api/stats", "bearer boss", 200},
		"reader reads":     {"GET", "/api/stats", "Bearer reader-0123456789", 200},
		"reader writes":    {"POST", "/api/publish", "Bearer reader-0123456789", 403},
		"writer writes":    {"POST", "/api/publish", "Bearer writer-0123456789", 200},
		"writer reads":     {"GET", "/api/stats", "Bearer writer-0123456789", 403},
		"boss writes":      {"POST", "/api/publish", "Bearer boss", 200},
		"boss overhears":   {"GET", "/api/history?user=alice&with=bob", "Bearer boss", 200},
		"reader overhears": {"GET", "/api/history?user=alice&with=bob", "Bearer reader-0123456789", 403},
	} {
		body := ""
		if c.method == "POST" {
			body = `{"message":1}`
		}
		status, text, h := o.ask(c.method, c.path, body, "Authorization", c.auth, "From", "10.0.0.7:1", "Host", "chat.example")
		if status != c.want || status == 401 && h.Get("WWW-Authenticate") == "" || strings.Contains(text, "boss") {
			t.Errorf("%s: %d %s, want %d", name, status, text, c.want)
		}
		o.failures.byAddr = map[netip.Prefix]*record{}
	}
	// Headers that two of the ways could take for different keys are none.
	if status, _, _ := o.ask("GET", "/api/stats", "", "Authorization", "Bearer boss", "Origin", "http://evil.example"); status != 403 {
		t.Error("a foreign page with a key:", status)
	}
}

// An address that fails again and again is refused, right keys too unless they were used from there before; others are not.
func TestAbuseAPIFailures(t *testing.T) {
	o := open(t, NewKey("api-key", "right-0123456789"))
	from := func(addr, key string) int {
		status, _, h := o.ask("GET", "/api/stats", "", "Authorization", "Bearer "+key, "From", addr)
		if (status == 429) != (h.Get("Retry-After") != "") {
			t.Fatal(status, h)
		}
		return status
	}
	const right = "right-0123456789"
	if status := from("10.0.0.8:1", right); status != 200 {
		t.Fatal(status)
	}
	for _, addr := range []string{"10.0.0.7:1", "10.0.0.8:1", "[2001:db8::1]:1"} {
		for range maxFailures {
			if status := from(addr, "wrong"); status != 401 {
				t.Fatal(addr, status)
			}
		}
		if status := from(addr, "wrong"); status != 429 {
			t.Fatal(addr, status)
		}
	}
	for addr, want := range map[string]int{"10.0.0.7:2": 429, "10.0.0.8:2": 200, "10.0.0.9:1": 200, "[2001:db8::2]:1": 429, "[2001:db8:0:1::1]:1": 200} {
		if status := from(addr, right); status != want {
			t.Errorf("%s: %d, want %d", addr, status, want)
		}
	}
}

func TestFailuresAreForgiven(t *testing.T) {
	f := failures{byAddr: map[netip.Prefix]*record{}}
	now := time.Now()
	addr := netip.MustParseAddr("10.0.0.7")
	for range maxFailures {
		if !f.note(addr, now) {
			t.Fatal("too early")
		}
	}
	if f.note(addr, now) || f.note(addr, now.Add(forgiveAfter/2)) {
		t.Fatal("too many")
	}
	if !f.note(addr, now.Add(forgiveAfter)) {
		t.Fatal("not forgiven")
	}
	// The table is bounded, and what is of the past makes room.
	for i := range maxAddresses + 10 {
		f.note(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(f.byAddr) > maxAddresses {
		t.Fatal(len(f.byAddr))
	}
	later := now.Add(time.Hour)
	if !f.note(netip.MustParseAddr("12.0.0.1"), later) || len(f.byAddr) != 1 {
		t.Fatal(len(f.byAddr))
	}
}

func TestKeyFile(t *testing.T) {
	hash := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	for text, want := range map[string]string{
		"": "",
		"[[key]]\nname=\"a\"\nsha256=\"" + hash("x") + "\"\nscopes=[\"read\"]": "",
		"[[key]]\nname=\"a\"\nkey=\"0123456789abcdef\"\nscopes=[\"admin\"]":    "",
		"[[key]]\nname=\"a\"\nkey=\"secret\"\nscopes=[\"admin\"]":              "at least 16 bytes",
		"[[key]]\nname=\"a\"\nscopes=[\"admin\"]":                              "one of key and sha256",
		"[[key]]\nname=\"a\"\nsha256=\"secret\"\nscopes=[\"admin\"]":           "64 hex digits",
		"[[key]]\nname=\"a b\"\nkey=\"0123456789abcdef\"\nscopes=[\"read\"]":   "want a name",
		"[[key]]\nname=\"a\"\nkey=\"0123456789abcdef\"":                        "want scopes",
		"[[key]]\nname=\"a\"\nkey=\"0123456789abcdef\"\nscopes=[\"secret\"]":   "unknown scope",
		"[[key]]\nname=\"a\"\nkey=\"0123456789abcdef\"\nscope=[\"read\"]":      "unknown name",
		"[[key]]\nname=\"a\"\nkey=secret":                                      "line 3",
		"[[key]]\nname=7":                                                      "wrong kind",
		"[[key]]\nname=\"a\"\nkey=\"0123456789abcdef\"\nscopes=[\"read\"]\n[[key]]\nname=\"b\"\nkey=\"0123456789abcdef\"\nscopes=[\"read\"]": "twice",
		strings.Repeat("#", maxKeysFile+1): "at most",
	} {
		_, err := parseKeys([]byte(text))
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "0123456789abcdef")) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

func FuzzKeyFile(f *testing.F) {
	f.Add([]byte("[[key]]\nname=\"a\"\nkey=\"0123456789abcdef\"\nscopes=[\"read\",\"admin\"]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := parseKeys(text)
		for _, k := range keys {
			if err != nil || k.Name == "" || len(k.Scopes) == 0 {
				t.Fatal(k, err)
			}
		}
	})
}

// The file of keys is read again when it has changed; while it is wrong or gone the keys stay.
func TestKeyring(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.toml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	entry := func(name string) string {
		return fmt.Sprintf("[[key]]\nname=%q\nkey=\"%s-0123456789abcdef\"\nscopes=[\"read\"]\n", name, name)
	}
	o := open(t)
	if _, err := NewKeyring(nil, path, o.log); err == nil {
		t.Fatal("there is no file")
	}
	write(entry("a"))
	k, err := NewKeyring([]Key{NewKey("api-key", "x")}, path, o.log)
	if err != nil {
		t.Fatal(err)
	}
	names := func() (all string) {
		for _, key := range k.Keys() {
			all += key.Name + " "
		}
		return all
	}
	if got := names(); got != "api-key a " {
		t.Fatal(got)
	}
	write(entry("a") + entry("bb"))
	k.looked = time.Time{}
	if got := names(); got != "api-key a bb " {
		t.Fatal(got)
	}
	write("nonsense")
	if k.Reload(); names() != "api-key a bb " {
		t.Fatal(names())
	}
	_ = os.Remove(path)
	if k.Reload(); names() != "api-key a bb " {
		t.Fatal(names())
	}
	write(entry("c"))
	if k.Reload(); names() != "api-key c " {
		t.Fatal(names())
	}
}
