package engine

import (
	"bytes"
	"sync"
)

// message is what a session gets.
type message struct {
	isBinary bool
	payload  string
}

// recorder is a session that notes what it is told.
type recorder struct {
	react func(message) // called for each message; may be nil

	mu       sync.Mutex
	messages []message
	closed   int // calls of Closed
	late     int // messages that began after Closed
}

func (r *recorder) Message(isBinary bool, payload []byte) {
	m := message{isBinary, string(payload)}
	r.mu.Lock()
	r.messages = append(r.messages, m)
	if r.closed > 0 {
		r.late++
	}
	r.mu.Unlock()
	if r.react != nil {
		r.react(m)
	}
	// The bytes are the loop's again after this call: whoever kept them would see it.
	copy(payload, bytes.Repeat([]byte{'?'}, len(payload)))
}

func (r *recorder) Closed() {
	r.mu.Lock()
	r.closed++
	r.mu.Unlock()
}

func (r *recorder) open(*Conn) Session { return r }

// told is how often the session was told that it is closed.
func (r *recorder) told() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// heard is what has come so far.
func (r *recorder) heard() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]message(nil), r.messages...)
}
