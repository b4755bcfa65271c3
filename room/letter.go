package room

import (
	"time"

	"throng/room/event"
	"throng/room/history"
)

// letter is what a shard can be told. Its open is called by whoever is at work on the shard.
type letter interface{ open(*shard) }

// claim asks for a nick; the answer is nil or why not. Saved is the last claim of that nick which the log knows. A session
// of version 2 may also be told who can come back to the nick: it has to prove that it is this one.
type claim struct {
	session *Session
	saved   *history.Claim
	answer  chan *event.Error // has room for it
}

func (l claim) open(s *shard) {
	if s.hub.isByToken() {
		if s.share(l.session, l.saved) {
			l.answer <- nil
		} else {
			l.answer <- errTooMany(l.session.nick)
		}
		return
	}
	p := s.person(l.session.nick.Key, l.saved)
	switch {
	case p == nil:
	case p.returns() && l.session.dialect == version2:
		before := p.claim
		l.session.before = &before
		l.session.isFree = !p.isTaken(time.Now())
		l.answer <- nil
		return
	case p.isTaken(time.Now()):
		l.answer <- errInUse(l.session.nick)
		return
	}
	s.replace(p, l.session)
	l.answer <- nil
}

// person is who has a nick, or had it last and can come back; nil for nobody. The latter is not on the list of people.
func (s *shard) person(key string, saved *history.Claim) *person {
	if p := s.people[key]; p != nil {
		return p
	}
	if saved == nil {
		return nil
	}
	p := newPerson(*saved)
	switch {
	case p.claim.Away > 0:
	case s.hub.cluster == nil:
		p.claim.Away = s.hub.begun.UnixMilli() // the server ended before it could be written down
	default:
		p.claim.Away = time.Now().UnixMilli() // its node did, at an unknown time
		save := s.hub.save(p)
		s.hub.apart(func() { s.hub.check(save()) })
	}
	return p
}

// replace gives a nick to a session as a new claim; whoever had it before cannot come back.
func (s *shard) replace(before *person, session *Session) {
	if before != nil && before.returns() {
		s.hub.drop(before)
	}
	p := newPerson(newClaim(session.nick), session)
	session.person = p
	session.self.Store(&p.self)
	s.people[p.claim.Key] = p
}

// enter makes a session that has its nick a member: it gets what is said from now on.
type enter struct{ session *Session }

func (l enter) open(s *shard) {
	session := l.session
	if session.isTaken {
		s.takenOver(session)
		return
	}
	if session.person == nil {
		return // it has to say hello first
	}
	s.enter(session)
	if session.dialect == version2 {
		session.isNew = true
		session.hold()
		return
	}
	s.arrive(session.person)
	if motd := s.hub.motd(); motd != nil {
		s.send(session, session.word(motd))
	}
}

// enter has a session be one of everyone. Who was banned since it was asked whether they may come in is sent away.
func (s *shard) enter(session *Session) {
	s.everyone.add(&session.all)
	s.hub.online.Add(1)
	s.hub.places.enter(theChat, &session.self.Load().nick, s.number)
	s.hub.noteEnter(session)
	if bad := s.hub.rulings.inForce().refusal(session.nick.Key, session.addr, time.Now()); bad != nil {
		s.sendAway(session, bad.Message)
	}
}

// leave ends a session.
type leave struct{ session *Session }

func (l leave) open(s *shard) {
	session := l.session
	if session.isGone {
		return
	}
	session.isGone = true
	if ts := s.hub.traces.Load(); ts != nil {
		ts.closed(session)
	}
	s.hub.speaking[session.dialect].Add(-1)
	s.depart(session)
	p := session.person
	if p == nil || !p.leave(session) || len(p.sessions) > 0 || s.people[p.claim.Key] != p {
		session.letGo()
		return
	}
	s.tellGone(p)
	if !p.returns() {
		s.forget(p)
		session.letGo()
		return
	}
	p.claim.Away = time.Now().UnixMilli()
	save := s.hub.save(p)
	s.hub.apart(func() {
		s.hub.check(save())
		s.mail.put(away{p, session})
	})
}

// depart takes a session out of all crowds.
func (s *shard) depart(session *Session) {
	if session.all.index >= 0 {
		s.everyone.remove(&session.all)
		s.hub.online.Add(-1)
		s.hub.places.leave(everywhere, &session.self.Load().nick, s.number)
		s.hub.noteLeave(session)
	}
	if session.visitor != nil {
		for key := range session.joined {
			s.leaveRoom(session, key)
		}
	}
	session.held, session.lag = nil, nil
	delete(s.lagging, session)
	delete(s.waiting, session)
}

// delivery is a parcel for everyone, or for those of a room.
type delivery struct {
	room   string // key; empty: everyone
	parcel *parcel
}

func (l delivery) open(s *shard) {
	c := &s.everyone
	if l.room != "" {
		if c = s.rooms[l.room]; c == nil {
			s.relieve(l.parcel.cost())
			s.end(l.parcel.stamp)
			return
		}
	}
	s.take(c, l.parcel)
}

// find asks whose the nick of a direct message is, and sends the message on its road or its sender an error.
type find struct{ *post }

func (l find) open(s *shard) { s.look(l.to.Key, func(w *who) { s.address(l.post, w) }) }

// address sends a direct message on its road to whom its nick stands for, or its sender an error.
func (s *shard) address(p *post, to *who) {
	if to == nil || to.failed {
		if p.refusal = errNobody(p.to.Name); to != nil {
			p.refusal = errNotFound
		}
		if p.cid != "" {
			s.hub.road.mail.put(p)
			return
		}
		s.hub.road.giveUp(p)
		p.from.shard.mail.put(notice{p.from, p.id, p.refusal})
		return
	}
	p.peer, p.online, p.node = to.Claim, to.IsOnline, to.Node
	p.to.Name = to.Nick
	p.isAway = p.from.dialect == tutorial && !to.IsOnline
	// Between two who cannot come back nothing is kept: nobody could ask for it.
	p.isFleeting = p.from.dialect == tutorial && to.isHere() && to.Dialect == tutorial && !to.Returns && !s.hub.config.Hooks.Messages
	s.hub.road.mail.put(p)
}

// errNotFound answers a message whose recipient may be there.
var errNotFound = event.Unavailable("the recipient cannot be looked up at present; the message was not sent", retryAfter)

// direct is a message to one claim.
type direct struct{ *post }

func (l direct) open(s *shard) {
	s.relieve(l.cost())
	s.end(l.stamp)
	p := s.people[l.to.Key]
	isTaken, returns := false, l.isAway
	if p != nil && p.claim.ID == l.peer {
		returns = p.returns()
		isTaken = s.give(p, l.stored)
	}
	switch {
	case isTaken || l.from.dialect == version2: // who has acks knows from them
	case returns:
		l.from.shard.mail.put(remark{l.from, waits(l.to.Name)})
	default:
		l.from.shard.mail.put(notice{l.from, nil, errNobody(l.to.Name)})
	}
}

// give gives a direct message to all sessions of its recipient, and reports whether one took it.
func (s *shard) give(to *person, m history.Message) (isTaken bool) {
	if to.claim.ID != m.Claim {
		m.Cid = "" // its sender's own
	}
	parcel := s.hub.message(&m, event.Direct(m.From))
	for session := range to.here() {
		if s.deliver(session, parcel) {
			isTaken = true
		}
	}
	return isTaken
}

// show shows a direct message to the sessions of its sender.
func (s *shard) show(from *person, m *history.Message) {
	parcel := s.hub.echo(m)
	for own := range from.here() {
		if own.dialect == version2 {
			s.deliver(own, parcel)
		}
	}
}

// sent tells a sender of version 2 that its message is stored, and shows a direct one to all its sessions.
type sent struct{ *post }

func (l sent) open(s *shard) {
	from, m := l.from, &l.stored
	if from.caller != nil {
		from.caller <- outcome{receipt: s.hub.receipt(l.post)}
	}
	if l.id != nil && !from.isGone {
		s.hub.metrics.acks.Inc()
		s.reply(from, event.AppendAck(nil, &event.Ack{
			ID: l.id, Cid: m.Cid, Mid: m.Mid, Conv: l.conv(), Seq: m.Seq, Ts: m.Ts, Dur: s.hub.config.Log.Durability(),
			Online: l.online,
		}))
	}
	if s.hub.cluster != nil || l.peer == 0 || l.isKnown || l.peer == l.self.claim {
		return
	}
	// from may have been taken over meanwhile.
	if p := s.people[from.nick.Key]; p != nil && p.claim.ID == l.self.claim {
		s.show(p, m)
	}
}

// arrived is a direct message that the shared log has stored, for the one who bears a nick: its sender, or its recipient.
type arrived struct {
	key     string
	message *history.Message
	cost    int64
	stamp   *stamp // nil in most
}

func (l arrived) open(s *shard) {
	s.relieve(l.cost)
	s.end(l.stamp)
	p, m := s.people[l.key], l.message
	peer, _ := otherSide(m.Conv, m.Claim)
	switch {
	case p == nil:
	case p.claim.ID == peer:
		s.give(p, *m)
	case p.claim.ID == m.Claim:
		s.show(p, m)
	}
}

// notice tells a session what became of something it sent.
type notice struct {
	to  *Session
	id  []byte
	bad *event.Error
}

func (l notice) open(*shard) {
	if l.to.caller != nil {
		l.to.caller <- outcome{bad: l.bad}
		return
	}
	l.to.refuse(l.id, l.bad)
	l.to.peer.Flush()
}

// remark tells a session of the tutorial dialect a word that is no refusal.
type remark struct {
	to   *Session
	text string
}

func (l remark) open(*shard) {
	l.to.tell(l.text)
	l.to.peer.Flush()
}

// reply sends a session an object that is for it alone, whatever waits for it.
func (s *shard) reply(to *Session, text []byte) {
	s.send(to, s.hub.config.Wire.Message(false, text))
}

// settle asks to be told when all that came before it is queued for its recipients. settled has room for every shard.
type settle struct{ settled chan<- struct{} }

func (l settle) open(s *shard) {
	waits := settling{l, map[*crowd]uint64{}}
	for _, c := range s.busy {
		waits.crowds[c] = c.taken
	}
	if len(waits.crowds) == 0 {
		l.settled <- struct{}{}
		return
	}
	s.settling = append(s.settling, waits)
}

// tick is the shard's work of every second.
type tick struct{ now time.Time }

func (l tick) open(s *shard) { s.tick(l.now) }
