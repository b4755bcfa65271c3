package event

import (
	"bytes"
	"slices"
	"strconv"
)

// Msg is a chat message as one of its readers gets it.
type Msg struct {
	From    string // the sender's nick
	To      string // the recipient's nick, of a direct message
	Conv    Conv   // from the reader's side; for a named room, room is written too
	Message []byte // a JSON value
	Mid     string
	Seq     uint64
	Prev    uint64 // the seq before it in the conversation; 0 = it is the first
	Epoch   string
	Ts      int64  // milliseconds since 1970
	Cid     string // for the sender's own sessions only; "" = left out
	IsGone  bool   // what it said was deleted; Message is not written then
}

// AppendMsg appends the msg that is pushed to a reader. The message stands as it is, except that line breaks between
// its parts become spaces: a line break ends an object of a batch.
func AppendMsg(b []byte, m *Msg) []byte {
	return appendOwn(AppendShared(b, m), m.Conv, m.Cid)
}

// AppendShared appends what all readers of a message have in common, for AppendVariant. Of m.Conv it takes the room, and
// nothing of m.Cid.
func AppendShared(b []byte, m *Msg) []byte {
	b = slices.Grow(b, len(m.Message)+256) // the keys, the numbers, and names of a usual length
	b = append(b, `{"t":"msg","from_user":`...)
	b = AppendString(b, m.From)
	if m.To != "" {
		b = append(b, `,"to_user":`...)
		b = AppendString(b, m.To)
	}
	b = appendRoom(b, m.Conv)
	b = append(b, `,"message":`...)
	if m.IsGone {
		b = append(b, `null,"deleted":true`...)
	} else {
		b = appendLine(b, m.Message)
	}
	b = append(b, `,"mid":`...)
	b = AppendString(b, m.Mid)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, m.Seq, 10)
	b = append(b, `,"prev":`...)
	b = strconv.AppendUint(b, m.Prev, 10)
	b = append(b, `,"epoch":`...)
	b = AppendString(b, m.Epoch)
	return appendTs(b, m.Ts)
}

// AppendVariant appends the msg for one reader: what AppendShared made, the conversation from the reader's side, and,
// for the sender's own sessions, the cid. The result is that of AppendMsg.
func AppendVariant(b, shared []byte, conv Conv, cid string) []byte {
	b = slices.Grow(b, len(shared)+len(conv.Name)+len(cid)+32) // the keys
	return appendOwn(append(b, shared...), conv, cid)
}

// appendOwn ends a msg with what is its reader's own.
func appendOwn(b []byte, conv Conv, cid string) []byte {
	b = appendConv(b, conv)
	if cid != "" {
		b = append(b, `,"cid":`...)
		b = AppendString(b, cid)
	}
	return append(b, '}')
}

// appendLine appends a JSON value on one line. A line break in JSON is white space wherever it stands, since strings have
// it escaped.
func appendLine(b, value []byte) []byte {
	start := len(b)
	b = append(b, value...)
	if bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, '\r') < 0 {
		return b
	}
	for i := start; i < len(b); i++ {
		if b[i] == '\n' || b[i] == '\r' {
			b[i] = ' '
		}
	}
	return b
}

// appendID appends the client's id, if there is one.
func appendID(b, id []byte) []byte {
	if id == nil {
		return b
	}
	return append(append(b, `,"id":`...), id...)
}

// appendConv appends the conversation from the reader's side.
func appendConv(b []byte, c Conv) []byte { return appendQuotedConv(append(b, `,"conv":`...), c) }

// appendRoom appends the room, if it is a named one.
func appendRoom(b []byte, c Conv) []byte {
	if c.Kind != ConvRoom {
		return b
	}
	return AppendString(append(b, `,"room":`...), c.Name)
}

// appendTs appends a time in milliseconds since 1970.
func appendTs(b []byte, ts int64) []byte {
	return strconv.AppendInt(append(b, `,"ts":`...), ts, 10)
}

// appendStrings appends an array of strings.
func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, s)
	}
	return append(b, ']')
}
