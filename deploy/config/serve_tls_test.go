package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// keyFiles writes a certificate and its key into the working directory.
func keyFiles(t *testing.T, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServeTLS(t *testing.T) {
	t.Chdir(t.TempDir())
	keyFiles(t, "cert.pem", "key.pem")
	for _, tt := range []struct {
		args string
		want Serve
	}{
		{"--tls-cert cert.pem --tls-key key.pem", Serve{TLSCert: "cert.pem", TLSKey: "key.pem"}},
		{"--acme-domain a.test --acme-domain B.test", Serve{ACMEDomain: []string{"a.test", "b.test"}, ACMEDir: "throng-data/acme"}},
		{"--acme-domain a.test,::1 --data mem --acme-dir keys --acme-email a@b --acme-ca https://ca.test/dir --acme-ca-root cert.pem --acme-http :80",
			Serve{ACMEDomain: []string{"a.test", "::1"}, ACMEDir: "keys", ACMEEmail: "a@b", ACMECa: "https://ca.test/dir",
				ACMECaRoot: "cert.pem", ACMEHttp: ":80"}},
	} {
		var s Serve
		if _, err := Parse(&s, strings.Fields(tt.args), nil); err != nil || !s.IsTLS() {
			t.Fatalf("%s: %v, TLS is %v", tt.args, err, s.IsTLS())
		}
		got := Serve{TLSCert: s.TLSCert, TLSKey: s.TLSKey, ACMEDomain: s.ACMEDomain, ACMEDir: s.ACMEDir, ACMEEmail: s.ACMEEmail,
			ACMECa: s.ACMECa, ACMECaRoot: s.ACMECaRoot, ACMEHttp: s.ACMEHttp}
		if changed := Changed(got, tt.want); len(changed) > 0 {
			t.Errorf("%s: %v is not as it should be: %+v", tt.args, changed, got)
		}
	}
}

func TestServeTLSRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	keyFiles(t, "cert.pem", "key.pem")
	keyFiles(t, "cert2.pem", "key2.pem")
	for args, want := range map[string]string{
		"--tls-cert cert.pem":                          `--tls-cert "cert.pem" (flag): want --tls-key as well`,
		"--tls-key key.pem":                            `--tls-key "key.pem" (flag): want --tls-cert as well`,
		"--tls-cert none.pem --tls-key key.pem":        `--tls-cert "none.pem" (flag): want the certificate of --tls-key: open none.pem: no such file or directory`,
		"--tls-cert cert.pem --tls-key none.pem":       `--tls-key "none.pem" (flag): want a file that can be read: open none.pem: no such file or directory`,
		"--tls-cert cert.pem --tls-key key2.pem":       `--tls-cert "cert.pem" (flag): want the certificate of --tls-key: tls: private key does not match public key`,
		"--acme-email a@b":                             `--acme-email "a@b" (flag): want nothing, unless --acme-domain is set`,
		"--acme-domain a.test --data mem":              `--acme-domain "a.test" (flag): want --acme-dir as well, since --data is mem`,
		"--acme-domain a/b":                            `--acme-domain "a/b" (flag): want a DOMAIN, such as chat.example.com, several joined by commas`,
		"--acme-domain a --acme-ca http://x/y":         `--acme-ca "http://x/y" (flag): want https://HOST[:PORT]/PATH`,
		"--acme-domain a --acme-ca-root none.pem":      `--acme-ca-root "none.pem" (flag): want a file that can be read: open none.pem: no such file or directory`,
		"--acme-domain a --acme-http 80":               `--acme-http "80" (flag): want HOST:PORT, such as :8888 or 127.0.0.1:8888, or nothing`,
		"--acme-domain a --tls-cert a --tls-key b":     `--acme-domain "a" (flag): want nothing, since --tls-cert is set`,
		"--tls-cert cert.pem --tls-key key.pem --rate": `--rate without a value (flag): want a number of messages a second up to 1000000, 0 = no limit`,
	} {
		if _, err := Parse(new(Serve), slices.Clone(strings.Fields(args)), nil); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", args, err, want)
		}
	}
}
