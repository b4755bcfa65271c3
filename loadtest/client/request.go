package client

import (
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

var (
	// ErrClosed is that the Client was closed, or has ended, before an answer came.
	ErrClosed = errors.New("client: closed")
	// ErrLost is that the connection was lost before an answer came. What was asked may have been done.
	ErrLost = errors.New("client: the connection was lost")
)

// request is something that was asked and not yet answered.
type request struct {
	out     outgoing
	isKept  bool                // it is asked again on the next connection
	isAsked bool                // it was sent on this connection; guarded by Client.mu
	done    func(object, error) // called once: by the Client's goroutine, or, when there is none any more, by who asks
}

// ask puts a question, now or when there is a connection. It never waits for an answer.
func (c *Client) ask(r *request) {
	c.mu.Lock()
	if c.hasEnded {
		c.mu.Unlock()
		r.done(object{}, ErrClosed)
		return
	}
	c.ids++
	r.out.ID = c.ids
	c.requests[r.out.ID] = r
	to := c.link
	r.isAsked = to != nil
	c.mu.Unlock()
	if to != nil {
		_ = to.send(encode(&r.out)) // the reader sees that the connection is lost
	}
}

// tell says something that has no answer; without a connection it is not said.
func (c *Client) tell(out outgoing) {
	c.mu.Lock()
	to := c.link
	c.mu.Unlock()
	if to != nil {
		_ = to.send(encode(&out)) // the reader sees that the connection is lost
	}
}

// encode makes an object of one line.
func encode(out *outgoing) []byte {
	text, err := json.Marshal(out)
	if err != nil {
		panic(err) // Send checks the only part that can be wrong
	}
	return text
}

// askAgain puts all questions that were not put on this connection yet, in their order, a frame each.
func (c *Client) askAgain(to *link) {
	c.mu.Lock()
	c.link = to
	var texts [][]byte
	for _, id := range slices.Sorted(maps.Keys(c.requests)) {
		if r := c.requests[id]; !r.isAsked {
			r.isAsked = true
			texts = append(texts, encode(&r.out))
		}
	}
	c.mu.Unlock()
	for _, text := range texts {
		if to.send(text) != nil {
			return
		}
	}
}

// answered ends a request with its answer. An error that says so has it asked again instead.
func (c *Client) answered(o object) {
	var failed *Error
	if o.T == "err" {
		failed = o.failure()
	}
	c.mu.Lock()
	r := c.requests[o.ID]
	isAgain := r != nil && failed != nil && failed.Retry && c.options.Reconnect
	if r != nil && !isAgain {
		delete(c.requests, o.ID)
	}
	c.mu.Unlock()
	switch {
	case failed != nil && (r == nil || isAgain):
		c.event(Refusal{failed})
		if r != nil {
			c.later(o.ID, failed.RetryAfter)
		}
	case r == nil:
	case failed != nil:
		r.done(o, failed)
	default:
		r.done(o, nil)
	}
}

// later asks again after a wait and a random time of up to as much again.
func (c *Client) later(id uint64, wait time.Duration) {
	wait = max(wait, firstWait)
	time.AfterFunc(wait+rand.N(wait), func() {
		c.mu.Lock()
		r, to := c.requests[id], c.link
		c.mu.Unlock()
		if r != nil && to != nil {
			_ = to.send(encode(&r.out)) // the reader sees that the connection is lost
		}
	})
}

// lost notes that there is no connection, and ends the requests that are not to be asked again.
func (c *Client) lost(reason error, isLast bool) {
	c.mu.Lock()
	c.link, c.hasEnded = nil, isLast
	var ended []*request
	for _, id := range slices.Sorted(maps.Keys(c.requests)) {
		r := c.requests[id]
		if r.isAsked = false; isLast || !r.isKept {
			ended = append(ended, r)
			delete(c.requests, id)
		}
	}
	c.mu.Unlock()
	for _, r := range ended {
		r.done(object{}, reason)
	}
}
