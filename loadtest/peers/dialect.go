package main

import (
	"encoding/json"
	"net/http"
	"time"
)

const (
	maxMessage = 64 << 10         // bytes that a client may send at once
	writeWait  = 10 * time.Second // how long one write may take
	goingAway  = 1001             // the close code of a stop (RFC 6455, section 7.4.1)
)

// chat is one message of the tutorial dialect.
type chat struct {
	From    string          `json:"from_user"`
	To      string          `json:"to_user"`
	Message json.RawMessage `json:"message"`
}

// stamp reads what a user has sent and returns to whom it goes, "" for everyone, and the text that they
// get, with the sender that the server knows.
func stamp(from string, text []byte) (to string, stamped []byte, err error) {
	var c chat
	if err := json.Unmarshal(text, &c); err != nil {
		return "", nil, err
	}
	c.From = from
	stamped, err = json.Marshal(c)
	return c.To, stamped, err
}

// notice is a word of the system to a user.
func notice(to, reason string) []byte {
	message, _ := json.Marshal(reason) // a string always has an encoding
	stamped, _ := json.Marshal(chat{From: "system", To: to, Message: message})
	return stamped
}

// malformed and absent are the two notices that there are.
func malformed(to string, err error) []byte { return notice(to, "malformed message: "+err.Error()) }

func absent(to, nick string) []byte { return notice(to, "nobody called "+nick+" is here") }

// chatHandler takes the nick from the path.
func chatHandler(connect func(w http.ResponseWriter, r *http.Request, nick string)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /conn/ws/{nick}", func(w http.ResponseWriter, r *http.Request) {
		nick := r.PathValue("nick")
		if len(nick) > 64 || nick == "system" {
			http.Error(w, "this cannot be a nick", http.StatusBadRequest)
			return
		}
		connect(w, r, nick)
	})
	return mux
}

// taken refuses a nick that is in use.
func taken(w http.ResponseWriter) {
	http.Error(w, "this nick is in use", http.StatusConflict)
}
