package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// fetchWithin is how long the answer of a JWKS may take.
	fetchWithin = 10 * time.Second
	// maxRedirects is how often it may be elsewhere.
	maxRedirects = 3
)

// remote is keys behind a URL. The goroutine of a Verifier alone uses it once it is made.
type remote struct {
	url    string
	client *http.Client
}

// CheckURL says why a JWKS cannot be read from a URL: others could change it on its way.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return errors.New("not a URL")
	}
	return isSafe(u)
}

// isSafe is nil for https, and for http on this machine.
func isSafe(u *url.URL) error {
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return errors.New("neither https nor http on this machine")
}

func newRemote(url string) *remote {
	return &remote{url: url, client: &http.Client{
		Timeout:   fetchWithin,
		Transport: http.DefaultTransport.(*http.Transport).Clone(),
		CheckRedirect: func(r *http.Request, before []*http.Request) error {
			if len(before) > maxRedirects {
				return errors.New("too many redirects")
			}
			return isSafe(r.URL)
		},
	}}
}

// read gives the keys. It waits for the network, fetchWithin at most.
func (r *remote) read(ctx context.Context) (keys, error) {
	defer r.client.CloseIdleConnections() // the next time is minutes away
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, errors.New("JWKS: not a URL")
	}
	request.Header.Set("Accept", "application/json")
	answer, err := r.client.Do(request)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // without the URL, which may have a password
		}
		return nil, fmt.Errorf("JWKS: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("JWKS: answered with status %d", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxSource+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("JWKS: %w", err)
	case len(text) > maxSource:
		return nil, errors.New("JWKS: it is too large")
	}
	all, err := parseKeys(text, true)
	if err != nil {
		return nil, fmt.Errorf("JWKS: %w", err)
	}
	return all, nil
}
