package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// MaxToken is the longest token, in bytes.
	MaxToken = 8 << 10
	// leastSecret is the shortest secret of HS256, HS384 and HS512, in bytes: that of the hash (RFC 7518, 3.2).
	leastSecret = 32
	// leastRSA is the shortest RSA key, in bits (RFC 7518, 3.3).
	leastRSA = 2048
	// maxKeys is how many keys a source may have; the others are not read.
	maxKeys = 64
	// maxTries is with how many keys a token is tried that names none.
	maxTries = 8
)

// key is one that tokens are checked with. It is immutable.
type key struct {
	id       string   // kid; "": it has none
	methods  []string // algorithms that it is for
	material any      // []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// newKey is a key of a type that is known, for one algorithm or, if that is "", for all of its type.
func newKey(id, alg string, material any) (key, bool) {
	k := key{id: id, material: material}
	switch m := material.(type) {
	case []byte:
		if len(m) >= leastSecret {
			k.methods = []string{"HS256", "HS384", "HS512"}
		}
	case *rsa.PublicKey:
		if m.N.BitLen() >= leastRSA {
			k.methods = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		}
	case *ecdsa.PublicKey:
		switch m.Curve {
		case elliptic.P256():
			k.methods = []string{"ES256"}
		case elliptic.P384():
			k.methods = []string{"ES384"}
		case elliptic.P521():
			k.methods = []string{"ES512"}
		}
	case ed25519.PublicKey:
		k.methods = []string{"EdDSA"}
	}
	if alg != "" {
		k.methods = slices.DeleteFunc(k.methods, func(m string) bool { return m != alg })
	}
	return k, len(k.methods) > 0
}

// keys are all of a source. They are immutable.
type keys []key

// choose gives those that a token may be signed with: those of its kid or, if none has it, those that have none.
func (all keys) choose(alg, kid string, hasKid bool) (jwt.VerificationKeySet, error) {
	var set jwt.VerificationKeySet
	isKnown := false
	for _, wanted := range []func(k key) bool{
		func(k key) bool { return !hasKid || k.id == kid && kid != "" },
		func(k key) bool { return k.id == "" },
	} {
		for _, k := range all {
			if !wanted(k) || len(set.Keys) == maxTries {
				continue
			}
			isKnown = true
			if slices.Contains(k.methods, alg) {
				set.Keys = append(set.Keys, k.material)
			}
		}
		if isKnown {
			break
		}
	}
	switch {
	case !isKnown:
		return set, errUnknownKey
	case len(set.Keys) == 0:
		return set, errAlgorithm
	}
	return set, nil
}
