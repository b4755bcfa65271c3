package webhook

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// mac is HMAC-SHA256 by the letter of RFC 2104, for keys of up to 64 bytes.
func mac(key, text []byte) []byte {
	var inner, outer [64]byte
	copy(inner[:], key)
	copy(outer[:], key)
	for i := range inner {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	first := sha256.Sum256(append(inner[:], text...))
	second := sha256.Sum256(append(outer[:], first[:]...))
	return second[:]
}

// TestAbuseWebhookForged has who receives be able to tell our posts from forged ones, with the old secret and the new one.
func TestAbuseWebhookForged(t *testing.T) {
	second := []byte("the secret that comes next")
	s := &shelf{cursor: 1}
	got := make(chan bool, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		at := r.Header.Get("webhook-timestamp")
		signed := append([]byte(r.Header.Get("webhook-id")+"."+at+"."), body...)
		want := "v1," + base64.StdEncoding.EncodeToString(mac(testSecret, signed)) + " v1," + base64.StdEncoding.EncodeToString(mac(second, signed))
		if seconds, err := strconv.ParseInt(at, 10, 64); err != nil || time.Since(time.Unix(seconds, 0)).Abs() > time.Minute {
			t.Errorf("at %s", at)
		}
		if r.Header.Get("Content-Type") != "application/json" || r.Method != http.MethodPost {
			t.Errorf("%s of %s", r.Method, r.Header.Get("Content-Type"))
		}
		got <- r.Header.Get("webhook-signature") == want
	}))
	defer server.Close()
	c := quick(s, server.URL)
	c.Secrets = [][]byte{testSecret, second}
	dispatch(t, c)
	s.put("alice")
	if !<-got {
		t.Error("it is not signed with both secrets")
	}
}

// TestAbuseWebhookHangs has an endpoint accept connections and say nothing: each attempt ends by itself, there are never more of them at
// a time than workers, then one, and when the endpoint lives again all is accepted.
func TestAbuseWebhookHangs(t *testing.T) {
	s := &shelf{cursor: 1}
	var isAlive atomic.Bool
	var at, most atomic.Int64
	end := make(chan struct{})
	url, accepted := listen(t, func(posted) int {
		n := at.Add(1)
		defer at.Add(-1)
		for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
		}
		if !isAlive.Load() {
			<-end
		}
		return http.StatusOK
	})
	c := quick(s, url)
	c.Workers, c.Timeout = 4, 50*time.Millisecond
	d, _ := dispatch(t, c)
	for i := range 100 {
		s.put(string(rune('a' + i%26)))
	}
	eventually(t, "no attempt times out", func() bool { return value(d.stats.failures.WithLabelValues("timeout")) > 6 })
	if d.Cursor() != 1 {
		t.Error("something was accepted")
	}
	isAlive.Store(true)
	close(end)
	eventually(t, "not all is accepted", func() bool { return d.Cursor() == s.end })
	seen := map[uint64]bool{}
	for len(seen) < 100 {
		seen[next(t, accepted).Seq] = true
	}
}

// TestAbuseWebhookEndless has an endpoint answer without end, in its header and in its body.
func TestAbuseWebhookEndless(t *testing.T) {
	for what, answer := range map[string]string{
		"body":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"header": "HTTP/1.1 200 OK\r\n",
	} {
		t.Run(what, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var serving sync.WaitGroup
			defer serving.Wait()
			defer l.Close()
			sent := make(chan int, 100)
			serving.Go(func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					serving.Go(func() {
						defer conn.Close()
						_, _ = conn.Read(make([]byte, 4096))
						n, err := conn.Write([]byte(answer))
						for err == nil { // until nobody reads any more
							var m int
							piece := "400\r\n" + strings.Repeat("x", 1024) + "\r\n"
							if what == "header" {
								piece = "X-" + strings.Repeat("x", 1024) + ": y\r\n"
							}
							m, err = conn.Write([]byte(piece))
							n += m
						}
						sent <- n
					})
				}
			})
			s := &shelf{cursor: 1}
			d, stop := dispatch(t, quick(s, "http://"+l.Addr().String()))
			s.put("alice")
			if n := <-sent; n > 64<<20 {
				t.Errorf("%d bytes were taken", n)
			}
			if what == "body" {
				eventually(t, "2xx is no acceptance", func() bool { return d.Cursor() == s.end })
			} else if d.Cursor() != 1 {
				t.Error("an answer without an end of its header is an acceptance")
			}
			stop()
		})
	}
}

// TestAbuseWebhookRedirect has an endpoint send us elsewhere: nothing is posted there.
func TestAbuseWebhookRedirect(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusPermanentRedirect)
	}))
	defer server.Close()
	s := &shelf{cursor: 1}
	d, _ := dispatch(t, quick(s, server.URL))
	s.put("alice")
	eventually(t, "it is no failure", func() bool { return value(d.stats.failures.WithLabelValues("3xx")) > 2 })
	if elsewhere.Load() > 0 || d.Cursor() != 1 {
		t.Errorf("%d posts went elsewhere, the cursor is at %d", elsewhere.Load(), d.Cursor())
	}
}

// TestAbuseWebhookCertificate has an endpoint show a certificate that nobody vouches for: it is told nothing. And nothing
// that is logged tells what is secret in the URL.
func TestAbuseWebhookCertificate(t *testing.T) {
	var told atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told.Add(1) }))
	server.Config.ErrorLog = slog.NewLogLogger(quiet.Handler(), slog.LevelError)
	server.StartTLS()
	defer server.Close()
	s := &shelf{cursor: 1}
	var mu sync.Mutex // guards log
	var log bytes.Buffer
	c := quick(s, strings.Replace(server.URL, "https://", "https://me:hidden@", 1)+"/path?key=hidden")
	c.Logger = slog.New(slog.NewTextHandler(writer(func(p []byte) { mu.Lock(); log.Write(p); mu.Unlock() }), nil))
	d, stop := dispatch(t, c)
	s.put("alice")
	eventually(t, "it is no failure", func() bool { return value(d.stats.failures.WithLabelValues("tls")) > 2 })
	stop()
	if told.Load() > 0 || d.Cursor() != 1 {
		t.Errorf("%d posts came, the cursor is at %d", told.Load(), d.Cursor())
	}
	if text := log.String(); strings.Contains(text, "hidden") || !strings.Contains(text, "certificate") {
		t.Errorf("logged: %s", text)
	}
	// The same endpoint, vouched for.
	c.tls = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	d, _ = dispatch(t, c)
	eventually(t, "it is not accepted", func() bool { return d.Cursor() == s.end })
}

// writer is a function that takes what is written.
type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }
