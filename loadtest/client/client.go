package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"
)

// Client is one user. See the package for who may call what.
type Client struct {
	options Options
	name    string // of this client, in the cids that it makes
	ctx     context.Context
	stop    context.CancelFunc
	in      chan struct{} // closed at the first welcome
	done    chan struct{} // closed when the goroutine has ended
	err     error         // why; set before done is closed

	// The goroutine's.
	backoff backoff
	courses map[string]*course // by conversation
	current *link              // being read

	mu       sync.Mutex // guards what follows; a leaf
	link     *link      // nil: not let in
	hasEnded bool
	ids      uint64 // given to requests so far
	cids     uint64 // made so far
	requests map[uint64]*request
	resume   string
	welcome  Welcome
	pos      map[string]Position
	tally    Tally
}

// Tally counts what has happened to a Client since Dial.
type Tally struct {
	Welcomes    int // connections that were let in
	Recovered   int // conversations that the server brought up to date, ever
	Unrecovered int // and those that had to be paged
	Duplicates  int // messages that came again; they were dropped
	Filled      int // messages that were paged from the history to fill gaps
	Holes       int // times that a message came whose predecessor is not to be had
}

// Dial connects and waits until the server has let the user in, or ctx ends, which matters no more afterwards. With Reconnect it
// tries until then. The caller ends the Client with Close.
func Dial(ctx context.Context, o Options) (*Client, error) {
	if o.MaxWait <= 0 {
		o.MaxWait = defaultMaxWait
	}
	c := &Client{
		options: o, name: fmt.Sprintf("%011x", rand.Uint64()>>20), in: make(chan struct{}), done: make(chan struct{}),
		backoff: backoff{most: o.MaxWait}, courses: map[string]*course{}, requests: map[uint64]*request{}, resume: o.Resume,
		pos: map[string]Position{},
	}
	maps.Copy(c.pos, o.Pos)
	c.options.Pos = nil
	c.ctx, c.stop = context.WithCancel(context.WithoutCancel(ctx))
	go c.run()
	select {
	case <-c.in:
		return c, nil
	case <-c.done:
		return nil, c.err
	case <-ctx.Done():
		c.Close()
		return nil, ctx.Err()
	}
}

// Close leaves, and returns when On will not be called any more. What is not answered gets ErrClosed. It may be called again,
// but not from On.
func (c *Client) Close() {
	c.stop()
	<-c.done
}

// Done is closed when the Client has ended, by Close or because there was no use in coming back; Err tells why.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is nil before Done, ErrClosed after Close, else why the last connection ended.
func (c *Client) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Welcome is the last one.
func (c *Client) Welcome() Welcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.welcome
}

// Pos is how far each conversation has got. The map is the caller's.
func (c *Client) Pos() map[string]Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.pos)
}

// Tally is what has happened so far.
func (c *Client) Tally() Tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tally
}

// count changes the tally.
func (c *Client) count(change func(*Tally)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.tally)
}

// event tells the user.
func (c *Client) event(e Event) {
	if c.options.On != nil {
		c.options.On(e)
	}
}

// run has one connection after the other.
func (c *Client) run() {
	defer close(c.done)
	defer c.stop()
	for {
		err := c.connection()
		if c.ctx.Err() != nil {
			err = ErrClosed
		}
		isLast := errors.Is(err, ErrClosed) || !c.options.Reconnect || isFinal(err)
		reason := ErrLost
		if isLast {
			reason, c.err = ErrClosed, err
		}
		c.lost(reason, isLast)
		c.event(Lost{err})
		if isLast {
			return
		}
		timer := time.NewTimer(c.backoff.next())
		select {
		case <-timer.C:
		case <-c.ctx.Done():
			timer.Stop()
		}
	}
}

// connection is one of them, from the handshake to its end.
func (c *Client) connection() error {
	l, err := open(c.ctx, c.options.URL, c.options.Nick)
	if err != nil {
		return err
	}
	defer context.AfterFunc(c.ctx, l.leave)()
	defer l.conn.Close()
	c.current = l
	if err := l.send(c.hello()); err != nil {
		return err
	}
	for {
		text, err := l.read()
		if err != nil {
			return err
		}
		for line := range bytes.SplitSeq(text, []byte("\n")) {
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			o, err := read(line)
			if err != nil {
				return fmt.Errorf("client: the server sent %.100q: %w", line, err)
			}
			c.hear(o)
		}
	}
}

// hello says who the user is and what it has.
func (c *Client) hello() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids++
	out := outgoing{T: "hello", ID: c.ids, Resume: c.resume}
	if len(c.pos) > 0 {
		out.Pos = maps.Clone(c.pos)
	}
	return encode(&out)
}
