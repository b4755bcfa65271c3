package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestVerify(t *testing.T) {
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	for _, tt := range []struct {
		name  string
		keys  []byte
		token string
	}{
		{"secret", secret, hs(nil)},
		{"secret with a line end", append(bytes.Clone(secret), '\n'), hs(nil)},
		{"HS512", secret, sign(jwt.SigningMethodHS512, secret, claims(nil), nil)},
		{"RSA", publicPEM(rsaKey().Public()), sign(jwt.SigningMethodRS256, rsaKey(), claims(nil), nil)},
		{"RSA, PSS", publicPEM(rsaKey().Public()), sign(jwt.SigningMethodPS256, rsaKey(), claims(nil), nil)},
		{"ECDSA", publicPEM(ecKey().Public()), sign(jwt.SigningMethodES256, ecKey(), claims(nil), nil)},
		{"ECDSA P-384", publicPEM(p384.Public()), sign(jwt.SigningMethodES384, p384, claims(nil), nil)},
		{"Ed25519", publicPEM(edKey().Public()), sign(jwt.SigningMethodEdDSA, edKey(), claims(nil), nil)},
		{"private key", privatePEM(edKey()), sign(jwt.SigningMethodEdDSA, edKey(), claims(nil), nil)},
		{"certificate", certificate(ecKey()), sign(jwt.SigningMethodES256, ecKey(), claims(nil), nil)},
		{"second of several", slices.Concat(publicPEM(rsaKey().Public()), publicPEM(edKey().Public())), sign(jwt.SigningMethodEdDSA, edKey(), claims(nil), nil)},
		{"kid that no key of the file has", publicPEM(edKey().Public()),
			sign(jwt.SigningMethodEdDSA, edKey(), claims(nil), map[string]any{"kid": "../../etc/passwd"})},
		{"JWKS", jwks(map[string]any{"kty": "RSA", "n": "?"}, jwk("a", edKey())), sign(jwt.SigningMethodEdDSA, edKey(), claims(nil), map[string]any{"kid": "a"})},
		{"JWKS, no kid", jwks(jwk("a", edKey())), sign(jwt.SigningMethodEdDSA, edKey(), claims(nil), nil)},
		{"JWKS with a secret", jwks(map[string]any{"kty": "oct", "k": base64.RawURLEncoding.EncodeToString(secret)}), hs(nil)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := verifier(t, Config{File: write(t, tt.keys)})
			c, bad := v.Check(tt.token)
			if bad != nil || c.Subject != "alice" || time.Until(c.Expires) < 59*time.Minute {
				t.Fatalf("%+v, %v", c, bad)
			}
		})
	}
}

func TestAbuseAuthTokens(t *testing.T) {
	now := time.Now()
	rsaPEM := publicPEM(rsaKey().Public())
	other := must(rsa.GenerateKey(rand.Reader, 2048))
	good := hs(nil)
	set := jwks(jwk("a", edKey()))
	for _, tt := range []struct {
		name  string
		keys  []byte
		token string
		want  Kind
	}{
		{"none", secret, sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(nil), nil), Algorithm},
		{"none in other letters", secret, raw(`{"alg":"nOnE"}`, `{"sub":"alice","exp":9999999999}`), Algorithm},
		{"the public key as a secret", rsaPEM, sign(jwt.SigningMethodHS256, rsaPEM, claims(nil), nil), Algorithm},
		{"the public key's text as a secret", rsaPEM, sign(jwt.SigningMethodHS256, bytes.TrimSpace(rsaPEM), claims(nil), nil), Algorithm},
		{"another key", rsaPEM, sign(jwt.SigningMethodRS256, other, claims(nil), nil), Signature},
		{"another secret", secret, sign(jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), claims(nil), nil), Signature},
		{"an algorithm that the JWK is not for", set, sign(jwt.SigningMethodHS256, secret, claims(nil), map[string]any{"kid": "a"}), Algorithm},
		{"a kid that no key has", set, sign(jwt.SigningMethodEdDSA, edKey(), claims(nil), map[string]any{"kid": "b"}), UnknownKey},
		{"a kid that is a path", set, sign(jwt.SigningMethodEdDSA, edKey(), claims(nil), map[string]any{"kid": "/dev/null"}), UnknownKey},
		{"a kid that is empty", set, sign(jwt.SigningMethodEdDSA, edKey(), claims(nil), map[string]any{"kid": ""}), UnknownKey},
		{"a kid that is a number", set, sign(jwt.SigningMethodEdDSA, edKey(), claims(nil), map[string]any{"kid": 1}), Malformed},
		{"a key of its own", rsaPEM, sign(jwt.SigningMethodEdDSA, edKey(), claims(nil), map[string]any{"jwk": jwk("", edKey())}), Algorithm},
		{"a key elsewhere", set, sign(jwt.SigningMethodRS256, other, claims(nil),
			map[string]any{"jku": "http://127.0.0.1:1/", "x5u": "http://127.0.0.1:1/", "kid": "a"}), Algorithm},
		{"crit", secret, sign(jwt.SigningMethodHS256, secret, claims(nil), map[string]any{"crit": []string{"b64"}, "b64": false}), Malformed},
		{"changed", secret, good[:len(good)/2] + "A" + good[len(good)/2:], ""},
		{"truncated", secret, good[:len(good)-4], ""},
		{"without a signature", secret, good[:strings.LastIndexByte(good, '.')+1], Signature},
		{"two parts", secret, good[:strings.LastIndexByte(good, '.')], Malformed},
		{"five parts", secret, good + ".a.b", Malformed},
		{"empty", secret, "", Malformed},
		{"dots", secret, "..", Malformed},
		{"huge", secret, hs(jwt.MapClaims{"more": strings.Repeat("x", MaxToken)}), Malformed},
		{"many dots", secret, strings.Repeat(".", MaxToken), Malformed},
		{"two algs", secret, raw(`{"alg":"none","alg":"HS256"}`, `{"sub":"alice","exp":9999999999}`), Malformed},
		{"two subs", secret, raw(`{"alg":"HS256"}`, `{"sub":"eve","sub":"alice","exp":9999999999}`), Malformed},
		{"SUB", secret, raw(`{"alg":"HS256"}`, `{"SUB":"alice","exp":9999999999}`), Malformed},
		{"not UTF-8", secret, raw(`{"alg":"HS256"}`, "{\"sub\":\"\xff\",\"exp\":9999999999}"), Malformed},
		{"deep", secret, raw(`{"alg":"HS256"}`, strings.Repeat("[", 3000)), Malformed},
		{"no object", secret, raw(`{"alg":"HS256"}`, `null`), Malformed},
		{"no header", secret, raw(`null`, `{"sub":"alice","exp":9999999999}`), Malformed},
		{"no alg", secret, raw(`{}`, `{"sub":"alice","exp":9999999999}`), Algorithm},
		{"alg of another type", secret, raw(`{"alg":["HS256"]}`, `{"sub":"alice","exp":9999999999}`), Algorithm},
		{"expired", secret, hs(jwt.MapClaims{"exp": now.Add(-Leeway - time.Second).Unix()}), Expired},
		{"no exp", secret, hs(jwt.MapClaims{"exp": nil}), Malformed},
		{"exp of another type", secret, hs(jwt.MapClaims{"exp": "never"}), Malformed},
		{"exp beyond all", secret, raw(`{"alg":"HS256"}`, `{"sub":"alice","exp":-1e300}`), Expired},
		{"not yet", secret, hs(jwt.MapClaims{"nbf": now.Add(Leeway + time.Minute).Unix()}), NotYet},
		{"of the future", secret, hs(jwt.MapClaims{"iat": now.Add(Leeway + time.Minute).Unix()}), NotYet},
		{"no aud", secret, hs(jwt.MapClaims{"iss": "house"}), Audience},
		{"no sub", secret, hs(jwt.MapClaims{"sub": nil}), Malformed},
		{"empty sub", secret, hs(jwt.MapClaims{"sub": " "}), Malformed},
		{"sub of another type", secret, hs(jwt.MapClaims{"sub": 1}), Malformed},
		{"throng of another type", secret, hs(jwt.MapClaims{"throng": "all"}), Malformed},
		{"join of another type", secret, hs(jwt.MapClaims{"throng": map[string]any{"join": "go"}}), Malformed},
		{"join of other things", secret, hs(jwt.MapClaims{"throng": map[string]any{"join": []any{1}}}), Malformed},
		{"all is neither", secret, hs(jwt.MapClaims{"throng": map[string]any{"all": "no"}}), Malformed},
		{"moderator of another type", secret, hs(jwt.MapClaims{"throng": map[string]any{"moderator": "true"}}), Malformed},
		{"direct of another type", secret, hs(jwt.MapClaims{"throng": map[string]any{"direct": 0}}), Malformed},
		{"an unknown right", secret, hs(jwt.MapClaims{"throng": map[string]any{"wirte": []any{}}}), Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := Config{File: write(t, tt.keys)}
			if tt.name == "no aud" {
				config.Audience, config.Issuer = "chat", "house"
			}
			c, bad := verifier(t, config).Check(tt.token)
			if bad == nil || c != nil || tt.want != "" && bad.Kind != tt.want {
				t.Fatalf("%+v, %#v; want %s", c, bad, tt.want)
			}
			for _, part := range strings.Split(tt.token, ".") {
				if len(part) > 8 && strings.Contains(bad.Error(), part) {
					t.Errorf("the error has a part of the token: %v", bad)
				}
			}
		})
	}
}

func TestAudienceAndIssuer(t *testing.T) {
	v := verifier(t, Config{File: write(t, secret), Audience: "chat", Issuer: "house"})
	for _, tt := range []struct {
		aud, iss any
		want     Kind
	}{
		{"chat", "house", ""},
		{[]string{"mail", "chat"}, "house", ""},
		{"mail", "house", Audience},
		{"chat", "elsewhere", Issuer},
		{"chat ", "house", Audience},
	} {
		_, bad := v.Check(hs(jwt.MapClaims{"aud": tt.aud, "iss": tt.iss}))
		if bad == nil && tt.want != "" || bad != nil && bad.Kind != tt.want {
			t.Errorf("%v, %v: %v, want %q", tt.aud, tt.iss, bad, tt.want)
		}
	}
}

// What a token lacks is called by its name, whatever else it lacks.
func TestMissingClaims(t *testing.T) {
	path := write(t, secret)
	for _, tt := range []struct {
		name             string
		audience, issuer string
		claims           jwt.MapClaims
		want             *Error
	}{
		{"no aud", "chat", "house", jwt.MapClaims{"iss": "house"}, errNoAudience},
		{"an aud that is empty", "chat", "house", jwt.MapClaims{"iss": "house", "aud": ""}, errNoAudience},
		{"aud of nobody", "chat", "house", jwt.MapClaims{"iss": "house", "aud": []string{}}, errNoAudience},
		{"no iss", "chat", "house", jwt.MapClaims{"aud": "chat"}, errNoIssuer},
		{"an iss that is empty", "chat", "house", jwt.MapClaims{"aud": "chat", "iss": ""}, errNoIssuer},
		{"no iss, any audience", "", "house", nil, errNoIssuer},
		{"neither", "chat", "house", nil, errNoAudience},
		{"no exp either", "chat", "house", jwt.MapClaims{"exp": nil}, errNoExp},
		{"no exp", "", "", jwt.MapClaims{"exp": nil}, errNoExp},
		{"none is asked for", "", "", nil, nil},
	} {
		v := verifier(t, Config{File: path, Audience: tt.audience, Issuer: tt.issuer})
		if _, bad := v.Check(hs(tt.claims)); bad != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, bad, tt.want)
		}
	}
}

// What cannot be understood of a token that is rightly signed is named.
func TestWhatIsWrong(t *testing.T) {
	v := verifier(t, Config{File: write(t, secret)})
	for _, tt := range []struct {
		claims jwt.MapClaims
		want   string
	}{
		{jwt.MapClaims{"exp": 1e300}, "the token's exp is out of range"},
		{jwt.MapClaims{"exp": 1e17}, "the token's exp is out of range"},
		{jwt.MapClaims{"nbf": 1e300}, "the token's nbf is out of range"},
		{jwt.MapClaims{"iat": 1e300}, "the token's iat is out of range"},
		{jwt.MapClaims{"exp": time.Now().UnixMilli()}, ""}, // far away, and a time
		{jwt.MapClaims{"exp": latest}, ""},
		{jwt.MapClaims{"throng": map[string]any{"wirte": true, "write": 1}}, `the token's throng claim has an unknown member: "wirte"`},
		{jwt.MapClaims{"throng": map[string]any{"\n" + strings.Repeat("x", 100): 1}},
			`the token's throng claim has an unknown member: "\n` + strings.Repeat("x", 63) + `"`},
		{jwt.MapClaims{"throng": map[string]any{"write": 1}}, "the token's throng claim is malformed"},
	} {
		c, bad := v.Check(hs(tt.claims))
		switch {
		case tt.want == "" && (bad != nil || c.Expires.UnixMilli() <= 0):
			t.Errorf("%v: %v, %v", tt.claims, c, bad)
		case tt.want != "" && (bad == nil || bad.Error() != tt.want || bad.Kind != Malformed):
			t.Errorf("%v: %v, want %s", tt.claims, bad, tt.want)
		}
	}
}

// A token is valid for Leeway longer, and before its time, than it says.
func TestLeeway(t *testing.T) {
	v := verifier(t, Config{File: write(t, secret)})
	now := time.Now()
	for _, token := range []string{hs(jwt.MapClaims{"exp": now.Add(-Leeway / 2).Unix()}), hs(jwt.MapClaims{"nbf": now.Add(Leeway / 2).Unix()})} {
		if _, bad := v.Check(token); bad != nil {
			t.Error(bad)
		}
	}
}

func TestRights(t *testing.T) {
	v := verifier(t, Config{File: write(t, secret)})
	rights := map[string]any{"moderator": true, "join": []any{"go", "team-*"}, "write": []any{}, "all": "read", "direct": false}
	c, bad := v.Check(hs(jwt.MapClaims{"throng": rights}))
	if bad != nil {
		t.Fatal(bad)
	}
	want := &Claims{
		Subject: "alice", Expires: c.Expires, Moderator: true, Join: []string{"go", "team-*"}, Write: []string{}, ReadAll: true, NoDirect: true,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, want %+v", c, want)
	}
	for _, free := range []jwt.MapClaims{nil, {"throng": map[string]any{}}, {"throng": map[string]any{"all": "write", "direct": true}}} {
		if c, bad := v.Check(hs(free)); bad != nil || c.Moderator || c.Join != nil || c.Write != nil || c.ReadAll || c.NoDirect {
			t.Errorf("%v: %+v, %v", free, c, bad)
		}
	}
}

func TestBadKeys(t *testing.T) {
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	for name, text := range map[string][]byte{
		"empty": nil, "short secret": secret[:31], "short RSA key": publicPEM(short.Public()), "PEM of nothing": []byte("-----BEGIN X"),
		"PEM of another thing": []byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
		"JWKS of nothing":      jwks(), "JSON": []byte(`{"a":1}`), "broken JSON": []byte(`{"keys":[`), "huge": bytes.Repeat([]byte("x"), maxSource+1),
		"JWK for encryption": jwks(map[string]any{"kty": "oct", "use": "enc", "k": base64.RawURLEncoding.EncodeToString(secret)}),
	} {
		if v, err := New(Config{File: write(t, text), Logger: silent}); err == nil {
			v.Close()
			t.Errorf("%s: no error", name)
		}
	}
	for _, c := range []Config{{}, {File: "a", URL: "https://b"}, {File: "/nowhere"}, {URL: "http://example.com/"}, {URL: "file:///etc"}} {
		c.Logger = silent
		if v, err := New(c); err == nil {
			v.Close()
			t.Errorf("%+v: no error", c)
		}
	}
}

// A file that has changed is read again, whole or not at all.
func TestFileChanges(t *testing.T) {
	path := write(t, secret)
	read := make(chan error, 100)
	v := verifier(t, Config{File: path, Watch: time.Millisecond, OnRead: func(_ int, err error) { read <- err }})
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	replace := func(text []byte) {
		if err := os.WriteFile(path+".new", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	replace([]byte("too short"))
	if err := <-read; err == nil {
		t.Fatal("a short secret was taken")
	}
	if _, bad := v.Check(hs(nil)); bad != nil {
		t.Fatalf("the key is lost: %v", bad)
	}
	replace([]byte(strings.Repeat("y", 32)))
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	if _, bad := v.Check(hs(nil)); bad == nil || bad.Kind != Signature {
		t.Fatalf("the old key is still taken: %v", bad)
	}
	v.Reload()
	if err := <-read; err != nil {
		t.Fatal(err)
	}
}

// FuzzCheck looks for tokens that make the verifier panic, or that it takes though nobody signed them.
func FuzzCheck(f *testing.F) {
	good := hs(nil)
	f.Add(good)
	f.Add(raw(`{"alg":"none"}`, `{}`))
	f.Add(raw(`{"alg":"HS256","kid":1}`, `{"exp":1e400}`))
	f.Add("..")
	v := verifier(f, Config{File: write(f, secret)})
	f.Fuzz(func(t *testing.T, token string) {
		if c, bad := v.Check(token); bad == nil && token != good {
			t.Errorf("%q is taken: %+v", token, c)
		}
	})
}

// FuzzKeys looks for keys that make the parser panic.
func FuzzKeys(f *testing.F) {
	f.Add(publicPEM(edKey().Public()), false)
	f.Add(certificate(ecKey()), false)
	f.Add(jwks(jwk("a", edKey()), map[string]any{"kty": "RSA", "n": "AQAB", "e": "AQAB"}), true)
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`), true)
	f.Fuzz(func(t *testing.T, text []byte, isPublic bool) {
		all, err := parseKeys(text, isPublic)
		if err == nil && (len(all) == 0 || len(all) > maxKeys) {
			t.Errorf("%d keys", len(all))
		}
		for _, k := range all {
			if _, isSecret := k.material.([]byte); isSecret && isPublic {
				t.Error("a secret that everybody can read")
			}
		}
	})
}

// What is logged has no token in it, nor a key.
func TestLogIsClean(t *testing.T) {
	var log bytes.Buffer
	v := verifier(t, Config{File: write(t, secret), Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	token := hs(jwt.MapClaims{"exp": 1})
	_, bad := v.Verify(context.Background(), token)
	if bad == nil || strings.Contains(log.String()+bad.Error(), token[:20]) || strings.Contains(log.String(), string(secret)) {
		t.Errorf("%v, log %s", bad, log.String())
	}
}
