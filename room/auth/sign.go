package auth

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// Signer makes tokens, for who wants to try a server. It is immutable.
type Signer struct {
	id      string // kid; "": none
	method  jwt.SigningMethod
	private any // []byte or crypto.Signer
}

// ReadSigner makes one of the first key of a file that can sign: a private key in PEM, a private JWK, alone or in a JWKS, or a secret. An
// error has nothing of the key.
func ReadSigner(path string) (*Signer, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := readSource(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s := parseSigner(text); s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("%s: %w", path, errNoSigner)
}

var errNoSigner = errors.New("it has no key that can sign: want a private key (PEM or JWK) or a secret of 32 bytes or more")

// parseSigner is nil where nothing can sign.
func parseSigner(text []byte) *Signer {
	trimmed := bytes.TrimSpace(text)
	switch {
	case bytes.HasPrefix(trimmed, []byte("-----BEGIN ")):
		for block, rest := pem.Decode(trimmed); block != nil; block, rest = pem.Decode(rest) {
			if private, err := jwkset.LoadX509KeyInfer(block); err == nil {
				if s := newSigner("", "", private); s != nil {
					return s
				}
			}
		}
	case bytes.HasPrefix(trimmed, []byte("{")):
		for _, one := range splitJWKS(trimmed) {
			if m, private, ok := readJWK(one, true); ok {
				if s := newSigner(m.KID, string(m.ALG), private); s != nil {
					return s
				}
			}
		}
	default:
		return newSigner("", "", bytes.TrimRight(text, "\r\n"))
	}
	return nil
}

// newSigner signs by the first algorithm that the key is for; nil: it is a public key, or one that no server takes.
func newSigner(id, alg string, private any) *Signer {
	_, isSecret := private.([]byte)
	_, isPrivate := private.(crypto.Signer)
	k, ok := newKey(id, alg, public(private))
	if !ok || !isSecret && !isPrivate {
		return nil
	}
	return &Signer{id, jwt.GetSigningMethod(k.methods[0]), private}
}

// Sign makes a token that says what c does, for an audience and of an issuer; "": none is named.
func (s *Signer) Sign(c *Claims, audience, issuer string) (string, error) {
	m := jwt.MapClaims{"sub": c.Subject, "iat": time.Now().Unix(), "exp": c.Expires.Unix()}
	if audience != "" {
		m["aud"] = audience
	}
	if issuer != "" {
		m["iss"] = issuer
	}
	if rights := c.rights(); len(rights) > 0 {
		m["throng"] = rights
	}
	t := jwt.NewWithClaims(s.method, m)
	if s.id != "" {
		t.Header["kid"] = s.id
	}
	return t.SignedString(s.private)
}
