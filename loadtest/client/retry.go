package client

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/gobwas/ws"
)

// firstWait bounds the wait before the first attempt to come back; with each further one the bound doubles.
const firstWait = 100 * time.Millisecond

// backoff is when to come back: a random time of up to a bound that doubles with each attempt (full jitter), behind what
// the server has asked for.
type backoff struct {
	most     time.Duration // what the bound grows to
	attempts int           // since it went well
	asked    time.Duration // by the server, for the next attempt
}

// next is how long to wait before one more attempt.
func (b *backoff) next() time.Duration {
	bound := b.most
	if b.attempts < 20 {
		bound = min(bound, firstWait<<b.attempts)
	}
	b.attempts++
	wait := b.asked + rand.N(bound+1)
	b.asked = 0
	return wait
}

// reset says that an attempt went well.
func (b *backoff) reset() { b.attempts, b.asked = 0, 0 }

// isFinal reports whether there is no use in coming back after an error: the server has said so by a close code of 4500
// to 4999, or by an HTTP status that is no matter of time.
func isFinal(err error) bool {
	var closed *CloseError
	if errors.As(err, &closed) {
		return closed.Code >= 4500 && closed.Code <= 4999
	}
	var status ws.StatusError
	if errors.As(err, &status) {
		return status < http.StatusInternalServerError && status != http.StatusTooManyRequests
	}
	return false
}
