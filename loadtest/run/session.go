package run

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"throng/loadtest"
	"throng/loadtest/ledger"
)

// session is what a user of version 2 keeps from one connection to the next.
type session struct {
	// The loop's while the user is connected, and in between of who brings it back.
	resume string // the secret; empty: there was no welcome so far
	epoch  string
	convs  []conv        // everyone, its rooms, and those with other users, in this order; they stay where they are
	toRead []*conv       // those with a page, of which the first one's is awaited
	joins  int           // rooms that it has asked to join and heard nothing of
	isIn   bool          // it has joined all its rooms once
	wait   time.Duration // the server asked it to stay away for so long

	// Guarded by the user's mu.
	arrival *arrival // not nil: the user is on its way in
	outbox  outbox
	since   int64 // when it came last, on the run's clock; 0: never
}

// arrival is what a user says when it comes, up to the moment at which it is there: a hello and its answer, and the
// first time the rooms that it joins.
type arrival struct {
	sock *loadtest.User
	done chan error // has room for the outcome: nil when the user is there, or an error when its connection has ended
	why  error      // not nil: why it was ended
}

func newSession(shape *ledger.Shape, id int) *session {
	s := &session{convs: []conv{{kind: ledger.Broadcast}}}
	add := func(kind ledger.Kind, with int) {
		if s.with(kind, with) == nil {
			s.convs = append(s.convs, conv{kind: kind, with: int32(with)})
		}
	}
	if shape.RoomSize > 0 {
		for side := range ledger.RoomsEach {
			add(ledger.Room, shape.Room(id, side))
		}
	}
	for j := range shape.ContactSlots(shape.Chat(id)) {
		add(ledger.Direct, shape.Contact(id, j))
		add(ledger.Direct, shape.SenderTo(id, j))
	}
	return s
}

// errDialect is a server that has unlearnt version 2.
var errDialect = errors.New("the server does not speak v2 any more")

// greet connects a user and waits until it is there.
func (w *worker) greet(ctx context.Context, id int) (*loadtest.User, error) {
	u := w.user(id)
	hello := u.session.hello(w.share.Run) // before there is a connection whose loop owns what it says
	sock, err := w.swarm.Connect(ctx, id, w.path(id), w.options(id)...)
	if err != nil {
		return nil, err
	}
	a := &arrival{sock: sock, done: make(chan error, 1)}
	u.mu.Lock()
	over, why := u.ended == sock, u.why
	if !over {
		u.session.arrival = a
	}
	u.mu.Unlock()
	if over {
		return nil, noWelcome(why)
	}
	defer context.AfterFunc(ctx, sock.Cut)()
	if sock.Subprotocol() != subprotocol {
		w.rejected(sock, errDialect)
	} else if err := sock.Send(hello); err != nil && !errors.Is(err, loadtest.ErrClosed) { // the end of its connection says why
		w.rejected(sock, err)
	}
	if err = <-a.done; err == nil {
		return sock, nil
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("no welcome: %w", ctx.Err())
	}
	return nil, err
}

// arrived says that a user is there. It runs on the loop, so that what comes next finds it there.
func (w *worker) arrived(sock *loadtest.User, at int64) {
	w.book.Joined(sock.ID, at)
	u := w.user(sock.ID)
	u.mu.Lock()
	defer u.mu.Unlock()
	if a := u.session.arrival; a != nil && a.sock == sock {
		u.session.arrival = nil
		a.done <- nil
	}
}

// rejected notes why a user cannot come in, and ends its connection.
func (w *worker) rejected(sock *loadtest.User, why error) {
	u := w.user(sock.ID)
	u.mu.Lock()
	if a := u.session.arrival; a != nil && a.sock == sock && a.why == nil {
		a.why = why
	}
	u.mu.Unlock()
	sock.Cut()
}

// closed is told that a connection has ended. The caller holds the user's mu.
func (s *session) closed(sock *loadtest.User, why error) {
	a := s.arrival
	if a == nil || a.sock != sock {
		return
	}
	s.arrival = nil
	a.done <- noWelcome(cmp.Or(a.why, why))
}

// noWelcome is the end of a connection before its user was there.
func noWelcome(why error) error { return fmt.Errorf("no welcome: %w", cmp.Or(why, io.EOF)) }

// hello is the first frame of a connection.
func (s *session) hello(run uint32) []byte {
	s.wait = 0
	text := []byte(`{"t":"hello","id":"hello"`)
	if s.resume != "" {
		text = append(text, `,"resume":`...)
		text = strconv.AppendQuote(text, s.resume)
	}
	for i := range s.convs {
		c := &s.convs[i]
		c.heard, c.paged = c.last, 0
	}
	if s.isIn {
		text = append(text, `,"pos":`...)
		for i := range s.convs {
			text = append(text, "{,"[min(i, 1)], '"')
			text = s.convs[i].appendName(text, run)
			text = append(text, `":["`...)
			text = append(text, s.epoch...)
			text = append(text, `",`...)
			text = strconv.AppendUint(text, s.convs[i].last, 10)
			text = append(text, ']')
		}
		text = append(text, '}')
	}
	return append(text, '}')
}

// welcomed takes the answer to a hello.
func (w *worker) welcomed(sock *loadtest.User, at int64, object []byte) {
	var said struct {
		Resume    string          `json:"resume"`
		Epoch     string          `json:"epoch"`
		Recovered map[string]bool `json:"recovered"`
	}
	s := w.user(sock.ID).session
	if err := json.Unmarshal(object, &said); err != nil {
		w.rejected(sock, err)
		return
	}
	isNew := s.epoch != "" && s.epoch != said.Epoch
	s.resume, s.epoch = said.Resume, said.Epoch
	if !s.isIn {
		w.joinAll(sock)
		return
	}
	w.arrived(sock, at)
	for i := range s.convs {
		c := &s.convs[i]
		if isNew {
			c.last, c.heard = 0, 0
		}
		if !said.Recovered[string(c.appendName(nil, w.share.Run))] {
			w.page(sock, c, toTheEnd)
		}
	}
}

// joinAll joins a user's rooms. That of everyone is there without it; the answer tells where it stands.
func (w *worker) joinAll(sock *loadtest.User) {
	s := w.user(sock.ID).session
	text := []byte(`{"t":"join","id":"join","room":"all"}`)
	s.joins = 1
	for i := range s.convs {
		if c := &s.convs[i]; c.kind == ledger.Room {
			s.joins++
			text = fmt.Appendf(text, "\n"+`{"t":"join","id":"join","room":"%s"}`, ledger.RoomName(w.share.Run, int(c.with)))
		}
	}
	if err := sock.Send(text); err != nil {
		w.rejected(sock, err)
	}
}

// joined takes the answer to a join.
func (w *worker) joined(sock *loadtest.User, at int64, object []byte) {
	var said struct {
		Conv string `json:"conv"`
		Seq  uint64 `json:"seq"`
	}
	s := w.user(sock.ID).session
	err := json.Unmarshal(object, &said)
	c := s.conv(w.share.Run, []byte(said.Conv))
	switch {
	case err != nil:
		w.rejected(sock, err)
	case c == nil || s.joins == 0:
		w.rejected(sock, fmt.Errorf("the server said: joined %s, which was not asked for", said.Conv))
	default:
		c.last, c.isFresh = said.Seq, true
		if s.joins--; s.joins == 0 {
			s.isIn = true
			w.arrived(sock, at)
		}
	}
}

// comeBack brings a user back whose connection ended though the scenario did not have it leave.
func (w *worker) comeBack(id int) {
	if w.life.Err() != nil {
		return
	}
	cut := time.Now()
	w.book.Left(id, w.now())
	w.meter.add(func(c *counts) { c.Returning++ })
	w.coming.Go(func() {
		defer w.meter.add(func(c *counts) { c.Returning-- })
		if sleep(w.life, w.user(id).session.wait+rand.N(firstWait)) != nil {
			return
		}
		select {
		case w.doors <- struct{}{}:
			w.connect(w.life, id, "return", cut)
			<-w.doors
		case <-w.life.Done():
		}
	})
}
