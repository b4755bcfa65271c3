package event

import (
	"bytes"
	"time"
)

// V2 is the subprotocol that a client offers to speak version 2.
const V2 = "throng.v2.json"

// Limits on what a client of version 2 sends, beside the size of a message. What exceeds them is malformed, except for a
// page, which is cut.
const (
	MaxBatch     = 256     // objects in one frame
	MaxID        = 128     // bytes of an id as it is written
	MaxCid       = 64      // bytes
	MaxToken     = 8 << 10 // bytes
	MaxResume    = 256     // bytes
	MaxEpoch     = 64      // bytes
	MaxPositions = 1000    // conversations in one hello
	MaxReason    = 500     // bytes of why a moderator does something
	MaxMotd      = 4 << 10 // bytes of a message of the day, as JSON
	MaxMid       = 64      // bytes of a message's id
	MaxPage      = 100     // messages or users in one answer
	DefaultPage  = 50      // when no limit is given, or 0
)

// Type is what an object from a client asks for.
type Type uint8

// The types. Which fields of In they have stands there.
const (
	TypeUnknown Type = iota // t could not be read or names nothing; comes with an Error only
	TypeMsg                 // also what has no t
	TypeHello
	TypeJoin
	TypeLeave
	TypeHistory
	TypePresence
	TypeTyping
	TypeRecv
	TypeRead
	TypePing
	TypeKick
	TypeMute
	TypeUnmute
	TypeBan
	TypeUnban
	TypeDelete
	TypeReadOnly
	TypeMotd
)

var typeNames = [...]string{
	"unknown", "msg", "hello", "join", "leave", "history", "presence", "typing", "recv", "read", "ping",
	"kick", "mute", "unmute", "ban", "unban", "delete", "readonly", "motd",
}

// String is the value of t on the wire.
func (t Type) String() string { return typeNames[t] }

// Position is how far a client has read: the last seq that it knows of a log. The zero Position is none.
type Position struct {
	Epoch string // never "" in a position that was sent
	Seq   uint64
}

// In is one object from a client. All of it is the receiver's own: nothing refers to the frame. Fields that a
// type does not have are zero. Integers are at most 2^63-1.
type In struct {
	T  Type
	ID []byte // the client's id as JSON, a number or a string, to be echoed as it is; nil: none was given, and no reply is wanted

	// msg and typing, of which only one is given; neither is everyone. presence has Room, join and leave must.
	To   string // a nick
	Room string // a room's name, without "room:"

	Message []byte // msg: any JSON value as it was written; never nil
	Cid     string // msg: 1 to MaxCid bytes; "" = none

	Token  string              // hello
	Resume string              // hello
	Pos    map[string]Position // hello: by conversation, named as the client did; nil = none
	From   Position            // join: what it has of the room

	Conv      Conv   // history, recv, read: never none
	Seq       uint64 // recv, read: all up to this one
	Before    uint64 // history: the page that ends before this seq; 0 = that of the newest
	After     uint64 // history, when HasAfter: the page that begins after this seq, instead
	HasAfter  bool
	AfterNick string // presence: the page that begins after this nick; "" = the first
	Limit     int    // history, presence: 1 to MaxPage

	// What moderators send: delete has Mid, or Conv and Seq; readonly must have Room, mute and unmute may.
	Nick   string        // kick, mute, unmute, ban, unban: whom; never ""
	Mid    string        // delete: at most MaxMid bytes
	Reason string        // all but motd: at most MaxReason bytes; "" = none was given
	For    time.Duration // mute, ban: how long; 0 = for ever; MaxFor at most
	On     bool          // readonly
	Text   []byte        // motd: any JSON value as it was written, of at most MaxMotd bytes; nil = there is to be none
}

var errBatch = Malformed("more than 256 objects in one frame; the rest was not read")

// EachV2 calls visit for every object in a frame, in order. An object that is malformed comes as an Error, with T and
// ID as far as they could be read, and the others count all the same. Each line is one object, blank ones
// excepted; a frame that is a single object may spread over several lines. A frame without an object is
// malformed, so that visit is called at least once. At most MaxBatch objects are visited and one Error for the rest.
//
// EachV2 keeps nothing of the frame and does not change it.
func EachV2(frame []byte, visit func(In, *Error)) {
	frame = trim(frame)
	end := bytes.IndexByte(frame, '\n')
	if end < 0 || !isJSON(frame[:end]) && isJSON(frame) {
		visit(decodeV2(frame))
		return
	}
	count := 0
	for line := range bytes.SplitSeq(frame, []byte("\n")) {
		if line = trim(line); len(line) == 0 {
			continue
		}
		if count++; count > MaxBatch {
			visit(In{}, errBatch)
			return
		}
		visit(decodeV2(line))
	}
}

// trim takes JSON's white space off both ends.
func trim(text []byte) []byte { return bytes.Trim(text, " \t\r\n") }

// decodeV2 reads one object.
func decodeV2(text []byte) (In, *Error) {
	var m members
	bad := eachMember(text, m.take)
	in, wrong := m.decode()
	switch {
	case bad != nil && m.t == nil:
		return In{ID: in.ID}, bad // a t may have come later
	case bad != nil:
		return In{T: in.T, ID: in.ID}, bad
	case wrong != nil:
		return In{T: in.T, ID: in.ID}, wrong
	}
	return in, nil
}
