package web_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What a fake server knows. All of it is guarded by fake.mu.

// fakeClaim is who a nick is.
type fakeClaim struct {
	id     int
	nick   string
	resume string
	sent   map[string]int64 // the highest seq written to it, by conversation
	conn   *fakeConn        // nil: away
}

func (c *fakeClaim) key() string { return fakeKey(c.nick) }

// fakeKey is how names are compared; the tests use no others.
func fakeKey(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// fakeMessage is a stored message.
type fakeMessage struct {
	conv      string // "all", "r/<room key>", "d/<claim id>/<claim id>"
	seq, prev int64
	ts        int64
	from, to  *fakeClaim
	room      string
	cid       string
	body      json.RawMessage
}

// post is what a client sends to be stored.
type post struct {
	To      string          `json:"to_user"`
	Room    string          `json:"room"`
	Cid     string          `json:"cid"`
	Message json.RawMessage `json:"message"`
}

// directConv names the conversation of two claims.
func directConv(a, b *fakeClaim) string {
	return fmt.Sprintf("d/%d/%d", min(a.id, b.id), max(a.id, b.id))
}

// nameFor is a message's conversation as a reader calls it.
func (m *fakeMessage) nameFor(reader *fakeClaim) string {
	switch {
	case m.conv == "all":
		return "room:all"
	case m.to == nil:
		return "room:" + m.room
	case m.from == reader:
		return "dm:" + m.to.nick
	}
	return "dm:" + m.from.nick
}

// frameFor is a message as a reader gets it.
func (f *fake) frameFor(m *fakeMessage, reader *fakeClaim) frame {
	it := frame{"t": "msg", "conv": m.nameFor(reader), "seq": m.seq, "prev": m.prev, "epoch": f.epoch, "ts": m.ts,
		"mid": fmt.Sprint("m", m.seq), "from_user": m.from.nick, "message": m.body}
	if m.to != nil {
		it["to_user"] = m.to.nick
		if m.from == reader {
			it["cid"] = m.cid
		}
	} else if m.room != "" {
		it["room"] = m.room
	}
	return it
}

// storedAs finds the storage name of a conversation that a claim names; false when it may not see it.
func (f *fake) storedAs(name string, c *fakeClaim) (string, bool) {
	kind, rest, _ := strings.Cut(name, ":")
	switch {
	case name == "room:all":
		return "all", true
	case kind == "room":
		return "r/" + fakeKey(rest), f.rooms[fakeKey(rest)][c] && c.conn != nil
	}
	peer := f.claims[fakeKey(rest)]
	if peer == nil {
		return "", false
	}
	return directConv(c, peer), true
}

// store gives a message its place; the same cid of the same author is the same message.
func (f *fake) store(m *fakeMessage) (it *fakeMessage, isNew bool) {
	for _, old := range f.log {
		if old.from == m.from && m.cid != "" && old.cid == m.cid {
			return old, false
		}
	}
	f.seq++
	m.seq, m.ts = f.seq, time.Now().UnixMilli()
	if last := f.lastOf(m.conv); last != nil {
		m.prev = last.seq
	}
	f.log = append(f.log, m)
	return m, true
}

func (f *fake) lastOf(conv string) *fakeMessage {
	for _, m := range slices.Backward(f.log) {
		if m.conv == conv {
			return m
		}
	}
	return nil
}

// after lists a conversation's messages behind a seq.
func (f *fake) after(conv string, seq int64) (found []*fakeMessage) {
	for _, m := range f.log {
		if m.conv == conv && m.seq > seq {
			found = append(found, m)
		}
	}
	return found
}

// page is what history answers: the messages between two seqs, cut to a limit at the side that was asked for.
func (f *fake) page(conv string, after, before int64, limit int, isForward bool) (msgs []*fakeMessage, more bool) {
	msgs = f.after(conv, after)
	if before > 0 {
		msgs = slices.DeleteFunc(msgs, func(m *fakeMessage) bool { return m.seq >= before })
	}
	more = len(msgs) > limit
	switch {
	case more && isForward:
		msgs = msgs[:limit]
	case more:
		msgs = msgs[len(msgs)-limit:]
	}
	return msgs, more
}

// people lists who is in a room, in order.
func (f *fake) people(room string) []string {
	var nicks []string
	for _, c := range f.claims {
		if c.conn != nil && (room == "all" || f.rooms[fakeKey(room)][c]) {
			nicks = append(nicks, c.nick)
		}
	}
	if room == "all" {
		nicks = append(nicks, f.crowd...)
	}
	slices.SortFunc(nicks, func(a, b string) int { return strings.Compare(fakeKey(a), fakeKey(b)) })
	return nicks
}
