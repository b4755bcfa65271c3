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
	// maxHeld is how many bytes of a conversation's messages wait while its history is read; more are read from there too.
	maxHeld = 64 << 10
	// toTheEnd asks for all of the history.
	toTheEnd = math.MaxUint64
	// fullWait is how long a question waits whose user's socket takes no more at present.
	fullWait = 100 * time.Millisecond
)

// page is the reading of a stretch of history.
type page struct {
	upTo   uint64
	held   [][]byte // objects that came by themselves meanwhile, and follow
	size   int      // bytes of held
	isMore bool     // what is to be read too has grown since a page was asked for, which may have been read before
}

// hold keeps a message for later.
func (p *page) hold(object []byte, seq uint64) {
	if p.size+len(object) > maxHeld {
		p.held, p.size = nil, 0
		p.extend(seq)
		return
	}
	p.held, p.size = append(p.held, bytes.Clone(object)), p.size+len(object)
}

// extend has it go on, to a seq at least.
func (p *page) extend(upTo uint64) { p.upTo, p.isMore = max(p.upTo, upTo), true }

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

// page reads a conversation's history from where the user is, up to a seq: after that of the conversations before it, since
// the pages of all of them at once may be more than a server lets wait for one connection.
func (w *worker) page(sock *loadtest.User, c *conv, upTo uint64) {
	if w.mix.deaf(sock.ID) {
		c.isFresh = true // it would ask, and never read the answer
		return
	}
	if c.page != nil {
		c.page.extend(upTo)
		return
	}
	c.page = &page{upTo: upTo}
	w.meter.add(func(n *counts) { n.Reading++ })
	s := w.user(sock.ID).session
	if s.toRead = append(s.toRead, c); len(s.toRead) == 1 {
		w.ask(sock, c, 0)
	}
}

// ask asks for the next page after a while.
func (w *worker) ask(sock *loadtest.User, c *conv, wait time.Duration) {
	c.page.isMore = false
	name := c.appendName(nil, w.share.Run)
	text := fmt.Appendf(nil, `{"t":"history","id":"%s","conv":"%s","after":%d,"limit":%d}`, name, name, c.last, pageSize)
	if wait > 0 {
		time.AfterFunc(wait, func() { put(sock, text) })
		return
	}
	put(sock, text)
}

// put sends a question, as soon as the socket takes it. The end of the socket is told elsewhere, and the user begins anew when
// it comes back.
func put(sock *loadtest.User, text []byte) {
	if errors.Is(sock.Send(text), loadtest.ErrFull) {
		time.AfterFunc(fullWait, func() { put(sock, text) })
	}
}

// isAwaited says whether a user waits for a page of that conversation.
func (s *session) isAwaited(c *conv) bool { return c != nil && len(s.toRead) > 0 && s.toRead[0] == c }

// paged takes a page of history.
func (w *worker) paged(sock *loadtest.User, at int64, object []byte) {
	var said struct {
		Conv string            `json:"conv"`
		Msgs []json.RawMessage `json:"msgs"`
		More bool              `json:"more"`
	}
	err := json.Unmarshal(object, &said)
	s := w.user(sock.ID).session
	c := s.conv(w.share.Run, []byte(said.Conv))
	if err != nil || !s.isAwaited(c) {
		w.broken(sock.ID, ledger.Outcome{}, at, errShape)
		return
	}
	count, holes := int64(0), int64(0)
	for _, object := range said.Msgs {
		m, ok := readMessage(object)
		switch {
		case !ok:
			w.broken(sock.ID, ledger.Outcome{}, at, errShape)
		case m.seq > c.last && m.seq <= c.page.upTo:
			if m.prev > c.last && !c.isFresh {
				c.isFresh = true // what lies between is gone, which the books tell
				holes++
			}
			w.take(sock.ID, c, m, at)
			count++
		}
	}
	if c.page.upTo == toTheEnd {
		c.paged = c.last
	}
	goesOn := said.More && c.last < c.page.upTo && len(said.Msgs) > 0 || c.page.isMore
	if !goesOn && c.page.upTo != toTheEnd && c.last < c.page.upTo {
		c.isFresh = true // what the server left out is gone to the last of it
		holes++
	}
	w.meter.add(func(n *counts) {
		n.Paged += count
		n.Holes += holes
	})
	if goesOn {
		w.ask(sock, c, 0)
	} else {
		w.endPage(sock, c, at)
	}
}

// endPage goes on with what came meanwhile, less what the history had already, and with the next conversation to be read.
func (w *worker) endPage(sock *loadtest.User, c *conv, at int64) {
	held := c.page.held
	c.page = nil
	w.meter.add(func(n *counts) { n.Reading-- })
	for _, object := range held {
		if m, ok := readMessage(object); ok && m.seq > c.last {
			w.take(sock.ID, c, m, at)
		}
	}
	s := w.user(sock.ID).session
	if s.toRead = s.toRead[1:]; len(s.toRead) > 0 {
		w.ask(sock, s.toRead[0], 0)
	}
}

// unpaged takes an err to a page: it is asked for again, or there is none.
func (w *worker) unpaged(sock *loadtest.User, at int64, e *fault) {
	s := w.user(sock.ID).session
	c := s.conv(w.share.Run, e.text())
	switch {
	case !s.isAwaited(c):
	case e.Retry:
		w.ask(sock, c, max(e.wait(), time.Millisecond))
	default:
		w.endPage(sock, c, at)
	}
}

// stopReading forgets what is being read from the history: what is missing then is asked for when the user comes back.
func (w *worker) stopReading(s *session) {
	n := len(s.toRead)
	for _, c := range s.toRead {
		c.page = nil
	}
	s.toRead = nil
	w.meter.add(func(c *counts) { c.Reading -= n })
}
