package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"throng/loadtest"
	"throng/loadtest/ledger"
)

const (
	// pageSize is how many messages of history are asked for at once.
	pageSize = 100
	// maxHeld is how many messages of a conversation wait while its history is read; more are read from there too.
	maxHeld = 256
	// toTheEnd asks for all of the history.
	toTheEnd = math.MaxUint64
)

// conv is a conversation that a user follows, and how far. The loop owns it.
type conv struct {
	kind    ledger.Kind
	with    int32  // the room, or the other user
	isFresh bool   // joined, and nothing has come since: the next message may be any
	last    uint64 // the seq that has come last
	page    *page  // not nil: what was missed is being read from the history
}

// page is the reading of a stretch of history.
type page struct {
	upTo uint64
	held [][]byte // objects that came by themselves meanwhile, and follow
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
)

// message books a message, the one of object, now or when what came before it has been read.
func (w *worker) message(sock *loadtest.User, at int64, object []byte, m *message) {
	c := w.user(sock.ID).session.conv(w.share.Run, m.conv)
	switch {
	case c == nil:
		w.broken(sock.ID, ledger.Outcome{}, at, errConv)
	case c.page != nil:
		c.page.hold(object, m.seq)
	default:
		w.take(sock.ID, c, m, at)
	}
}

// hold keeps a message for later.
func (p *page) hold(object []byte, seq uint64) {
	if len(p.held) == maxHeld {
		p.held, p.upTo = nil, max(p.upTo, seq)
		return
	}
	p.held = append(p.held, bytes.Clone(object))
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

// gap takes the server's word that it left messages out.
func (w *worker) gap(sock *loadtest.User, object []byte) {
	to := uintOf(object, `"to":`)
	c := w.user(sock.ID).session.conv(w.share.Run, stringOf(object, `"conv":"`))
	if c == nil || to <= c.last {
		return
	}
	w.meter.add(func(n *counts) { n.Gaps++ })
	w.page(sock, c, to)
}

// page reads a conversation's history from where the user is, up to a seq.
func (w *worker) page(sock *loadtest.User, c *conv, upTo uint64) {
	if c.page != nil {
		c.page.upTo = max(c.page.upTo, upTo)
		return
	}
	c.page = &page{upTo: upTo}
	w.ask(sock, c, 0)
}

// ask asks for the next page after a while. An error of the socket is told elsewhere, and the user begins anew when it
// comes back.
func (w *worker) ask(sock *loadtest.User, c *conv, wait time.Duration) {
	name := c.appendName(nil, w.share.Run)
	text := fmt.Appendf(nil, `{"t":"history","id":"%s","conv":"%s","after":%d,"limit":%d}`, name, name, c.last, pageSize)
	if wait > 0 {
		time.AfterFunc(wait, func() { _ = sock.Send(text) })
		return
	}
	_ = sock.Send(text)
}

// paged takes a page of history.
func (w *worker) paged(sock *loadtest.User, at int64, object []byte) {
	var said struct {
		Conv string            `json:"conv"`
		Msgs []json.RawMessage `json:"msgs"`
		More bool              `json:"more"`
	}
	err := json.Unmarshal(object, &said)
	c := w.user(sock.ID).session.conv(w.share.Run, []byte(said.Conv))
	if err != nil || c == nil || c.page == nil {
		w.broken(sock.ID, ledger.Outcome{}, at, errShape)
		return
	}
	count := int64(0)
	for _, object := range said.Msgs {
		m, ok := readMessage(object)
		switch {
		case !ok:
			w.broken(sock.ID, ledger.Outcome{}, at, errShape)
		case m.seq > c.last && m.seq <= c.page.upTo:
			c.isFresh = c.isFresh || m.prev > c.last // what lies between is gone, which the books tell
			w.take(sock.ID, c, m, at)
			count++
		}
	}
	w.meter.add(func(n *counts) { n.Paged += count })
	if said.More && c.last < c.page.upTo && len(said.Msgs) > 0 {
		w.ask(sock, c, 0)
		return
	}
	w.endPage(sock.ID, c, at)
}

// endPage goes on with what came meanwhile, less what the history had already.
func (w *worker) endPage(id int, c *conv, at int64) {
	held := c.page.held
	c.page = nil
	for _, object := range held {
		if m, ok := readMessage(object); ok && m.seq > c.last {
			w.take(id, c, m, at)
		}
	}
}

// unpaged takes an err to a page: it is asked for again, or there is none.
func (w *worker) unpaged(sock *loadtest.User, at int64, e *fault) {
	c := w.user(sock.ID).session.conv(w.share.Run, e.text())
	if c == nil || c.page == nil {
		return
	}
	if !e.Retry {
		w.endPage(sock.ID, c, at)
		return
	}
	w.ask(sock, c, max(e.wait(), time.Millisecond))
}
