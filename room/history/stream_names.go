package history

import (
	"encoding/base64"
	"strings"
)

// The log's names on NATS. A conversation is a path of tokens behind a prefix.
const (
	streamName   = "THRONG_LOG"
	logPrefix    = "throng.log." // where messages are published
	outPrefix    = "throng.out." // where the servers repeat what they have stored
	apiPrefix    = "$JS.API."
	bucketPrefix = "KV_"

	claimsBucket  = "THRONG_CLAIMS"
	marksBucket   = "THRONG_MARKS"
	directsBucket = "THRONG_DIRECTS"
	trimmedBucket = "THRONG_TRIMMED"
)

// token makes of any text one token of a subject, which can be read back: itself if it has only letters, digits and hyphens, else
// base64url behind an underscore.
func token(text string) string {
	if isPlain(text) {
		return text
	}
	return "_" + base64.RawURLEncoding.EncodeToString([]byte(text))
}

func isPlain(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-':
		default:
			return false
		}
	}
	return text != ""
}

// path makes of a conversation's name a path: a token for each part between slashes.
func path(conv string) string {
	parts := strings.Split(conv, "/")
	for i, part := range parts {
		parts[i] = token(part)
	}
	return strings.Join(parts, ".")
}

// convOf is the inverse of path; ok is false for what is none.
func convOf(path string) (conv string, ok bool) {
	parts := strings.Split(path, ".")
	for i, part := range parts {
		coded, isCoded := strings.CutPrefix(part, "_")
		if !isCoded {
			continue
		}
		text, err := base64.RawURLEncoding.DecodeString(coded)
		if err != nil {
			return "", false
		}
		parts[i] = string(text)
	}
	return strings.Join(parts, "/"), true
}
