package room

import "throng/room/event"

// joining makes a session a member of a room and tells it what it missed there.
type joining struct {
	session *Session
	room    Nick
	id      []byte
	from    event.Position
}

func (l joining) open(s *shard) {
	session := l.session
	if session.isGone || session.person == nil {
		return
	}
	if session.held != nil && len(session.held.later) > 0 {
		session.held.later = append(session.held.later, l) // behind the answer to a leave
		return
	}
	members := s.joinRoom(session, l.room)
	session.hold()
	claim := session.person.claim.ID
	s.hub.apart(func() {
		failed := s.hub.logged(s.hub.follow(l.room))
		if s.hub.cluster != nil {
			if members <= fewPeople {
				s.hub.recount(l.room)
			}
			members = s.hub.places.count(l.room.Key)
		}
		l.room = s.hub.places.name(l.room) // another node may have it by another spelling
		conv, stored := event.Room(l.room.Name), convOf(l.room)
		if l.room.Key == everywhere {
			conv = event.Everyone()
		}
		m := s.hub.newMissed()
		m.key = session.nick.Key
		recovered := l.from.Epoch != "" && s.hub.since(&m, claim, conv, stored, l.from)
		s.mail.put(joined{l, conv, failed, m, &event.Joined{
			ID: l.id, Room: l.room.Name, Members: members, Epoch: s.hub.config.Log.Epoch(), Seq: s.hub.head(stored).Last,
			Recovered: recovered,
		}})
	})
}

// joinRoom makes a session a member of a room, once, and returns how many are known to be there.
func (s *shard) joinRoom(session *Session, room Nick) int {
	if room.Key == everywhere || session.joined[room.Key] != nil {
		return s.hub.places.count(room.Key)
	}
	c := s.rooms[room.Key]
	if c == nil {
		c = &crowd{room: room.Key}
		s.rooms[room.Key] = c
	}
	m := &member{session: session}
	c.add(m)
	if session.joined == nil {
		session.joined = map[string]*member{}
	}
	session.joined[room.Key] = m
	return s.hub.places.enter(room, &session.self.Load().nick, s.number)
}

// joined is the answer to a join, with what was missed.
type joined struct {
	joining
	conv   event.Conv
	failed error // what is said there would not come
	missed missed
	answer *event.Joined
}

func (l joined) open(s *shard) {
	session := l.session
	if session.isGone || session.person == nil {
		return
	}
	if l.failed != nil {
		s.leaveRoom(session, l.room.Key)
		s.reply(session, event.AppendErr(nil, l.id, errCutOff))
		s.unhold(session)
		return
	}
	if !s.fit(session, &l.missed) {
		l.answer.Recovered = false
	}
	if !l.answer.Recovered {
		l.answer.Seq = session.held.before(l.conv, l.answer.Seq)
	}
	if l.from.Epoch != "" {
		s.hub.metrics.recover(l.answer.Recovered)
	}
	if l.id != nil {
		s.reply(session, event.AppendJoined(nil, l.answer))
	}
	s.tellMissed(session, l.missed)
	s.unhold(session)
}

// leaving ends a membership.
type leaving struct {
	session *Session
	room    Nick
	id      []byte
}

func (l leaving) open(s *shard) {
	if l.session.held != nil {
		l.session.held.later = append(l.session.held.later, l) // behind the answer to the join
		return
	}
	s.leaveRoom(l.session, l.room.Key)
	if l.id != nil && !l.session.isGone {
		s.reply(l.session, event.AppendLeft(nil, l.id, l.room.Name))
	}
}

// leaveRoom takes a session out of a room, if it is there.
func (s *shard) leaveRoom(session *Session, key string) {
	m := session.joined[key]
	if m == nil {
		return
	}
	delete(session.joined, key)
	c := s.rooms[key]
	c.remove(m)
	if c.isEmpty() {
		delete(s.rooms, key)
	}
	s.hub.places.leave(key, &session.self.Load().nick, s.number)
}
