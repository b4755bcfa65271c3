package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"throng/web"
)

// ask asks a handler for a path, with headers given as name, value, ….
func ask(h http.Handler, method, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

var assetAddress = regexp.MustCompile(`"(static/([^/"]+)/[^"]+)"`)

// assetsOf returns the addresses that a page names, and their one digest.
func assetsOf(t *testing.T, h http.Handler) (addresses []string, digest string) {
	t.Helper()
	for _, match := range assetAddress.FindAllStringSubmatch(bodyOf(t, ask(h, "GET", "/")), -1) {
		addresses = append(addresses, "/"+match[1])
		if digest == "" {
			digest = match[2]
		}
		if match[2] != digest {
			t.Errorf("the page names the digests %s and %s", digest, match[2])
		}
	}
	if len(addresses) == 0 {
		t.Fatal("the page names no assets")
	}
	return addresses, digest
}

func TestStatusAndCaching(t *testing.T) {
	const forever = "public, max-age=31536000, immutable"
	h := site()
	_, digest := assetsOf(t, h)
	for _, test := range []struct {
		method, path         string
		status               int
		contentType, caching string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/static/" + digest + "/js/main.js", 200, "text/javascript; charset=utf-8", forever},
		{"GET", "/static/" + digest + "/js/view/messages.js", 200, "text/javascript; charset=utf-8", forever},
		{"GET", "/static/" + digest + "/css/theme.css", 200, "text/css; charset=utf-8", forever},
		{"GET", "/static/" + digest + "/favicon.svg", 200, "image/svg+xml", forever},
		{"GET", "/favicon.svg", 200, "image/svg+xml", "no-cache"},
		{"GET", "/favicon.ico", 200, "image/svg+xml", "no-cache"},
		{"GET", "/index.html", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/static/" + digest + "/", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/static/" + digest + "/index.html", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/static/" + digest + "/js/../js/main.js", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/static/0123456789abcdef/js/main.js", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/static/js/main.js", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/test/chat.test.mjs", 404, "text/plain; charset=utf-8", ""},
		{"POST", "/nowhere", 404, "text/plain; charset=utf-8", ""},
		{"POST", "/", 405, "text/plain; charset=utf-8", ""},
		{"DELETE", "/static/" + digest + "/js/main.js", 405, "text/plain; charset=utf-8", ""},
		{"OPTIONS", "/favicon.ico", 405, "text/plain; charset=utf-8", ""},
	} {
		t.Run(test.method+" "+strings.ReplaceAll(test.path, digest, "DIGEST"), func(t *testing.T) {
			response := ask(h, test.method, test.path)
			if response.StatusCode != test.status {
				t.Errorf("status %d, want %d", response.StatusCode, test.status)
			}
			for name, want := range map[string]string{
				"Content-Type":           test.contentType,
				"Cache-Control":          test.caching,
				"X-Content-Type-Options": "nosniff",
				"Referrer-Policy":        "no-referrer",
			} {
				if got := response.Header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if !strings.HasPrefix(response.Header.Get("Content-Security-Policy"), "default-src 'none';") {
				t.Error("no strict Content-Security-Policy")
			}
			if test.status == 405 && response.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow is %q", response.Header.Get("Allow"))
			}
			if body := bodyOf(t, response); (body == "") != (test.method == "HEAD") {
				t.Errorf("a body of %d bytes", len(body))
			}
		})
	}
}

// The policy is the second wall behind textContent, so a hole in it is a fault even
// when nothing leaks through it today.
func TestPolicyIsStrict(t *testing.T) {
	policy := ask(site(), "GET", "/").Header.Get("Content-Security-Policy")
	for _, hole := range []string{"unsafe", "*", "data:", "blob:", "http:", "ws:"} {
		if strings.Contains(policy, hole) {
			t.Errorf("the policy allows %s: %s", hole, policy)
		}
	}
	for _, wall := range []string{
		"script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'",
		"form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
	} {
		if !strings.Contains(policy, wall) {
			t.Errorf("the policy lacks %s: %s", wall, policy)
		}
	}
}

func TestConditionalRequests(t *testing.T) {
	h := site()
	for _, encoding := range []string{"identity", "gzip"} {
		first := ask(h, "GET", "/", "Accept-Encoding", encoding)
		tag := first.Header.Get("ETag")
		if tag == "" {
			t.Fatal("no ETag")
		}
		for condition, want := range map[string]int{tag: 304, "W/" + tag: 304, `"other", ` + tag: 304, `"other"`: 200} {
			again := ask(h, "GET", "/", "Accept-Encoding", encoding, "If-None-Match", condition)
			if again.StatusCode != want {
				t.Errorf("%s: If-None-Match %s: status %d, want %d", encoding, condition, again.StatusCode, want)
			}
			if again.Header.Get("ETag") != tag {
				t.Errorf("%s: ETag became %s", encoding, again.Header.Get("ETag"))
			}
		}
	}
}

func TestGzip(t *testing.T) {
	h := site()
	plain := ask(h, "GET", "/")
	page := bodyOf(t, plain)
	if plain.Header.Get("Vary") != "Accept-Encoding" {
		t.Error("a cache is not told that the encoding varies")
	}
	for header, want := range map[string]bool{
		"gzip":                  true,
		"br, GZIP;q=0.5":        true,
		"deflate, gzip ; q=1.0": true,
		"gzip;q=0":              false,
		"GZIP;Q=0":              false,
		"gzip;q=0.000, *":       false,
		"gzip;q=much":           false,
		"br":                    false,
		"x-gzip-not":            false,
		"":                      false,
	} {
		response := ask(h, "GET", "/", "Accept-Encoding", header)
		body := bodyOf(t, response)
		if got := response.Header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("Accept-Encoding %q: gzip is %t", header, got)
			continue
		}
		if !want {
			if body != page {
				t.Errorf("Accept-Encoding %q: another page", header)
			}
			continue
		}
		if response.Header.Get("ETag") == plain.Header.Get("ETag") {
			t.Error("both variants have the same tag")
		}
		reader, err := gzip.NewReader(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if unpacked, err := io.ReadAll(reader); err != nil || string(unpacked) != page {
			t.Errorf("Accept-Encoding %q: the page unpacks to something else (%v)", header, err)
		}
	}
}

// All that the page names is there, and it names all modules, so that a browser
// asks for them at once and not one import after the other.
func TestPageNamesAllAssets(t *testing.T) {
	h := site()
	named, digest := assetsOf(t, h)
	for _, address := range named {
		if status := ask(h, "GET", address).StatusCode; status != 200 {
			t.Errorf("%s: status %d", address, status)
		}
	}
	client := os.DirFS("client")
	for _, pattern := range []string{"css/*.css", "js/*.js", "js/*/*.js"} {
		names, err := fs.Glob(client, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !slices.Contains(named, "/static/"+digest+"/"+name) {
				t.Errorf("the page does not name %s", name)
			}
		}
	}
}

// writeClient makes a folder with a small client; later files win.
func writeClient(t *testing.T, more map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"index.html":  `<script src="static/main.js"></script>`,
		"favicon.svg": `<svg/>`,
		"main.js":     `1`,
	}
	maps.Copy(files, more)
	for name, body := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDevShowsEdits(t *testing.T) {
	dir := writeClient(t, nil)
	h := web.Dev(dir)
	if page := bodyOf(t, ask(h, "GET", "/")); !strings.Contains(page, `"static/dev/main.js"`) {
		t.Errorf("the page is %s", page)
	}
	for _, body := range []string{"2", "3"} {
		if err := os.WriteFile(filepath.Join(dir, "main.js"), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		response := ask(h, "GET", "/static/dev/main.js", "Accept-Encoding", "gzip")
		if got := bodyOf(t, response); got != body {
			t.Errorf("main.js is %q after it became %q", got, body)
		}
		if caching := response.Header.Get("Cache-Control"); caching != "no-store" {
			t.Errorf("Cache-Control is %q", caching)
		}
	}
	for path, want := range map[string]int{"/": 405, "/nowhere": 404, "/static/dev/../../web.go": 404} {
		if got := ask(h, "PUT", path).StatusCode; got != want {
			t.Errorf("PUT %s: status %d, want %d", path, got, want)
		}
	}
}

func TestDevTellsWhatIsWrong(t *testing.T) {
	for name, dir := range map[string]string{
		"no such folder": filepath.Join(t.TempDir(), "none"),
		"no page":        t.TempDir(),
		"main.go":        writeClient(t, map[string]string{"main.go": "package main"}),
	} {
		response := ask(web.Dev(dir), "GET", "/")
		if response.StatusCode != 500 {
			t.Errorf("%s: status %d", name, response.StatusCode)
		}
		if !strings.HasPrefix(bodyOf(t, response), "web: ") {
			t.Errorf("%s: no reason", name)
		}
	}
}

// The client refers to nothing outside and holds nothing that the policy would stop.
func TestClientHoldsToThePolicy(t *testing.T) {
	forbidden := []*regexp.Regexp{
		regexp.MustCompile(`\b(inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\b|new Function`),
		regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+=`),
		regexp.MustCompile(`(src|href)="(https?:)?//|url\(|@import|from "https?:`),
	}
	err := fs.WalkDir(os.DirFS("client"), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(filepath.Join("client", name))
		if err != nil {
			return err
		}
		if lines := bytes.Count(body, []byte("\n")); lines > 349 {
			t.Errorf("%s has %d lines", name, lines)
		}
		for _, pattern := range forbidden {
			if found := pattern.Find(body); found != nil && !strings.HasSuffix(name, ".svg") {
				t.Errorf("%s holds %q", name, found)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestStrictTransport: whoever has come by https is told to come back so, and nobody else.
func TestStrictTransport(t *testing.T) {
	for _, url := range []string{"http://throng.test/", "https://throng.test/", "https://throng.test/missing"} {
		w := httptest.NewRecorder()
		web.Handler().ServeHTTP(w, httptest.NewRequest("GET", url, nil))
		got := w.Result().Header.Get("Strict-Transport-Security")
		if want := strings.HasPrefix(url, "https"); (got != "") != want {
			t.Errorf("%s: %q", url, got)
		}
	}
}
