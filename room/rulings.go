package room

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"throng/room/event"
	"throng/room/history"
)

// convRulings is the conversation of the log that keeps what moderators do. No conversation of people has such a name: theirs are
// convEveryone, or begin with a letter and a slash.
const convRulings = "mod"

// Trail is the conversation of the log that is to be kept whatever becomes of others: see history.Config.
const Trail = convRulings

// entry is what that conversation keeps: an act, or a part of a digest.
type entry struct {
	Act
	Conv   string  `json:"conv,omitempty"`  // delete: where the message is, in the log
	Place  uint64  `json:"place,omitempty"` // and its seq there
	Claim  uint64  `json:"claim,omitempty"` // and its sender's claim
	From   string  `json:"from,omitempty"`  // and nick
	To     string  `json:"to,omitempty"`    // direct: and its recipient's
	In     string  `json:"in,omitempty"`    // the room's name
	Digest *digest `json:"digest,omitempty"`
}

// digest is all that was in force when it was made, so that older acts need not be read again. It may come in several parts, between
// which others may stand.
type digest struct {
	Of    string `json:"of"`    // the digest
	Part  int    `json:"part"`  // from 0 on
	Parts int    `json:"parts"` // of so many
	UpTo  string `json:"up_to"` // the id of the newest act that it knows of
	Rules []Act  `json:"rules,omitempty"`
}

// digestEvery is after how many acts a digest is made; digestPart is how many bytes one part of it has, roughly.
const (
	digestEvery = 1000
	digestPart  = 64 << 10
)

func decodeEntry(m *history.Message) (e entry, ok bool) {
	return e, json.Unmarshal(m.Body, &e) == nil
}

// actOf is the act of an entry, as it is stored.
func (e entry) actOf(m *history.Message) Act {
	act := e.Act
	act.ID, act.Seq, act.At = m.Mid, m.Seq, time.UnixMilli(m.Ts)
	return act
}

// rulings keeps what is in force, by what the log says. Any goroutine may use it.
type rulings struct {
	hub   *Hub
	force atomic.Pointer[rules]
	known chan struct{} // is closed when the log has been read

	mu    sync.Mutex        // guards what follows
	is    bool              // known is closed
	early []history.Message // what came before
	last  history.Message   // the newest that is in force
	since int               // acts that no digest knows of
	grown chan struct{}     // is closed, and made anew, when last grows
}

func newRulings(h *Hub) *rulings {
	r := &rulings{hub: h, known: make(chan struct{}), grown: make(chan struct{})}
	r.force.Store(newRules())
	return r
}

func (r *rulings) inForce() *rules { return r.force.Load() }

// await waits until it is known what is in force.
func (r *rulings) await(ctx context.Context) *event.Error {
	select {
	case <-r.known:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	select {
	case <-r.known:
		return nil
	case <-r.hub.stop:
		return errStopped
	case <-ctx.Done():
		return event.Unavailable("the server has not read its rules yet", retryAfter)
	}
}

// reach waits until an act is in force here: it is stored, and will be.
func (r *rulings) reach(ctx context.Context, seq uint64) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	for {
		r.mu.Lock()
		isThere, grown := r.last.Seq >= seq, r.grown
		r.mu.Unlock()
		if isThere {
			return
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return
		case <-r.hub.stop:
			return
		}
	}
}

// begin reads what is in force, again and again until it can. In a cluster what comes meanwhile must be followed already.
func (r *rulings) begin() {
	for {
		err := r.read()
		if err == nil {
			return
		}
		r.hub.check(err)
		select {
		case <-time.After(time.Second):
		case <-r.hub.stop:
			return
		}
	}
}

// read reads from the log what is in force.
func (r *rulings) read() error {
	base, acts, err := r.hub.readRulings()
	if err != nil {
		return err
	}
	force := newRules()
	for _, act := range base {
		force.fold(act)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range append(acts, r.early...) {
		if m.Seq > r.last.Seq {
			r.note(&m, force)
		}
	}
	force.tidy(time.Now())
	r.force.Store(force)
	r.is, r.early = true, nil
	close(r.known)
	r.summariseIfDue()
	return nil
}

// note adds a stored message to rules that nobody sees yet. r.mu is held.
func (r *rulings) note(m *history.Message, force *rules) (e entry, isAct bool) {
	r.last = *m
	e, ok := decodeEntry(m)
	if isAct = ok && e.Digest == nil; isAct {
		r.since++
		e.Act = e.actOf(m)
		force.fold(e.Act)
	}
	return e, isAct
}

// take takes a message that was stored, in their order, and has it take effect.
func (r *rulings) take(m history.Message) {
	r.mu.Lock()
	if !r.is {
		r.early = append(r.early, m)
		r.mu.Unlock()
		return
	}
	if m.Seq <= r.last.Seq {
		r.mu.Unlock()
		return
	}
	r.last = m
	e, ok := decodeEntry(&m)
	isAct := ok && e.Digest == nil
	if isAct {
		r.since++
		e.Act = e.actOf(&m)
		r.force.Store(r.inForce().with(e.Act, time.Now()))
	}
	r.summariseIfDue()
	close(r.grown)
	r.grown = make(chan struct{})
	r.mu.Unlock()
	if isAct {
		r.hub.metrics.act(e.Kind)
		r.hub.enforce(&e)
	}
}

// summariseIfDue has a digest stored when there are many acts that none knows of. r.mu is held.
func (r *rulings) summariseIfDue() {
	if r.since >= digestEvery {
		r.since = 0
		r.hub.apart(r.summarise)
	}
}

// summarise stores a digest.
func (r *rulings) summarise() {
	r.mu.Lock()
	force, upTo := r.inForce(), r.last.Mid
	r.mu.Unlock()
	parts := [][]Act{nil}
	size := 0
	for _, act := range force.list(time.Now()) {
		n := len(encode(act))
		if size+n > digestPart && size > 0 {
			parts, size = append(parts, nil), 0
		}
		size += n
		parts[len(parts)-1] = append(parts[len(parts)-1], act)
	}
	of := fmt.Sprintf("%016x", rand.Uint64())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i, part := range parts {
		e := entry{Digest: &digest{Of: of, Part: i, Parts: len(parts), UpTo: upTo, Rules: part}}
		if _, bad := r.hub.record(ctx, e); bad != nil {
			return // without it more has to be read at the next start
		}
	}
}

// readRulings reads from the log the newest digest that is whole, and all that it does not know of.
func (h *Hub) readRulings() (base []Act, acts []history.Message, err error) {
	digests := map[string][]*digest{}
	var found *digest
	for before, more := uint64(0), true; more; {
		var page []history.Message
		if page, more, err = h.config.Log.Read(convRulings, 0, before, readSize); err != nil || len(page) == 0 {
			return base, acts, err
		}
		before = page[0].Seq
		for i := len(page) - 1; i >= 0; i-- {
			if found != nil && page[i].Mid == found.UpTo {
				return base, append(page[i+1:len(page):len(page)], acts...), nil
			}
			e, ok := decodeEntry(&page[i])
			if !ok || e.Digest == nil || found != nil {
				continue
			}
			parts := append(digests[e.Digest.Of], e.Digest)
			if digests[e.Digest.Of] = parts; len(parts) < e.Digest.Parts {
				continue
			}
			found = e.Digest
			for _, part := range parts {
				base = append(base, part.Rules...)
			}
		}
		acts = append(page[:len(page):len(page)], acts...)
	}
	return base, acts, nil
}
