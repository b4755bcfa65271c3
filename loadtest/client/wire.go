package client

import (
	"encoding/json"
	"time"
)

// protocol is the subprotocol of version 2.
const protocol = "throng.v2.json"

// outgoing is an object to the server. What does not apply is left out.
type outgoing struct {
	T       string          `json:"t"`
	ID      uint64          `json:"id,omitempty"`
	To      string          `json:"to_user,omitempty"`
	Room    string          `json:"room,omitempty"`
	Message json.RawMessage `json:"message,omitempty"`
	Cid     string          `json:"cid,omitempty"`
	Resume  string          `json:"resume,omitempty"`
	Pos     any             `json:"pos,omitempty"` // a Position, or a map of them
	Conv    string          `json:"conv,omitempty"`
	Seq     uint64          `json:"seq,omitempty"`
	Before  uint64          `json:"before,omitempty"`
	After   any             `json:"after,omitempty"` // a seq, or a nick
	Limit   int             `json:"limit,omitempty"`
}

// object is one from the server, whatever its kind. The client's own ids are numbers from 1 on.
type object struct {
	T  string `json:"t"`
	ID uint64 `json:"id"`
	Message

	// welcome, joined
	Nick      string          `json:"nick"`
	Session   string          `json:"session"`
	Resume    string          `json:"resume"`
	Online    json.RawMessage `json:"online"` // a number; of an ack: whether the recipient is there
	PingS     float64         `json:"ping_s"`
	Recovered json.RawMessage `json:"recovered"` // an object of booleans, or one
	Members   int             `json:"members"`

	Dur string `json:"dur"` // ack

	Msgs []Message `json:"msgs"` // history
	More bool      `json:"more"`

	Count  int      `json:"count"` // presence
	Users  []string `json:"users"`
	Joined []string `json:"joined"`
	Left   []string `json:"left"`

	GapFrom uint64 `json:"from"` // gap
	GapTo   uint64 `json:"to"`

	Code         int   `json:"code"` // err, bye
	Retry        bool  `json:"retry"`
	RetryAfterMs int64 `json:"retry_after_ms"`
}

// read reads one line of a frame.
func read(line []byte) (o object, err error) {
	err = json.Unmarshal(line, &o)
	return o, err
}

func (o *object) retryAfter() time.Duration { return time.Duration(o.RetryAfterMs) * time.Millisecond }

// failure is an err as an error.
func (o *object) failure() *Error {
	e := &Error{Code: o.Code, Retry: o.Retry, RetryAfter: o.retryAfter()}
	_ = json.Unmarshal(o.Body, &e.Message) // what is no text is no message
	return e
}

// welcome is the object as that event.
func (o *object) welcome() Welcome {
	w := Welcome{Nick: o.Nick, Session: o.Session, Resume: o.Resume, Epoch: o.Epoch, Recovered: map[string]bool{}}
	_ = json.Unmarshal(o.Online, &w.Online)
	_ = json.Unmarshal(o.Recovered, &w.Recovered)
	return w
}
