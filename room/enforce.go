package room

import (
	"context"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"throng/room/event"
)

// admits is why somebody who wants to come in under a nick, by its key, may not; nil: they may. It waits until it is known what is in
// force.
func (h *Hub) admits(nick string, addr netip.Addr) *event.Error {
	if bad := h.rulings.await(context.Background()); bad != nil {
		return bad
	}
	return h.rulings.inForce().refusal(nick, addr, time.Now())
}

// Banned is why nothing is to be served to an address; nil: all is. The error has a Status, 403.
func (h *Hub) Banned(addr netip.Addr) error {
	if bad := h.admits("", addr); bad != nil {
		return bad
	}
	return nil
}

// silence is why the session may not speak to a nick or, to "", in a room; nil: it may. The loop calls it.
func (s *Session) silence(to string, room Nick) *event.Error {
	grant := s.grant.Load()
	bad := grant.mayWrite(room)
	if to != "" {
		bad = grant.mayDirect()
	}
	if bad != nil {
		return bad
	}
	where := room.Key
	if where == "" && to == "" {
		where = everywhere
	}
	return s.hub.rulings.inForce().silence(s.nick.Key, where, s.isModerator(), time.Now())
}

// motd is what everybody is told who comes in, a JSON value; nil: nothing.
func (h *Hub) motd() []byte {
	if a := h.rulings.inForce().motd; a != nil {
		return a.Text
	}
	return nil
}

func (s *Session) isModerator() bool {
	grant := s.grant.Load()
	return grant != nil && grant.Moderator
}

// enforce has an act take effect on those who are there. It does not wait.
func (h *Hub) enforce(e *entry) {
	switch e.Kind {
	case ActKick:
		h.evict(eviction{key: keyOf(e.Nick), why: e.notice(time.Now())})
	case ActDelete:
		h.unsay(e.message())
	case ActMotd:
		h.spread(Nick{}, h.edict(event.Everyone(), event.AppendMotd(nil, e.Text)))
	case ActBan:
		if e.Nick != "" {
			h.evict(eviction{key: keyOf(e.Nick), why: e.notice(time.Now())})
			return
		}
		for _, s := range h.shards {
			s.mail.leave([]letter{clearance{&e.Act}})
		}
	}
}

func (h *Hub) evict(l eviction) { h.shardOf(l.key).mail.leave([]letter{l}) }

// eviction sends away who has a nick.
type eviction struct{ key, why string }

func (l eviction) open(s *shard) {
	p := s.people[l.key]
	if p == nil {
		return
	}
	for session := range p.here() { // who comes is asked again: see shard.enter
		s.sendAway(session, l.why)
	}
}

// clearance sends away who is at a banned address.
type clearance struct{ ban *Act }

func (l clearance) open(s *shard) {
	why := l.ban.notice(time.Now())
	for _, m := range s.everyone.members {
		if m != nil && l.ban.Addr.Contains(m.session.addr.WithZone("")) {
			s.sendAway(m.session, why)
		}
	}
}

// sendAway tells a client why, and closes its connection.
func (s *shard) sendAway(session *Session, why string) {
	if session.dialect == tutorial {
		s.send(session, session.word(event.AppendString(nil, why)))
	}
	session.peer.Close(event.CloseOrigin, shorten(why, maxCloseReason))
}

// maxCloseReason is how many bytes a close frame has for a reason (RFC 6455, section 5.5).
const maxCloseReason = 123

// shorten cuts a text so that it has at most so many bytes, and whole characters.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	text = text[:most-len("…")]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return strings.TrimRight(text, " ") + "…"
}
