package room

import "throng/room/event"

// letter is what a shard can be told. Its open is called by whoever is at work on the shard.
type letter interface{ open(*shard) }

// claim asks for a nick; the answer is nil or why not.
type claim struct {
	session *Session
	answer  chan<- *event.Error
}

func (l claim) open(s *shard) {
	key := l.session.nick.Key
	if s.sessions[key] != nil {
		l.answer <- errInUse(l.session.nick)
		return
	}
	s.sessions[key] = l.session
	l.answer <- nil
}

// enter makes a session a member: it gets what is said from now on.
type enter struct{ session *Session }

func (l enter) open(s *shard) {
	l.session.since = s.taken
	l.session.index = len(s.members)
	s.members = append(s.members, l.session)
	s.hub.online.Add(1)
}

// leave ends a session.
type leave struct{ session *Session }

func (l leave) open(s *shard) {
	key, i := l.session.nick.Key, l.session.index
	if s.sessions[key] == l.session {
		delete(s.sessions, key)
	}
	if i < 0 {
		return
	}
	l.session.index = -1
	s.hub.online.Add(-1)
	if s.walk.end > 0 {
		s.members[i] = nil // moving another here would hide it from the walk
		s.holes++
		return
	}
	last := len(s.members) - 1
	s.members[i] = s.members[last]
	s.members[i].index = i
	s.members[last] = nil
	s.members = s.members[:last]
}

// broadcast is a message to everyone.
type broadcast struct{ frame Frame }

func (l broadcast) open(s *shard) {
	s.taken++
	s.pending = append(s.pending, l.frame)
}

// direct is a message to one nick.
type direct struct{ post }

func (l direct) open(s *shard) {
	s.relieve(l.cost())
	to := s.sessions[l.to.Key]
	if to != nil && to.index >= 0 {
		text := event.AppendTutorial(nil, l.from.nick.Name, to.nick.Name, l.message)
		if s.send(to, s.hub.config.Wire.Message(false, text)) {
			return
		}
	}
	l.from.shard.mail.put(notice{l.from, errNobody(l.to.Name).Message})
}

// notice is a word of the server to one session.
type notice struct {
	to     *Session
	reason string
}

func (l notice) open(s *shard) {
	l.to.tell(l.reason)
	l.to.peer.Flush()
}

// settle asks to be told when all broadcasts that came before it are queued for their members. settled has room for every shard.
type settle struct{ settled chan<- struct{} }

func (l settle) open(s *shard) {
	if !s.walking() {
		l.settled <- struct{}{}
		return
	}
	s.settling = append(s.settling, settling{l, s.taken})
}
