package certs

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// authority is Pebble, the ACME server that Let's Encrypt tests clients with, on loopback.
type authority struct {
	url  string // of its directory
	root string // PEM file by which its own https is trusted
}

// newAuthority has one that goes to these ports to see whether a domain is ours.
func newAuthority(t *testing.T, httpPort, tlsPort int) authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	profiles := map[string]ca.Profile{"default": {Description: "the only one", ValidityPeriod: 3600}}
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, profiles)
	validator := va.New(quiet, httpPort, tlsPort, false, "", store)
	front := wfe.New(quiet, store, validator, issuer, []string{"ca.test"}, false, false, 0, 0)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)
	root := filepath.Join(t.TempDir(), "root.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(root, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return authority{server.URL + wfe.DirectoryPath, root}
}

// door is a listener that serves a keeper's certificates, as the server does: handshakes and nothing else.
func door(t *testing.T) (l net.Listener, serve func(Keeper)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	serve = func(k Keeper) {
		secure := tls.NewListener(l, k.Config())
		go func() {
			defer close(done)
			for {
				conn, err := secure.Accept()
				if errors.Is(err, net.ErrClosed) {
					return
				}
				_ = conn.(*tls.Conn).Handshake()
				conn.Close()
			}
		}()
		t.Cleanup(func() { l.Close(); <-done })
	}
	return l, serve
}

// port is where a listener listens.
func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// expectCertificate waits until a server has one for a name.
func expectCertificate(t *testing.T, addr, name string) {
	t.Helper()
	eventually(t, "there is a certificate for "+name, func() bool {
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: name})
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close() }()
		got := conn.ConnectionState().PeerCertificates[0]
		return got.VerifyHostname(name) == nil && strings.HasPrefix(got.Issuer.CommonName, "Pebble")
	})
}

// TestACME gets a certificate from an authority that comes to the server's own port, and needs none when it starts again.
func TestACME(t *testing.T) {
	l, serve := door(t)
	a := newAuthority(t, 1, port(l))
	order := ACME{
		Domains: []string{"localhost"}, Email: "operator@throng.test", CA: a.url, Roots: a.root, Dir: t.TempDir(), Port: port(l),
		Log: slog.New(slog.DiscardHandler),
	}
	k, err := Obtain(order)
	if err != nil {
		t.Fatal(err)
	}
	serve(k)
	expectCertificate(t, l.Addr().String(), "localhost")
	if err := k.Reload(); err != nil {
		t.Error(err)
	}
	k.Close()

	l, serve = door(t)
	order.Port = port(l)
	if k, err = Obtain(order); err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	serve(k)
	expectCertificate(t, l.Addr().String(), "localhost") // which the authority would look for at the other door
}

// TestACMEByHTTP has the challenge by HTTP alone: the authority finds nobody at the other port. Who comes there for a page is sent to https.
func TestACMEByHTTP(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, serve := door(t)
	a := newAuthority(t, port(plain), 1)
	k, err := Obtain(ACME{
		Domains: []string{"localhost"}, CA: a.url, Roots: a.root, Dir: t.TempDir(), Port: port(l), HTTP: plain,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	serve(k)
	expectCertificate(t, l.Addr().String(), "localhost")
	for host, want := range map[string]string{"localhost": "https://localhost/page?a=b", "evil.test": ""} {
		r, err := http.NewRequest("GET", "http://"+plain.Addr().String()+"/page?a=b", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if got := answer.Header.Get("Location"); got != want {
			t.Errorf("%s is sent to %q, want %q", host, got, want)
		}
	}
}

// TestAbuseACMEDown: an authority that does not answer, or is not to be trusted, keeps nobody from starting, and no handshake waits for it.
func TestAbuseACMEDown(t *testing.T) {
	l, serve := door(t)
	a := newAuthority(t, 1, 1)
	d := &diary{}
	k, err := Obtain(ACME{Domains: []string{"localhost"}, CA: a.url, Dir: t.TempDir(), Port: port(l), Log: slog.New(slog.NewTextHandler(d, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	serve(k)
	if conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}); err == nil {
		_ = conn.Close()
		t.Error("there is a certificate")
	}
	eventually(t, "it is logged", func() bool { return d.count("level=ERROR") > 0 })
	if d.count("PRIVATE") > 0 {
		t.Error("the log holds a key")
	}
}

func TestACMERoots(t *testing.T) {
	f := newFolder(t)
	f.write([]byte("no PEM"), nil)
	for _, path := range []string{f.cert, "missing.pem"} {
		if _, err := Obtain(ACME{Domains: []string{"localhost"}, Roots: path, Dir: t.TempDir(), Log: slog.Default()}); err == nil {
			t.Errorf("%s is taken for certificates", path)
		}
	}
}
