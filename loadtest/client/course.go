package client

import "errors"

// course is what is to be remembered of a conversation besides its position. The Client's goroutine owns it.
type course struct {
	conv      string
	isSoft    bool      // the position is that of a join: older messages may still be under way
	isFilling bool      // a page of history is awaited
	goal      uint64    // there are messages up to here
	held      []Message // that came meanwhile, in order
	paged     uint64    // what came up to here came in pages, and may come again by itself
}

func (c *Client) course(conv string) *course {
	co := c.courses[conv]
	if co == nil {
		co = &course{conv: conv}
		c.courses[conv] = co
	}
	return co
}

// position is how far a conversation has got in a log; false: not known.
func (c *Client) position(conv, epoch string) (seq uint64, isKnown bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.pos[conv]
	return p.Seq, ok && p.Epoch == epoch
}

func (c *Client) setPosition(conv string, p Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pos[conv] = p
}

// begin takes the answer to a join: with a position that was given, it is as after a welcome, else the conversation begins
// where the room is now.
func (c *Client) begin(o object, from Position) {
	_, isKnown := c.position(o.Conv, o.Epoch)
	switch {
	case isKnown:
	case from.Epoch == "":
		c.setPosition(o.Conv, Position{o.Epoch, o.Seq})
		c.course(o.Conv).isSoft = true
	default:
		c.setPosition(o.Conv, from)
		c.recovered(o.Epoch, map[string]bool{o.Conv: string(o.Recovered) == "true"})
	}
}

// follow takes a message as it comes.
func (c *Client) follow(m Message) {
	co := c.course(m.Conv)
	last, isKnown := c.position(m.Conv, m.Epoch)
	switch {
	case co.isFilling:
		co.held = append(co.held, m)
	case isKnown && m.Seq <= last && !co.isSoft:
		if m.Seq > co.paged {
			c.count(func(t *Tally) { t.Duplicates++ })
		}
	case isKnown && m.Prev > last && c.options.FillGaps:
		co.held = append(co.held, m)
		c.fill(co)
	default:
		c.pass(co, m)
	}
}

// pass gives a message to the user.
func (c *Client) pass(co *course, m Message) {
	last, isKnown := c.position(m.Conv, m.Epoch)
	if isKnown && m.Prev > last {
		c.count(func(t *Tally) { t.Holes++ })
	}
	co.isSoft = false
	c.setPosition(m.Conv, Position{m.Epoch, m.Seq})
	c.event(m)
}

// skipped takes a gap: there are messages up to a seq that were not sent.
func (c *Client) skipped(conv string, to uint64) {
	co := c.course(conv)
	co.goal = max(co.goal, to)
	if last, isKnown := c.position(conv, c.Welcome().Epoch); c.options.FillGaps && isKnown && last < to && !co.isFilling {
		c.fill(co)
	}
}

// recovered takes which conversations the server brings up to date: the others are paged, from their beginning if the log
// is another.
func (c *Client) recovered(epoch string, convs map[string]bool) {
	for conv, ok := range convs {
		if ok {
			c.count(func(t *Tally) { t.Recovered++ })
			continue
		}
		c.count(func(t *Tally) { t.Unrecovered++ })
		if _, isKnown := c.position(conv, epoch); !isKnown {
			c.setPosition(conv, Position{Epoch: epoch})
			delete(c.courses, conv)
		}
		if c.options.FillGaps {
			c.fill(c.course(conv))
		}
	}
}

// fill asks for what comes after the position of a conversation. Messages wait until it is there.
func (c *Client) fill(co *course) {
	co.isFilling = true
	last, _ := c.position(co.conv, c.Welcome().Epoch)
	c.ask(&request{
		out:  outgoing{T: "history", Conv: co.conv, After: last, Limit: maxPage},
		done: func(o object, err error) { c.filled(co, last, o, err) },
	})
}

// filled takes a page that begins behind from.
func (c *Client) filled(co *course, from uint64, o object, err error) {
	last := from
	for _, m := range o.Msgs {
		if m.Seq > last {
			c.count(func(t *Tally) { t.Filled++ })
			c.pass(co, m)
			last = m.Seq
			co.paged = last
		}
	}
	switch {
	case errors.Is(err, ErrLost), errors.Is(err, ErrClosed):
		co.isFilling, co.held = false, nil // all of it comes again when the conversation is recovered
		return
	case err == nil && last > from && (o.More || last < co.goal):
		c.fill(co)
		return
	}
	held := co.held
	co.isFilling, co.held = false, nil
	for i, m := range held {
		if m.Seq > last { // else the page had it
			c.pass(co, m) // with a hole before it that cannot be filled
			for _, later := range held[i+1:] {
				c.follow(later)
			}
			return
		}
	}
}
