package run

import (
	"errors"
	"fmt"

	"throng/loadtest"
	"throng/loadtest/ledger"
)

// conv is a conversation that a user follows, and how far. The loop owns it.
type conv struct {
	kind    ledger.Kind
	with    int32  // the room, or the other user
	isFresh bool   // joined, and nothing has come since: the next message may be any
	last    uint64 // the seq that has come last
	heard   uint64 // the highest seq that came by itself over this connection, or that the user came with
	paged   uint64 // what came up to here was read from the history, and may still be on its way by itself
	page    *page  // not nil: what was missed is being read from the history
}

// appendName appends the name of a conversation as its reader has it.
func (c *conv) appendName(b []byte, run uint32) []byte {
	switch c.kind {
	case ledger.Direct:
		return append(append(b, "dm:"...), ledger.Nick(run, int(c.with))...)
	case ledger.Room:
		return append(append(b, "room:"...), ledger.RoomName(run, int(c.with))...)
	}
	return append(b, "room:all"...)
}

// conv finds a conversation by its name, nil for one that the user has nothing to do with.
func (s *session) conv(run uint32, name []byte) *conv {
	const room, direct = len("room:"), len("dm:")
	if string(name) == "room:all" {
		return &s.convs[0]
	}
	if len(name) > room && string(name[:room]) == "room:" {
		if of, with, ok := ledger.ParseRoomName(name[room:]); ok && of == run {
			return s.with(ledger.Room, with)
		}
	}
	if len(name) > direct && string(name[:direct]) == "dm:" {
		if of, with, ok := ledger.ParseNick(name[direct:]); ok && of == run {
			return s.with(ledger.Direct, with)
		}
	}
	return nil
}

func (s *session) with(kind ledger.Kind, with int) *conv {
	for i := range s.convs {
		if c := &s.convs[i]; c.kind == kind && int(c.with) == with {
			return c
		}
	}
	return nil
}

// follow moves a conversation on by a message, and says whether it is the next one.
func (c *conv) follow(m *message) (err error) {
	switch {
	case c.isFresh:
		c.isFresh = false
	case m.seq <= c.last:
		return fmt.Errorf("broken chain: seq %d after %d", m.seq, c.last)
	case m.prev != c.last:
		err = fmt.Errorf("broken chain: seq %d names %d as the one before, which was %d", m.seq, m.prev, c.last)
	}
	c.last = m.seq
	return err
}

// What may be wrong with a message besides what the books find.
var (
	errConv  = errors.New("a message in a conversation that it is not of")
	errCid   = errors.New("a message with the cid of another")
	errShape = errors.New("a message without seq, prev and conv")
	errAgain = errors.New("a message that came by itself after a later one, or twice, while the history was read")
)

// message books a message that came by itself, the one of object, now or when what came before it has been read.
func (w *worker) message(sock *loadtest.User, at int64, object []byte, m *message) {
	c := w.user(sock.ID).session.conv(w.share.Run, m.conv)
	if c == nil {
		w.broken(sock.ID, ledger.Outcome{}, at, errConv)
		return
	}
	isAgain := m.seq <= c.heard
	c.heard = max(c.heard, m.seq)
	switch {
	case !isAgain && m.seq <= c.paged:
		// The history that was read to its end had it already, while it was on its way: once each may come so.
	case c.page == nil:
		w.take(sock.ID, c, m, at)
	case isAgain:
		w.broken(sock.ID, ledger.Outcome{}, at, errAgain)
	default:
		c.page.hold(object, m.seq)
	}
}

// take books a message whose turn it is.
func (w *worker) take(id int, c *conv, m *message, at int64) {
	var o ledger.Outcome
	if m.cid == nil {
		o = w.received(id, m, at)
	} else {
		o = w.receivedOwn(id, c, m, at)
	}
	err := c.follow(m)
	switch {
	case o.What == ledger.Corrupted:
		return // it is told already
	case err != nil && (o.What == ledger.Delivered || m.seq > c.last):
		// One that came twice or too late breaks the chain too, and is told already.
		w.broken(id, o, at, err)
	case !w.isOf(id, c, &o):
		w.broken(id, o, at, errConv)
	}
}

// received books what somebody has said.
func (w *worker) received(id int, m *message, at int64) ledger.Outcome {
	o := w.book.Got(id, &m.Reading, at)
	if o.What == ledger.Corrupted {
		w.meter.blame(fmt.Errorf("a corrupted message: %w", o.Why))
	} else if o.First() {
		w.meter.delivered(o, at, w.stalled.Load())
	}
	return o
}

// receivedOwn books what a user has said itself. Its own direct messages are shown to it and are no delivery.
func (w *worker) receivedOwn(id int, c *conv, m *message, at int64) ledger.Outcome {
	stamp := &m.Stamp
	if m.Err != nil || m.Forged || int(stamp.Sender) != id || string(m.cid) != string(appendCid(nil, stamp)) {
		w.broken(id, ledger.Outcome{}, at, errCid)
		return ledger.Outcome{What: ledger.Corrupted}
	}
	if stamp.Kind != ledger.Direct {
		return w.received(id, m, at)
	}
	o := ledger.Outcome{Kind: ledger.Direct, Slot: stamp.Slot, Sender: stamp.Sender, Number: stamp.Number}
	shape := &w.share.Shape
	if int(stamp.Slot) >= shape.ContactSlots(shape.Chat(id)) || shape.Contact(id, int(stamp.Slot)) != int(c.with) {
		w.broken(id, o, at, errConv)
		o.What = ledger.Corrupted
	}
	return o
}

// isOf says whether a message stands in the conversation that its stamp is of.
func (w *worker) isOf(id int, c *conv, o *ledger.Outcome) bool {
	switch {
	case c.kind != o.Kind:
		return false
	case c.kind == ledger.Room:
		room, _ := w.share.Shape.RoomOf(id, int(o.Slot))
		return room == int(c.with)
	case c.kind == ledger.Direct:
		return o.Sender == uint32(c.with) || o.Sender == uint32(id)
	}
	return true
}

// broken books that something is wrong with what came.
func (w *worker) broken(id int, o ledger.Outcome, at int64, why error) {
	w.book.Broken(id, o, at, why)
	w.meter.blame(why)
}
