package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// SentReport says how many messages each stream has been sent so far, over one worker or several. It is plain data, one
// or two bytes a stream, made to be sent to other processes.
type SentReport struct {
	Parts []SentPart `json:"parts"`
}

// SentPart is what the users [From, To) have sent. All lists are unsigned varints (encoding/binary).
type SentPart struct {
	From int `json:"from"`
	To   int `json:"to"`
	// Direct is the number of messages by user and contact slot.
	Direct []byte `json:"direct,omitempty"`
	// Room is the number of messages of each of the users' talkers in rooms, in the order of rooms and talkers.
	Room []byte `json:"room,omitempty"`
	// Broadcast is, for each of the users' talker slots in the order of chats and slots: a number of seconds, and for
	// each second of the run, from its start on, how many messages were sent in it.
	Broadcast []byte `json:"broadcast,omitempty"`
}

var errReport = errors.New("ledger: a report of messages sent is damaged")

// Report says what was sent so far.
func (s *Sent) Report() SentReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	part := SentPart{From: s.from, To: s.to}
	for u := s.from; u < s.to; u++ {
		for j := range s.grid.ContactSlots(s.grid.Chat(u)) {
			part.Direct = binary.AppendUvarint(part.Direct, uint64(s.direct[(u-s.from)*s.grid.contacts+j]))
		}
	}
	for i, u := range s.grid.voice {
		if part.has(u) {
			part.Room = binary.AppendUvarint(part.Room, uint64(s.rooms[i]))
		}
	}
	for _, t := range s.talks {
		if t == nil {
			continue
		}
		part.Broadcast = binary.AppendUvarint(part.Broadcast, uint64(len(t.first)))
		for i, first := range t.first {
			next := t.last + 1
			if i+1 < len(t.first) {
				next = t.first[i+1]
			}
			part.Broadcast = binary.AppendUvarint(part.Broadcast, uint64(next-first))
		}
	}
	return SentReport{Parts: []SentPart{part}}
}

// has says whether a sender is one of the part's users. Nobody is not.
func (p *SentPart) has(sender uint32) bool {
	return sender != nobody && int(sender) >= p.From && int(sender) < p.To
}

// Merge adds the parts of another report. A part for the same users takes the place of the older one.
func (r *SentReport) Merge(o SentReport) {
	for _, part := range o.Parts {
		same := func(p SentPart) bool { return p.From == part.From && p.To == part.To }
		if i := slices.IndexFunc(r.Parts, same); i >= 0 {
			r.Parts[i] = part
		} else {
			r.Parts = append(r.Parts, part)
		}
	}
}

// sums is a report unpacked. What no part speaks of is 0: nothing is known to have been sent.
type sums struct {
	grid   *grid
	direct []uint32 // by sender and slot
	rooms  []uint32 // by room and talker
	talks  []talk   // by chat and slot
}

// unpack reads a report that may have come from anywhere.
func (r SentReport) unpack(g *grid) (*sums, error) {
	s := &sums{grid: g, direct: make([]uint32, g.Users*g.contacts), talks: make([]talk, len(g.talker))}
	s.rooms = make([]uint32, len(g.voice))
	parts := slices.SortedFunc(slices.Values(r.Parts), func(a, b SentPart) int { return a.From - b.From })
	end := 0
	for _, p := range parts {
		if p.From < end || p.From > p.To || p.To > g.Users {
			return nil, fmt.Errorf("%w: users [%d, %d) after %d of %d", errReport, p.From, p.To, end, g.Users)
		}
		end = p.To
		if err := s.add(p); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *sums) add(p SentPart) error {
	direct, rooms, broadcast := numbers{rest: p.Direct}, numbers{rest: p.Room}, numbers{rest: p.Broadcast}
	for u := p.From; u < p.To; u++ {
		for j := range s.grid.ContactSlots(s.grid.Chat(u)) {
			s.direct[u*s.grid.contacts+j] = direct.next()
		}
	}
	for i, u := range s.grid.voice {
		if p.has(u) {
			s.rooms[i] = rooms.next()
		}
	}
	for i, u := range s.grid.talker {
		if !p.has(u) {
			continue
		}
		t := &s.talks[i]
		for seconds := broadcast.next(); seconds > 0 && !broadcast.bad; seconds-- {
			t.first = append(t.first, t.last+1)
			n := broadcast.next()
			if n >= math.MaxUint32-t.last {
				return errReport
			}
			t.last += n
		}
	}
	for _, list := range []numbers{direct, rooms, broadcast} {
		if list.bad || len(list.rest) > 0 {
			return errReport
		}
	}
	return nil
}

// count is how many messages a stream has been sent. User is the recipient, or the sender, of whom either will do but for
// a direct one.
func (s *sums) count(kind Kind, user, sender, slot int) uint32 {
	switch kind {
	case Broadcast:
		return s.talks[s.grid.chat(user)*s.grid.talkers+slot].last
	case Room:
		return s.rooms[s.grid.inRoom(user, slot)]
	}
	return s.direct[sender*s.grid.contacts+slot]
}

// numbers reads varints.
type numbers struct {
	rest []byte
	bad  bool
}

func (n *numbers) next() uint32 {
	v, size := binary.Uvarint(n.rest)
	if size <= 0 || v > math.MaxUint32 {
		n.bad, n.rest = true, nil
		return 0
	}
	n.rest = n.rest[size:]
	return uint32(v)
}
