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
	From string // a nick; "": the server
	To   string
	Room string
	Cid  string // "": none
	Body []byte // JSON
}

// Receipt is how a message was stored.
type Receipt struct {
	Mid      string `json:"mid"`
	Conv     string `json:"conv"` // as its sender names it
	Seq      uint64 `json:"seq"`
	Ts       int64  `json:"ts"` // ms since 1970
	Dur      string `json:"dur"`
	IsOnline bool   `json:"online"` // a direct message's recipient was there
	IsRepeat bool   `json:"repeat"` // it had been sent before
}

// Part is a page of names.
type Part struct {
	After  string // the page that begins after this name; "": the first
	Prefix string // those that begin so; "": all
	Limit  int    // how many, at least 1
}

// User is who has a nick.
type User struct {
	Nick     string    `json:"nick"`
	IsOnline bool      `json:"online"`
	Node     string    `json:"node"`    // where they are; "": nowhere, or there is one node
	Returns  bool      `json:"returns"` // the nick is kept for them when they are away
	Since    int64     `json:"since"`   // ms since 1970: when they first came as who they are
	Away     int64     `json:"away"`    // ms since 1970: when they went away; 0: they are there
	Count    int       `json:"count"`   // of sessions
	Sessions []Session `json:"sessions"`
	Rooms    []string  `json:"rooms"`
}

// Session is a connection of somebody.
type Session struct {
	ID      string   `json:"id"`
	Dialect string   `json:"dialect"`
	Since   int64    `json:"since"`  // ms since 1970
	Queued  int      `json:"queued"` // bytes
	IsSlow  bool     `json:"slow"`
	Rooms   []string `json:"rooms"`
}

// Room is a room and how many are in it.
type Room struct {
	Room  string `json:"room"`
	Count int    `json:"count"`
}

// Ask is a page of a conversation: of a room, of two people, or of everyone.
type Ask struct {
	Room     string
	User     string // with With
	With     string
	Before   uint64 // 0: the newest
	After    uint64 // when HasAfter, instead
	HasAfter bool
	Limit    int
}

// History is a page of a conversation.
type History struct {
	Conv     string    `json:"conv"`
	Epoch    string    `json:"epoch"`
	More     bool      `json:"more"`
	Messages []Message `json:"messages"` // the oldest first
}

// Message is a stored message.
type Message struct {
	Mid  string         `json:"mid"`
	Seq  uint64         `json:"seq"`
	Prev uint64         `json:"prev"`
	Ts   int64          `json:"ts"` // ms since 1970
	From string         `json:"from_user"`
	To   string         `json:"to_user,omitzero"`
	Room string         `json:"room,omitzero"`
	Body jsontext.Value `json:"message"` // null: also where it was deleted

	IsGone bool `json:"deleted,omitzero"` // what it said was deleted
}

// Node is how a node of the chat is.
type Node struct {
	Node    string `json:"node"` // "": there is one
	Online  int    `json:"online"`
	Rooms   int    `json:"rooms"` // with people of that node
	Since   int64  `json:"since"` // ms since 1970
	Problem string `json:"problem"`
	Waiting int64  `json:"waiting"` // bytes that wait to be stored
	Backlog int64  `json:"backlog"` // bytes that wait to be delivered
}
