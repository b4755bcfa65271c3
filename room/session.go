package room

import (
	"net/netip"
	"sync/atomic"
	"time"

	"throng/room/event"
	"throng/room/history"
)

// Session is one person's connection to the chat. Message is called on the connection's loop, Closed from any goroutine;
// the fields belong to whom they say. Small ones stand beside each other: all fit into the 256 bytes that Go's allocator has for them
// (TestSessionSize).
type Session struct {
	hub    *Hub
	shard  *shard
	peer   Peer                  // set before the loop or the shard sees the session
	nick   Nick                  // as the connection asked for it
	addr   netip.Addr            // where the client is; the zero Addr: unknown
	grant  atomic.Pointer[Grant] // what its token allows; nil: it has shown none. Set by the loop, and before there is one
	self   atomic.Pointer[self]  // whom the session speaks for; nil: nobody yet, it has to say hello; set by the shard
	caller chan<- outcome        // has room for it; nil: it is a person's. Else it has no peer, and says one thing: see Publish
	since  int64                 // ms since 1970: when it was let in; set with peer

	dialect dialect

	// The loop's.
	greeted bool // the first frame has come

	// The shard's.
	isDirty  bool   // frames were queued and are to be flushed
	isGone   bool   // Closed was called
	isNew    bool   // it is held until its first frame, which may be a hello
	isOver   bool   // its token has ended, and it is being closed
	isTaken  bool   // its claim has come back on another before it got its connection
	isAsking bool   // whether it may have its nick is being asked of other nodes
	holds    bool   // it has this node hold its nick; at first its claim's
	all      member // of everyone
	number   uint64 // by which the client, and a webhook, is told the session; 0: neither was yet
	person   *person
	held     *held             // what comes while the session is being told what it missed; nil: it is not
	lag      *lag              // what a slow reader missed; nil: nothing
	unsure   map[string]uint64 // direct conversations by storage name: the newest seq queued and perhaps not written

	// The loop's.
	sender sender
	stamp  *stamp // of the frame that is being read; nil in most

	*visitor // nil in the tutorial dialect
}

// visitor is what a session of version 2 has besides.
type visitor struct {
	rooms  map[string]Nick       // the loop's: joined, by key, as they are shown
	before *history.Claim        // the loop's: who had the nick last and can come back
	isFree bool                  // the loop's: the nick is no longer kept for before
	joined map[string]*member    // the shard's: of rooms, by key
	told   map[event.Conv]uint64 // the shard's: up to where the client was told what it had missed, until newer comes
	late   func()                // the shard's: what was said while it was isAsking; nil: nothing
	secret string                // the shard's: with which the client can come back, once it has it
}

// self is whom a session speaks for. It is immutable.
type self struct {
	claim uint64
	nick  Nick // as the claim's first connection wrote it
}

func selfOf(c *history.Claim) *self { return &self{c.ID, Nick{c.Nick, c.Key}} }

// claim is whom the session speaks for; 0 before it was let in.
func (s *Session) claim() uint64 {
	if self := s.self.Load(); self != nil {
		return self.claim
	}
	return 0
}

// name is the session's nick as people see it.
func (s *Session) name() string {
	if self := s.self.Load(); self != nil {
		return self.nick.Name
	}
	return s.nick.Name
}

// String is the session's nick, for the log.
func (s *Session) String() string { return s.name() }

// Message takes one message from the client. payload stays the caller's.
func (s *Session) Message(isBinary bool, payload []byte) {
	if isBinary {
		s.peer.Close(event.CloseUnsupported, "chat is text")
		return
	}
	s.stamp = s.hub.sample()
	s.sender.begin(s.hub.rates, s.claim(), s.addr, time.Now(), len(payload))
	if ts := s.hub.traces.Load(); ts != nil {
		ts.received(s, payload)
	}
	if s.dialect == version2 {
		event.EachV2(payload, s.object)
		return
	}
	bad := s.allow()
	if bad == nil {
		bad = s.receive(payload)
	}
	if bad != nil {
		s.refuse(nil, bad)
	}
}

// allow keeps the rate limit. When the client goes on in spite of it the connection is closed.
func (s *Session) allow() *event.Error {
	switch s.sender.judge(s.hub.rates, time.Now()) {
	case beyond:
		return event.SlowDown("slow down: too many messages a second; this one was not sent", s.sender.wait(s.hub.rates))
	case goesOn:
		if s.dialect == version2 {
			s.reply(event.AppendBye(nil, event.CloseRate, retryAfter))
		}
		s.peer.Close(event.CloseRate, "too many messages a second")
		return event.SlowDown("too many messages a second", s.sender.wait(s.hub.rates))
	}
	return nil
}

// receive sends a frame of the tutorial dialect on its road.
func (s *Session) receive(payload []byte) *event.Error {
	in, bad := event.DecodeTutorial(payload)
	if bad != nil {
		s.hub.metrics.receivedBy[tutorial][event.TypeUnknown].Inc()
		return bad
	}
	s.hub.metrics.receivedBy[tutorial][event.TypeMsg].Inc()
	p := &post{from: s, self: s.self.Load(), body: in.Message}
	s.leaves(p)
	if bad := s.silence(in.To, Nick{}); bad != nil {
		return bad
	}
	if in.To == "" {
		return s.hub.road.take(p)
	}
	return s.address(p, in.To)
}

// address sends a direct message on its road, by way of its recipient's shard, which knows whose the nick is.
func (s *Session) address(p *post, nick string) *event.Error {
	to, bad := ParseNick(nick)
	if bad != nil {
		return errNobody(nick)
	}
	p.to = to
	if bad := s.hub.road.reserve(p); bad != nil {
		return bad
	}
	s.hub.shardOf(to.Key).mail.put(find{p})
	return nil
}

// Closed ends the session: the nick is free again for whoever comes after, unless its claim can come back.
func (s *Session) Closed() {
	s.sender.end(s.hub.rates, time.Now())
	s.shard.mail.put(leave{s})
}

// Leave tells a client of version 2 that the server is about to stop, and when to come back. The caller closes the connection.
func (s *Session) Leave(retryAfter time.Duration) {
	if s.dialect == version2 {
		s.reply(event.AppendBye(nil, event.CloseDraining, retryAfter))
	}
}

// tell sends a client of the tutorial dialect a word of the server's own.
func (s *Session) tell(reason string) { s.peer.Send(s.word(event.AppendString(nil, reason))) }

// word is a word of the server's own, a JSON value, for a client of the tutorial dialect.
func (s *Session) word(value []byte) Frame {
	return s.hub.config.Wire.Message(false, event.AppendTutorial(nil, event.System, s.name(), value))
}

// refuse tells a client what became of what it sent, in its dialect.
func (s *Session) refuse(id []byte, bad *event.Error) {
	s.hub.metrics.refuse(s.dialect, bad)
	if ts := s.hub.traces.Load(); ts != nil {
		ts.session(s, Event{What: "refused", Code: bad.Code, Why: bad.Message})
	}
	if s.dialect == tutorial {
		s.tell(bad.Message)
		return
	}
	s.reply(event.AppendErr(nil, id, bad))
}

// reply sends a client of version 2 one object.
func (s *Session) reply(text []byte) { s.peer.Send(s.hub.config.Wire.Message(false, text)) }
