package room

import (
	"bytes"
	"context"
	"time"

	"throng/room/event"
)

// object takes one object of a client of version 2. It runs on the loop.
func (s *Session) object(in event.In, bad *event.Error) {
	s.hub.metrics.receivedBy[version2][in.T].Inc()
	if !s.greeted && (bad == nil || s.claim() != 0) {
		s.greeted = true // else it was malformed, and the hello that is needed may follow
		if bad == nil && in.T == event.TypeHello {
			s.hello(in)
			return
		}
		if s.hub.isByToken() && s.grant.Load() == nil {
			s.refuseToken(in.ID, s.hub.refuseNoToken())
			return
		}
		s.shard.mail.put(silent{s}) // it says no hello
	}
	if bad == nil && s.claim() == 0 {
		bad = event.Unavailable("not let in yet: this nick needs a hello with its resume secret", retryAfter)
	}
	if slow := s.allow(); slow != nil {
		bad = slow // also for what is malformed: to say so costs no less
	}
	if bad == nil {
		bad = s.handle(in)
	}
	if bad != nil {
		s.refuse(in.ID, bad)
	}
}

// handle does what an object asks for.
func (s *Session) handle(in event.In) *event.Error {
	switch in.T {
	case event.TypeMsg:
		return s.say(in)
	case event.TypeHello:
		s.hello(in)
	case event.TypeJoin:
		return s.join(in)
	case event.TypeLeave:
		return s.leaveRoom(in)
	case event.TypeHistory:
		return s.history(in)
	case event.TypePresence:
		return s.presence(in)
	case event.TypeTyping:
		return s.typing(in)
	case event.TypeRecv, event.TypeRead:
		return s.receipt(in)
	case event.TypeKick, event.TypeMute, event.TypeUnmute, event.TypeBan, event.TypeUnban, event.TypeDelete, event.TypeReadOnly, event.TypeMotd:
		return s.moderate(in)
	case event.TypePing:
		s.answer(in.ID, func(b []byte) []byte { return event.AppendPong(b, in.ID, time.Now().UnixMilli()) })
	}
	return nil
}

// answer replies to a frame that has an id; without one no reply is wanted.
func (s *Session) answer(id []byte, text func([]byte) []byte) {
	if id != nil {
		s.reply(text(nil))
	}
}

// say puts a message on its road.
func (s *Session) say(in event.In) *event.Error {
	p := &post{from: s, self: s.self.Load(), body: in.Message, id: in.ID, cid: in.Cid}
	s.leaves(p)
	if in.To == "" {
		p.room, p.refusal = s.inRoom(in.Room)
	}
	if p.refusal == nil {
		p.refusal = s.silence(in.To, p.room)
	}
	if p.refusal != nil && p.cid == "" {
		return p.refusal
	}
	if in.To != "" {
		return s.address(p, in.To)
	}
	return s.hub.road.take(p)
}

// inRoom is a room that the session has joined, by its name; the zero Nick is everyone, whose name may be left out.
func (s *Session) inRoom(name string) (Nick, *event.Error) {
	if name == "" {
		return Nick{}, nil
	}
	room, bad := ParseNick(name)
	if bad != nil {
		return Nick{}, badRoom(bad)
	}
	if room.Key == everywhere {
		return Nick{}, nil
	}
	joined, ok := s.rooms[room.Key]
	if !ok {
		return Nick{}, event.Forbidden("join the room first: " + room.Name)
	}
	return s.hub.places.name(joined), nil
}

// badRoom says of a room's name what was found of it as a nick: they keep the same rules.
func badRoom(bad *event.Error) *event.Error {
	return event.Malformed(string(bytes.Replace([]byte(bad.Message), []byte("nick"), []byte("room"), 1)))
}

// join makes the session a member of a room, which exists from then on.
func (s *Session) join(in event.In) *event.Error {
	room, bad := ParseNick(in.Room)
	if bad != nil {
		return badRoom(bad)
	}
	if room.Key == everywhere {
		s.shard.mail.put(joining{s, theChat, in.ID, in.From}) // everyone is there already
		return nil
	}
	if bad := s.grant.Load().mayJoin(room); bad != nil {
		return bad
	}
	if joined, ok := s.rooms[room.Key]; ok {
		room = joined
	} else if len(s.rooms) >= s.hub.config.MaxRooms {
		return event.Forbidden("too many rooms: leave one first")
	}
	if s.rooms == nil {
		s.rooms = map[string]Nick{}
	}
	room = s.hub.places.name(room)
	s.rooms[room.Key] = room
	s.shard.mail.put(joining{s, room, in.ID, in.From})
	return nil
}

// leaveRoom ends a membership. To leave a room that one is not in changes nothing.
func (s *Session) leaveRoom(in event.In) *event.Error {
	room, bad := ParseNick(in.Room)
	if bad != nil {
		return badRoom(bad)
	}
	if room.Key == everywhere {
		return event.Malformed("room:all is everyone's and cannot be left")
	}
	if joined, ok := s.rooms[room.Key]; ok {
		room = joined
		delete(s.rooms, room.Key)
	}
	s.shard.mail.put(leaving{s, room, in.ID})
	return nil
}

// presence answers who is in a room, or in the chat, a page at a time.
func (s *Session) presence(in event.In) *event.Error {
	room, bad := s.inRoom(in.Room)
	if bad != nil {
		return bad
	}
	if room.Key == "" {
		room = theChat
	}
	tell := func() {
		count, users := s.hub.people(context.Background(), room.Key, Part{After: in.AfterNick, Limit: in.Limit})
		s.answer(in.ID, func(b []byte) []byte { return event.AppendPresence(b, in.ID, room.Name, count, users) })
	}
	if s.hub.cluster == nil {
		tell()
		return nil
	}
	s.hub.apart(func() {
		tell()
		s.peer.Flush()
	})
	return nil
}
