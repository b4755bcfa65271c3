package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"os"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// Sign makes a token that is valid from now on for ttl, signed with the secret or the first private key (PEM) of a file, which must not be public.
// more are its claims besides iat and exp.
func Sign(path string, ttl time.Duration, more map[string]any) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	method, material, err := signer(text)
	if err != nil {
		return "", err
	}
	now := time.Now()
	claims := jwt.MapClaims{"iat": now.Unix(), "exp": now.Add(ttl).Unix()}
	for name, value := range more {
		claims[name] = value
	}
	return jwt.NewWithClaims(method, claims).SignedString(material)
}

// signer is how a key signs.
func signer(text []byte) (jwt.SigningMethod, any, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		secret := bytes.TrimRight(text, "\r\n")
		if _, ok := newKey("", "", secret); !ok || bytes.HasPrefix(secret, []byte("{")) {
			return nil, nil, errors.New("the file has neither a private key in PEM nor a secret of at least 32 bytes")
		}
		return jwt.SigningMethodHS256, secret, nil
	}
	material, err := jwkset.LoadX509KeyInfer(block)
	if err != nil {
		return nil, nil, errors.New("the file's first key cannot be read")
	}
	k, ok := newKey("", "", public(material))
	if !ok {
		return nil, nil, errors.New("the file's first key is too short or of a type that is not known")
	}
	switch material.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return jwt.GetSigningMethod(k.methods[0]), material, nil
	}
	return nil, nil, errors.New("the file's first key is a public one")
}
