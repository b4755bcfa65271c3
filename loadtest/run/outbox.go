package run

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"throng/loadtest/ledger"
)

const (
	// maxLetters is how many messages of a user may wait to be acknowledged. Then it says no more.
	maxLetters = 64
	// ackWait is how long a user waits for an ack before it says a message again; then twice as long each time.
	ackWait = 3 * time.Second
	// remindEvery is how often it is looked for messages that are to be said again.
	remindEvery = 100 * time.Millisecond
)

// letter is a message until it is acknowledged.
type letter struct {
	id    uint64 // of the frame
	stamp ledger.Stamp
	to    int   // the user, or the room
	due   int64 // when it is to be sent, or sent again; on the run's clock
	tries int   // how often it was sent over the present connection
	isOut bool  // it was sent once at least
}

// outbox is a user's messages that are not acknowledged, oldest first. The user's mu guards it. While the user is away
// they wait; on a new connection all are sent again, and the server knows by their cid which it has already.
type outbox struct {
	letters []letter
	last    uint64 // the id given out last
	after   int64  // nothing is sent before: the server asked for a pause
}

// utter has a user of version 2 say something, at once or when it can. It reports false when too much of it waits already.
func (w *worker) utter(kind ledger.Kind, v voice, to int, meant int64) bool {
	u := w.user(v.user)
	u.mu.Lock()
	defer u.mu.Unlock()
	o := &u.session.outbox
	if len(o.letters) == maxLetters || u.session.since == 0 {
		return false
	}
	o.last++
	o.letters = append(o.letters, letter{id: o.last, to: to, stamp: ledger.Stamp{
		Run: w.share.Run, Kind: kind, Slot: uint16(v.slot), Sender: uint32(v.user),
		Number: w.sent.Next(v.user, kind, v.slot, w.now()), At: meant,
	}})
	w.meter.add(func(c *counts) {
		c.Sent++
		c.Waiting++
	})
	w.post(u)
	return true
}

// post sends what is due, if the user is there. The caller holds its mu.
func (w *worker) post(u *user) {
	s, now := u.session, w.now()
	if u.sock == nil || u.away != nil || now < s.outbox.after {
		return
	}
	for i := range s.outbox.letters {
		l := &s.outbox.letters[i]
		if l.due > now {
			continue
		}
		l.stamp.Waited = l.stamp.At < s.since
		late := !l.isOut && !l.stamp.Waited && now-l.stamp.At > tardy
		l.stamp.Tardy = l.stamp.Tardy || late
		l.stamp.Again = l.stamp.Again || l.tries > 0 // it is delivered so only if what was said first was refused
		if u.sock.Send(l.append(nil, w.share.Size)) != nil {
			return // its socket has ended, which is told elsewhere, or is full for now
		}
		if l.isOut = true; late {
			w.meter.add(func(c *counts) { c.LateSends++ })
		}
		l.due = now + int64(ackWait)<<l.tries
		l.tries++
	}
}

// append appends the frame of a message.
func (l *letter) append(b []byte, size int) []byte {
	s := &l.stamp
	b = slices.Grow(b, max(size, ledger.MinSize)+160) // the keys and names
	b = append(b, `{"t":"msg","id":`...)
	b = strconv.AppendUint(b, l.id, 10)
	b = append(b, `,"cid":"`...)
	b = appendCid(b, s)
	switch s.Kind {
	case ledger.Direct:
		b = append(b, `","to_user":"`...)
		b = append(b, ledger.Nick(s.Run, l.to)...)
	case ledger.Room:
		b = append(b, `","room":"`...)
		b = append(b, ledger.RoomName(s.Run, l.to)...)
	}
	b = append(b, `","message":"`...)
	b = s.Append(b, size)
	return append(b, `"}`...)
}

// appendCid appends the cid of a message, which no other message of any run has.
func appendCid(b []byte, s *ledger.Stamp) []byte {
	return fmt.Appendf(b, "%08x-%d-%d-%d-%d", s.Run, s.Sender, s.Kind, s.Slot, s.Number)
}

// resend has everything sent over a new connection. The caller holds the user's mu.
func (w *worker) resend(u *user) {
	o := &u.session.outbox
	o.after = 0
	for i := range o.letters {
		o.letters[i].due, o.letters[i].tries = 0, 0
	}
	w.post(u)
}

// remind sends again, until the worker ends, what was not acknowledged in time or was refused for a while.
func (w *worker) remind() {
	tick := time.NewTicker(remindEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-w.life.Done():
			return
		}
		for i := range w.users {
			u := &w.users[i]
			u.mu.Lock()
			if len(u.session.outbox.letters) > 0 {
				w.post(u)
			}
			u.mu.Unlock()
		}
	}
}

// errAck is an ack that names another message than the one it answers.
var errAck = errors.New("an ack with another cid than its message has")

// acked takes an ack. A second one, to a message that was said twice, is none any more.
func (w *worker) acked(id int, at int64, object []byte) {
	number := uintOf(object, `"id":`)
	cid := stringOf(object, `"cid":"`)
	u := w.user(id)
	u.mu.Lock()
	l, ok := u.session.outbox.take(number)
	since := u.session.since
	u.mu.Unlock()
	switch {
	case !ok:
		return
	case string(cid) != string(appendCid(nil, &l.stamp)):
		w.book.Broken(id, ledger.Outcome{}, at, errAck)
		w.meter.blame(errAck)
	}
	w.meter.acked(&l.stamp, at, max(w.stalled.Load(), since))
}

// refused takes an err to a message: it is tried again later, or was in vain.
func (w *worker) refused(id int, e *fault) {
	u := w.user(id)
	u.mu.Lock()
	defer u.mu.Unlock()
	o := &u.session.outbox
	if e.Retry {
		// What follows waits too, so that it does not overtake.
		o.after = w.now() + int64(e.wait())
		if i := o.index(e.number()); i >= 0 {
			o.letters[i].due, o.letters[i].stamp.Again = 0, true
		}
		return
	}
	if _, ok := o.take(e.number()); ok {
		w.meter.add(func(c *counts) {
			c.Waiting--
			c.Refused++
		})
	}
}

func (o *outbox) index(id uint64) int {
	return slices.IndexFunc(o.letters, func(l letter) bool { return l.id == id })
}

// take takes a message out.
func (o *outbox) take(id uint64) (l letter, ok bool) {
	i := o.index(id)
	if i < 0 {
		return l, false
	}
	l = o.letters[i]
	o.letters = slices.Delete(o.letters, i, i+1)
	return l, true
}
