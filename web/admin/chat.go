package admin

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"
)

// Chat is what the API needs of the chat. Its methods are called from any number of goroutines and return soon after ctx ends.
// Their errors are of type *Error where the caller is to be told more than that something went wrong.
type Chat interface {
	// Publish stores a message and sends it on its way. What was sent by the same From under the same Cid is not sent again.
	Publish(ctx context.Context, d Draft) (Receipt, error)

	// Users is how many are in the chat, and a page of their nicks.
	Users(ctx context.Context, p Part) (online int, nicks []string, err error)
	// User is who has a nick, or can come back to it.
	User(ctx context.Context, nick string) (User, error)
	// Rooms is how many rooms have people, and a page of them.
	Rooms(ctx context.Context, p Part) (count int, rooms []Room, err error)
	// Members is how a room is called, how many are in it, and a page of their nicks.
	Members(ctx context.Context, room string, p Part) (name string, count int, nicks []string, err error)
	// Presence is which of some nicks are there.
	Presence(ctx context.Context, nicks []string) (map[string]bool, error)
	// History reads a page of a conversation.
	History(ctx context.Context, a Ask) (History, error)
	// Message is how far a message has got, as JSON.
	Message(ctx context.Context, mid string) (any, error)
	// Trace has say told, as something that is JSON, each thing that happens on this node to whom or what is followed, until ctx ends or
	// say, which may wait, fails. Its error is why it did not begin: then nothing was told.
	Trace(ctx context.Context, f Follow, say func(line any) error) error
	// Moderate does an act. When it returns, the act is stored and in force.
	Moderate(ctx context.Context, act Act) (Act, error)
	// Rules are the acts that are in force, in the order in which they were done.
	Rules(ctx context.Context) ([]Act, error)
	// Acts are at most limit acts that were done before one with a Seq, 0: the newest; the newest first.
	Acts(ctx context.Context, before uint64, limit int) (acts []Act, more bool, err error)
	// Nodes are this node, first, and all others that answer.
	Nodes(ctx context.Context) []Node
}

// Draft is a message that is to be sent. To and Room exclude each other; neither is everyone.
type Draft struct {
	From string // a nick, whether somebody has it or not; "": the server
	To   string // a nick; "": it is no direct message
	Room string // a room's name; "": it is not for a named room
	Cid  string // by which a repeat is known, unique for From; "": none
	Body []byte // JSON
}

// Receipt is how a message was stored.
type Receipt struct {
	Mid      string `json:"mid"`    // the message's id
	Conv     string `json:"conv"`   // as its sender names it: room:all, room:NAME or dm:NICK
	Seq      uint64 `json:"seq"`    // its place in the conversation
	Ts       int64  `json:"ts"`     // ms since 1970
	Dur      string `json:"dur"`    // how it is stored: mem, os, fsync or quorum
	IsOnline bool   `json:"online"` // a direct message's recipient was there
	IsRepeat bool   `json:"repeat"` // it had been sent before
}

// Part is a page of names.
type Part struct {
	After  string // the page that begins after this name; "": the first
	Prefix string // those that begin so; "": all
	Limit  int    // how many; 0: none, who asks wants the count
}

// User is who has a nick, or can come back to it.
type User struct {
	Nick     string    `json:"nick"` // as it is shown
	IsOnline bool      `json:"online"`
	Node     string    `json:"node"`     // where they are; "": nowhere, or there is one node
	Returns  bool      `json:"returns"`  // the nick is kept for them when they are away
	Since    int64     `json:"since"`    // ms since 1970: when they first came as who they are
	Away     int64     `json:"away"`     // ms since 1970: when they went away; 0: they are there
	Count    int       `json:"count"`    // of sessions
	Sessions []Session `json:"sessions"` // the first 100
	Rooms    []string  `json:"rooms"`    // that one of these sessions has joined, each once, in order
}

// Session is a connection of somebody.
type Session struct {
	ID      string   `json:"id"`      // as the client was told; "": it was not
	Dialect string   `json:"dialect"` // tutorial or v2
	Since   int64    `json:"since"`   // ms since 1970
	Queued  int      `json:"queued"`  // bytes that wait to be written
	IsSlow  bool     `json:"slow"`    // it missed something that it is still to be told of
	Rooms   []string `json:"rooms"`   // that it has joined
}

// Room is a room and how many are in it.
type Room struct {
	Room  string `json:"room"`  // its name as it is shown
	Count int    `json:"count"` // on all nodes
}

// Ask is a page of a conversation: of a room, of two people, or of everyone.
type Ask struct {
	Room     string // a room's name; "": none
	User     string // a nick, with With; "": neither
	With     string // a nick
	Before   uint64 // the page that ends before this seq; 0: the newest
	After    uint64 // when HasAfter, instead: the page that begins after this seq; 0: the oldest
	HasAfter bool
	Limit    int // messages, 1 to 100
}

// History is a page of a conversation.
type History struct {
	Conv     string    `json:"conv"`     // room:all, room:NAME, or dm:NICK of one of the two
	Epoch    string    `json:"epoch"`    // names the log that the seqs belong to
	More     bool      `json:"more"`     // there are others, further on in the direction asked for
	Messages []Message `json:"messages"` // the oldest first
}

// Message is a stored message.
type Message struct {
	Mid  string         `json:"mid"`              // its id
	Seq  uint64         `json:"seq"`              // its place in the conversation
	Prev uint64         `json:"prev"`             // the seq before it there; 0: none
	Ts   int64          `json:"ts"`               // ms since 1970
	From string         `json:"from_user"`        // its sender's nick
	To   string         `json:"to_user,omitzero"` // a direct message's recipient; "": it is none
	Room string         `json:"room,omitzero"`    // the named room that it was said in; "": in none
	Body jsontext.Value `json:"message"`          // null: also where it was deleted

	IsGone bool `json:"deleted,omitzero"` // what it said was deleted
}

// Node is how a node of the chat is.
type Node struct {
	Node    string `json:"node"`    // its id; "": there is one
	Online  int    `json:"online"`  // sessions
	Rooms   int    `json:"rooms"`   // with people of that node
	Since   int64  `json:"since"`   // ms since 1970: when it began
	Problem string `json:"problem"` // why it cannot serve; "": it can
	Waiting int64  `json:"waiting"` // bytes that wait to be stored
	Backlog int64  `json:"backlog"` // bytes that wait to be delivered
}
