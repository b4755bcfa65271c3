package cluster

import (
	"encoding/base64"
	"strings"
)

// isPlain tells the characters that stand for themselves in a token.
func isPlain(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-'
}

// token makes one token of a subject of any string: a plain one is its own, any other is '_' and base64 (RFC 4648,
// section 5, without padding).
func token(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isPlain(r) }) {
		return s
	}
	return "_" + base64.RawURLEncoding.EncodeToString([]byte(s))
}

// untoken is the string that a token was made of; "": of none.
func untoken(t string) string {
	text, ok := strings.CutPrefix(t, "_")
	if !ok {
		return t
	}
	s, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	return string(s)
}

// tokens makes a subject's tokens of segments between slashes.
func tokens(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = token(s)
	}
	return strings.Join(segments, ".")
}
