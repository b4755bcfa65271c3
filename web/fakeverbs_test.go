package web_test

import (
	"encoding/json"
	"slices"
	"strings"
)

// take does what one frame of a client asks for. An error is a frame that no client should send.
func (f *fake) take(c *fakeConn, text []byte) error {
	var in struct {
		post
		T      string  `json:"t"`
		ID     any     `json:"id"`
		Conv   string  `json:"conv"`
		Seq    int64   `json:"seq"`
		Before int64   `json:"before"`
		After  any     `json:"after"`
		Limit  int     `json:"limit"`
		Pos    *[2]any `json:"pos"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	switch in.T {
	case "msg":
		f.say(c, in.ID, in.post)
	case "join":
		f.join(c, in.ID, in.Room, in.Pos)
	case "leave":
		delete(f.rooms[fakeKey(in.Room)], c.claim)
		c.send(frame{"t": "left", "id": in.ID, "room": in.Room})
		f.tellPresence(in.Room, nil, []string{c.claim.nick})
	case "history":
		after, isForward := in.After.(float64)
		f.history(c, in.ID, in.Conv, int64(after), in.Before, in.Limit, isForward)
	case "presence":
		after, _ := in.After.(string)
		users := f.people(in.Room)
		count := len(users)
		if after != "" {
			at := slices.IndexFunc(users, func(nick string) bool { return fakeKey(nick) > fakeKey(after) })
			users = users[max(at, 0):]
			if at < 0 {
				users = nil
			}
		}
		c.send(frame{"t": "presence", "id": in.ID, "room": in.Room, "count": count, "users": users[:min(in.Limit, len(users))]})
	case "typing", "recv", "read":
		f.relay(c, in.T, in.post, in.Conv, in.Seq)
	case "ping":
		c.send(frame{"t": "pong", "id": in.ID, "ts": 1})
	default:
		return errUnknown
	}
	return nil
}

// say stores a message, acknowledges it and delivers it, or does what the day's fault is.
func (f *fake) say(c *fakeConn, id any, in post) {
	if f.refuse != nil {
		f.refuse["t"], f.refuse["id"] = "err", id
		c.send(f.refuse)
		f.refuse = nil
		return
	}
	m := &fakeMessage{conv: "all", from: c.claim, room: in.Room, cid: in.Cid, body: in.Message}
	readers := f.claims
	switch {
	case in.To != "":
		if m.to = f.claims[fakeKey(in.To)]; m.to == nil {
			c.send(frame{"t": "err", "id": id, "code": 404, "message": "no such nick", "retry": false})
			return
		}
		m.conv = directConv(m.from, m.to)
		readers = map[string]*fakeClaim{m.from.key(): m.from, m.to.key(): m.to}
	case in.Room != "":
		members := f.rooms[fakeKey(in.Room)]
		if !members[c.claim] {
			c.send(frame{"t": "err", "id": id, "code": 403, "message": "not a member", "retry": false})
			return
		}
		m.conv = "r/" + fakeKey(in.Room)
		readers = map[string]*fakeClaim{}
		for member := range members {
			readers[member.key()] = member
		}
	}
	m, isNew := f.store(m)
	if f.loseAcks {
		_ = c.Close()
	} else {
		c.send(frame{"t": "ack", "id": id, "cid": m.cid, "mid": "m", "conv": m.nameFor(c.claim), "seq": m.seq, "ts": m.ts,
			"dur": "mem", "online": m.to == nil || m.to.conn != nil})
	}
	if !isNew {
		return
	}
	for _, reader := range readers {
		f.deliver(m, reader)
	}
}

func (f *fake) join(c *fakeConn, id any, room string, pos *[2]any) {
	members := f.rooms[fakeKey(room)]
	if members == nil {
		members = map[*fakeClaim]bool{}
		f.rooms[fakeKey(room)] = members
	}
	members[c.claim] = true
	conv := "r/" + fakeKey(room)
	joined := frame{"t": "joined", "id": id, "room": room, "conv": "room:" + room, "members": len(f.people(room)),
		"epoch": f.epoch, "seq": 0}
	if last := f.lastOf(conv); last != nil {
		joined["seq"] = last.seq
	}
	recovered := pos != nil && pos[0] == f.epoch
	joined["recovered"] = recovered
	c.send(joined)
	if recovered {
		for _, m := range f.after(conv, int64(pos[1].(float64))) {
			f.deliver(m, c.claim)
		}
	}
	f.tellPresence(room, []string{c.claim.nick}, nil)
}

func (f *fake) history(c *fakeConn, id any, name string, after, before int64, limit int, isForward bool) {
	conv, ok := f.storedAs(name, c.claim)
	switch {
	case strings.HasPrefix(name, "dm:") && f.lastOf(conv) == nil:
		c.send(frame{"t": "err", "id": id, "code": 404, "message": "no such conversation", "retry": false})
		return
	case !ok:
		c.send(frame{"t": "err", "id": id, "code": 403, "message": "join first", "retry": false})
		return
	}
	msgs, more := f.page(conv, after, before, limit, isForward)
	frames := make([]frame, len(msgs))
	for i, m := range msgs {
		frames[i] = f.frameFor(m, c.claim)
	}
	c.send(frame{"t": "history", "id": id, "conv": name, "msgs": frames, "more": more})
}

// relay passes on what is not stored.
func (f *fake) relay(c *fakeConn, t string, in post, conv string, seq int64) {
	it := frame{"t": t, "from_user": c.claim.nick}
	if t != "typing" {
		it["seq"] = seq
		in.To = strings.TrimPrefix(conv, "dm:")
	}
	for _, reader := range f.claims {
		switch {
		case reader.conn == nil || reader == c.claim && in.To != "":
		case in.To != "" && reader == f.claims[fakeKey(in.To)]:
			it["conv"] = "dm:" + c.claim.nick
			reader.conn.send(it)
		case in.To == "" && t == "typing" && (in.Room == "all" || f.rooms[fakeKey(in.Room)][reader]):
			it["conv"] = "room:" + in.Room
			reader.conn.send(it)
		}
	}
}
