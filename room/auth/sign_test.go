package auth

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
	"time"
)

// privateJWK is an Ed25519 key as a JWK with both halves.
func privateJWK(kid string) map[string]any {
	m := jwk(kid, edKey())
	m["d"] = base64.RawURLEncoding.EncodeToString(edKey().Seed())
	m["key_ops"] = []string{"sign"}
	return m
}

// What is signed says what it was to say, to a verifier that has the same key or its public half.
func TestSign(t *testing.T) {
	for name, keys := range map[string][2][]byte{
		"secret": {append(secret[:32:32], '\n'), secret}, "RSA": {privatePEM(rsaKey()), publicPEM(rsaKey().Public())},
		"ECDSA": {privatePEM(ecKey()), publicPEM(ecKey().Public())}, "Ed25519": {privatePEM(edKey()), privatePEM(edKey())},
		"behind a certificate": {append(certificate(ecKey()), privatePEM(ecKey())...), certificate(ecKey())},
		"JWK":                  {jwks(jwk("a", edKey()), privateJWK("b")), jwks(jwk("b", edKey()))},
		"JWK with a secret": {
			jwks(map[string]any{"kty": "oct", "kid": "s", "alg": "HS384", "k": base64.RawURLEncoding.EncodeToString(secret)}), secret,
		},
	} {
		s, err := ReadSigner(write(t, keys[0]))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v := verifier(t, Config{File: write(t, keys[1]), Audience: "chat", Issuer: "house"})
		for _, want := range []*Claims{
			{Subject: "alice"},
			{Subject: "Zoë 🦊", Moderator: true, Join: []string{"go", "team-*"}, Write: []string{}, ReadAll: true, NoDirect: true},
		} {
			want.Expires = time.Unix(time.Now().Add(time.Hour).Unix(), 0)
			got, bad := v.Check(must(s.Sign(want, "chat", "house")))
			if bad != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, %v; want %+v", name, got, bad, want)
			}
			if _, bad = v.Check(must(s.Sign(want, "", "house"))); bad == nil || bad.Kind != Audience {
				t.Errorf("%s: without an audience: %v", name, bad)
			}
		}
	}
}

// What cannot sign is refused, in one line that has nothing of it.
func TestSignNot(t *testing.T) {
	for name, text := range map[string][]byte{
		"empty": nil, "short secret": secret[:31], "public key": publicPEM(edKey().Public()), "certificate": certificate(ecKey()),
		"PEM of another thing": []byte("-----BEGIN X-----\n-----END X-----\n"), "public JWK": jwks(jwk("a", edKey())),
		"JWK for encryption": jwks(map[string]any{"kty": "oct", "use": "enc", "k": base64.RawURLEncoding.EncodeToString(secret)}),
		"JSON":               []byte(`{"keys":{"k":"0123456789abcdef0123456789abcdef"`), "huge": []byte(strings.Repeat("x", maxSource+1)),
	} {
		s, err := ReadSigner(write(t, text))
		if err == nil || s != nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if said := err.Error(); strings.Contains(said, "\n") || strings.Contains(said, "0123456789abcdef") || len(said) > 300 {
			t.Errorf("%s: %q", name, said)
		}
	}
	if _, err := ReadSigner("/nowhere/key"); err == nil {
		t.Error("no file: no error")
	}
}

// FuzzSigner looks for keys that make the parser panic, or that cannot do what they were taken for.
func FuzzSigner(f *testing.F) {
	f.Add(privatePEM(edKey()))
	f.Add(privatePEM(ecKey()))
	f.Add(jwks(privateJWK("a")))
	f.Add(secret)
	f.Add([]byte("-----BEGIN EC PARAMETERS-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := parseSigner(text)
		if s == nil {
			return
		}
		if token, err := s.Sign(&Claims{Subject: "alice", Expires: time.Now()}, "", ""); err != nil || token == "" {
			t.Errorf("%q, %v", token, err)
		}
	})
}
