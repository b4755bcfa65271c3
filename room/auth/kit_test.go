package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var secret = []byte("0123456789abcdef0123456789abcdef")

// The keys of the tests: to make one takes time.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey  = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	edKey  = sync.OnceValue(func() ed25519.PrivateKey { _, k, err := ed25519.GenerateKey(rand.Reader); return must(k, err) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// silent is a logger that says nothing.
var silent = slog.New(slog.DiscardHandler)

// write writes a file of keys.
func write(t testing.TB, text []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// verifier makes one that ends with the test.
func verifier(t testing.TB, config Config) *Verifier {
	t.Helper()
	if config.Logger == nil {
		config.Logger = silent
	}
	v, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// claims are those of alice for an hour, changed by some; nil takes one away.
func claims(changes jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "alice", "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

// sign makes a token, with more in its header.
func sign(method jwt.SigningMethod, material any, c jwt.MapClaims, header map[string]any) string {
	t := jwt.NewWithClaims(method, c)
	for name, value := range header {
		t.Header[name] = value
	}
	return must(t.SignedString(material))
}

// hs makes one of the secret's.
func hs(changes jwt.MapClaims) string {
	return sign(jwt.SigningMethodHS256, secret, claims(changes), nil)
}

// raw signs a header and a payload as they stand with the secret.
func raw(header, payload string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	return text + "." + base64.RawURLEncoding.EncodeToString(must(jwt.SigningMethodHS256.Sign(text, secret)))
}

// publicPEM is a public key in PEM.
func publicPEM(material any) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(material))})
}

// privatePEM is a private key in PEM.
func privatePEM(material any) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(material))})
}

// certificate is one of a key in PEM.
func certificate(key *ecdsa.PrivateKey) []byte {
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: must(x509.CreateCertificate(rand.Reader, about, about, key.Public(), key))})
}

// jwk is an Ed25519 key as a JWK.
func jwk(kid string, key ed25519.PrivateKey) map[string]any {
	x := base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	return map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": kid, "alg": "EdDSA", "use": "sig", "x": x}
}

// jwks is a set of JWKs.
func jwks(all ...map[string]any) []byte {
	return must(json.Marshal(map[string]any{"keys": all}))
}
