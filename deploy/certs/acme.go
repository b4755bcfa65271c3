package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"golang.org/x/net/netutil"
)

// LetsEncrypt is the directory of the certificate authority that is used where no other is named.
const LetsEncrypt = certmagic.LetsEncryptProductionCA

// ACME says whose certificates are wanted, and of whom.
type ACME struct {
	Domains []string     // at least one; each gets a certificate of its own
	Email   string       // by which the authority can reach the operator; empty: none
	CA      string       // URL of the authority's directory; empty: [LetsEncrypt]
	Roots   string       // PEM file of the certificates by which the authority's own is trusted; empty: the system's
	Dir     string       // folder of keys and certificates, which is made; nodes may share it
	HTTP    net.Listener // for the challenge by HTTP, on port 80 of the domains; other requests are sent to https. nil: none
	Port    int          // of the server's listener, which port 443 of the domains must lead to
	Log     *slog.Logger
}

// acme is a Keeper of certificates from an authority.
type acme struct {
	cache  *certmagic.Cache
	config *certmagic.Config
	cancel context.CancelFunc
	http   *http.Server // nil: none
	served chan struct{}
}

// Obtain gets certificates, and renews them in time. It does not wait for them: until a domain has its certificate, handshakes
// for it fail. It owns a.HTTP, even by an error. The use of it means that the authority's terms are agreed to.
func Obtain(a ACME) (Keeper, error) {
	roots, err := readRoots(a.Roots)
	if err != nil {
		if a.HTTP != nil {
			_ = a.HTTP.Close()
		}
		return nil, err
	}
	log := zapLog(a.Log)
	k := &acme{served: make(chan struct{})}
	k.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return k.config, nil },
		Logger:           log,
	})
	k.config = certmagic.New(k.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: a.Dir}, DefaultServerName: a.Domains[0], Logger: log,
	})
	issuer := certmagic.NewACMEIssuer(k.config, certmagic.ACMEIssuer{
		CA: a.CA, Email: a.Email, Agreed: true, TrustedRoots: roots, Logger: log,
		// certmagic sees that somebody listens on this port, and leaves the challenge to that.
		AltTLSALPNPort: a.Port, DisableHTTPChallenge: a.HTTP == nil,
	})
	if a.HTTP != nil {
		issuer.AltHTTPPort = a.HTTP.Addr().(*net.TCPAddr).Port
		k.serve(a.HTTP, a.Domains, issuer)
	} else {
		close(k.served)
	}
	k.config.Issuers = []certmagic.Issuer{issuer}
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	if err := k.config.ManageAsync(ctx, a.Domains); err != nil {
		k.Close()
		return nil, fmt.Errorf("ACME: %w", err)
	}
	return k, nil
}

func (k *acme) Config() *tls.Config {
	c := k.config.TLSConfig()
	c.MinVersion = tls.VersionTLS12
	return c
}

// Reload has nothing to look for: certificates are renewed in time.
func (*acme) Reload() error { return nil }

func (k *acme) Close() {
	k.cancel()
	k.cache.Stop()
	if k.http != nil {
		_ = k.http.Close()
	}
	<-k.served
}

// maxHTTP is how many connections the listener for the challenge has at once.
const maxHTTP = 64

// serve answers challenges by HTTP and sends all others to https.
func (k *acme) serve(l net.Listener, domains []string, issuer *certmagic.ACMEIssuer) {
	elsewhere := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		w.Header().Set("Connection", "close")
		if !slices.Contains(domains, strings.ToLower(host)) {
			http.NotFound(w, r)
			return
		}
		http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusPermanentRedirect)
	})
	k.http = &http.Server{
		Handler: issuer.HTTPChallengeHandler(elsewhere), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0),
	}
	go func() {
		defer close(k.served)
		_ = k.http.Serve(netutil.LimitListener(l, maxHTTP)) // ends by Close alone
	}()
}

// readRoots reads the certificates to trust; nil: the system's.
func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no PEM certificate", path)
	}
	return pool, nil
}
