// Package auth makes of a token (JWT, RFC 7519) who its bearer is and what they may do, or says why it is refused. It knows
// neither sockets nor rooms. Everything in it may be called from any goroutine.
//
//	verifier.go  Config, Verifier: checking a token; reading the keys again when they change
//	claims.go    what a token says
//	keys.go      a key and the algorithms that its type allows; parse.go keys out of PEM, JWK and JWKS
//	file.go      keys in a file; jwks.go keys behind a URL
//	sign.go      tokens to try a server with
//	error.go     the kinds of refusal
//
// # What is believed
//
// A token is of three parts in base64url, at most MaxToken bytes together. Its header's alg is not believed: a key's type says which
// algorithms it is for, and a token that names another is refused before its signature is looked at. So there is no
// alg none, and an RSA key, which is public, is never the secret of an HS256. The header's kid only chooses among the keys that
// there are; jku, jwk, x5u and x5c are not looked at, and what names a crit extension is refused, since none is known. Key
// names are compared exactly, and a part that has one twice is malformed.
//
// exp has to be there. sub has to be there. aud and iss are checked where the settings name one. Clocks may differ by Leeway.
//
// # Keys that come and go
//
// A file is looked at every few seconds and read again when it has changed. A URL is read at the start, in the background, and from
// time to time; and at once, but not more often than every ten seconds, when a token names a kid that is not known. What cannot be
// read leaves the keys that there were. Before a URL was read once, tokens are neither right nor wrong: Unavailable.
//
// keyfunc/v3 does the like, and is not used: its first read holds up the start, a token with an unknown kid waits for its
// limiter, the answer's size is not bounded, and one key that it cannot read makes it refuse the others.
//
// No error has anything of a token in it, nor of what a library said of one.
package auth
