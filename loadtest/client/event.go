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
	From  string          `json:"from_user"` // a nick
	To    string          `json:"to_user"`   // a nick, of direct messages; "" of all others
	Room  string          `json:"room"`      // of named rooms, without "room:"; "" of all others
	Body  json.RawMessage `json:"message"`   // any JSON value; null where it was deleted
	Mid   string          `json:"mid"`       // its id
	Conv  string          `json:"conv"`      // as the user calls it: room:all, room:NAME or dm:NICK
	Seq   uint64          `json:"seq"`       // its place in the conversation, from 1
	Prev  uint64          `json:"prev"`      // the seq before it there; 0: it is the first
	Epoch string          `json:"epoch"`     // of the log that seqs belong to
	Ts    int64           `json:"ts"`        // milliseconds since 1970
	Cid   string          `json:"cid"`       // of one's own; "" of all others
}

// Welcome is that a connection was let in. Missed messages follow.
type Welcome struct {
	Nick      string          // as the server shows it
	Session   string          // the connection, as the server calls it
	Resume    string          // the secret to come back with; "": there is none, where a token does
	Epoch     string          // of the log that seqs belong to
	Online    int             // people
	Recovered map[string]bool // by conversation that had a position in the hello; false: its history is to be read
}

// Lost is that a connection has ended.
type Lost struct {
	Err error // a *CloseError when the server said why
}

// Presence is a change of who is in a conversation.
type Presence struct {
	Conv, Room   string   // Room is "" of room:all
	Count        int      // of people who are there now
	Joined, Left []string // nicks; cut at 50
}

// Typing is that the nick From is typing: to the nick To, in a named Room, or, where both are "", to everyone.
type Typing struct{ Conv, From, To, Room string }

// Receipt is how far the other side of a direct conversation has got.
type Receipt struct {
	Conv, From string // From is a nick
	Seq        uint64 // all up to it
	IsRead     bool   // else it was received
}

// Gap is that the server has left out messages, because the client was too slow a reader.
type Gap struct {
	Conv     string
	From, To uint64 // seqs, both left out
}

// Bye is that the server is about to close the connection.
type Bye struct {
	Code       int           // with which it will
	RetryAfter time.Duration // to wait before coming back; 0: no time was named
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
	Code       int           // an HTTP status
	Message    string        // for people
	Retry      bool          // the same again may succeed
	RetryAfter time.Duration // to wait before that; 0: no time was named
}

func (e *Error) Error() string { return fmt.Sprintf("client: refused: %d %s", e.Code, e.Message) }

// CloseError is how the server closed a connection.
type CloseError struct {
	Code   int    // of the close frame (RFC 6455, section 7.4)
	Reason string // for people; may be ""
}

func (e *CloseError) Error() string { return fmt.Sprintf("client: closed: %d %s", e.Code, e.Reason) }
