package client

import "time"

// hear takes one object of the server.
func (c *Client) hear(o object) {
	switch o.T {
	case "welcome":
		c.letIn(o)
	case "msg":
		c.follow(o.Message)
	case "gap":
		c.event(Gap{o.Conv, o.GapFrom, o.GapTo})
		c.skipped(o.Conv, o.GapTo)
	case "presence":
		if o.ID != 0 {
			c.answered(o)
			return
		}
		c.event(Presence{Conv: o.Conv, Room: o.Room, Count: o.Count, Joined: o.Joined, Left: o.Left})
	case "typing":
		c.event(Typing{Conv: o.Conv, From: o.From, To: o.To, Room: o.Room})
	case "recv", "read":
		c.event(Receipt{Conv: o.Conv, From: o.From, Seq: o.Seq, IsRead: o.T == "read"})
	case "bye":
		c.backoff.asked = o.retryAfter()
		c.event(Bye{o.Code, o.retryAfter()})
	case "err":
		if c.isOut() {
			c.backoff.asked = o.retryAfter() // the answer to the hello
		}
		c.answered(o)
	default: // an answer
		c.answered(o)
	}
}

// isOut reports whether this connection was not let in yet.
func (c *Client) isOut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link == nil
}

// letIn takes the welcome of a connection, and puts all that could not be asked before.
func (c *Client) letIn(o object) {
	w := o.welcome()
	if o.PingS > 0 {
		c.current.idle = time.Duration(o.PingS * idlePings * float64(time.Second))
	}
	c.backoff.reset()
	c.mu.Lock()
	c.welcome, c.resume = w, w.Resume
	c.tally.Welcomes++
	isFirst := c.tally.Welcomes == 1
	_, isKnown := c.pos[Everyone]
	c.mu.Unlock()
	c.event(w)
	c.askAgain(c.current)
	c.recovered(w.Epoch, w.Recovered)
	if !isFirst {
		return
	}
	if !isKnown && (c.options.Reconnect || c.options.FillGaps) {
		// The answer has the position from which on nothing may be missed.
		c.join("all", Position{}, true, func(object, error) {})
	}
	close(c.in)
}
