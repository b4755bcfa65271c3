package room

import (
	"bytes"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"throng/room/event"
	"throng/room/history"
)

const (
	// maxTraces is how many may be traced at once.
	maxTraces = 8
	// maxTold is how many events may wait for whoever traces; beyond, they are dropped and counted.
	maxTold = 1024
)

// Event is one thing that happened to somebody who is traced, or to a message.
type Event struct {
	At    time.Time `json:"at"`
	What  string    `json:"what"` // see README: opened, received, refused, stored, not stored, repeated, queued, delivered, written, waits, skipped, gap, recv, read, deleted, closed
	Nick  string    `json:"nick,omitzero"`
	Conn  uint64    `json:"conn,omitzero"` // its number in the server's log
	Mid   string    `json:"mid,omitzero"`
	Cid   string    `json:"cid,omitzero"`
	Conv  string    `json:"conv,omitzero"`
	Seq   uint64    `json:"seq,omitzero"`
	Count int       `json:"count,omitzero"`   // delivered: members of one shard; queued: messages in one write
	Bytes int       `json:"bytes,omitzero"`   // received: of the frame; waits: in the queue
	Code  int       `json:"code,omitzero"`    // refused: err code; closed: close code
	Why   string    `json:"why,omitzero"`     // refused
	Took  float64   `json:"took_ms,omitzero"` // stored: since the committer took it
	Body  string    `json:"body,omitzero"`    // received: the frame, for who asked for it; see shown
}

// Trace is somebody's looking at what happens to one nick or one message on this node. Its events come until Close is called.
type Trace struct {
	Events <-chan Event

	hub      *Hub
	events   chan Event
	key, mid string          // one of them
	message  history.Message // that with the mid; the zero Message: there is none
	hasBody  bool
	dropped  atomic.Int64
}

var (
	errTraces  = event.Unavailable("as many traces as there may be are under way", retryAfter)
	errNoTrace = event.Malformed("want a nick or the mid of a message, one of them")
)

// Trace begins to trace a nick, or the message with an id, with the frames themselves if hasBody. The caller ends it with Close.
// While nobody traces, it costs an atomic load where something could be told. It reads the log.
func (h *Hub) Trace(nick, mid string, hasBody bool) (*Trace, *event.Error) {
	if (nick == "") == (mid == "") || len(mid) > event.MaxCid {
		return nil, errNoTrace
	}
	t := &Trace{hub: h, events: make(chan Event, maxTold), mid: mid, hasBody: hasBody}
	t.Events = t.events
	if nick != "" {
		n, bad := ParseNick(nick)
		if bad != nil {
			return nil, bad
		}
		t.key = n.Key
	} else {
		var err error
		if t.message, _, err = h.config.Log.Find(mid); h.logged(err) != nil {
			return nil, errNoLook
		}
	}
	h.tracing.Lock()
	defer h.tracing.Unlock()
	var all traces
	if before := h.traces.Load(); before != nil {
		all = slices.Clone(*before)
	}
	if len(all) >= maxTraces {
		return nil, errTraces
	}
	all = append(all, t)
	h.traces.Store(&all)
	return t, nil
}

// Close ends a trace. Its channel is not closed.
func (t *Trace) Close() {
	h := t.hub
	h.tracing.Lock()
	defer h.tracing.Unlock()
	all := slices.DeleteFunc(slices.Clone(*h.traces.Load()), func(other *Trace) bool { return other == t })
	if len(all) == 0 {
		h.traces.Store(nil)
	} else {
		h.traces.Store(&all)
	}
}

// Dropped is how many events nobody took in time.
func (t *Trace) Dropped() int64 { return t.dropped.Load() }

// traces are those under way. It is immutable; nil: none.
type traces []*Trace

// tell tells an event that concerns a nick, by its key, or a message, by its id, to those who look at one of them. It never blocks.
func (ts *traces) tell(key, mid string, e Event) {
	for _, t := range *ts {
		if t.isOf(key, mid) {
			t.tell(e)
		}
	}
}

// isOf reports whether a trace looks at a nick, by its key, or at a message, by its id; "": of none.
func (t *Trace) isOf(key, mid string) bool {
	return t.key != "" && t.key == key || t.mid != "" && t.mid == mid
}

// tell tells an event to one who traces.
func (t *Trace) tell(e Event) {
	e.At = time.Now()
	if !t.hasBody {
		e.Body = ""
	}
	select {
	case t.events <- e:
	default:
		t.dropped.Add(1)
	}
}

// session tells what happened to a session.
func (ts *traces) session(s *Session, e Event) {
	e.Nick = s.name()
	if numbered, ok := s.peer.(interface{ ID() uint64 }); ok {
		e.Conn = numbered.ID()
	}
	ts.tell(s.nick.Key, e.Mid, e)
}

// received tells that a frame has come.
func (ts *traces) received(s *Session, frame []byte) {
	e := Event{What: "received", Bytes: len(frame)}
	if slices.ContainsFunc(*ts, func(t *Trace) bool { return t.hasBody && t.key == s.nick.Key }) {
		e.Body = shown(frame)
	}
	ts.session(s, e)
}

// unshown stands for a frame that is not shown.
const unshown = "(not shown: it may hold a token or a secret)"

// jwt is what a token looks like: its first part, an object, begins so in base64.
var jwt = regexp.MustCompile(`ey[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{2,}\.`)

// shown is a frame for who traces. One that lets somebody in is not shown, whole: that with a hello among its objects, with one that
// may be a hello and cannot be read, or with what is called or looks like a token wherever it stands.
func shown(frame []byte) string {
	isSecret := bytes.Contains(frame, []byte(`"token"`)) || bytes.Contains(frame, []byte(`"resume"`)) || jwt.Match(frame)
	event.EachV2(frame, func(in event.In, _ *event.Error) {
		isSecret = isSecret || in.T == event.TypeHello || in.T == event.TypeUnknown
	})
	if isSecret {
		return unshown
	}
	return string(frame)
}

// stored tells what the committer has made of a message.
func (ts *traces) stored(p *post, took time.Duration) {
	e := Event{What: "stored", Nick: p.self.nick.Name, Mid: p.stored.Mid, Cid: p.cid, Conv: p.conv().String(), Seq: p.stored.Seq}
	switch {
	case p.isFleeting:
		e.What = "not stored"
	case p.isKnown:
		e.What = "repeated"
	default:
		e.Took = took.Seconds() * 1e3
	}
	ts.tell(p.self.nick.Key, p.stored.Mid, e)
}

// queued tells that a session gets messages with its next write.
func (ts *traces) queued(to *Session, parcels ...*parcel) {
	for _, p := range parcels {
		if p.class == chat {
			ts.session(to, Event{What: "queued", Mid: p.mid, Conv: p.conv.String(), Seq: p.seq})
		}
	}
}

// waited is a message that waited in the log for somebody who missed it, and is traced.
type waited struct {
	mid  string
	conv event.Conv
	seq  uint64
}

// waited adds those of the messages that somebody with a key has missed which are to be told when they are queued.
func (ts *traces) waited(all []waited, key string, conv event.Conv, msgs []history.Message) []waited {
	for i := range msgs {
		if m := &msgs[i]; slices.ContainsFunc(*ts, func(t *Trace) bool { return t.isOf(key, m.Mid) }) {
			all = append(all, waited{m.Mid, conv, m.Seq})
		}
	}
	return all
}

// brought tells that a session gets with its next write what waited for it.
func (ts *traces) brought(to *Session, all []waited) {
	for _, w := range all {
		ts.session(to, Event{What: "queued", Mid: w.mid, Conv: w.conv.String(), Seq: w.seq})
	}
}

// receipt tells how far somebody has got in a conversation, and of a message that it is the first receipt to be of it.
func (ts *traces) receipt(l received, stored string, before history.Marks, seq uint64) {
	e, upTo := Event{What: l.t.String(), Nick: l.from, Conv: l.conv.String(), Seq: seq}, before.Recv
	if l.t == event.TypeRead {
		upTo = before.Read
	}
	ts.tell(keyOf(l.from), "", e)
	for _, t := range *ts {
		if m := &t.message; m.Conv == stored && m.Claim != l.claim && upTo < m.Seq && m.Seq <= seq {
			e.Mid = m.Mid
			t.tell(e)
		}
	}
}

// deleted tells that a message is gone, as what has happened to who had said it.
func (ts *traces) deleted(m *history.Message) {
	conv := event.Everyone()
	switch {
	case m.To != "":
		conv = event.Direct(m.To)
	case m.Room != "":
		conv = event.Room(m.Room)
	}
	ts.tell(keyOf(m.From), m.Mid, Event{What: "deleted", Nick: m.From, Mid: m.Mid, Conv: conv.String(), Seq: m.Seq})
}

// delivered tells that the members of one shard have a message.
func (ts *traces) delivered(parcels []*parcel, members int) {
	for _, p := range parcels {
		if p.mid != "" {
			ts.tell("", p.mid, Event{What: "delivered", Mid: p.mid, Conv: p.conv.String(), Seq: p.seq, Count: members})
		}
	}
}

// written tells whether all that was queued for a session has left.
func (ts *traces) written(s *Session) {
	if n := s.peer.Queued(); n > 0 {
		ts.session(s, Event{What: "waits", Bytes: n})
	} else {
		ts.session(s, Event{What: "written"})
	}
}

// closed tells that a session has ended.
func (ts *traces) closed(s *Session) {
	e := Event{What: "closed"}
	if coded, ok := s.peer.(interface{ Code() uint16 }); ok {
		e.Code = int(coded.Code())
	}
	ts.session(s, e)
}
