package accept

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// TestTLS is some of version 2 over TLS: by the test's name servers and people know that they are to speak it.
func TestTLS(t *testing.T) {
	for name, test := range map[string]func(*testing.T){"Messages": TestV2Messages, "Rooms": TestV2Rooms, "Again": TestV2Again} {
		t.Run(name, test)
	}
}

// isTLS tells whether a test's people speak TLS.
func isTLS(t *testing.T) bool { return strings.HasPrefix(t.Name(), "TestTLS") }

// encrypt is what people do on a socket first where the test is about TLS; any certificate is taken.
func (h *house) encrypt(conn net.Conn) net.Conn {
	if !isTLS(h.t) {
		return conn
	}
	return tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"})
}

// tlsArgs has a server speak TLS where TestTLS wants it.
func tlsArgs(t *testing.T) []string {
	t.Helper()
	if !strings.HasPrefix(t.Name(), "TestTLS/") {
		return nil
	}
	f := newPair(t)
	f.write("localhost")
	return f.args()
}

// pair is a certificate and its key, in files.
type pair struct {
	t         *testing.T
	cert, key string // paths
}

func newPair(t *testing.T) pair {
	dir := t.TempDir()
	return pair{t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

func (f pair) args() []string { return []string{"--tls-cert", f.cert, "--tls-key", f.key} }

// write makes a new pair for a name.
func (f pair) write(name string) {
	f.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		f.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.t.Fatal(err)
	}
	f.put(f.cert, "CERTIFICATE", cert)
	f.put(f.key, "PRIVATE KEY", secret)
}

func (f pair) put(path, kind string, der []byte) {
	f.t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// certificate is what a server shows at present; nil: no handshake.
func certificate(addr string) *x509.Certificate {
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"})
	if err != nil {
		return nil
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0]
}

// TestTLSReload changes the certificate under a chat: newcomers see the new one, those who are in notice nothing, and one that cannot
// be used changes nothing for anybody. Files are looked at by themselves, and at once by SIGHUP.
func TestTLSReload(t *testing.T) {
	f := newPair(t)
	f.write("one.test")
	h := boot(t, f.args()...)
	alice, _ := h.enter("alice")
	bob, _ := h.enter("bob")
	n := 0
	talk := func() {
		t.Helper()
		n++
		alice.say(fmt.Sprintf(`{"to_user":"bob","message":%d}`, n))
		alice.hear(said("alice", "dm:bob", strconv.Itoa(n), toUser("bob")))
		bob.hear(said("alice", "dm:alice", strconv.Itoa(n), toUser("bob")))
	}
	sees := func(name string) {
		t.Helper()
		for end := time.Now().Add(patience); ; {
			talk()
			if c := certificate(h.addr); c != nil && c.VerifyHostname(name) == nil {
				return
			}
			if time.Now().After(end) {
				t.Fatal("newcomers never see the certificate for ", name)
			}
		}
	}
	sees("one.test")
	f.write("two.test")
	sees("two.test")
	f.put(f.cert, "CERTIFICATE", []byte("no certificate"))
	for len(h.grep("cannot be used")) == 0 {
		sees("two.test")
	}
	f.write("three.test")
	if err := syscall.Kill(h.Pid, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	sees("three.test")
	carol, _ := h.enter("carol")
	carol.ask(`{"t":"ping","id":1}`, `{"t":"pong","id":1,"ts":*}`)
	if lines := h.grep("PRIVATE"); len(lines) > 0 {
		t.Error("the log holds a key: ", lines)
	}
}

// grep is the lines that a server has said last which hold a text.
func (n *node) grep(text string) (lines []string) {
	for _, line := range n.Said() {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestTLSByACME: a server gets its certificate from Pebble, the ACME server that Let's Encrypt tests clients with, which comes for the
// challenge to the port where people chat.
func TestTLSByACME(t *testing.T) {
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	addr := freePort(t)
	_, port, _ := net.SplitHostPort(addr)
	number, _ := strconv.Atoi(port)
	quiet, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: 3600}})
	front := wfe.New(quiet, store, va.New(quiet, 1, number, false, "", store), issuer, []string{"ca.test"}, false, false, 0, 0)
	authority := httptest.NewTLSServer(front.Handler())
	defer authority.Close()
	trust := newPair(t)
	trust.put(trust.cert, "CERTIFICATE", authority.Certificate().Raw)

	server := newNode(t, filepath.Join(t.TempDir(), "data"), []string{"--admin", "off", "--acme-domain", "localhost",
		"--acme-ca", authority.URL + wfe.DirectoryPath, "--acme-ca-root", trust.cert})
	server.addr = addr
	server.start()
	h := &house{t: t, node: server, turn: &turn{}}
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for end := time.Now().Add(patience); ; <-poll.C {
		if c := certificate(addr); c != nil && strings.HasPrefix(c.Issuer.CommonName, "Pebble") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("there is no certificate")
		}
	}
	alice, _ := h.enter("alice")
	alice.ask(`{"t":"ping","id":1}`, `{"t":"pong","id":1,"ts":*}`)
	server.stop()
	server.start() // with the certificate that it has
	if certificate(addr) == nil {
		t.Error("there is no certificate after a restart")
	}
}
