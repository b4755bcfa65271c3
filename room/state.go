package room

import (
	"strconv"
	"strings"
)

// State is how far a message has got: stored, delivered, read, deleted.
type State struct {
	Mid       string `json:"mid"`
	Seq       uint64 `json:"seq"`
	Ts        int64  `json:"ts"` // milliseconds since 1970
	From      string `json:"from_user"`
	To        string `json:"to_user,omitempty"` // a direct message's recipient
	Room      string `json:"room,omitempty"`    // a named room; neither: everyone
	Stored    string `json:"stored"`            // as an ack says it: mem, os, fsync, quorum
	IsGone    bool   `json:"deleted,omitempty"` // what it said was deleted
	Delivered bool   `json:"delivered"`         // direct: it was written to one of the recipient's sockets, or confirmed
	Read      bool   `json:"read"`              // direct: the recipient has read it
}

// State tells how far the message with an id has got; false when it is not stored, or not any more. It reads the log.
func (h *Hub) State(mid string) (s State, ok bool, err error) {
	log := h.config.Log
	m, ok, err := log.Find(mid)
	if err != nil || !ok || !isOfPeople(m.Conv) {
		return State{}, false, err
	}
	s = State{Mid: m.Mid, Seq: m.Seq, Ts: m.Ts, From: m.From, To: m.To, Room: m.Room, Stored: log.Durability(), IsGone: m.IsErased()}
	if peer, ok := otherSide(m.Conv, m.Claim); ok {
		marks, err := log.Marks(peer, m.Conv)
		if err != nil {
			return State{}, false, err
		}
		s.Delivered, s.Read = max(marks.Sent, marks.Recv) >= m.Seq, marks.Read >= m.Seq
	}
	return s, true, nil
}

// otherSide is with whom a claim has a direct conversation, by its name in the log; false when it is none.
func otherSide(stored string, claim uint64) (peer uint64, ok bool) {
	rest, isDirect := strings.CutPrefix(stored, "d/")
	first, second, _ := strings.Cut(rest, "/")
	a, errA := strconv.ParseUint(first, 16, 64)
	b, errB := strconv.ParseUint(second, 16, 64)
	if !isDirect || errA != nil || errB != nil {
		return 0, false
	}
	if a == claim {
		return b, true
	}
	return a, true
}
