package event

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// What moderators send and are answered, and what everybody hears of it.

// MaxFor is the longest time that a mute or a ban can be given; without one it has no end.
const MaxFor = 100 * 365 * 24 * time.Hour

var (
	errNick   = Malformed("nick must be a string")
	errNoNick = Malformed("nick is missing")
	errMid    = Malformed("mid must be a string of at most 64 bytes")
	errWhich  = Malformed("either mid, or conv and seq must be given")
	errReason = Malformed("reason must be a string of at most 500 bytes")
	errFor    = Malformed("for_ms must be an integer from 0 to 3153600000000")
	errOn     = Malformed("on must be true or false")
	errText   = Malformed("text must have at most 4096 bytes")
)

// moderate understands the members of what a moderator does.
func (r *reading) moderate(m *members) {
	switch r.T {
	case TypeKick, TypeMute, TypeUnmute, TypeBan, TypeUnban:
		r.Nick = r.text(m.nick, 0, errNick)
		r.require(r.Nick != "", errNoNick)
	case TypeDelete:
		r.Mid = r.text(m.mid, MaxMid, errMid)
		r.require((r.Mid != "") != isGiven(m.conv), errWhich)
		if isGiven(m.conv) {
			r.conv(m.conv)
			r.Seq = r.integer(m.seq, errSeq)
		}
	case TypeReadOnly:
		r.On = string(m.on) == "true"
		r.require(r.On || string(m.on) == "false", errOn)
	case TypeMotd:
		r.require(len(m.text) <= MaxMotd, errText)
		if isGiven(m.text) {
			r.Text = m.text.Clone()
		}
		return
	}
	switch r.T {
	case TypeMute, TypeUnmute:
		r.Room = r.text(m.room, 0, errRoom)
	case TypeReadOnly:
		r.Room = r.text(m.room, 0, errRoom)
		r.require(r.Room != "", errNoRoom)
	}
	if r.T == TypeMute || r.T == TypeBan {
		r.lasting(m.forMs)
	}
	r.Reason = r.text(m.reason, MaxReason, errReason)
}

// lasting is for how long something is in force.
func (r *reading) lasting(v jsontext.Value) {
	if !isGiven(v) {
		return
	}
	ms, err := strconv.ParseUint(string(v), 10, 63)
	ok := err == nil && ms <= uint64(MaxFor.Milliseconds())
	if r.require(ok, errFor); ok {
		r.For = time.Duration(ms) * time.Millisecond
	}
}

// AppendDone answers what a moderator has done.
func AppendDone(b, id []byte) []byte { return append(appendID(append(b, `{"t":"done"`...), id), '}') }

// AppendDeleted appends the push that a message is gone.
func AppendDeleted(b []byte, conv Conv, seq uint64, mid string) []byte {
	b = appendConv(append(b, `{"t":"deleted"`...), conv)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, seq, 10)
	b = append(b, `,"mid":`...)
	return append(AppendString(b, mid), '}')
}

// AppendMotd appends the push of a new message of the day, a JSON value on one line; nil: there is none any more.
func AppendMotd(b, text []byte) []byte {
	return append(appendMotd(append(b, `{"t":"motd"`...), text), '}')
}

func appendMotd(b, text []byte) []byte {
	b = append(b, `,"motd":`...)
	if text == nil {
		return append(b, `null`...)
	}
	return appendLine(b, text)
}
