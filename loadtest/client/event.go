package client

import (
	"encoding/json"
	"fmt"
	"time"
)

// Event is something that the user is told: one of the types of this file, as a value.
type Event interface{ isEvent() }

// Message is what somebody has said. It is an Event, and what a page of history has.
type Message struct {
	From  string          `json:"from_user"`
	To    string          `json:"to_user"` // of direct messages
	Room  string          `json:"room"`    // of named rooms
	Body  json.RawMessage `json:"message"`
	Mid   string          `json:"mid"`
	Conv  string          `json:"conv"`
	Seq   uint64          `json:"seq"`
	Prev  uint64          `json:"prev"`
	Epoch string          `json:"epoch"`
	Ts    int64           `json:"ts"`  // milliseconds since 1970
	Cid   string          `json:"cid"` // of one's own
}

// Welcome is that a connection was let in. Missed messages follow.
type Welcome struct {
	Nick      string
	Session   string
	Resume    string // the secret to come back with
	Epoch     string
	Online    int
	Recovered map[string]bool // by conversation
}

// Lost is that a connection has ended.
type Lost struct {
	Err error // a *CloseError when the server said why
}

// Presence is a change of who is in a conversation.
type Presence struct {
	Conv, Room   string
	Count        int
	Joined, Left []string // cut at 50
}

// Typing is that somebody is typing.
type Typing struct{ Conv, From, To, Room string }

// Receipt is how far the other side of a direct conversation has got.
type Receipt struct {
	Conv, From string
	Seq        uint64
	IsRead     bool // else it was received
}

// Gap is that the server has left out messages, because the client was too slow a reader.
type Gap struct {
	Conv     string
	From, To uint64
}

// Bye is that the server is about to close the connection.
type Bye struct {
	Code       int
	RetryAfter time.Duration
}

// Refusal is an error of the server that nobody waits for: its request is tried again, or had no id.
type Refusal struct{ Err *Error }

func (Message) isEvent()  {}
func (Welcome) isEvent()  {}
func (Lost) isEvent()     {}
func (Presence) isEvent() {}
func (Typing) isEvent()   {}
func (Receipt) isEvent()  {}
func (Gap) isEvent()      {}
func (Bye) isEvent()      {}
func (Refusal) isEvent()  {}

// Error is why the server refused something.
type Error struct {
	Code       int
	Message    string
	Retry      bool // the same again may succeed
	RetryAfter time.Duration
}

func (e *Error) Error() string { return fmt.Sprintf("client: refused: %d %s", e.Code, e.Message) }

// CloseError is how the server closed a connection.
type CloseError struct {
	Code   int
	Reason string
}

func (e *CloseError) Error() string { return fmt.Sprintf("client: closed: %d %s", e.Code, e.Reason) }
