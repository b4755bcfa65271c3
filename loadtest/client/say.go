package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

var errBody = errors.New("client: a message must be JSON")

// Post is something to be said: to a nick, in a room, or, with neither, to everyone.
type Post struct {
	To, Room string
	Body     json.RawMessage // JSON; it must not be changed until it is acknowledged
	Cid      string          // "": the Client makes one
}

// Ack is that a message is stored.
type Ack struct {
	Cid, Mid, Conv string
	Seq            uint64
	Ts             int64  // milliseconds since 1970
	Dur            string // how it is stored: mem, os, fsync, quorum
	Online         bool   // direct messages: the recipient is there
}

// Sent is a message on its way. Its methods may be called from any goroutine.
type Sent struct {
	Post Post // with its cid
	done chan struct{}
	ack  Ack
	err  error
}

// Send says something. It waits only until the socket has taken it; without a connection it is said when there is one. With
// Reconnect it is said again, under the same cid, until it is acknowledged or refused for good.
func (c *Client) Send(p Post) *Sent {
	if p.Cid == "" {
		c.mu.Lock()
		c.cids++
		p.Cid = fmt.Sprintf("%s-%d", c.name, c.cids)
		c.mu.Unlock()
	}
	s := &Sent{Post: p, done: make(chan struct{})}
	if !json.Valid(p.Body) {
		s.err = errBody
		close(s.done)
		return s
	}
	c.ask(&request{
		out:    outgoing{T: "msg", To: p.To, Room: p.Room, Message: p.Body, Cid: p.Cid},
		isKept: true,
		done:   s.answered,
	})
	return s
}

func (s *Sent) answered(o object, err error) {
	s.ack = Ack{Cid: o.Cid, Mid: o.Mid, Conv: o.Conv, Seq: o.Seq, Ts: o.Ts, Dur: o.Dur, Online: string(o.Online) == "true"}
	s.err = err
	close(s.done)
}

// Done is closed when it is known what became of the message.
func (s *Sent) Done() <-chan struct{} { return s.done }

// Wait waits until then or until ctx ends. The error is an *Error when the server refused the message; after ErrClosed and
// ErrLost it may have been stored all the same.
func (s *Sent) Wait(ctx context.Context) (Ack, error) {
	select {
	case <-s.done:
		return s.ack, s.err
	case <-ctx.Done():
		return Ack{}, ctx.Err()
	}
}
