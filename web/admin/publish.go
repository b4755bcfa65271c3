package admin

import (
	"context"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// message is the body of a request to send one.
type message struct {
	From    string         `json:"from"` // a nick; "" or "system": the server
	To      string         `json:"to"`   // a nick
	Room    string         `json:"room"`
	Cid     string         `json:"cid"`
	Message jsontext.Value `json:"message"`
}

const (
	maxNick    = 512 // bytes of a name as it comes; what the chat takes is shorter
	maxCid     = 64  // bytes
	maxTargets = 100 // of one broadcast
	// sendAtOnce is how many messages of a broadcast are on their way at once.
	sendAtOnce = 16
)

// check looks at what both requests have.
func (m *message) check() error {
	switch {
	case m.Message == nil:
		return malformed("want message: any JSON value")
	case len(m.From) > maxNick || len(m.To) > maxNick || len(m.Room) > maxNick:
		return malformed("a name is too long")
	case len(m.Cid) > maxCid:
		return malformed("want a cid of at most 64 bytes")
	case m.Room != "" && m.To != "":
		return malformed("want one of to and room, or none for everyone")
	}
	return nil
}

// publish sends one message.
func (s *Server) publish(c *call) (any, error) {
	var m message
	if err := c.decode(&m); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	if q := c.query(); q.bad != nil {
		return nil, q.bad
	}
	return s.send(c.Context(), c, m)
}

// send sends a message. Without a cid of its own it has that of the request.
func (s *Server) send(ctx context.Context, c *call, m message) (Receipt, error) {
	if m.Cid == "" {
		m.Cid = c.cid(m.To + "\n" + m.Room)
	}
	return s.chat.Publish(ctx, Draft{From: m.From, To: m.To, Room: m.Room, Cid: m.Cid, Body: m.Message})
}

// many is the body of a request to send one message to several.
type many struct {
	From    string         `json:"from"`
	To      []string       `json:"to"`    // nicks
	Rooms   []string       `json:"rooms"` // neither: everyone
	Cid     string         `json:"cid"`
	Message jsontext.Value `json:"message"`
}

// results are what became of the parts of a broadcast, in the order in which they were asked for: nicks first.
type results struct {
	Sent    int      `json:"sent"`
	Failed  int      `json:"failed"`
	Results []result `json:"results"`
}

func (r results) isPartial() bool { return r.Failed > 0 }

// result is one of them.
type result struct {
	To      string   `json:"to,omitzero"`
	Room    string   `json:"room,omitzero"`
	Receipt *Receipt `json:"receipt,omitzero"`
	Error   *problem `json:"error,omitzero"`
}

// problem is an error within an answer.
type problem struct {
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// broadcast sends one message to several nicks and rooms, or to everyone.
func (s *Server) broadcast(c *call) (any, error) {
	var m many
	if err := c.decode(&m); err != nil {
		return nil, err
	}
	var parts []message
	for _, to := range m.To {
		parts = append(parts, message{From: m.From, To: to, Cid: m.Cid, Message: m.Message})
	}
	for _, room := range m.Rooms {
		parts = append(parts, message{From: m.From, Room: room, Cid: m.Cid, Message: m.Message})
	}
	if len(parts) > maxTargets {
		return nil, malformed("more than 100 nicks and rooms at once")
	}
	if len(parts) == 0 {
		parts = []message{{From: m.From, Cid: m.Cid, Message: m.Message}}
	}
	for i := range parts {
		if p := &parts[i]; p.To == "" && p.Room == "" && len(m.To)+len(m.Rooms) > 0 {
			return nil, malformed("a name in to or rooms is empty")
		}
		if err := parts[i].check(); err != nil {
			return nil, err
		}
	}
	if q := c.query(); q.bad != nil {
		return nil, q.bad
	}
	return s.sendAll(c, parts), nil
}

// sendAll sends all parts of a broadcast. Each has a cid of its own: the one that was given names all of them.
func (s *Server) sendAll(c *call, parts []message) results {
	all := results{Results: make([]result, len(parts))}
	slots := make(chan struct{}, sendAtOnce)
	var sending sync.WaitGroup
	for i, p := range parts {
		slots <- struct{}{}
		sending.Go(func() {
			defer func() { <-slots }()
			r := &all.Results[i]
			r.To, r.Room = p.To, p.Room
			if receipt, err := s.send(c.Context(), c, p); err == nil {
				r.Receipt = &receipt
			} else {
				bad := asError(err)
				r.Error = &problem{bad.Status, bad.code(), bad.Message}
			}
		})
	}
	sending.Wait()
	for _, r := range all.Results {
		if r.Error == nil {
			all.Sent++
		} else {
			all.Failed++
		}
	}
	return all
}
