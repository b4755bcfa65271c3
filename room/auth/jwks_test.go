package auth

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// issuer is a server with a JWKS. Any goroutine may use it.
type issuer struct {
	*httptest.Server
	asked atomic.Int32

	mu     sync.Mutex // guards answer
	answer http.HandlerFunc
}

func newIssuer(t *testing.T, answer http.HandlerFunc) *issuer {
	i := &issuer{answer: answer}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		i.mu.Lock()
		answer := i.answer
		i.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) say(answer http.HandlerFunc) {
	i.mu.Lock()
	i.answer = answer
	i.mu.Unlock()
}

// has answers with keys.
func has(text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) }
}

func down(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }

// ed makes a token of a key that has a kid.
func ed(kid string, key ed25519.PrivateKey) string {
	return sign(jwt.SigningMethodEdDSA, key, claims(nil), map[string]any{"kid": kid})
}

// remoteVerifier makes a verifier, and counts what it has read.
func remoteVerifier(t *testing.T, config Config) (v *Verifier, read chan error) {
	read = make(chan error, 100)
	config.OnRead = func(_ int, err error) { read <- err }
	if config.Refresh == 0 {
		config.Refresh = time.Hour
	}
	return verifier(t, config), read
}

func isKind(t *testing.T, bad *Error, want Kind) {
	t.Helper()
	if bad == nil && want != "" || bad != nil && bad.Kind != want {
		t.Fatalf("%v, want %q", bad, want)
	}
}

// Keys are rotated: a kid that is not known has them read again, once in a while; what was taken away is gone.
func TestRotation(t *testing.T) {
	_, second, _ := ed25519.GenerateKey(rand.Reader)
	_, forged, _ := ed25519.GenerateKey(rand.Reader)
	i := newIssuer(t, has(jwks(jwk("a", edKey()))))
	v, read := remoteVerifier(t, Config{URL: i.URL, Kick: time.Nanosecond})
	ctx := context.Background()
	_, bad := v.Verify(ctx, ed("a", edKey()))
	isKind(t, bad, "")
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	i.say(has(jwks(jwk("b", second))))
	_, bad = v.Verify(ctx, ed("b", second))
	isKind(t, bad, "")
	_, bad = v.Verify(ctx, ed("b", forged))
	isKind(t, bad, Signature)
	_, bad = v.Verify(ctx, ed("a", edKey()))
	isKind(t, bad, UnknownKey)
}

// However many tokens name unknown keys, the issuer is asked once in a while.
func TestAbuseAuthUnknownKeys(t *testing.T) {
	i := newIssuer(t, has(jwks(jwk("a", edKey()))))
	v, _ := remoteVerifier(t, Config{URL: i.URL, Kick: time.Hour})
	_, bad := v.Verify(context.Background(), ed("a", edKey()))
	isKind(t, bad, "")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, bad := v.Verify(context.Background(), ed("x", edKey())); bad == nil || bad.Kind != UnknownKey {
				t.Errorf("%v", bad)
			}
		})
	}
	all.Wait()
	if n := i.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// An issuer that is down at first lets nobody in, and does not hold up the start; one that goes down takes nothing away.
func TestAbuseAuthJWKSDown(t *testing.T) {
	i := newIssuer(t, down)
	v, read := remoteVerifier(t, Config{URL: i.URL, Kick: time.Millisecond})
	if err := <-read; err == nil {
		t.Fatal("no error")
	}
	_, bad := v.Check(ed("a", edKey()))
	isKind(t, bad, Unavailable)
	i.say(has(jwks(jwk("a", edKey()))))
	for <-read != nil {
	}
	_, bad = v.Check(ed("a", edKey()))
	isKind(t, bad, "")
	i.say(down)
	v.Reload()
	for <-read == nil {
	}
	_, bad = v.Check(ed("a", edKey()))
	isKind(t, bad, "")
}

// What an issuer answers is bounded, and what is not a set of public keys is not taken.
func TestAbuseAuthJWKSAnswers(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<16)); err != nil {
					return
				}
			}
		},
		"secret":  has(jwks(map[string]any{"kty": "oct", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"})),
		"raw":     has(secret),
		"HTML":    has([]byte("<html>")),
		"nothing": has(nil),
		"no keys": has([]byte(`{"keys":[]}`)),
		"twice":   has([]byte(`{"keys":[],"keys":[]}`)),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://example.invalid/", http.StatusFound)
		},
		"circle": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			v, read := remoteVerifier(t, Config{URL: newIssuer(t, answer).URL, Kick: time.Hour})
			if err := <-read; err == nil {
				t.Fatal("no error")
			}
			_, bad := v.Check(hs(nil))
			isKind(t, bad, Unavailable)
		})
	}
}

// An issuer that does not answer holds up neither the start, nor who does not wait, nor the end.
func TestAbuseAuthJWKSSlow(t *testing.T) {
	free, asked := make(chan struct{}), make(chan struct{})
	i := newIssuer(t, func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-free
	})
	v, err := New(Config{URL: i.URL, Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	<-asked
	_, bad := v.Check(ed("a", edKey()))
	isKind(t, bad, Unavailable)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, bad = v.Verify(ctx, ed("a", edKey()))
	isKind(t, bad, Unavailable)
	v.Close()
	close(free)
}
