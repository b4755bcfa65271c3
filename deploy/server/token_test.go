package server

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throng/deploy/command"
)

// printToken is what throng token prints, its complaint, and its exit code.
func printToken(args ...string) (token, complaint string, code int) {
	var out, err strings.Builder
	code = command.Token(args, nil, &out, &err, CheckNick)
	return strings.TrimSuffix(out.String(), "\n"), err.String(), code
}

// What throng token prints lets people in where the server has the same key, or its public half, with the rights that were asked for.
func TestPrintedToken(t *testing.T) {
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	edPublic, edKey, _ := ed25519.GenerateKey(rand.Reader)
	for name, pair := range map[string][2][]byte{
		"secret": {secret, secret}, "RSA": {pemOf(t, rsaKey), pemOf(t, rsaKey.Public())},
		"ECDSA": {pemOf(t, ecKey), pemOf(t, ecKey.Public())}, "Ed25519": {pemOf(t, edKey), pemOf(t, edPublic)},
	} {
		t.Run(name, func(t *testing.T) {
			signs, checks := filepath.Join(t.TempDir(), "signs"), filepath.Join(t.TempDir(), "checks")
			for path, text := range map[string][]byte{signs: pair[0], checks: pair[1]} {
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			h := bootGated(t, "--auth", "jwt", "--jwt-key", checks, "--jwt-audience", "chat", "--jwt-issuer", "house")
			token, complaint, code := printToken("--jwt-key", signs, "--sub", "alice", "--jwt-audience", "chat", "--jwt-issuer", "house",
				"--moderator", "--join", "go,team-*", "--write", "go")
			if code != command.Done || complaint != "" {
				t.Fatalf("exit code %d, %q", code, complaint)
			}
			g, status := h.call("alice", "", true, bearer(token))
			if g == nil {
				t.Fatal(status)
			}
			for _, room := range []struct {
				name string
				want string
			}{{"go", "joined"}, {"Team-1", "joined"}, {"rust", "err"}} {
				g.say(`{"t":"join","id":1,"room":%q}`, room.name)
				if o := g.hear(); o.T != room.want {
					t.Errorf("%s: %+v", room.name, o)
				}
			}
			g.say(`{"t":"msg","id":2,"room":"Team-1","message":"x"}`)
			if o := g.hear(); o.T != "err" || o.Code != 403 {
				t.Errorf("%+v", o)
			}
			if strings.Contains(h.log.String(), token) {
				t.Error("the token is in the log")
			}
		})
	}
}

// What cannot be used ends with one line and exit code 2, and nothing of the key.
func TestPrintNoToken(t *testing.T) {
	short, public, long := filepath.Join(t.TempDir(), "short"), filepath.Join(t.TempDir(), "public"), filepath.Join(t.TempDir(), "long")
	key, _, _ := ed25519.GenerateKey(rand.Reader)
	for path, text := range map[string][]byte{short: []byte("too short a secret"), public: pemOf(t, key), long: secret} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		nil,
		{"--sub", "alice"},
		{"--jwt-key", short},
		{"--jwt-key", short, "--sub", "alice"},
		{"--jwt-key", public, "--sub", "alice"},
		{"--jwt-key", filepath.Join(t.TempDir(), "none"), "--sub", "alice"},
		{"--jwt-key", short, "--sub", "alice", "--ttl", "0"},
		{"--jwt-key", short, "--sub", "alice", "--join", ","},
		{"--jwt-key", short, "--sub", "alice", "more"},
		{"--jwt-key", long, "--sub", "a/b"},
		{"--jwt-key", long, "--sub", "system"},
		{"--jwt-key", long, "--sub", strings.Repeat("x", 65)},
		{"--jwt-key", long, "--sub", " "},
	} {
		token, complaint, code := printToken(args...)
		if code != command.Usage || token != "" || strings.Count(complaint, "\n") != 1 || strings.Contains(complaint, "too short a secret") {
			t.Errorf("%q: exit code %d, %q, %q", args, code, token, complaint)
		}
	}
}

// pemOf is a private or a public key in PEM.
func pemOf(t *testing.T, key any) []byte {
	t.Helper()
	kind, text, err := "PRIVATE KEY", []byte(nil), error(nil)
	switch key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		text, err = x509.MarshalPKCS8PrivateKey(key)
	default:
		kind = "PUBLIC KEY"
		text, err = x509.MarshalPKIXPublicKey(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: text})
}
