package ledger

import (
	"fmt"
	"sync"
	"time"
)

// maxSeconds bounds the table of a talker, 4 bytes a second. What is sent later counts as sent in the last second.
const maxSeconds = 1 << 20

// Sent numbers the messages of the users [from, to), who are one worker's, and remembers in which second each broadcast
// was sent. Its methods may be called from any goroutine.
type Sent struct {
	grid     *grid
	from, to int

	mu     sync.Mutex // guards what follows
	direct []uint32   // by sender and slot: numbers given out
	rooms  []uint32   // by room and talker, as grid.voice: the same; only the own users' are in use
	talks  []*talk    // by chat and slot, as grid.talker; nil for a talker of another worker
	total  int64
}

// talk is the broadcast stream of one talker.
type talk struct {
	last  uint32   // number given out
	first []uint32 // by second of the run: the first number sent in it or later
}

// at is the first number that was sent in a second of the run or later; it may not have been sent yet.
func (t *talk) at(second int64) uint32 {
	switch {
	case second < 0:
		return 1
	case second >= int64(len(t.first)):
		return t.last + 1
	}
	return t.first[second]
}

// NewSent makes the numbering of the users [from, to).
func NewSent(shape Shape, from, to int) (*Sent, error) {
	if err := shape.Validate(); err != nil {
		return nil, err
	}
	if from < 0 || from > to || to > shape.Users {
		return nil, fmt.Errorf("ledger: senders [%d, %d) of %d users", from, to, shape.Users)
	}
	g := newGrid(shape)
	s := &Sent{grid: g, from: from, to: to, direct: make([]uint32, (to-from)*g.contacts), talks: make([]*talk, len(g.talker))}
	s.rooms = make([]uint32, len(g.voice))
	for i, u := range g.talker {
		if u != nobody && from <= int(u) && int(u) < to {
			s.talks[i] = &talk{}
		}
	}
	return s, nil
}

// Next gives the next message of a stream its number. Slot is that of [Shape.Talker], [Shape.Contact] or
// [Shape.RoomSlot]; at is when the message is really sent, on the run's clock, which is 0 when the run starts. It panics
// if the stream is not one of these users'.
func (s *Sent) Next(sender int, kind Kind, slot int, at int64) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total++
	if n := s.stream(sender, kind, slot); n != nil {
		*n++
		return *n
	}
	t := s.talk(sender, kind, slot)
	second := min(max(at, 0)/int64(time.Second), maxSeconds-1)
	for int64(len(t.first)) <= second {
		t.first = append(t.first, t.last+1)
	}
	t.last++
	return t.last
}

// Undo takes the last number of a stream back, since its message could not be sent: the stream's next message gets it.
// No other number of the stream may have been given since.
func (s *Sent) Undo(sender int, kind Kind, slot int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if n := s.stream(sender, kind, slot); n != nil {
		*n--
		return
	}
	t := s.talk(sender, kind, slot)
	t.last--
	for i := len(t.first) - 1; i >= 0 && t.first[i] > t.last+1; i-- {
		t.first[i] = t.last + 1
	}
}

// Count is how many messages were sent.
func (s *Sent) Count() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// stream is the number given out last of a stream that has no table of its seconds, nil for a broadcast.
func (s *Sent) stream(sender int, kind Kind, slot int) *uint32 {
	isOwn := sender >= s.from && sender < s.to
	switch {
	case kind == Broadcast:
		return nil
	case kind == Direct && isOwn && slot >= 0 && slot < s.grid.ContactSlots(s.grid.Chat(sender)):
		return &s.direct[(sender-s.from)*s.grid.contacts+slot]
	case kind == Room && isOwn && slot >= 0 && slot < s.grid.voices:
		if i := s.grid.inRoom(sender, slot); int(s.grid.voice[i]) == sender {
			return &s.rooms[i]
		}
	}
	panic(fmt.Sprintf("ledger: user %d sends nothing here of kind %v on slot %d", sender, kind, slot))
}

func (s *Sent) talk(sender int, kind Kind, slot int) *talk {
	if kind == Broadcast && slot >= 0 && slot < s.grid.talkers {
		i := s.grid.Chat(sender)*s.grid.talkers + slot
		if t := s.talks[i]; t != nil && int(s.grid.talker[i]) == sender {
			return t
		}
	}
	panic(fmt.Sprintf("ledger: user %d sends nothing here of kind %v on slot %d", sender, kind, slot))
}
