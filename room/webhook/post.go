package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// maxAnswer is how many bytes of an answer are read, so that the connection can be used again, and maxHeader of its header.
	maxAnswer = 4 << 10
	maxHeader = 64 << 10
)

// newClient makes what posts.
func newClient(c *Config) *http.Client {
	secure := c.tls
	if secure == nil {
		secure = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return &http.Client{
		Timeout:       c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: secure, ForceAttemptHTTP2: true,
			MaxConnsPerHost: c.Workers, MaxIdleConnsPerHost: c.Workers, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: maxHeader, DisableCompression: true,
		},
	}
}

// result is the outcome of one attempt for the first event of a lane.
type result struct {
	lane   *lane
	isGone bool          // the event is not there any more
	err    error         // nil: accepted, or gone
	reason string        // the kind of err, for counting
	after  time.Duration // the endpoint asked to be left alone for so long; 0: it did not
}

// status is an answer that is no acceptance.
type status int

func (s status) Error() string { return fmt.Sprintf("the endpoint answers %d", int(s)) }

// try posts an event once. It runs on a goroutine of its own.
func (d *Dispatcher) try(ctx context.Context, l *lane, it *item) result {
	r := result{lane: l}
	e := it.event
	if e == nil {
		events, next, err := d.conf.Source.Scan(it.seq-1, 1)
		switch {
		case err != nil:
			r.err, r.reason = err, "log"
			return r
		case len(events) == 0 || events[0].Seq != it.seq:
			r.isGone = len(events) > 0 || next >= it.seq
			if !r.isGone {
				r.err, r.reason = errBehind, "log"
			}
			return r
		}
		e = &events[0]
	}
	r.after, r.err = d.post(ctx, e)
	if r.err != nil {
		r.reason = reason(r.err)
	}
	return r
}

var errBehind = errors.New("webhook: the event cannot be read yet")

// post sends an event. after is how long the endpoint asks to be left alone.
func (d *Dispatcher) post(ctx context.Context, e *Event) (after time.Duration, err error) {
	body := payload(e)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.conf.URL, bytes.NewReader(body))
	if err != nil {
		return 0, bare(err)
	}
	now := time.Now().Unix()
	req.Header = http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {d.conf.Agent},
		"Webhook-Id": {e.ID}, "Webhook-Timestamp": {strconv.FormatInt(now, 10)}, "Webhook-Signature": {sign(d.conf.Secrets, e.ID, now, body)},
	}
	answer, err := d.client.Do(req)
	if err != nil {
		return 0, bare(err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // what it says is known by its status
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		seconds, _ := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 16)
		return time.Duration(seconds) * time.Second, status(answer.StatusCode)
	}
	return 0, nil
}

// bare is an error without the URL, which may hold secrets.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// reason is the kind of a failure, of which there are few.
func reason(err error) string {
	if s, ok := errors.AsType[status](err); ok {
		return fmt.Sprintf("%dxx", int(s)/100)
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "timeout"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "tls"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "tls"
	}
	return "connection"
}
