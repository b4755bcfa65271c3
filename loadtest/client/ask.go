package client

import (
	"context"
	"time"
)

// maxPage is how many messages a page may have.
const maxPage = 100

// wait puts a question and waits for the answer.
func (c *Client) wait(ctx context.Context, out outgoing) (object, error) {
	return await(ctx, func(done func(object, error)) {
		c.ask(&request{out: out, isKept: c.options.Reconnect, done: done})
	})
}

// await waits for what ask is told.
func await(ctx context.Context, ask func(done func(object, error))) (object, error) {
	type answer struct {
		object
		err error
	}
	got := make(chan answer, 1)
	ask(func(o object, err error) { got <- answer{o, err} })
	select {
	case a := <-got:
		return a.object, a.err
	case <-ctx.Done():
		return object{}, ctx.Err()
	}
}

// Joined is how a room was when it was joined.
type Joined struct {
	Room, Conv string
	Members    int
	Position        // of its last message
	Recovered  bool // all behind the position that was given follows
}

// Join enters a room. A Client that comes back is there again. From is what is known of the room; zero: nothing.
func (c *Client) Join(ctx context.Context, room string, from Position) (Joined, error) {
	o, err := await(ctx, func(done func(object, error)) { c.join(room, from, c.options.Reconnect, done) })
	return Joined{
		Room: o.Room, Conv: o.Conv, Members: o.Members, Position: Position{o.Epoch, o.Seq}, Recovered: string(o.Recovered) == "true",
	}, err
}

// join asks to enter a room. The conversation's course is set before done is told.
func (c *Client) join(room string, from Position, isKept bool, done func(object, error)) {
	out := outgoing{T: "join", Room: room}
	if from.Epoch != "" {
		out.Pos = from
	}
	c.ask(&request{out: out, isKept: isKept, done: func(o object, err error) {
		if err == nil {
			c.begin(o, from)
		}
		done(o, err)
	}})
}

// Leave leaves a room.
func (c *Client) Leave(ctx context.Context, room string) error {
	o, err := c.wait(ctx, outgoing{T: "leave", Room: room})
	if err == nil {
		c.mu.Lock()
		delete(c.pos, "room:"+o.Room)
		c.mu.Unlock()
	}
	return err
}

// Before is a page of history: the last limit messages in front of a seq (0: of all), the oldest first. More is that there
// are older ones. A limit of 0 is the server's own.
func (c *Client) Before(ctx context.Context, conv string, seq uint64, limit int) (page []Message, more bool, err error) {
	o, err := c.wait(ctx, outgoing{T: "history", Conv: conv, Before: seq, Limit: limit})
	return o.Msgs, o.More, err
}

// After is a page of history: the first limit messages behind a seq. More is that there are newer ones.
func (c *Client) After(ctx context.Context, conv string, seq uint64, limit int) (page []Message, more bool, err error) {
	o, err := c.wait(ctx, outgoing{T: "history", Conv: conv, After: seq, Limit: limit})
	return o.Msgs, o.More, err
}

// History is all of a conversation behind a seq.
func (c *Client) History(ctx context.Context, conv string, seq uint64) (all []Message, err error) {
	for more := true; more && err == nil; {
		var page []Message
		if page, more, err = c.After(ctx, conv, seq, maxPage); len(page) == 0 {
			break
		}
		all = append(all, page...)
		seq = page[len(page)-1].Seq
	}
	return all, err
}

// People is who is in a room, or a part of them.
type People struct {
	Count int // of all
	Users []string
}

// Presence asks who is in a room, or, with "", in the chat: limit names at most (0: the server's own), from the one after a
// nick on.
func (c *Client) Presence(ctx context.Context, room, after string, limit int) (People, error) {
	out := outgoing{T: "presence", Room: room, Limit: limit}
	if after != "" {
		out.After = after
	}
	o, err := c.wait(ctx, out)
	return People{o.Count, o.Users}, err
}

// Ping asks the server for its time.
func (c *Client) Ping(ctx context.Context) (time.Time, error) {
	o, err := c.wait(ctx, outgoing{T: "ping"})
	return time.UnixMilli(o.Ts), err
}

// Typing tells a nick, a room, or, with neither, everyone that the user is typing.
func (c *Client) Typing(to, room string) { c.tell(outgoing{T: "typing", To: to, Room: room}) }

// Recv says that the user has all of a conversation up to a seq.
func (c *Client) Recv(conv string, seq uint64) { c.tell(outgoing{T: "recv", Conv: conv, Seq: seq}) }

// Read says that the user has read all of a conversation up to a seq.
func (c *Client) Read(conv string, seq uint64) { c.tell(outgoing{T: "read", Conv: conv, Seq: seq}) }
