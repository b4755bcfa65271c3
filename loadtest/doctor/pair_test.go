package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// issuer is who signs certificates.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate and its key; without an issuer it vouches for itself.
func issue(t testing.TB, by *issuer, as x509.Certificate) issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	as.SerialNumber, as.BasicConstraintsValid = big.NewInt(7), true
	signer := issuer{&as, key}
	if by != nil {
		signer = *by
	}
	der, err := x509.CreateCertificate(rand.Reader, &as, signer.cert, &key.PublicKey, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{cert, key}
}

func certPEM(all ...issuer) (text []byte) {
	for _, one := range all {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: one.cert.Raw})...)
	}
	return text
}

func keyPEM(t testing.TB, of issuer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(of.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// put writes a file that only its owner may read, and returns its path.
func put(t testing.TB, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKeyPair(t *testing.T) {
	born := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	life := func(days int, names ...string) x509.Certificate {
		return x509.Certificate{DNSNames: names, NotBefore: born, NotAfter: born.AddDate(0, 0, days), Subject: pkix.Name{CommonName: "leaf"}}
	}
	authority := func(name string) x509.Certificate {
		a := life(3650)
		a.IsCA, a.KeyUsage, a.Subject = true, x509.KeyUsageCertSign, pkix.Name{CommonName: name}
		return a
	}
	root := issue(t, nil, authority("root"))
	middle := issue(t, &root, authority("middle"))
	leaf := issue(t, &middle, life(90, "a.example", "b.example", "c.example", "d.example"))
	brief := issue(t, &middle, life(6, "a.example"))
	nameless := issue(t, &middle, life(90))
	alone := issue(t, nil, life(90, "a.example"))
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)

	tests := []struct {
		name   string
		cert   []byte
		key    []byte
		day    int // of the certificate's life
		level  Level
		found  string
		advice string
	}{
		{"fine", certPEM(leaf, middle), keyPEM(t, leaf), 10, OK, "for a.example, b.example, c.example and 1 more, until 2026-04-01", ""},
		{"the root, too", certPEM(leaf, middle, root), keyPEM(t, leaf), 10, OK, "", ""},
		{"soon", certPEM(leaf, middle), keyPEM(t, leaf), 70, Warn, "until 2026-04-01, in 20 days", "certbot renew"},
		{"over", certPEM(leaf, middle), keyPEM(t, leaf), 91, Fail, "until 2026-04-01, which is over", "certbot renew"},
		{"not yet", certPEM(leaf, middle), keyPEM(t, leaf), -1, Fail, "not good before 2026-01-01 00:00:00 UTC", "timedatectl"},
		{"six days are a life", certPEM(brief, middle), keyPEM(t, brief), 3, OK, "until 2026-01-07", ""},
		{"of six days one is left", certPEM(brief, middle), keyPEM(t, brief), 5, Warn, "in 1 day", "certbot renew"},
		{"another's key", certPEM(leaf, middle), keyPEM(t, middle), 10, Fail, "private key does not match public key", "openssl pkey -pubout"},
		{"no key", certPEM(leaf, middle), []byte("nothing"), 10, Fail, "", "openssl pkey -pubout"},
		{"no chain", certPEM(leaf), keyPEM(t, leaf), 10, Warn,
			"CN=middle, which vouches for the last of 1 certificate in it, is not trusted", "fullchain.pem, not cert.pem"},
		{"out of order", certPEM(leaf, root, middle), keyPEM(t, leaf), 10, Warn, "certificate 2 of the file does not vouch for the one before", "fullchain.pem"},
		{"a broken chain", append(certPEM(leaf), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}})...), keyPEM(t, leaf), 10,
			Fail, "certificate 2: ", "openssl x509 -noout -text"},
		{"for itself", certPEM(alone), keyPEM(t, alone), 10, Warn, "vouches for itself", "throng --acme-domain"},
		{"for no name", certPEM(nameless, middle), keyPEM(t, nameless), 10, Warn, "for no name, until 2026-04-01, which browsers refuse", "subjectAltName"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			c := keyPair(put(t, dir, "cert.pem", test.cert), put(t, dir, "key.pem", test.key), roots, born.AddDate(0, 0, test.day))
			sane(t, []Check{c})
			if c.Level != test.level || !strings.Contains(c.Found, test.found) || !strings.Contains(c.Advice, test.advice) {
				t.Errorf("found %v %+v\n want %+v", c.Level, c, test)
			}
		})
	}
}

// TestKeyPairFiles gives what is not there, or no file; it trusts whom the system trusts, which is not this one.
func TestKeyPairFiles(t *testing.T) {
	dir := t.TempDir()
	of := issue(t, nil, x509.Certificate{DNSNames: []string{"a"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)})
	cert, key := put(t, dir, "cert.pem", certPEM(of)), put(t, dir, "key.pem", keyPEM(t, of))
	long := put(t, dir, "long", make([]byte, maxKeyFile+1))
	for _, test := range []struct {
		cert, key string
		level     Level
		found     string
	}{
		{cert, key, Warn, "vouches for itself"},
		{filepath.Join(dir, "none"), key, Fail, "no such file"},
		{cert, filepath.Join(dir, "none"), Fail, "no such file"},
		{dir, key, Fail, "not a file"},
		{cert, long, Fail, "longer than 1.0 MiB"},
	} {
		c := KeyPair(test.cert, test.key)
		sane(t, []Check{c})
		if c.Level != test.level || !strings.Contains(c.Found, test.found) {
			t.Errorf("found %v %+v\n want %+v", c.Level, c, test)
		}
	}
}

// FuzzCertificates reads any file as certificates.
func FuzzCertificates(f *testing.F) {
	f.Add(certPEM(issue(f, nil, x509.Certificate{NotAfter: time.Unix(1<<31, 0)})))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("nothing"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if all, err := certificates(text); (err == nil) != (len(all) > 0) {
			t.Errorf("%d certificates, %v", len(all), err)
		}
	})
}
