package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"throng/loadtest"
	"throng/loadtest/ledger"
)

// maxWait bounds, in milliseconds, what a server may ask a user to wait.
const maxWait = 30_000

// hearV2 takes what a server of version 2 says: a frame of one object, or several on lines of their own. It runs on the
// swarm's loop for every frame.
func (w *worker) hearV2(sock *loadtest.User, at int64, frame []byte) {
	at -= w.share.Origin
	if m := w.shared.find(frame); m != nil {
		w.message(sock, at, frame, m)
		return
	}
	for len(frame) > 0 {
		object := frame
		if end := bytes.IndexByte(frame, '\n'); end >= 0 {
			object, frame = frame[:end], frame[end+1:]
		} else {
			frame = nil
		}
		w.object(sock, at, object)
	}
}

// object takes one object.
func (w *worker) object(sock *loadtest.User, at int64, object []byte) {
	switch t := typeOf(object); string(t) {
	case "msg":
		if m := w.shared.read(object); m != nil {
			w.message(sock, at, object, m)
		} else {
			w.broken(sock.ID, ledger.Outcome{}, at, errShape)
		}
	case "ack":
		w.acked(sock.ID, at, object)
	case "welcome":
		w.welcomed(sock, at, object)
	case "joined":
		w.joined(sock, at, object)
	case "history":
		w.paged(sock, at, object)
	case "gap":
		w.gap(sock, object)
	case "err":
		w.fault(sock, at, object)
	case "bye":
		wait := uintOf(object, `"retry_after_ms":`)
		w.user(sock.ID).session.wait = time.Duration(min(wait, maxWait)) * time.Millisecond
	case "presence", "typing", "recv", "read", "pong", "left":
	default:
		w.broken(sock.ID, ledger.Outcome{}, at, fmt.Errorf("an object of an unknown type: %q", t))
	}
}

// fault is an err of the server.
type fault struct {
	ID      json.RawMessage `json:"id"`
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Retry   bool            `json:"retry"`
	After   int64           `json:"retry_after_ms"`
}

// number is the id of the message that was refused; 0 for another frame.
func (f *fault) number() uint64 {
	n, _ := strconv.ParseUint(string(f.ID), 10, 64)
	return n
}

// wait is how long the server asked to wait.
func (f *fault) wait() time.Duration { return time.Duration(min(f.After, maxWait)) * time.Millisecond }

// text is the id of another frame.
func (f *fault) text() []byte { return bytes.Trim(f.ID, `"`) }

// fault takes an err: of a message, of a page, or of what a user says when it comes.
func (w *worker) fault(sock *loadtest.User, at int64, object []byte) {
	var f fault
	if err := json.Unmarshal(object, &f); err != nil {
		w.broken(sock.ID, ledger.Outcome{}, at, err)
		return
	}
	err := errors.New("the server said: " + f.Message)
	switch id := string(f.text()); {
	case id == "hello" || id == "join":
		w.rejected(sock, err)
		return
	case f.number() > 0:
		w.refused(sock.ID, &f)
	default:
		if w.unpaged(sock, at, &f); f.Code == http.StatusNotFound {
			return // nothing was ever said there
		}
	}
	w.meter.blame(err)
}

// typeOf is an object's t, which this server writes first; empty if it does not.
func typeOf(object []byte) []byte {
	const head = `{"t":"`
	if len(object) < len(head) || string(object[:len(head)]) != head {
		return nil
	}
	object = object[len(head):]
	return object[:max(bytes.IndexByte(object, '"'), 0)]
}

// digits reads a number and says how many bytes it has.
func digits(text []byte) (n uint64, size int) {
	for size < len(text) && text[size]-'0' <= 9 {
		n = n*10 + uint64(text[size]-'0')
		size++
	}
	return n, size
}

// uintOf is the number behind a key, of an object in which the key stands nowhere else; 0 if there is none.
func uintOf(object []byte, key string) uint64 {
	i := bytes.Index(object, []byte(key))
	if i < 0 {
		return 0
	}
	n, _ := digits(object[i+len(key):])
	return n
}

// stringOf is the string behind a key, which has no escapes; nil if there is none.
func stringOf(object []byte, key string) []byte {
	i := bytes.Index(object, []byte(key))
	if i < 0 {
		return nil
	}
	object = object[i+len(key):]
	return object[:max(bytes.IndexByte(object, '"'), 0)]
}
