package ledger

import (
	"math"
	"slices"
	"time"
)

// A broadcast is owed to those who were connected around the second in which it was sent: from OwedBefore before its
// beginning until OwedAfter after its end.
const (
	OwedBefore = 1 * time.Second
	OwedAfter  = 2 * time.Second
)

// Settle judges every message that was sent so far, as total says, and every recipient of the book. Total may be of some
// workers only, or older than what has come: a message that it does not speak of is not judged, and counts if it was
// delivered. What happened to connections after until, on the run's clock, is left out: who was connected then is taken
// to have stayed.
//
// Settle changes nothing and may be called again, with later totals. A message that is still on its way counts as lost;
// so let things come to rest before. The book is locked meanwhile, about 30 ms for 100,000 streams. Sent counts the
// messages of the book's own users, so that accounts of all workers add up. The error says that total is damaged.
func (b *Book) Settle(total SentReport, until int64) (Account, error) {
	sent, err := total.unpack(b.grid)
	if err != nil {
		return Account{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &settling{book: b, sent: sent, until: until, senders: map[int]*Tally{}, rooms: map[int]*Tally{}}
	s.account = Account{Run: b.run, Shape: b.grid.Shape, Chats: make([]Tally, b.grid.Chats)}
	for row := range b.rows {
		for column := range b.grid.width() {
			s.stream(row, column)
		}
	}
	s.sending()
	s.account.Total.Corrupted = b.counts.Corrupted
	s.account.Faults = slices.Concat(s.lost, b.faults[Corrupted], b.faults[Duplicated], b.faults[Reordered])
	s.account.Packed, s.account.Rooms = pack(s.senders), pack(s.rooms)
	s.account.Wrong = len(s.account.Direct)
	s.account.trimStreams()
	return s.account, nil
}

// settling is one call of Settle.
type settling struct {
	book    *Book
	sent    *sums
	until   int64
	account Account
	senders map[int]*Tally
	rooms   map[int]*Tally
	lost    []Fault

	missing, owed, both []span // room to work in
}

// stream judges one stream to one recipient.
func (s *settling) stream(row, column int) {
	b, i := s.book, column*s.book.rows+row
	user := b.from + row
	kind, slot := b.grid.stream(column)
	from := b.grid.sender(user, column)
	if from == nobody {
		return
	}
	sender := int(from)
	chat := b.grid.chat(user)
	count := s.sent.count(kind, user, sender, slot)

	t := Tally{Delivered: int64(b.high[i]), Late: int64(b.late[i])}
	s.missing = s.missing[:0]
	var writtenOff int64
	if g := b.gaps[i]; g != nil {
		writtenOff = g.writtenOff
		t.Delivered -= total(g.missing) + writtenOff
		t.Duplicated, t.Reordered, t.Unsure = g.duplicated, g.reordered, g.unsure
		s.missing = overlap(s.missing, g.missing, []span{{1, count}})
	}
	if count > b.high[i] {
		s.missing = append(s.missing, span{b.high[i] + 1, count})
	}
	if len(s.missing) > 0 || writtenOff > 0 {
		s.owe(row, kind, chat, slot)
		s.both = overlap(s.both[:0], s.missing, s.owed)
		t.Lost = total(s.both)
		t.Excused = total(s.missing) - t.Lost
		if b.people[row].excused {
			t.Excused += writtenOff
		} else {
			t.Lost += writtenOff
			s.account.WrittenOff += writtenOff
		}
		s.name(Fault{What: Lost, Kind: kind, Slot: uint16(slot), Sender: sender, Recipient: user})
	}
	t.Expected = t.Delivered + t.Lost
	s.add(kind, user, slot, sender, t)
	if kind == Direct && t.wrong() {
		t.Sent = int64(count)
		s.account.Direct = append(s.account.Direct, Stream{Sender: sender, Recipient: user, Tally: t})
	}
}

// owe finds the numbers of a stream that are owed to a recipient.
func (s *settling) owe(row int, kind Kind, chat, slot int) {
	p := &s.book.people[row]
	s.owed = s.owed[:0]
	if p.excused || len(p.stays) == 0 || p.stays[0].from > s.until {
		return
	}
	if kind != Broadcast {
		s.owed = append(s.owed, span{1, math.MaxUint32})
		return
	}
	talk := &s.sent.talks[chat*s.book.grid.talkers+slot]
	stays := p.stays
	if s.book.kept {
		stays = []stay{{p.stays[0].from, forever}}
	}
	for _, stay := range stays {
		if stay.from > s.until {
			break
		}
		first := (stay.from + int64(OwedBefore+time.Second-1)) / int64(time.Second)
		end := int64(math.MaxInt64)
		if stay.to <= s.until {
			end = (stay.to - int64(OwedAfter)) / int64(time.Second)
		}
		if from, next := talk.at(first), talk.at(end); from < next {
			s.owed = append(s.owed, span{from, next - 1})
		}
	}
}

// name names what is lost of a stream.
func (s *settling) name(f Fault) {
	for _, lost := range s.both {
		if len(s.lost) == MaxFaults {
			return
		}
		f.Number, f.To = lost.from, lost.to
		s.lost = append(s.lost, f)
	}
}

// sending counts what the book's own users have sent.
func (s *settling) sending() {
	b := s.book
	for i, u := range b.grid.talker {
		if u != nobody && int(u) >= b.from && int(u) < b.from+b.rows {
			s.add(Broadcast, int(u), i%b.grid.talkers, int(u), Tally{Sent: int64(s.sent.talks[i].last)})
		}
	}
	for u := b.from; u < b.from+b.rows; u++ {
		for j := range b.grid.ContactSlots(b.grid.chat(u)) {
			s.add(Direct, u, j, u, Tally{Sent: int64(s.sent.count(Direct, u, u, j))})
		}
		for slot := range b.grid.voices {
			if int(b.grid.voice[b.grid.inRoom(u, slot)]) == u {
				s.add(Room, u, slot, u, Tally{Sent: int64(s.sent.count(Room, u, u, slot))})
			}
		}
	}
}

// add adds to all that a tally of a stream belongs to. User is somebody of the conversation on whose slot the stream is.
func (s *settling) add(kind Kind, user, slot, sender int, t Tally) {
	if t == (Tally{}) {
		return
	}
	s.account.Total.add(t)
	s.account.Kinds[kind].add(t)
	switch kind {
	case Broadcast:
		s.account.Chats[s.book.grid.chat(user)].add(t)
	case Room:
		room, _ := s.book.grid.RoomOf(user, slot)
		addTo(s.rooms, room, t)
	}
	addTo(s.senders, sender, t)
}

func addTo(sums map[int]*Tally, of int, t Tally) {
	if sums[of] == nil {
		sums[of] = &Tally{}
	}
	sums[of].add(t)
}
