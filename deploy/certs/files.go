package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Every is how often files are looked at.
const Every = time.Second

// files is a Keeper of a certificate and its key in PEM files.
type files struct {
	certPath, keyPath string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]
	stop, stopped     chan struct{}

	mu   sync.Mutex // guards what follows, and that one reads the files at a time
	seen digest     // of what was last read, good or bad
}

// digest is of both files' content.
type digest [sha256.Size]byte

// Files reads a certificate, followed by those that vouch for it, and its key, and then looks every so often, 0 for [Every],
// whether they have changed. A pair that cannot be used is logged once, and the one before stays.
func Files(certPath, keyPath string, every time.Duration, log *slog.Logger) (Keeper, error) {
	f := &files{certPath: certPath, keyPath: keyPath, log: log, stop: make(chan struct{}), stopped: make(chan struct{})}
	if err := f.Reload(); err != nil {
		return nil, err
	}
	if every == 0 {
		every = Every
	}
	go f.watch(every)
	return f, nil
}

func (f *files) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current.Load(), nil },
	}
}

// Reload reads the files now.
func (f *files) Reload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	cert, key, sum, err := f.read()
	if err != nil {
		return err
	}
	return f.use(cert, key, sum)
}

func (f *files) Close() {
	close(f.stop)
	<-f.stopped
}

func (f *files) read() (cert, key []byte, sum digest, err error) {
	if cert, err = os.ReadFile(f.certPath); err == nil {
		key, err = os.ReadFile(f.keyPath)
	}
	both := sha256.New()
	fmt.Fprintf(both, "%d\n%s%s", len(cert), cert, key)
	return cert, key, digest(both.Sum(nil)), err
}

// use has new connections get the certificate. The caller holds f.mu.
func (f *files) use(cert, key []byte, sum digest) error {
	f.seen = sum
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("%s and %s: %w", f.certPath, f.keyPath, err)
	}
	f.current.Store(&pair)
	return nil
}

// watch looks at the files until Close. They are taken when they have been the same for two looks: they are written one
// after the other.
func (f *files) watch(every time.Duration) {
	defer close(f.stopped)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var last digest
	unreadable := false
	for {
		select {
		case <-ticker.C:
		case <-f.stop:
			return
		}
		f.mu.Lock()
		cert, key, sum, err := f.read()
		if err != nil && !unreadable {
			f.log.Error("the TLS certificate cannot be read; the one before stays", "err", err)
		}
		unreadable = err != nil
		if !unreadable && sum != f.seen && sum == last {
			if err := f.use(cert, key, sum); err != nil {
				f.log.Error("the new TLS certificate cannot be used; the one before stays", "err", err)
			} else {
				f.log.Info("there is a new TLS certificate", "until", f.current.Load().Leaf.NotAfter)
			}
		}
		last = sum
		f.mu.Unlock()
	}
}
