package auth

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Leeway is by how much clocks may differ.
const Leeway = 30 * time.Second

// Config is what a Verifier is made of. File or URL has to be there, and not both.
type Config struct {
	File     string               // keys; see the package's doc
	URL      string               // of a JWKS: https, or http on this machine
	Audience string               // that tokens must be for; "": any
	Issuer   string               // that tokens must be of; "": any
	Refresh  time.Duration        // how often URL is read; 0: 5 minutes
	Kick     time.Duration        // how often at most it is read for an unknown kid; 0: 10 seconds
	Watch    time.Duration        // how often File is looked at; 0: 2 seconds
	OnRead   func(n int, _ error) // is called after each reading with how many keys there are; nil: nobody is told
	Logger   *slog.Logger         // nil: slog.Default()
}

func (c *Config) setDefaults() {
	if c.Refresh == 0 {
		c.Refresh = 5 * time.Minute
	}
	if c.Kick == 0 {
		c.Kick = 10 * time.Second
	}
	if c.Watch == 0 {
		c.Watch = 2 * time.Second
	}
	if c.OnRead == nil {
		c.OnRead = func(int, error) {}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

// Verifier checks tokens. Close ends its goroutine.
type Verifier struct {
	config Config
	parser *jwt.Parser
	file   *file                // nil: remote
	remote *remote              // nil: file
	keys   atomic.Pointer[keys] // nil: they were not read yet

	kick    chan struct{} // asks for a reading; has room for one
	end     context.CancelFunc
	ended   chan struct{}
	mu      sync.Mutex    // guards what follows; a leaf
	reading chan struct{} // is closed when the reading that was asked for is done; nil: none was
	kicked  time.Time     // when one was asked for last
}

// New makes a verifier. A file is read at once, and an error is that it cannot be used; a URL is read in the background.
func New(config Config) (*Verifier, error) {
	config.setDefaults()
	options := []jwt.ParserOption{
		jwt.WithStrictDecoding(), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(Leeway),
	}
	if config.Audience != "" {
		options = append(options, jwt.WithAudience(config.Audience))
	}
	if config.Issuer != "" {
		options = append(options, jwt.WithIssuer(config.Issuer))
	}
	v := &Verifier{config: config, parser: jwt.NewParser(options...), kick: make(chan struct{}, 1), ended: make(chan struct{})}
	ctx, end := context.WithCancel(context.Background())
	v.end = end
	switch {
	case (config.File == "") == (config.URL == ""):
		end()
		return nil, errors.New("auth: either a file or a URL has the keys")
	case config.File != "":
		v.file = &file{path: config.File}
		if err := v.read(ctx, v.file.read); err != nil {
			end()
			return nil, err
		}
		go v.run(ctx, v.watch)
	default:
		if err := CheckURL(config.URL); err != nil {
			end()
			return nil, err
		}
		v.remote = newRemote(config.URL)
		v.ask()
		go v.run(ctx, v.fetch)
	}
	return v, nil
}

// Close ends the reading of keys. Tokens can still be checked, with those that there are.
func (v *Verifier) Close() {
	v.end()
	<-v.ended
}

// HasKeys reports whether there are keys to check tokens with: true for good once they were read.
func (v *Verifier) HasKeys() bool { return v.keys.Load() != nil }

// Reload has the keys read again soon.
func (v *Verifier) Reload() {
	select {
	case v.kick <- struct{}{}:
	default:
	}
}

// run reads the keys when it is time to, or when it is asked for, until ctx ends. do returns how long to wait then.
func (v *Verifier) run(ctx context.Context, do func(ctx context.Context, isAsked bool) time.Duration) {
	defer close(v.ended)
	timer := time.NewTimer(v.config.Watch)
	defer timer.Stop()
	for {
		isAsked := false
		select {
		case <-ctx.Done():
			return
		case <-v.kick:
			isAsked = true
		case <-timer.C:
		}
		timer.Reset(do(ctx, isAsked))
	}
}

// watch reads the file again if it has changed.
func (v *Verifier) watch(ctx context.Context, isAsked bool) time.Duration {
	if isAsked || v.file.isDue() {
		_ = v.read(ctx, v.file.read) // said in the log
	}
	return v.config.Watch
}

// fetch reads the URL, and tells who waits for it.
func (v *Verifier) fetch(ctx context.Context, _ bool) time.Duration {
	err := v.read(ctx, v.remote.read)
	v.mu.Lock()
	if v.reading != nil {
		close(v.reading)
		v.reading = nil
	}
	v.mu.Unlock()
	if err != nil {
		return min(v.config.Refresh, v.config.Kick)
	}
	return v.config.Refresh
}

// read reads the keys; what cannot be read leaves those that there are.
func (v *Verifier) read(ctx context.Context, read func(context.Context) (keys, error)) error {
	all, err := read(ctx)
	if ctx.Err() != nil {
		return err
	}
	switch {
	case err == nil:
		v.keys.Store(&all)
		v.config.Logger.Debug("the keys for tokens were read", "keys", len(all))
	case v.file == nil || v.keys.Load() != nil: // else New says it
		v.config.Logger.Warn("the keys for tokens cannot be read", "err", err)
	}
	n := 0
	if now := v.keys.Load(); now != nil {
		n = len(*now)
	}
	v.config.OnRead(n, err)
	return err
}

// ask has the URL read, and returns what is closed when it was; nil: it was read a moment ago, or there is none.
func (v *Verifier) ask() <-chan struct{} {
	if v.remote == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.reading != nil {
		return v.reading
	}
	if time.Since(v.kicked) < v.config.Kick {
		return nil
	}
	v.kicked, v.reading = time.Now(), make(chan struct{})
	v.Reload()
	return v.reading
}

// Verify checks a token. If it may be that its key is not known yet it waits for the keys, until ctx ends.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, *Error) {
	claims, bad, read := v.check(token, true)
	if read == nil {
		return claims, bad
	}
	select {
	case <-read:
		claims, bad, _ = v.check(token, false)
	case <-ctx.Done():
	}
	return claims, bad
}

// Check checks a token without waiting. If it may be that its key is not known yet it is Unavailable, and the keys are being
// read.
func (v *Verifier) Check(token string) (*Claims, *Error) {
	claims, bad, _ := v.check(token, true)
	return claims, bad
}

// check is Check, and, if mayAsk, has the keys read; read is closed when it is worth another try.
func (v *Verifier) check(token string, mayAsk bool) (claims *Claims, bad *Error, read <-chan struct{}) {
	all := v.keys.Load()
	if all == nil {
		if mayAsk {
			read = v.ask()
		}
		return nil, errUnavailable, read
	}
	claims, err := v.parse(token, *all)
	if err == nil {
		return claims, nil, nil
	}
	bad = refusal(err)
	if bad == errUnknownKey && mayAsk {
		if read = v.ask(); read != nil {
			return nil, errUnavailable, read
		}
	}
	return nil, bad, nil
}

// parse checks a token with some keys.
func (v *Verifier) parse(token string, all keys) (*Claims, error) {
	if len(token) > MaxToken {
		return nil, errTooLong
	}
	if !v.isPlain(token) {
		return nil, errMalformed
	}
	claims := jwt.MapClaims{}
	_, err := v.parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		if _, ok := t.Header["crit"]; ok {
			return nil, errMalformed // RFC 7515, 4.1.11
		}
		kid, hasKid := t.Header["kid"]
		name, isText := kid.(string)
		if hasKid && !isText {
			return nil, errMalformed
		}
		return all.choose(t.Method.Alg(), name, hasKid)
	})
	if err == nil || errors.Is(err, jwt.ErrTokenInvalidClaims) {
		if bad := beyond(claims); bad != nil {
			return nil, bad
		}
	}
	if errors.Is(err, jwt.ErrTokenRequiredClaimMissing) {
		return nil, v.missing(claims)
	}
	if err != nil {
		return nil, err
	}
	return claimsOf(claims)
}

// latest bounds what a token says of times, in seconds since 1970: numbers in JSON are exact up to it, and its milliseconds can be told.
const latest = 1 << 53

// beyond is which time of a token is too late to be one: the library would take it for long ago.
func beyond(claims jwt.MapClaims) *Error {
	for _, name := range []string{"exp", "nbf", "iat"} {
		if at, ok := claims[name].(float64); ok && at > latest {
			return &Error{Malformed, "the token's " + name + " is out of range"}
		}
	}
	return nil
}

// missing is which of the claims that have to be there is not; the library says it in its text alone.
func (v *Verifier) missing(claims jwt.MapClaims) *Error {
	if exp, err := claims.GetExpirationTime(); err == nil && exp == nil {
		return errNoExp
	}
	if aud, err := claims.GetAudience(); v.config.Audience != "" && err == nil && strings.Join(aud, "") == "" {
		return errNoAudience
	}
	return errNoIssuer
}

// isPlain reports whether a token's first two parts are objects as they should be: the library takes one of two members of a name.
func (v *Verifier) isPlain(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	for _, part := range parts[:2] {
		text, err := v.parser.DecodeSegment(part)
		if err != nil || !isObject(text) {
			return false
		}
	}
	return true
}
