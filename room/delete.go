package room

import (
	"time"

	"throng/room/event"
	"throng/room/history"
)

const (
	// Passing is the conversation of the log that is of use for a while only: see history.Config.
	Passing = convUnsaid
	// unsaidClaim is whose its messages are: nobody's. Those of people are odd.
	unsaidClaim = 4
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

// message is what there was of the message that an entry deletes.
func (e *entry) message() *history.Message {
	return &history.Message{Conv: e.Conv, Seq: e.Place, Mid: e.Mid, Claim: e.Claim, From: e.From, To: e.To, Room: e.In}
}

// takeBack removes what a message says, for who said it. That is no act of moderators and is not in their trail, which people could
// fill otherwise. What it returns has readers told, and is to be put on the road; nil: the message was gone before, and they were.
// It writes the log.
func (h *Hub) takeBack(m *history.Message) (*post, *event.Error) {
	if m.IsErased() {
		return nil, nil
	}
	p := &post{note: &note{unsaid: m, body: []byte("null")}}
	if bad := h.road.reserve(p); bad != nil {
		return nil, bad
	}
	if h.logged(h.config.Log.Erase(m.Conv, m.Seq)) != nil {
		h.road.giveUp(p)
		return nil, errNotRecorded
	}
	return p, nil
}

// unsaidEntry is what the log keeps of a message that was taken back, once. Its cid says which it was. A node of a version that knows of
// no such conversation does not follow it; its webhook takes this for a message that says nothing, in the place of the other.
func unsaidEntry(m *history.Message) *history.Entry {
	return &history.Entry{Message: history.Message{
		Conv: convUnsaid, Claim: unsaidClaim, Cid: m.Mid, From: m.From, To: m.To, Room: m.Room, Body: []byte("null"),
	}}
}

// takenBack is what a webhook is told of it: the same as of a message that moderators delete.
func takenBack(m *history.Message) Act {
	return entry{Act: Act{Kind: ActDelete, Mid: m.Cid, By: m.From}}.actOf(m)
}

// unsay tells readers that a message is gone. What this node remembers of it is forgotten before; in a cluster that may wait.
func (h *Hub) unsay(m *history.Message) {
	if h.cluster == nil {
		h.tellUnsaid(m)
		return
	}
	h.apart(func() {
		h.check(h.config.Log.Erase(m.Conv, m.Seq))
		h.tellUnsaid(m)
	})
}

// What is left of a message that was taken back on another node may come to this one later than the word of it. It is looked for again
// after these times, each twice the one before.
const (
	unsaidSoon = 25 * time.Millisecond
	unsaidLate = 3200 * time.Millisecond
)

// hearUnsaid is unsay for a message that was taken back on whichever node.
func (h *Hub) hearUnsaid(mid string) { h.lookForUnsaid(mid, unsaidSoon) }

func (h *Hub) lookForUnsaid(mid string, again time.Duration) {
	h.apart(func() {
		m, ok, err := h.config.Log.Find(mid)
		h.check(err)
		switch {
		case ok && err == nil:
			h.check(h.config.Log.Erase(m.Conv, m.Seq))
			h.tellUnsaid(&m)
			return
		case again <= unsaidLate:
			time.AfterFunc(again, func() { h.lookForUnsaid(mid, 2*again) })
		}
		h.recent.forget()
	})
}

func (h *Hub) tellUnsaid(m *history.Message) {
	h.recent.forget()
	if ts := h.traces.Load(); ts != nil {
		ts.deleted(m)
	}
	if _, isDirect := otherSide(m.Conv, m.Claim); isDirect {
		to, from := keyOf(m.To), keyOf(m.From)
		h.shardOf(to).mail.leave([]letter{unsaid{to, m}})
		if from != to {
			h.shardOf(from).mail.leave([]letter{unsaid{from, m}})
		}
		return
	}
	room, conv := Nick{}, event.Everyone()
	if m.Room != "" {
		room = h.places.name(Nick{m.Room, keyOf(m.Room)})
		conv = event.Room(room.Name)
	}
	h.spread(room, h.edict(conv, event.AppendDeleted(nil, conv, m.Seq, m.Mid)))
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
	key     string
	message *history.Message
}

func (l unsaid) open(s *shard) {
	p, m := s.people[l.key], l.message
	if p == nil {
		return
	}
	conv := event.Direct(m.From)
	if peer, _ := otherSide(m.Conv, m.Claim); p.claim.ID == m.Claim && p.claim.ID != peer {
		conv = event.Direct(m.To)
	} else if p.claim.ID != peer {
		return
	}
	parcel := s.hub.edict(conv, event.AppendDeleted(nil, conv, m.Seq, m.Mid))
	for session := range p.here() {
		s.deliver(session, parcel)
	}
}
