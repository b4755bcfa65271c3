package room

import (
	"time"

	"throng/room/event"
	"throng/room/history"
)

const (
	// helloWait is how long a client that has its nick may take to say hello; until then what comes for it is held back,
	// since it may be missing what came before.
	helloWait = 500 * time.Millisecond
	// proofWait is how long one may take whose nick belongs to a claim that can come back.
	proofWait = 5 * time.Second
)

// hello passes a hello on. The loop calls it.
func (s *Session) hello(in event.In) {
	if bad := s.present(in.Token); bad != nil {
		s.refuseToken(in.ID, bad)
		return
	}
	grant := s.grant.Load()
	l := hello{session: s, in: in}
	for name := range in.Pos {
		conv, bad := event.ParseConv(name)
		if bad != nil || conv.Kind != event.ConvRoom {
			continue
		}
		// A position in a room is the wish to be there again. Where that cannot be nothing is recovered.
		if room, bad := ParseNick(conv.Name); bad == nil && room.Key != everywhere && grant.mayJoin(room) == nil && (len(s.rooms) < s.hub.config.MaxRooms || s.rooms[room.Key].Key != "") {
			if s.rooms == nil {
				s.rooms = map[string]Nick{}
			}
			room = s.hub.places.name(room)
			s.rooms[room.Key] = room
			l.rooms = append(l.rooms, room)
		} else if room.Key != everywhere {
			in.Pos[name] = event.Position{}
		}
	}
	if s.claim() == 0 && s.before != nil && opens(s.before, in.Resume) {
		s.self.Store(selfOf(s.before)) // what it says right behind the hello is said by this one; the shard has the last word
	}
	s.shard.mail.put(l)
}

// hello is what a client says first: whom it speaks for, and what it has.
type hello struct {
	session *Session
	in      event.In
	rooms   []Nick // to be joined
}

func (l hello) open(s *shard) {
	session := l.session
	if session.isGone {
		return
	}
	s.letIn(session, l.in.Resume, func(isIn bool) {
		if isIn {
			l.greet(s)
		} else {
			s.turnAway(session)
		}
	})
}

// turnAway closes a session that may not have its nick.
func (s *shard) turnAway(session *Session) {
	switch {
	case !s.hub.isByToken():
		session.peer.Close(event.CloseInUse, "the nick is in use")
	case session.grant.Load() == nil:
		bad := s.hub.refuseNoToken()
		s.reply(session, event.AppendErr(nil, nil, bad))
		session.peer.Close(event.CloseToken, bad.Message)
	default:
		session.peer.Close(event.CloseInUse, errTooMany(session.nick).Message)
	}
}

// greet brings somebody who has said hello up to date.
func (l hello) greet(s *shard) {
	session := l.session
	session.hold()
	s.speak(session)
	for _, room := range l.rooms {
		s.joinRoom(session, room)
	}
	p := session.person
	fresh := !p.returns()
	if session.secret == "" && !isOwned(&p.claim) {
		session.secret = l.in.Resume
		if fresh {
			session.secret, p.claim.Secret = newSecret()
		}
	}
	isBack := p.claim.Away > 0
	p.claim.Away = 0
	claim := p.claim
	save := s.hub.save(p)
	s.hub.apart(func() {
		failed := s.hub.followAll(claim.ID, l.rooms)
		if failed == nil && (fresh || isBack) {
			failed = save()
			s.hub.check(failed)
		}
		s.mail.put(welcome{session, p, l.in.ID, failed, fresh, s.hub.recover(claim, fresh, l.in.Pos)})
	})
}

// admitAs gives a waiting session its nick: to the claim that the secret opens, or to a new one when nobody else has a
// right to the nick any more. last is who had the nick last, by the log. It reports whether it could.
func (s *shard) admitAs(session *Session, resume string, last *history.Claim) bool {
	if s.hub.isByToken() {
		if !s.share(session, last) {
			return false
		}
		s.enter(session)
		return true
	}
	p := s.person(session.nick.Key, last)
	switch {
	case p != nil && opens(&p.claim, resume):
		for _, old := range s.expel(p) {
			old.letGo()
		}
		if s.people[p.claim.Key] != p {
			s.people[p.claim.Key] = p
		}
		session.person, p.sessions = p, []*Session{session}
		session.self.Store(&p.self)
	case p != nil && p.isTaken(time.Now()):
		return false
	default:
		s.replace(p, session)
	}
	s.enter(session)
	return true
}

// silent says that a client's first frame is no hello, or that none came in time.
type silent struct{ session *Session }

func (l silent) open(s *shard) {
	session := l.session
	if session.isGone {
		return
	}
	s.letIn(session, "", func(isIn bool) {
		if isIn {
			s.speak(session)
			s.arrive(session.person)
		} else {
			s.turnAway(session)
		}
	})
}

// speak notes that it is known what a session wants; from the first time on it gets what comes.
func (s *shard) speak(session *Session) {
	if session.isNew {
		session.isNew = false
		s.unhold(session)
	}
}

// welcome is the answer to a hello, with what was missed.
type welcome struct {
	session *Session
	person  *person // that it is, or was when it said hello
	id      []byte
	failed  error // the claim could not be stored
	isFresh bool  // it has its secret since this hello
	missed  missed
}

func (l welcome) open(s *shard) {
	session := l.session
	if session.isGone || session.person == nil {
		if l.isFresh {
			s.unmake(l.person)
		}
		s.unfollow(session)
		return
	}
	if l.failed != nil {
		if l.isFresh {
			session.person.claim.Secret, session.secret = nil, "" // nobody was told it: the nick is not kept
		}
		s.reply(session, event.AppendErr(nil, l.id, event.Unavailable("the claim could not be stored", retryAfter)))
		session.peer.Close(event.CloseFull, "the claim could not be stored")
		return
	}
	session.giveNumber()
	h, tariff := s.hub, s.hub.rates.tariff.Load()
	s.fit(session, &l.missed)
	for _, isRecovered := range l.missed.recovered {
		h.metrics.recover(isRecovered)
	}
	s.reply(session, event.AppendWelcome(nil, &event.Welcome{
		IsModerator: session.isModerator(), Motd: h.motd(),
		ID: l.id, Nick: session.name(), Session: session.id(), Resume: session.secret,
		Epoch: h.config.Log.Epoch(), Online: h.places.count(everywhere), Ping: h.config.Ping, Recovered: l.missed.recovered,
		Expires: session.grant.Load().expires(),
		Limits: event.Limits{
			MaxMessage: h.config.MaxMessage, MaxRooms: h.config.MaxRooms, Rate: tariff.rate, Burst: tariff.burst,
		},
	}))
	s.tellMissed(session, l.missed)
	s.unhold(session)
}

// unmake forgets a claim whose session was gone before it was told the secret: nobody can come back to it.
func (s *shard) unmake(p *person) {
	if len(p.sessions) > 0 {
		return
	}
	p.claim.Secret = nil
	s.hub.drop(p)
	if s.people[p.claim.Key] == p {
		s.forget(p)
	}
}

// held is what comes for a session while it is being told what it missed.
type held struct {
	waits   int // for so many answers with missed messages
	parcels []*parcel
	bytes   int64
	later   []letter // that come after the answers
}

// before is a position in a conversation, seq or lower, behind which all comes that is held.
func (h *held) before(conv event.Conv, seq uint64) uint64 {
	if h == nil {
		return seq
	}
	for _, p := range h.parcels {
		if p.class == chat && p.conv == conv {
			return min(seq, p.seq-1)
		}
	}
	return seq
}

// maxHeld bounds what is held for one session, in bytes; when more comes all of it becomes a gap.
const maxHeld = 1 << 20

// hold has all that comes for the session wait for one more answer.
func (s *Session) hold() {
	if s.held == nil {
		s.held = &held{}
	}
	s.held.waits++
}

// unhold ends one hold. After the last the session gets what was held.
func (s *shard) unhold(session *Session) {
	h := session.held
	if h == nil {
		return
	}
	if h.waits--; h.waits > 0 {
		return
	}
	session.held = nil
	isGap := session.lag != nil // of what came after these, when there was no more room
	for _, p := range h.parcels {
		if isGap && !session.isTold(p) {
			s.miss(session, p)
		} else {
			s.deliver(session, p)
		}
	}
	for i, l := range h.later {
		l.open(s)
		if session.held != nil {
			session.held.later = append(session.held.later, h.later[i+1:]...)
			return
		}
	}
}

// isTold reports whether a message came with what the session had missed: it was stored by then and yet under way. The
// first that is newer ends that for its conversation.
func (s *Session) isTold(p *parcel) bool {
	upTo, ok := s.told[p.conv]
	if !ok || p.class != chat {
		return false
	}
	if p.seq > upTo {
		delete(s.told, p.conv)
		return false
	}
	return true
}
