package auth

import (
	"errors"
	"strconv"

	"github.com/golang-jwt/jwt/v5"
)

// Kind is why a token is refused, as a word: it is counted by it.
type Kind string

// The kinds.
const (
	Expired     Kind = "expired"
	NotYet      Kind = "not_yet" // its nbf or iat is in the future
	Audience    Kind = "audience"
	Issuer      Kind = "issuer"
	Signature   Kind = "signature"
	Algorithm   Kind = "algorithm" // no key is for what its header asks for
	Malformed   Kind = "malformed"
	UnknownKey  Kind = "unknown_key"
	Unavailable Kind = "unavailable" // the keys could not be read yet, or are being read again: it may be right
)

// Error is why a token is refused. Its text has nothing of the token, but for a right that is not known.
type Error struct {
	Kind Kind
	text string
}

func (e *Error) Error() string { return e.text }

// unknownRight is the error of a member of the throng claim that this version does not know.
func unknownRight(name string) *Error {
	return &Error{Malformed, "the token's throng claim has an unknown member: " + strconv.Quote(name[:min(len(name), 64)])}
}

var (
	errExpired     = &Error{Expired, "the token has expired"}
	errNotYet      = &Error{NotYet, "the token is not valid yet"}
	errAudience    = &Error{Audience, "the token is for another audience"}
	errIssuer      = &Error{Issuer, "the token is of another issuer"}
	errSignature   = &Error{Signature, "the token's signature is wrong"}
	errAlgorithm   = &Error{Algorithm, "the token's algorithm is not that of the key"}
	errMalformed   = &Error{Malformed, "the token is malformed"}
	errTooLong     = &Error{Malformed, "the token is too long"}
	errNoExp       = &Error{Malformed, "the token has no exp"}
	errNoAudience  = &Error{Audience, "the token has no aud"}
	errNoIssuer    = &Error{Issuer, "the token has no iss"}
	errNoSub       = &Error{Malformed, "the token has no sub"}
	errRights      = &Error{Malformed, "the token's throng claim is malformed"}
	errUnknownKey  = &Error{UnknownKey, "the token is signed with an unknown key"}
	errUnavailable = &Error{Unavailable, "the keys for tokens cannot be read at present"}
)

// refusal is what an error of the library stands for. The first of what is wrong counts.
func refusal(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	for _, one := range []struct {
		of error
		is *Error
	}{
		{jwt.ErrTokenMalformed, errMalformed},
		{jwt.ErrTokenUnverifiable, errAlgorithm},
		{jwt.ErrTokenSignatureInvalid, errSignature},
		{jwt.ErrTokenExpired, errExpired},
		{jwt.ErrTokenNotValidYet, errNotYet},
		{jwt.ErrTokenUsedBeforeIssued, errNotYet},
		{jwt.ErrTokenInvalidIssuer, errIssuer},
		{jwt.ErrTokenInvalidAudience, errAudience},
	} {
		if errors.Is(err, one.of) {
			return one.is
		}
	}
	return errMalformed
}
