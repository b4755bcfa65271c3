package room

import (
	"throng/room/event"
)

// isOfPeople is that a conversation of the log is one of people, and not one that the server keeps for itself.
func isOfPeople(stored string) bool {
	_, isDirect := otherSide(stored, 0)
	return stored == convEveryone || isDirect || len(stored) > len(convRoom("")) && stored[:len(convRoom(""))] == convRoom("")
}

// erase finds the message that an entry deletes, and removes what it says. It reads and writes the log.
func (h *Hub) erase(e *entry) *event.Error {
	m, ok, err := h.config.Log.Find(e.Mid)
	if h.check(err); err != nil {
		return errNoLook
	}
	if !ok || !isOfPeople(m.Conv) {
		return errNoMessage
	}
	e.Conv, e.Place, e.Claim, e.From, e.To, e.In = m.Conv, m.Seq, m.Claim, m.From, m.To, m.Room
	if h.logged(h.config.Log.Erase(m.Conv, m.Seq)) != nil {
		return errNotRecorded
	}
	return nil
}

// unsay tells readers that a message is gone. What this node remembers of it is forgotten before; in a cluster that may wait.
func (h *Hub) unsay(e *entry) {
	if h.cluster == nil {
		h.tellUnsaid(e)
		return
	}
	h.apart(func() {
		h.check(h.config.Log.Erase(e.Conv, e.Place))
		h.tellUnsaid(e)
	})
}

func (h *Hub) tellUnsaid(e *entry) {
	h.recent.forget()
	if _, isDirect := otherSide(e.Conv, e.Claim); isDirect {
		to, from := keyOf(e.To), keyOf(e.From)
		h.shardOf(to).mail.leave([]letter{unsaid{to, e}})
		if from != to {
			h.shardOf(from).mail.leave([]letter{unsaid{from, e}})
		}
		return
	}
	room, conv := Nick{}, event.Everyone()
	if e.In != "" {
		room = h.places.name(Nick{e.In, keyOf(e.In)})
		conv = event.Room(room.Name)
	}
	h.spread(room, h.edict(conv, event.AppendDeleted(nil, conv, e.Place, e.Mid)))
}

// edict is what moderators have everybody told, in version 2.
func (h *Hub) edict(conv event.Conv, text []byte) *parcel {
	p := &parcel{class: edict, conv: conv}
	p.frames[version2] = h.config.Wire.Message(false, text)
	return p
}

// spread gives a parcel to everybody, or to those in a room, behind what was said before. It never waits.
func (h *Hub) spread(room Nick, p *parcel) {
	for i, shard := range h.shards {
		if room.Key == "" || h.places.has(room.Key, i) {
			shard.backlog.Add(p.cost())
			shard.mail.leave([]letter{delivery{room.Key, p}})
		}
	}
}

// unsaid is a direct message that is gone, for the one who bears a nick: its sender, or its recipient.
type unsaid struct {
	key   string
	entry *entry
}

func (l unsaid) open(s *shard) {
	p, e := s.people[l.key], l.entry
	if p == nil {
		return
	}
	conv := event.Direct(e.From)
	if peer, _ := otherSide(e.Conv, e.Claim); p.claim.ID == e.Claim && p.claim.ID != peer {
		conv = event.Direct(e.To)
	} else if p.claim.ID != peer {
		return
	}
	parcel := s.hub.edict(conv, event.AppendDeleted(nil, conv, e.Place, e.Mid))
	for session := range p.here() {
		s.deliver(session, parcel)
	}
}
