package auth

import (
	"bytes"
	"crypto"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
)

// parseKeys reads keys: PEM (public and private keys, certificates; several), a JWK or JWKS, or else a secret as it is, without a
// line end behind it. A secret is refused where isPublic is set: everybody can read what is there.
func parseKeys(text []byte, isPublic bool) (keys, error) {
	trimmed := bytes.TrimSpace(text)
	switch {
	case bytes.HasPrefix(trimmed, []byte("-----BEGIN ")):
		return parsePEM(trimmed)
	case bytes.HasPrefix(trimmed, []byte("{")) && isObject(trimmed):
		return parseJWKS(trimmed, isPublic)
	case isPublic:
		return nil, errors.New("no JWKS is there")
	case bytes.HasPrefix(trimmed, []byte("{")):
		return nil, errors.New("it is neither JSON nor a secret")
	}
	k, ok := newKey("", "", bytes.TrimRight(text, "\r\n"))
	if !ok {
		return nil, fmt.Errorf("a secret needs at least %d bytes", leastSecret)
	}
	return keys{k}, nil
}

func parsePEM(text []byte) (all keys, err error) {
	for len(all) < maxKeys {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		var material any
		if block.Type == "CERTIFICATE" {
			cert, err := jwkset.LoadCertificate(block.Bytes)
			if err != nil {
				return nil, errors.New("a certificate of the PEM cannot be read")
			}
			material = cert.PublicKey
		} else if material, err = jwkset.LoadX509KeyInfer(block); err != nil {
			return nil, fmt.Errorf("the %s of the PEM cannot be read", block.Type)
		}
		k, ok := newKey("", "", public(material))
		if !ok {
			return nil, errors.New("a key of the PEM is too short or of a type that is not known")
		}
		all = append(all, k)
	}
	if len(all) == 0 {
		return nil, errors.New("the PEM has no key")
	}
	return all, nil
}

// public is the half of a key that tokens are checked with.
func public(material any) any {
	if private, ok := material.(interface{ Public() crypto.PublicKey }); ok {
		return private.Public()
	}
	return material
}

// parseJWKS reads a JWKS or a single JWK. What cannot be used of it is left out.
func parseJWKS(text []byte, isPublic bool) (all keys, err error) {
	for _, one := range splitJWKS(text) {
		if len(all) == maxKeys {
			break
		}
		if k, ok := parseJWK(one, isPublic); ok {
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("the JWKS has no key that can be used")
	}
	return all, nil
}

// splitJWKS gives the JWKs of a JWKS, or a single one.
func splitJWKS(text []byte) []json.RawMessage {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(text, &set) != nil {
		return nil
	}
	if set.Keys == nil {
		return []json.RawMessage{text}
	}
	return set.Keys
}

func parseJWK(text []byte, isPublic bool) (key, bool) {
	m, material, ok := readJWK(text, !isPublic)
	if !ok || len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify) {
		return key{}, false
	}
	return newKey(m.KID, string(m.ALG), public(material))
}

// readJWK reads what a JWK says, and its key; one that may be private is so if the JWK has that half.
func readJWK(text []byte, mayBePrivate bool) (m jwkset.JWKMarshal, material any, ok bool) {
	if json.Unmarshal(text, &m) != nil || m.USE != "" && m.USE != jwkset.UseSig {
		return m, nil, false
	}
	m.X5C, m.X5T, m.X5TS256, m.X5U = nil, "", "", "" // what they say more is not asked for, and they would be fetched
	jwk, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{Private: mayBePrivate}, jwkset.JWKValidateOptions{})
	if err != nil {
		return m, nil, false
	}
	return m, jwk.Key(), true
}
