package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// certmagic keeps one of these for each authority that it has asked, for the life of the process, and stops none.
		goleak.IgnoreTopFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).permit"),
		goleak.IgnoreTopFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).loop"),
		// It looks every five seconds whether a lock is still held.
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"),
		// Pebble's validator, which the tests run, has no end.
		goleak.IgnoreTopFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks"),
		goleak.IgnoreTopFunction("github.com/letsencrypt/pebble/v2/va.(*VAImpl).processTasks"),
	)
}

// patience is how long a test waits for what must happen before it fails.
const patience = time.Minute

// eventually waits until holds does.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	end := time.After(patience)
	for !holds() {
		select {
		case <-poll.C:
		case <-end:
			t.Fatalf("it never happened: %s", what)
		}
	}
}

// pair is a new certificate for a name, and its key, in PEM.
func pair(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// folder is where a test's files are. Both are replaced at once, as a symbolic link to their folder.
type folder struct {
	t         *testing.T
	dir       string
	cert, key string // paths
}

func newFolder(t *testing.T) folder {
	dir := t.TempDir()
	return folder{t, dir, filepath.Join(dir, "now", "cert.pem"), filepath.Join(dir, "now", "key.pem")}
}

func (f folder) write(cert, key []byte) {
	f.t.Helper()
	dir, err := os.MkdirTemp(f.dir, "")
	if err != nil {
		f.t.Fatal(err)
	}
	for path, text := range map[string][]byte{f.cert: cert, f.key: key} {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
	link := filepath.Join(f.dir, "next")
	if err := os.Symlink(filepath.Base(dir), link); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(link, filepath.Join(f.dir, "now")); err != nil {
		f.t.Fatal(err)
	}
}

// name is whom a keeper's certificate is for at present.
func name(t *testing.T, k Keeper) string {
	t.Helper()
	cert, err := k.Config().GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return cert.Leaf.DNSNames[0]
}
