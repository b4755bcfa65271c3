package event

import (
	"strconv"
	"time"
)

// What the server says by itself, besides msg. Conversations are named from the reader's side.

// MaxChanges is how many nicks a list of a presence push may have. Who merges changes cuts them there.
const MaxChanges = 50

// AppendPresenceChange appends the push of who came to a conversation and who left it, and how many are there now. The
// lists may be cut, the count is exact.
func AppendPresenceChange(b []byte, conv Conv, count int, joined, left []string) []byte {
	b = appendConv(append(b, `{"t":"presence"`...), conv)
	b = appendRoom(b, conv)
	b = append(b, `,"count":`...)
	b = strconv.AppendInt(b, int64(count), 10)
	b = append(b, `,"joined":`...)
	b = appendStrings(b, joined)
	b = append(b, `,"left":`...)
	return append(appendStrings(b, left), '}')
}

// AppendTyping appends that somebody is typing. to is the recipient's nick in a direct conversation, else "".
func AppendTyping(b []byte, conv Conv, from, to string) []byte {
	b = appendConv(append(b, `{"t":"typing"`...), conv)
	b = append(b, `,"from_user":`...)
	b = AppendString(b, from)
	if to != "" {
		b = append(b, `,"to_user":`...)
		b = AppendString(b, to)
	}
	return append(appendRoom(b, conv), '}')
}

// AppendRecv appends that all up to seq was delivered to from.
func AppendRecv(b []byte, conv Conv, from string, seq uint64) []byte {
	return appendReceipt(append(b, `{"t":"recv"`...), conv, from, seq)
}

// AppendRead appends that from has read all up to seq.
func AppendRead(b []byte, conv Conv, from string, seq uint64) []byte {
	return appendReceipt(append(b, `{"t":"read"`...), conv, from, seq)
}

func appendReceipt(b []byte, conv Conv, from string, seq uint64) []byte {
	b = appendConv(b, conv)
	b = append(b, `,"from_user":`...)
	b = AppendString(b, from)
	b = append(b, `,"seq":`...)
	return append(strconv.AppendUint(b, seq, 10), '}')
}

// AppendGap appends that the messages from one seq to another, both included, were not sent: the client finds them in the
// history.
func AppendGap(b []byte, conv Conv, from, to uint64) []byte {
	b = appendConv(append(b, `{"t":"gap"`...), conv)
	b = append(b, `,"from":`...)
	b = strconv.AppendUint(b, from, 10)
	b = append(b, `,"to":`...)
	return append(strconv.AppendUint(b, to, 10), '}')
}

// AppendBye appends the word before a planned close. The wait is written in milliseconds, rounded up, for the codes
// after which a client reconnects.
func AppendBye(b []byte, code uint16, retryAfter time.Duration) []byte {
	b = append(b, `{"t":"bye","code":`...)
	b = strconv.AppendUint(b, uint64(code), 10)
	if Reconnects(code) {
		b = appendRetryAfter(b, retryAfter)
	}
	return append(b, '}')
}
