package room

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"throng/room/event"
	"throng/room/history"
)

// ownedMark stands in an owned claim, one that belongs to the bearers of a token, where others have the hash of their secret. It is
// the hash of none.
var ownedMark = []byte("token")

// ownedMade is when owned claims count as made: after all others of their nick, on whichever node.
const ownedMade = math.MaxInt64

func isOwned(c *history.Claim) bool { return bytes.Equal(c.Secret, ownedMark) }

// ownedID is the id that the owned claim of a nick has; the n-th if those before it are others' already, since they are short enough
// that one who chooses a nick could find the id of somebody.
func ownedID(key string, n uint64) uint64 {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("owned/"+key+"/"), n))
	return binary.BigEndian.Uint64(sum[:]) | 1 // never 0
}

// ownedClaim is the owned claim of a nick, as the log knows it or as it will be: who makes it at the same time on another node makes
// the same one. It reads the log.
func (h *Hub) ownedClaim(nick Nick) (history.Claim, error) {
	for n := uint64(0); ; n++ {
		id := ownedID(nick.Key, n)
		c, ok, err := h.config.Log.ClaimByID(id)
		switch {
		case err != nil:
			return c, err
		case !ok:
			return history.Claim{ID: id, Nick: nick.Name, Key: nick.Key, Secret: ownedMark, Made: ownedMade, Away: time.Now().UnixMilli()}, nil
		case c.Key == nick.Key && isOwned(&c):
			return c, nil
		}
	}
}

var errNoToken = event.Unauthorized("a token is needed")

// refuseNoToken is errNoToken for somebody who is refused now.
func (h *Hub) refuseNoToken() *event.Error {
	if h.config.OnNoToken != nil {
		h.config.OnNoToken()
	}
	return errNoToken
}

// bearer is why a grant is not for a nick; nil: it is.
func (g *Grant) bearer(nick Nick) *event.Error {
	of, bad := ParseNick(g.Nick)
	switch {
	case bad != nil:
		return event.Malformed("the token's sub is no nick: " + bad.Message)
	case of.Key != nick.Key:
		return event.Unauthorized("the token is for another nick")
	}
	return nil
}

// isByToken reports whether one needs a token to be let in.
func (h *Hub) isByToken() bool { return h.config.Tokens != nil }

// askOwned is ask where one needs a token. One of version 2 may show it with its hello.
func (h *Hub) askOwned(s *Session, g *Grant) *event.Error {
	switch {
	case g != nil:
		if bad := g.bearer(s.nick); bad != nil {
			return bad
		}
	case s.dialect == tutorial:
		return h.refuseNoToken()
	}
	saved, err := h.ownedClaim(s.nick)
	if err == nil && g != nil {
		s.holds, err = h.holdOwned(s.nick.Key)
	}
	if h.check(err); err != nil {
		return errNoLookUp
	}
	if g == nil {
		s.before = &saved
		return nil
	}
	return h.apply(claim{session: s, saved: &saved})
}

// holdOwned takes a nick for this node, unless another has it: then those of this node are guests, see doc.go. Who holds it ends that
// with letGo.
func (h *Hub) holdOwned(key string) (isHeld bool, err error) {
	if h.cluster == nil {
		return false, nil
	}
	ctx, cancel := h.asking()
	defer cancel()
	holder, err := h.hold(ctx, key)
	return holder == "" && err == nil, err
}

// isHeld reports whether this node holds the nick of somebody who is here; else they are guests.
func (p *person) isHeld() bool {
	return slices.ContainsFunc(p.sessions, func(s *Session) bool { return s.holds })
}

// takeOver has this node hold the nick of guests, if no other node has it any more.
func (s *shard) takeOver(key string) {
	p := s.people[key]
	if p == nil || len(p.sessions) == 0 || p.isHeld() {
		return
	}
	s.hub.apart(func() {
		isHeld, err := s.hub.holdOwned(key)
		switch s.hub.check(err); {
		case isHeld:
			s.mail.put(hosted{key})
		case err != nil:
			time.AfterFunc(handOver, func() { s.mail.put(outdated{key}) })
		}
	})
}

// hosted says that this node holds a nick for those who were guests.
type hosted struct{ key string }

func (l hosted) open(s *shard) {
	p := s.people[l.key]
	if p == nil || len(p.sessions) == 0 || p.isHeld() {
		s.hub.letGo(l.key)
		return
	}
	for i, session := range p.sessions {
		if session.holds = true; i > 0 {
			s.hub.retain(l.key)
		}
	}
}

// demote makes guests of those whose nick this node has lost, and takes it again if it is free.
func (s *shard) demote(p *person) {
	for _, session := range p.sessions {
		session.letGo()
	}
	s.takeOver(p.claim.Key)
}

// present shows the token of a hello. The session has its grant from then on. The loop calls it.
func (s *Session) present(token string) *event.Error {
	before := s.grant.Load()
	switch {
	case !s.hub.isByToken() || token == "" && before != nil:
		return nil
	case token == "":
		return s.hub.refuseNoToken()
	}
	g, bad := s.hub.config.Tokens(token)
	if bad != nil {
		return bad
	}
	if bad = g.bearer(s.nick); bad != nil && before != nil {
		return event.Forbidden(bad.Message) // it is good, but not here
	} else if bad != nil {
		return bad
	}
	s.grant.Store(g)
	if s.before != nil && s.claim() == 0 {
		s.self.Store(selfOf(s.before)) // what it says right behind the hello is said by this one; the shard has the last word
	}
	for key, room := range s.rooms {
		if g.mayJoin(room) != nil {
			delete(s.rooms, key)
			s.shard.mail.put(leaving{s, room, nil})
		}
	}
	return nil
}

// refuseToken answers a hello whose token is refused. Who was let in with another stays.
func (s *Session) refuseToken(id []byte, bad *event.Error) {
	s.reply(event.AppendErr(nil, id, bad))
	if s.grant.Load() != nil {
		s.shard.mail.put(silent{s})
		return
	}
	code := event.CloseFull
	switch bad.Code {
	case errNoToken.Code:
		code = event.CloseToken
	case event.Malformed("").Code:
		code = event.CloseBadNick
	}
	s.peer.Close(code, bad.Message)
}

// share makes a session one of an owned claim's, whose other sessions stay. It reports whether it could.
func (s *shard) share(session *Session, saved *history.Claim) bool {
	p := s.people[session.nick.Key]
	if p == nil {
		p = newPerson(*saved)
		if p.claim.Away == 0 { // the server, or its node, ended before it could be written down
			p.claim.Away = time.Now().UnixMilli()
		}
		s.people[p.claim.Key] = p
		if s.hub.cluster != nil {
			s.hub.check(s.hub.cluster.Listen(topicNick(p.claim.Key), s.hub.hear))
		}
	}
	if p.claim.ID != saved.ID || len(p.sessions) >= s.hub.config.MaxSessions {
		return false
	}
	p.sessions = append(p.sessions, session)
	session.person = p
	session.self.Store(&p.self)
	return true
}

// arrive writes down that an owned claim is here, whose session says no hello.
func (s *shard) arrive(p *person) {
	if !isOwned(&p.claim) || p.claim.Away == 0 {
		return
	}
	p.claim.Away = 0
	save := s.hub.save(p)
	s.hub.apart(func() { s.hub.check(save()) })
}

// expire closes the sessions of somebody whose tokens have ended.
func (s *shard) expire(p *person, now time.Time) {
	for session := range p.here() {
		g := session.grant.Load()
		if session.isOver || g == nil || g.Ends.IsZero() || now.Before(g.Ends) {
			continue
		}
		session.isOver = true
		if session.dialect == version2 {
			s.reply(session, event.AppendErr(nil, nil, errExpired))
		}
		session.peer.Close(event.CloseToken, errExpired.Message)
	}
}

var errExpired = event.Unauthorized("the token has expired")
