package event

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// What the server answers to a client's object. Each has the client's id; nil is left out.

// Welcome answers a hello.
type Welcome struct {
	ID        []byte
	Nick      string // as it was normalised
	Session   string
	Resume    string // the secret to come back with; "" = left out
	Epoch     string
	Online    int           // people in the chat
	Ping      time.Duration // between two pings of the server, written in seconds
	Limits    Limits
	Recovered map[string]bool // by conversation, named as the client did; nil is written as {}

	IsModerator bool   // written when it is so
	Motd        []byte // the message of the day, a JSON value on one line; nil = left out
	Expires     int64  // milliseconds since 1970: when the token that was shown ends; 0 = left out
}

// Limits is what a server allows, as the welcome tells. MaxBatch, MaxCid and MaxPage (history_limit) are told with it.
type Limits struct {
	MaxMessage int     // bytes of a frame's text
	MaxRooms   int     // that one may have joined
	Rate       float64 // messages a second of one user; 0 = no limit
	Burst      int     // messages at once, when there is a rate
}

// AppendWelcome appends a welcome.
func AppendWelcome(b []byte, w *Welcome) []byte {
	b = appendID(append(b, `{"t":"welcome"`...), w.ID)
	b = append(b, `,"nick":`...)
	b = AppendString(b, w.Nick)
	b = append(b, `,"session":`...)
	b = AppendString(b, w.Session)
	if w.Resume != "" {
		b = append(b, `,"resume":`...)
		b = AppendString(b, w.Resume)
	}
	if w.Expires != 0 {
		b = append(b, `,"expires":`...)
		b = strconv.AppendInt(b, w.Expires, 10)
	}
	b = append(b, `,"epoch":`...)
	b = AppendString(b, w.Epoch)
	b = append(b, `,"online":`...)
	b = strconv.AppendInt(b, int64(w.Online), 10)
	b = append(b, `,"ping_s":`...)
	b = appendFloat(b, w.Ping.Seconds())
	b = appendLimits(b, w.Limits)
	if w.IsModerator {
		b = append(b, `,"moderator":true`...)
	}
	if w.Motd != nil {
		b = appendMotd(b, w.Motd)
	}
	b = append(b, `,"recovered":{`...)
	for i, name := range slices.Sorted(maps.Keys(w.Recovered)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(AppendString(b, name), ':')
		b = strconv.AppendBool(b, w.Recovered[name])
	}
	return append(b, `}}`...)
}

func appendLimits(b []byte, l Limits) []byte {
	b = append(b, `,"limits":{"max_message":`...)
	b = strconv.AppendInt(b, int64(l.MaxMessage), 10)
	b = append(b, `,"max_batch":`...)
	b = strconv.AppendInt(b, MaxBatch, 10)
	b = append(b, `,"max_cid":`...)
	b = strconv.AppendInt(b, MaxCid, 10)
	b = append(b, `,"max_rooms":`...)
	b = strconv.AppendInt(b, int64(l.MaxRooms), 10)
	b = append(b, `,"history_limit":`...)
	b = strconv.AppendInt(b, MaxPage, 10)
	b = append(b, `,"rate":`...)
	b = appendFloat(b, l.Rate)
	b = append(b, `,"burst":`...)
	b = strconv.AppendInt(b, int64(l.Burst), 10)
	return append(b, '}')
}

// appendFloat appends a number; 0 for what is none in JSON.
func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

// Ack answers a msg that is stored.
type Ack struct {
	ID     []byte
	Cid    string // the client's own id of the message; "" = left out
	Mid    string // the server's
	Conv   Conv   // from the sender's side
	Seq    uint64 // of the message in its conversation
	Ts     int64  // milliseconds since 1970
	Dur    string // how it is stored: mem, os, fsync, quorum
	Online bool   // whether the recipient is there; written for a direct message only
}

// AppendAck appends an ack.
func AppendAck(b []byte, a *Ack) []byte {
	b = appendID(append(b, `{"t":"ack"`...), a.ID)
	if a.Cid != "" {
		b = append(b, `,"cid":`...)
		b = AppendString(b, a.Cid)
	}
	b = append(b, `,"mid":`...)
	b = AppendString(b, a.Mid)
	b = appendConv(b, a.Conv)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, a.Seq, 10)
	b = appendTs(b, a.Ts)
	b = append(b, `,"dur":`...)
	b = AppendString(b, a.Dur)
	if a.Conv.Kind == ConvDirect {
		b = append(b, `,"online":`...)
		b = strconv.AppendBool(b, a.Online)
	}
	return append(b, '}')
}

// Joined answers a join.
type Joined struct {
	ID        []byte
	Room      string // its name as it is shown
	Members   int    // people who are there now, on all nodes
	Epoch     string // names the log that Seq belongs to
	Seq       uint64 // of the room's last message; 0 = there is none
	Recovered bool   // all after the client's position follows
}

// AppendJoined appends a joined.
func AppendJoined(b []byte, j *Joined) []byte {
	b = appendID(append(b, `{"t":"joined"`...), j.ID)
	b = appendRoom(b, Room(j.Room))
	b = appendConv(b, Room(j.Room))
	b = append(b, `,"members":`...)
	b = strconv.AppendInt(b, int64(j.Members), 10)
	b = append(b, `,"epoch":`...)
	b = AppendString(b, j.Epoch)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, j.Seq, 10)
	b = append(b, `,"recovered":`...)
	b = strconv.AppendBool(b, j.Recovered)
	return append(b, '}')
}

// AppendLeft appends the answer to a leave.
func AppendLeft(b, id []byte, room string) []byte {
	b = appendID(append(b, `{"t":"left"`...), id)
	return append(appendRoom(b, Room(room)), '}')
}

// History answers a history. Its size is that of all its messages: who makes one bounds it in bytes and says that there
// is more.
type History struct {
	ID   []byte
	Conv Conv  // the one asked for; each message has its own
	Msgs []Msg // oldest first
	More bool  // there are further ones in the direction asked for
}

// AppendHistory appends a history.
func AppendHistory(b []byte, h *History) []byte {
	b = appendID(append(b, `{"t":"history"`...), h.ID)
	b = appendConv(b, h.Conv)
	b = append(b, `,"msgs":[`...)
	for i := range h.Msgs {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendMsg(b, &h.Msgs[i])
	}
	b = append(b, `],"more":`...)
	b = strconv.AppendBool(b, h.More)
	return append(b, '}')
}

// AppendPresence appends the answer to a presence: how many are in a room, or in that of everyone, and a page of their nicks. The
// next page comes after the last of them.
func AppendPresence(b, id []byte, room string, count int, users []string) []byte {
	b = appendID(append(b, `{"t":"presence"`...), id)
	b = appendRoom(b, Room(room))
	b = append(b, `,"count":`...)
	b = strconv.AppendInt(b, int64(count), 10)
	b = append(b, `,"users":`...)
	return append(appendStrings(b, users), '}')
}

// AppendPong appends the answer to a ping. ts is in milliseconds since 1970.
func AppendPong(b, id []byte, ts int64) []byte {
	b = appendID(append(b, `{"t":"pong"`...), id)
	return append(appendTs(b, ts), '}')
}

// AppendErr appends why something was refused. The wait is written in milliseconds, rounded up, when there is one.
func AppendErr(b, id []byte, err *Error) []byte {
	b = appendID(append(b, `{"t":"err"`...), id)
	b = append(b, `,"code":`...)
	b = strconv.AppendInt(b, int64(err.Code), 10)
	b = append(b, `,"message":`...)
	b = AppendString(b, err.Message)
	b = append(b, `,"retry":`...)
	b = strconv.AppendBool(b, err.Retry)
	if err.RetryAfter > 0 {
		b = appendRetryAfter(b, err.RetryAfter)
	}
	return append(b, '}')
}

// appendRetryAfter appends a wait in whole milliseconds, never too short. A negative one counts as none.
func appendRetryAfter(b []byte, wait time.Duration) []byte {
	ms := max(wait, 0).Milliseconds()
	if time.Duration(ms)*time.Millisecond < wait {
		ms++
	}
	return strconv.AppendInt(append(b, `,"retry_after_ms":`...), ms, 10)
}
