package room

import (
	"sync/atomic"
	"time"

	"throng/room/event"
	"throng/room/history"
)

const (
	// maxWaiting is how many bytes of messages may wait for the committer; beyond it senders are refused with 503.
	maxWaiting = 64 << 20
	// maxBacklog is how many bytes of messages a shard may have before the committer waits for it.
	maxBacklog = 64 << 20
	// postOverhead is what a waiting message costs besides its text, in bytes, roughly.
	postOverhead = 256
	// retryAfter is when a sender may try again that was refused because the server is busy or cannot store.
	retryAfter = time.Second
)

// post is one chat message on its road. It belongs to whoever it was passed to last.
type post struct {
	from   *Session
	self   *self  // whom from speaks for
	to     Nick   // direct: the recipient
	peer   uint64 // and its claim
	room   Nick   // a named room; neither: everyone
	body   []byte // JSON; immutable
	id     []byte // the client's; nil: it wants no ack
	cid    string
	stamp  *stamp  // nil in most
	settle *settle // instead of a message: goes to every shard

	by       string          // instead: body is an entry of the moderators' log, and this is who made it
	recorded chan<- recorded // and is told what became of it; has room for it. nil: it is a message

	note *note // instead: something that has happened; see hook.go

	refusal *event.Error // it cannot be sent, but may be the repeat of one that could; nil: it can

	online     bool   // direct: the recipient is there
	node       string // and on this other node; "": on none
	isAway     bool   // direct from the tutorial dialect: its sender is told that the recipient is away
	isFleeting bool   // is not stored
	isKnown    bool   // was stored before, under the same cid
	stored     history.Message
}

// isStored reports whether the log is to take it.
func (p *post) isStored() bool { return p.settle == nil && !p.isFleeting && !p.note.isNothing() }

func (p *post) cost() int64 { return int64(len(p.body)) + postOverhead }

// conv is the conversation as its sender sees it: that of the first message with its cid.
func (p *post) conv() event.Conv {
	switch m := &p.stored; {
	case p.isKnown && m.To != "":
		return event.Direct(m.To)
	case p.isKnown && m.Room != "":
		return event.Room(m.Room)
	case p.isKnown && m.Conv == convEveryone:
		return event.Everyone()
	case p.peer != 0:
		return event.Direct(p.to.Name)
	case p.room.Key != "":
		return event.Room(p.room.Name)
	}
	return event.Everyone()
}

// entry is the post as the log takes it.
func (p *post) entry() *history.Entry {
	if p.note != nil {
		return p.note.entry()
	}
	if p.recorded != nil {
		return &history.Entry{Message: history.Message{Conv: convRulings, From: p.by, Body: p.body}}
	}
	e := &history.Entry{Probe: p.refusal != nil, Message: history.Message{
		Claim: p.self.claim, From: p.self.nick.Name, Cid: p.cid, Body: p.body, Conv: convEveryone,
	}}
	switch {
	case p.peer != 0:
		e.Conv, e.Peer, e.To = convDirect(p.self.claim, p.peer), p.peer, p.to.Name
	case p.room.Key != "":
		e.Conv, e.Room = convOf(p.room), p.room.Name
	}
	return e
}

// road is where every chat message passes: one committer at a time takes what has piled up, stores it in one commit and
// releases it in one order, so that all who read a conversation read it in the same order.
type road struct {
	hub     *Hub
	mail    *mailbox[*post]
	waiting atomic.Int64 // bytes in mail, and of what is on its way there

	entries []*history.Entry // of the batch; the committer's, as what follows
	out     [][]letter       // for each shard what the batch has for it
	far     []*post          // whose recipients are on other nodes
	unnoted []*post          // notes that could not be stored yet; maxUnnoted at most

	isReminded bool // of unnoted: one reminder at a time is on its way
}

func newRoad(h *Hub) *road {
	r := &road{hub: h, out: make([][]letter, h.config.Shards)}
	r.mail = newMailbox(r.quick)
	return r
}

// take puts a message on the road. Any goroutine may call it; it never blocks. The error, 503, is for the sender.
func (r *road) take(p *post) *event.Error {
	if bad := r.reserve(p); bad != nil {
		return bad
	}
	r.mail.put(p)
	return nil
}

// reserve makes room for a message that will be put into the mail later, or given up.
func (r *road) reserve(p *post) *event.Error {
	cost := p.cost()
	if r.waiting.Add(cost) > maxWaiting {
		r.waiting.Add(-cost)
		return event.Unavailable("the server is busy; the message was not sent", retryAfter)
	}
	return nil
}

// giveUp takes back a reserve.
func (r *road) giveUp(p *post) { r.waiting.Add(-p.cost()) }

// run is the committer. It ends when stop is closed.
func (r *road) run(stop <-chan struct{}) {
	var batch []*post
	for {
		select {
		case <-r.mail.wake:
		case <-stop:
			return
		}
		for working := true; working; working = !r.mail.rest() {
			batch = r.mail.take(batch)
			r.commit(batch)
			for _, s := range r.hub.shards {
				r.hand(s)
			}
		}
	}
}

// quick deals with a message at once where neither the disk nor a shard is to be waited for.
func (r *road) quick(p *post) bool {
	if p.to.Key == "" || !p.isFleeting && r.hub.isDurable || r.hub.shardOf(p.to.Key).isFull() {
		return false
	}
	r.commit([]*post{p})
	for i, letters := range r.out {
		for _, l := range letters {
			r.hub.shards[i].mail.put(l)
		}
		r.forget(i)
	}
	return true
}

// commit stores a batch and makes of it what the shards are to be told.
func (r *road) commit(batch []*post) {
	batch = r.withUnnoted(batch)
	r.clock(batch)
	begun := time.Now()
	for _, p := range batch {
		if p.isStored() {
			r.entries = append(r.entries, p.entry())
		}
	}
	var failed error
	if len(r.entries) > 0 {
		failed = r.hub.config.Log.Append(r.entries)
		r.hub.metrics.commit.Observe(time.Since(begun).Seconds())
		r.hub.metrics.batch.Observe(float64(len(r.entries)))
		r.hub.check(failed)
	}
	next := 0
	for _, p := range batch {
		if p.isStored() {
			e := r.entries[next]
			next++
			p.stored, p.isKnown = e.Message, e.Known
			if failed != nil && e.Seq == 0 {
				r.fail(p)
				continue
			}
			if p.refusal != nil && !p.isKnown {
				r.giveUp(p)
				r.tell(p.from.shard, notice{p.from, p.id, p.refusal})
				continue
			}
		}
		r.hub.goOn(p, begun)
		r.release(p)
	}
	clear(r.entries)
	r.entries = r.entries[:0]
	if len(r.far) > 0 {
		r.hub.confirm(r.far)
		r.far = nil // it is kept
	}
}

// fail deals with what could not be stored.
func (r *road) fail(p *post) {
	switch {
	case p.note != nil:
		r.noteLater(p)
		return
	case p.recorded != nil:
		p.recorded <- recorded{bad: errNotRecorded}
	default:
		r.tell(p.from.shard, notice{p.from, p.id, errNotStored})
	}
	r.giveUp(p)
}

// tell has a letter for a shard, after those that there are for it already.
func (r *road) tell(s *shard, l letter) { r.out[s.number] = append(r.out[s.number], l) }

// send has a letter for a shard that costs so many bytes until it is dealt with. It waits while the shard has too much to do.
func (r *road) send(s *shard, l letter, cost int64) {
	if s.isFull() {
		r.hand(s)
		s.awaitRoom()
	}
	s.backlog.Add(cost)
	r.tell(s, l)
}

// hand leaves to a shard what there is for it. One wake-up does for a batch, and the shard's writes do not hold up the next.
func (r *road) hand(s *shard) {
	s.mail.leave(r.out[s.number])
	r.forget(s.number)
}

// forget empties what there was for a shard.
func (r *road) forget(number int) {
	clear(r.out[number])
	r.out[number] = r.out[number][:0]
}

// release has a message for whom it is for: a direct one to its recipient's shard, any other, encoded once, to all
// shards where somebody is to have it. What was stored before is not delivered again.
func (r *road) release(p *post) {
	defer r.giveUp(p)
	h := r.hub
	switch {
	case p.settle != nil:
		for _, shard := range h.shards {
			r.tell(shard, *p.settle)
		}
		return
	case p.note != nil:
		if m := p.note.unsaid; m != nil && h.cluster == nil && !p.isKnown {
			h.tellUnsaid(m)
		}
		return
	case p.recorded != nil:
		if h.cluster == nil {
			h.rulings.take(p.stored)
		}
		p.recorded <- recorded{message: p.stored}
		return
	case p.isKnown:
	case h.cluster != nil && !p.isFleeting: // it comes back from the log, to all nodes that follow
		p.stamp.start(h, 0)
		if p.node != "" {
			r.far = append(r.far, p)
			return
		}
		if p.isAway {
			r.tell(p.from.shard, remark{p.from, waits(p.to.Name)})
		}
	case p.peer != 0:
		if p.isFleeting {
			p.stored = p.entry().Message
		}
		p.stamp.start(h, 1)
		r.send(h.shardOf(p.to.Key), direct{p}, p.cost())
	default:
		parcel := h.message(&p.stored, p.conv())
		parcel.stamp = p.stamp
		r.deliver(p.room, parcel, p.from.shard)
	}
	if p.from.dialect == version2 {
		r.tell(p.from.shard, sent{p})
	}
}

// deliver gives a parcel to everybody, or to those in a room. Who said it may just be joining: its shard then knows before this comes.
func (r *road) deliver(room Nick, p *parcel, from *shard) {
	p.stamp.start(r.hub, len(r.hub.shards))
	for i, shard := range r.hub.shards {
		if room.Key != "" && shard != from && !r.hub.places.has(room.Key, i) {
			p.stamp.skip(r.hub)
		} else {
			r.send(shard, delivery{room.Key, p}, p.cost())
		}
	}
}

// receive takes a message that the shared log has stored, on whichever node, and gives it to those of this one whom it
// is for. It waits while a shard has too much to do.
func (h *Hub) receive(m history.Message) {
	switch m.Conv {
	case convRulings:
		h.rulings.take(m)
		return
	case convUnsaid:
		h.hearUnsaid(m.Cid)
		return
	}
	post := func(s *shard, l letter, cost int64) {
		s.awaitRoom()
		s.backlog.Add(cost)
		s.mail.leave([]letter{l})
	}
	cost := int64(len(m.Body)) + postOverhead
	st := h.sample()
	st.start(h, len(h.shards))
	if _, isDirect := otherSide(m.Conv, m.Claim); isDirect {
		st.start(h, 1)
		to, from := keyOf(m.To), keyOf(m.From)
		post(h.shardOf(to), arrived{to, &m, cost, st}, cost)
		if from != to {
			post(h.shardOf(from), arrived{from, &m, cost, nil}, cost)
		}
		return
	}
	room, conv := Nick{}, event.Everyone()
	if m.Room != "" {
		room = h.places.name(Nick{m.Room, keyOf(m.Room)})
		conv = event.Room(room.Name)
	}
	p := h.message(&m, conv)
	p.stamp = st
	for i, shard := range h.shards {
		if room.Key != "" && !h.places.has(room.Key, i) {
			st.skip(h)
		} else {
			post(shard, delivery{room.Key, p}, p.cost())
		}
	}
}

var errNotStored = event.Unavailable("the message could not be stored and was not sent", retryAfter)

// errNobody answers a message to a nick that nobody has and nobody will come back to.
func errNobody(nick string) *event.Error { return event.NotFound(nick + " is not here") }

// waits tells a sender that has no acks that its message does.
func waits(nick string) string { return nick + " is away and will get the message later" }
