package run

import (
	"context"
	"math/rand/v2"
	"time"

	"throng/loadtest"
	"throng/loadtest/ledger"
)

const (
	// beat is how often what is due is sent.
	beat = time.Millisecond
	// tardy is how many nanoseconds after its time a message may go out and its latency still be the server's.
	tardy = int64(50 * time.Millisecond)
	// skew is the exponent of Zipf's law for who talks: of 1,000 users the first says about a sixth of all.
	skew = 1.1
	// tries is how many others are asked when a sender is not connected. Then a message counts as unsent.
	tries = 16
	// overtime is how long after the end of a stage a worker that lags behind may go on. What it has not come to by then
	// counts as skipped.
	overtime = int64(time.Second)
)

// talk decides who says what to whom in a worker, and says it. It belongs to the goroutine that sends.
type talk struct {
	w       *worker
	random  *rand.Rand
	talkers []voice               // own users who speak to everyone
	toAll   func() int            // index of the next of them
	toOne   func() int            // the next user who speaks to one person
	inRooms []voice               // own users who speak in rooms
	toRoom  func() int            // index of the next of them
	part    [len(metrics)]float64 // of a stage's rate that is the worker's, by the kind of conversation
	frame   []byte
}

// voice is a user on its slot.
type voice struct{ user, slot int }

func newTalk(w *worker) *talk {
	s := &w.share
	t := &talk{w: w, random: rand.New(rand.NewPCG(uint64(s.Run), uint64(s.From)))}
	all := 0
	for chat := range s.Shape.Chats {
		for slot := range s.Shape.TalkerSlots(chat) {
			user := s.Shape.Talker(chat, slot)
			if !w.mix.speaks(user) {
				continue
			}
			all++
			if user >= s.From && user < s.To {
				t.talkers = append(t.talkers, voice{user, slot})
			}
		}
	}
	own := s.To - s.From
	// Who talks most must not be who connected first.
	t.shuffle(t.talkers)
	order := t.random.Perm(own)
	one := t.pick(own)
	t.toAll, t.toOne = t.pick(len(t.talkers)), func() int { return s.From + order[one()] }
	if all > 0 {
		t.part[ledger.Broadcast] = w.mix.broadcast * float64(len(t.talkers)) / float64(all)
	}
	t.part[ledger.Direct] = w.mix.direct() * float64(own) / float64(s.Shape.Users)
	if w.mix.rooms > 0 {
		t.addRooms()
	}
	return t
}

// addRooms finds out who speaks in rooms.
func (t *talk) addRooms() {
	s := &t.w.share
	all := 0
	for room := range s.Shape.Rooms() {
		for j := range s.Shape.RoomTalkerSlots(room) {
			user := s.Shape.RoomTalker(room, j)
			all++
			for side := range ledger.RoomsEach {
				if user >= s.From && user < s.To && s.Shape.Room(user, side) == room {
					t.inRooms = append(t.inRooms, voice{user, s.Shape.RoomSlot(side, j)})
				}
			}
		}
	}
	t.shuffle(t.inRooms)
	t.toRoom = t.pick(len(t.inRooms))
	t.part[ledger.Room] = t.w.mix.rooms * float64(len(t.inRooms)) / float64(all)
}

func (t *talk) shuffle(voices []voice) {
	t.random.Shuffle(len(voices), func(i, j int) { voices[i], voices[j] = voices[j], voices[i] })
}

// pick chooses among n, by Zipf's law or evenly, as the scenario has it.
func (t *talk) pick(n int) func() int {
	if t.w.mix.zipf && n > 1 {
		z := rand.NewZipf(t.random, skew, 1, uint64(n-1))
		return func() int { return int(z.Uint64()) }
	}
	return func() int { return t.random.IntN(max(n, 1)) }
}

// send says everything that is due in one stage, each message at its time, and catches up when it was kept from it: the
// load is an open loop, and a server that is slow gets no less of it. It catches up a beat at a time, so that no kind of
// message is left to the last, and gives up when the stage has long been over.
func (t *talk) send(ctx context.Context, s stage) error {
	t.w.meter.measure(s)
	var said [len(metrics)]int64
	if err := sleep(ctx, time.Duration(s.From-t.w.now())); err != nil {
		return err
	}
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for reached := s.From; ; {
		now := t.w.now()
		if now > s.Until+overtime {
			t.skip(s, said)
			return nil
		}
		reached = min(now, s.Until, reached+int64(beat))
		for kind, part := range t.part {
			rate := part * s.Rate // messages a second
			for due := dueBy(rate, reached-s.From, s.Until-s.From); said[kind] < due; said[kind]++ {
				meant := s.From + int64(float64(said[kind])*1e9/rate)
				t.say(ledger.Kind(kind), meant)
			}
		}
		switch {
		case reached == s.Until:
			return nil
		case reached < now && ctx.Err() == nil:
			continue
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// skip counts what is left of a stage whose time is over.
func (t *talk) skip(s stage, said [len(metrics)]int64) {
	for kind, part := range t.part {
		left := dueBy(part*s.Rate, s.Until-s.From, s.Until-s.From) - said[kind]
		t.w.meter.add(func(c *counts) { c.Skipped += left })
	}
}

// dueBy is how many messages are due so many nanoseconds after the begin of a stage of a length: the first at its begin.
func dueBy(rate float64, passed, length int64) int64 {
	return min(int64(rate*float64(passed)/1e9)+1, int64(rate*float64(length)/1e9))
}

// say sends one message.
func (t *talk) say(kind ledger.Kind, meant int64) {
	for range tries {
		v, to, ok := t.choose(kind)
		if !ok {
			continue
		}
		if t.w.mix.v2 {
			if t.w.utter(kind, v, to, meant) {
				return
			}
			continue
		}
		sock := t.w.user(v.user).at()
		if sock == nil {
			continue
		}
		if t.tell(sock, kind, v, to, meant) == nil {
			return
		}
	}
	t.w.meter.add(func(c *counts) { c.Unsent++ })
}

// choose picks a sender and, for a direct message, the recipient, or the room.
func (t *talk) choose(kind ledger.Kind) (v voice, to int, ok bool) {
	shape := &t.w.share.Shape
	switch kind {
	case ledger.Broadcast:
		return t.talkers[t.toAll()], 0, true
	case ledger.Room:
		v = t.inRooms[t.toRoom()]
		to, _ = shape.RoomOf(v.user, v.slot)
		return v, to, true
	}
	v.user = t.toOne()
	slots := shape.ContactSlots(shape.Chat(v.user))
	if slots == 0 {
		return v, 0, false
	}
	v.slot = t.random.IntN(slots)
	to = shape.Contact(v.user, v.slot)
	return v, to, t.w.mix.speaks(v.user) && t.w.mix.hears(to)
}

// tell sends one message from a socket and enters it in the books. One that the socket does not take was not sent.
func (t *talk) tell(sock *loadtest.User, kind ledger.Kind, v voice, to int, meant int64) error {
	w, now := t.w, t.w.now()
	late := now-meant > tardy
	stamp := ledger.Stamp{
		Run: w.share.Run, Kind: kind, Slot: uint16(v.slot), Sender: uint32(v.user),
		Number: w.sent.Next(v.user, kind, v.slot, now), At: meant, Tardy: late,
	}
	t.frame = append(t.frame[:0], `{"from_user":"`...)
	t.frame = append(t.frame, ledger.Nick(w.share.Run, v.user)...)
	t.frame = append(t.frame, `","to_user":"`...)
	if kind == ledger.Direct {
		t.frame = append(t.frame, ledger.Nick(w.share.Run, to)...)
	}
	t.frame = append(t.frame, `","message":"`...)
	t.frame = stamp.Append(t.frame, w.share.Size)
	t.frame = append(t.frame, `"}`...)
	if err := sock.Send(t.frame); err != nil {
		w.sent.Undo(v.user, kind, v.slot)
		w.meter.blame(err)
		return err
	}
	w.meter.add(func(c *counts) {
		c.Sent++
		if late {
			c.LateSends++
		}
	})
	return nil
}
