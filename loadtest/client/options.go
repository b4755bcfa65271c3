package client

import (
	"encoding/json"
	"time"
)

// Everyone is the conversation of all.
const Everyone = "room:all"

// defaultMaxWait is Options.MaxWait where it is 0.
const defaultMaxWait = 10 * time.Second

// Options is who the user is, and what is done when something goes wrong. URL and Nick are required. It is copied; Pos is
// not kept.
type Options struct {
	URL  string // of the server: ws://HOST:PORT
	Nick string

	// Resume is the secret of a claim to come back to; "": a new claim is made.
	Resume string
	// Pos is what is known of conversations: what came after it is asked for, and rooms are joined again.
	Pos map[string]Position

	// On is told what happens, one event after the other; nil: nobody is. It must not wait for answers of the Client. The
	// events and what they refer to are the receiver's own.
	On func(Event)

	// Reconnect has the client come back after a connection was lost, with what it knows, and ask again what was not
	// answered, under the same cid. Errors that say so (retry) are retried too. It ends with a close code of 4500 to 4999.
	Reconnect bool
	// FillGaps has every message of a conversation come once and in order, missing ones paged from the history first.
	FillGaps bool
	// MaxWait bounds how long the client waits between two attempts beside what the server asks for; 0: 10 s.
	MaxWait time.Duration
}

// Position is how far somebody has got in a conversation: the last seq of a log. On the wire it is an array of both.
type Position struct {
	Epoch string
	Seq   uint64
}

// MarshalJSON implements json.Marshaler.
func (p Position) MarshalJSON() ([]byte, error) { return json.Marshal([]any{p.Epoch, p.Seq}) }
