package event

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// members are the values of one object, which refer to the frame; nil where there was none. They are read first and
// understood after, because what a key means depends on t, and t may come last.
type members struct {
	t, id, toUser, room, message, cid, token, resume, pos, conv, seq, before, after, limit jsontext.Value

	nick, mid, reason, forMs, on, text jsontext.Value // what moderators send
}

// take keeps one member. Unknown keys are ignored.
func (m *members) take(name []byte, value jsontext.Value) *Error {
	switch string(name) {
	case "t":
		m.t = value
	case "id":
		m.id = value
	case "to_user":
		m.toUser = value
	case "room":
		m.room = value
	case "message":
		m.message = value
	case "cid":
		m.cid = value
	case "token":
		m.token = value
	case "resume":
		m.resume = value
	case "pos":
		m.pos = value
	case "conv":
		m.conv = value
	case "seq":
		m.seq = value
	case "before":
		m.before = value
	case "after":
		m.after = value
	case "limit":
		m.limit = value
	default:
		m.takeModerators(name, value)
	}
	return nil
}

// takeModerators is take for the keys of what moderators send.
func (m *members) takeModerators(name []byte, value jsontext.Value) {
	switch string(name) {
	case "nick":
		m.nick = value
	case "mid":
		m.mid = value
	case "reason":
		m.reason = value
	case "for_ms":
		m.forMs = value
	case "on":
		m.on = value
	case "text":
		m.text = value
	}
}

var (
	errID        = Malformed("id must be a number or a string, of at most 128 bytes")
	errT         = Malformed("t must be a string")
	errRoom      = Malformed("room must be a string or null")
	errNoRoom    = Malformed("room is missing")
	errBoth      = Malformed("to_user and room cannot both be given")
	errCid       = Malformed("cid must be a string of 1 to 64 bytes")
	errToken     = Malformed("token must be a string of at most 8192 bytes")
	errResume    = Malformed("resume must be a string of at most 256 bytes")
	errPos       = Malformed("a position must be an array of an epoch and a seq")
	errPositions = Malformed("pos must be an object of at most 1000 positions")
	errSeq       = Malformed("seq must be an integer from 0 to 9223372036854775807")
	errBefore    = Malformed("before must be an integer from 0 to 9223372036854775807")
	errAfter     = Malformed("after must be an integer from 0 to 9223372036854775807")
	errAfterNick = Malformed("after must be a string")
	errTwoEnds   = Malformed("before and after cannot both be given")
	errLimit     = Malformed("limit must be an integer")
)

// reading is an In in the making, with the first thing that was wrong.
type reading struct {
	In
	bad *Error
}

// decode understands the members by their t. With an error, T and ID alone are sure.
func (m *members) decode() (In, *Error) {
	var r reading
	r.clientID(m.id)
	r.typ(m.t)
	switch r.T {
	case TypeMsg:
		r.target(m)
		r.message(m.message)
		r.cid(m.cid)
	case TypeTyping:
		r.target(m)
	case TypeHello:
		r.Token = r.text(m.token, MaxToken, errToken)
		r.Resume = r.text(m.resume, MaxResume, errResume)
		r.positions(m.pos)
	case TypeJoin:
		r.Room = r.text(m.room, 0, errRoom)
		r.require(r.Room != "", errNoRoom)
		if isGiven(m.pos) {
			r.From = r.position(m.pos)
		}
	case TypeLeave:
		r.Room = r.text(m.room, 0, errRoom)
		r.require(r.Room != "", errNoRoom)
	case TypeHistory:
		r.page(m)
	case TypePresence:
		r.Room = r.text(m.room, 0, errRoom)
		r.AfterNick = r.text(m.after, 0, errAfterNick)
		r.limit(m.limit)
	case TypeRecv, TypeRead:
		r.conv(m.conv)
		r.Seq = r.integer(m.seq, errSeq)
	case TypeKick, TypeMute, TypeUnmute, TypeBan, TypeUnban, TypeDelete, TypeReadOnly, TypeMotd:
		r.moderate(m)
	}
	return r.In, r.bad
}

// require keeps err, if it is the first, unless ok.
func (r *reading) require(ok bool, err *Error) {
	if !ok && r.bad == nil {
		r.bad = err
	}
}

// isGiven tells a value from null, which stands for an absent key wherever there may be one.
func isGiven(v jsontext.Value) bool { return v != nil && v.Kind() != 'n' }

func (r *reading) clientID(v jsontext.Value) {
	if v == nil {
		return
	}
	if k := v.Kind(); k != '0' && k != '"' || len(v) > MaxID {
		r.require(false, errID)
		return
	}
	r.ID = v.Clone()
}

func (r *reading) typ(v jsontext.Value) {
	if v == nil {
		r.T = TypeMsg
		return
	}
	name, ok := r.textOf(v)
	r.require(ok, errT)
	for t, known := range typeNames {
		if name == known {
			r.T = Type(t)
		}
	}
	if r.T == TypeUnknown {
		r.require(false, Malformed("unknown t: "+strings.ToValidUTF8(name[:min(len(name), 64)], "")))
	}
}

// target is to whom: one nick, one room, or everyone.
func (r *reading) target(m *members) {
	r.To = r.text(m.toUser, 0, errToUser)
	r.Room = r.text(m.room, 0, errRoom)
	r.require(r.To == "" || r.Room == "", errBoth)
}

func (r *reading) message(v jsontext.Value) {
	r.require(v != nil, errMessage)
	r.Message = v.Clone()
}

func (r *reading) cid(v jsontext.Value) {
	if v == nil {
		return
	}
	cid, ok := r.textOf(v)
	r.require(ok && cid != "" && len(cid) <= MaxCid, errCid)
	r.Cid = cid
}

func (r *reading) conv(v jsontext.Value) {
	name, ok := r.textOf(v)
	r.require(ok, errConv)
	conv, err := ParseConv(name)
	r.require(err == nil, err)
	r.Conv = conv
}

// page is which part of a history is asked for.
func (r *reading) page(m *members) {
	r.conv(m.conv)
	r.HasAfter = isGiven(m.after)
	r.require(!r.HasAfter || !isGiven(m.before), errTwoEnds)
	if isGiven(m.before) {
		r.Before = r.integer(m.before, errBefore)
	}
	if r.HasAfter {
		r.After = r.integer(m.after, errAfter)
	}
	r.limit(m.limit)
}

// limit is how long a page may be.
func (r *reading) limit(v jsontext.Value) {
	r.Limit = DefaultPage
	if !isGiven(v) {
		return
	}
	text := string(v)
	isInteger := v.Kind() == '0' && !strings.ContainsAny(text, ".eE")
	r.require(isInteger, errLimit)
	n, _ := strconv.ParseInt(text, 10, 64) // an integer beyond its range becomes the nearest one
	if n != 0 {
		r.Limit = int(min(max(n, 1), MaxPage))
	}
}

// integer is a seq.
func (r *reading) integer(v jsontext.Value, err *Error) uint64 {
	n, bad := strconv.ParseUint(string(v), 10, 63)
	r.require(bad == nil, err)
	return n
}

// text is a string of at most most bytes (0: however many), "" for null and for none.
func (r *reading) text(v jsontext.Value, most int, err *Error) string {
	if !isGiven(v) {
		return ""
	}
	s, ok := r.textOf(v)
	r.require(ok && (most == 0 || len(s) <= most), err)
	return s
}

// positions are those of a hello.
func (r *reading) positions(v jsontext.Value) {
	if !isGiven(v) {
		return
	}
	r.Pos = map[string]Position{}
	bad := eachMember(v, func(name []byte, value jsontext.Value) *Error {
		if len(r.Pos) == MaxPositions {
			return errPositions
		}
		r.Pos[string(name)] = r.position(value)
		return r.bad
	})
	r.require(bad == nil, errPositions)
}

// position is an array of an epoch and a seq.
func (r *reading) position(v jsontext.Value) (p Position) {
	if v.Kind() != '[' {
		r.require(false, errPos)
		return p
	}
	d := borrow(v)
	defer readers.Put(d)
	_, _ = d.ReadToken() // the bracket; v is known to be JSON
	epoch, _ := d.ReadValue()
	name, ok := r.textOf(epoch)
	r.require(ok && name != "" && len(name) <= MaxEpoch, errPos)
	seq, _ := d.ReadValue()
	p = Position{name, r.integer(seq, errPos)}
	r.require(d.PeekKind() == ']', errPos)
	return p
}

// textOf is the text of a JSON string, which must be whole; false for what is none.
func (r *reading) textOf(v jsontext.Value) (string, bool) {
	if v.Kind() != '"' {
		return "", false
	}
	text, isWhole := unquote(v)
	r.require(isWhole, errHalf)
	return string(text), true
}
