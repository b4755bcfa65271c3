package room

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"throng/room/event"
	"throng/room/history"
)

// Cluster joins hubs on several nodes into one chat. Their log is one that they share: what is stored comes back to every node
// that follows its conversation. The methods may be called from any goroutine; those without a context do not wait.
type Cluster interface {
	// Node is the id of this node.
	Node() string

	// Hold takes a nick, by its key, for this node. holder is "" when this node has it now, or had it, else the live node that
	// has it.
	Hold(ctx context.Context, key string) (holder string, err error)
	// Release gives a nick up. A Hold that is called later comes after it.
	Release(key string)
	// Holder is the live node that holds a nick; "": none does.
	Holder(ctx context.Context, key string) (node string, err error)
	// OnNick has changed called with a nick that was taken or given up, on any node, right after Holder says so; "": any nick may
	// have been. It must not block.
	OnNick(changed func(key string))

	// Begin has every message that is followed given to receive, each once, those of a conversation in their order, by one
	// goroutine at a time.
	Begin(receive func(history.Message))
	// Follow begins to follow a conversation: everything that is stored after its return is received. It waits for the
	// network. Calls for one conversation must not overlap; if it is followed already nothing happens.
	Follow(conv string) error
	// Unfollow ends Follow, if there was one, without waiting. A message that is just being given may still come.
	Unfollow(conv string)
	// FollowDirects is Follow for all direct conversations of a claim.
	FollowDirects(claim uint64) error
	// UnfollowDirects is Unfollow for FollowDirects. What another claim that is followed has part in still comes.
	UnfollowDirects(claim uint64)

	// Tell tells all other nodes that listen to a topic, at most once, in order.
	Tell(topic string, data []byte)
	// Listen calls hear with what other nodes tell. It must not block.
	Listen(topic string, hear func(node string, data []byte)) error
	// Unlisten ends Listen, if there was one, without waiting. hear may be at work still when it returns.
	Unlisten(topic string)
	// Ask asks all other nodes and returns when all have answered, or ctx has ended.
	Ask(ctx context.Context, data []byte) map[string][]byte
	// AskNode asks one node. It fails at once when there is no such node or it answers nothing, else when ctx has ended.
	AskNode(ctx context.Context, node string, data []byte) ([]byte, error)
	// Answer sets what answers other nodes, on goroutines of its own.
	Answer(answer func(node string, data []byte) []byte) error
	// OnLeave has gone called when a node is gone. It must not block.
	OnLeave(gone func(node string))
	// OnLease has f called with false when this node can no longer hold nicks, and with true when it can again and has to Hold
	// each anew. It must not block.
	OnLease(f func(isHeld bool))
}

const (
	// answerWait is how long another node is waited for.
	answerWait = 5 * time.Second
	// handOver is how long a nick is waited for that another node is giving up.
	handOver = 2 * time.Second
)

var (
	// errElsewhere is that somebody on another node has a nick.
	errElsewhere = errors.New("room: the nick is held by another node")
	// errNotYet is that one's own claim has a nick on another node, which has not given it up yet.
	errNotYet = errors.New("room: another node still holds the nick")
)

// holds counts who on this node needs which nick to be held.
type holds struct {
	mu    sync.Mutex // guards byKey; a leaf, but for Cluster.Release
	byKey map[string]int
}

// hold takes a nick for a session, which ends it with unhold. holder is who has it instead.
func (h *Hub) hold(ctx context.Context, key string) (holder string, err error) {
	h.holds.mu.Lock()
	h.holds.byKey[key]++
	h.holds.mu.Unlock()
	holder, err = h.cluster.Hold(ctx, key)
	for until := time.Now().Add(handOver); holder != "" && err == nil && h.isLeaving(ctx, holder, key) && time.Now().Before(until); {
		time.Sleep(handOver / 100)
		holder, err = h.cluster.Hold(ctx, key)
	}
	if holder != "" || err != nil {
		h.letGo(key)
	}
	return holder, err
}

// isLeaving reports whether the node that holds a nick is about to give it up: it knows nobody of that name.
func (h *Hub) isLeaving(ctx context.Context, holder, key string) bool {
	data, err := h.cluster.AskNode(ctx, holder, encode(memo{Kind: askWho, Key: key}))
	return err == nil && string(data) == "null"
}

// letGo ends a hold.
func (h *Hub) letGo(key string) {
	h.holds.mu.Lock()
	defer h.holds.mu.Unlock()
	if h.holds.byKey[key]--; h.holds.byKey[key] == 0 {
		delete(h.holds.byKey, key)
		h.cluster.Release(key)
	}
}

// retain is another hold of a nick that this node has.
func (h *Hub) retain(key string) {
	h.holds.mu.Lock()
	h.holds.byKey[key]++
	h.holds.mu.Unlock()
}

// letGo ends a session's hold, if it has one. The shard calls it.
func (s *Session) letGo() {
	if s.holds {
		s.holds = false
		s.hub.letGo(s.nick.Key)
	}
}

// asking is the context of a question to the cluster.
func (h *Hub) asking() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), answerWait)
}

// seize takes the nick of a session for this node, from another if resume proves that it is the same claim that has come
// back, and returns who had it last. It waits for the cluster. Without an error the nick is held.
func (h *Hub) seize(key, resume string) (last *history.Claim, err error) {
	ctx, cancel := h.asking()
	defer cancel()
	holder, err := h.hold(ctx, key)
	if err != nil {
		return nil, err
	}
	claim, ok, err := h.config.Log.ClaimByNick(key)
	if ok {
		last = &claim
	}
	if holder == "" {
		if err != nil {
			h.letGo(key)
		}
		return last, err
	}
	if err == nil && (!ok || !opens(last, resume)) {
		err = errElsewhere
	}
	if err == nil {
		_, err = h.cluster.AskNode(ctx, holder, encode(memo{Kind: askYield, Key: key, Claim: claim.ID}))
	}
	for until := time.Now().Add(handOver); err == nil && time.Now().Before(until); time.Sleep(handOver / 100) {
		if holder, err = h.hold(ctx, key); holder == "" {
			return last, err
		}
	}
	return nil, cmp.Or(err, errNotYet)
}

// admission is a session that needs its nick to be held before it can be let in.
type admission struct {
	session *Session
	resume  string
	last    *history.Claim // who had the nick last; nil: nobody who can come back
	failed  error          // the nick is not held
	isGuest bool           // nor is it for an owned claim, whose nick another node has
	then    func(isIn bool)
}

// letIn gives a session its nick, if it has none yet and may have it, and goes on with whether it has.
func (s *shard) letIn(session *Session, resume string, then func(isIn bool)) {
	switch {
	case session.person != nil:
		then(true)
	case s.hub.isByToken() && session.grant.Load() == nil:
		then(false)
	case s.hub.isByToken() && s.hub.cluster == nil:
		then(s.admitAs(session, "", session.before))
	case s.hub.cluster == nil:
		saved, ok, err := s.hub.config.Log.ClaimByNick(session.nick.Key)
		if s.hub.check(err); !ok {
			then(s.admitAs(session, resume, nil))
		} else {
			then(s.admitAs(session, resume, &saved))
		}
	case session.isAsking: // it was slow to say hello
		session.late = func() { s.letIn(session, resume, then) }
	default:
		session.isAsking = true
		s.hub.apart(func() {
			l := admission{session: session, resume: resume, last: session.before, then: then}
			if s.hub.isByToken() {
				var isHeld bool
				isHeld, l.failed = s.hub.holdOwned(session.nick.Key)
				l.isGuest = !isHeld
			} else {
				l.last, l.failed = s.hub.seize(session.nick.Key, resume)
			}
			s.mail.put(l)
		})
	}
}

func (l admission) open(s *shard) {
	session := l.session
	session.isAsking = false
	session.holds = l.failed == nil && !l.isGuest
	if session.isGone {
		session.letGo()
		return
	}
	if l.failed != nil && !errors.Is(l.failed, errElsewhere) {
		s.hub.check(l.failed)
		s.reply(session, event.AppendErr(nil, nil, event.Unavailable("the nick cannot be looked up at present", retryAfter)))
		session.peer.Close(event.CloseFull, "the nick cannot be looked up at present")
		return
	}
	isIn := l.failed == nil && s.admitAs(session, l.resume, l.last)
	if !isIn {
		session.letGo()
	}
	late := session.late
	session.late = nil
	if isIn || late == nil {
		l.then(isIn)
	}
	if late != nil {
		late()
	}
}

// yield has a claim leave this node, since it has come back on another.
type yield struct {
	key   string
	claim uint64
	done  chan<- struct{}
}

func (l yield) open(s *shard) {
	p := s.people[l.key]
	if p == nil || p.claim.ID != l.claim {
		close(l.done)
		return
	}
	save := func() error { return nil }
	if p.returns() {
		save = s.hub.save(p) // and how far it was told
	}
	gone := s.expel(p)
	s.forget(p)
	s.hub.apart(func() {
		s.hub.check(save())
		s.mail.put(yielded{gone, l.done})
	})
}

// yielded gives up the nick of a claim that has left this node.
type yielded struct {
	gone []*Session
	done chan<- struct{}
}

func (l yielded) open(*shard) {
	for _, session := range l.gone {
		session.letGo()
	}
	close(l.done)
}

// expel closes the connections of somebody who has come back on another, and returns them. They may still hold the nick.
func (s *shard) expel(p *person) (gone []*Session) {
	for _, old := range p.sessions {
		isHere := old.all.index >= 0
		s.depart(old)
		old.person = nil
		if isHere {
			s.takenOver(old)
		} else {
			old.isTaken = true
		}
	}
	gone, p.sessions = p.sessions, nil
	s.tellGone(p)
	return gone
}

func (*shard) takenOver(session *Session) {
	session.peer.Close(event.CloseTakenOver, "taken over by a newer connection")
}

// forget takes somebody off the list of those who are here.
func (s *shard) forget(p *person) {
	delete(s.people, p.claim.Key)
	if s.hub.cluster != nil {
		s.hub.cluster.UnfollowDirects(p.claim.ID)
		if isOwned(&p.claim) {
			s.hub.cluster.Unlisten(topicNick(p.claim.Key))
		}
	}
}

// rehold has this node hold its nicks again, after it had lost its lease. Whose nick another node has by now is sent away.
type rehold struct{}

func (rehold) open(s *shard) {
	for key, p := range s.people {
		reholdOne{key, p.claim.ID}.open(s)
	}
}

// reholdOne is rehold for one nick, again and again until it is known who has it.
type reholdOne struct {
	key   string
	claim uint64
}

func (l reholdOne) open(s *shard) {
	p := s.people[l.key]
	if p == nil || p.claim.ID != l.claim {
		return
	}
	if isOwned(&p.claim) {
		s.demote(p)
		return
	}
	s.hub.apart(func() {
		ctx, cancel := context.WithTimeout(context.Background(), answerWait)
		defer cancel()
		switch holder, err := s.hub.cluster.Hold(ctx, l.key); {
		case holder != "":
			s.mail.put(yield{l.key, l.claim, make(chan struct{})})
		case err != nil:
			time.AfterFunc(handOver, func() { s.mail.put(l) })
		}
	})
}

// away says that somebody's leaving is stored. Other nodes may have the nick from then on.
type away struct {
	person  *person
	session *Session // whose hold kept it until then
}

func (l away) open(s *shard) {
	l.session.letGo()
	if p := l.person; s.hub.cluster != nil && len(p.sessions) == 0 && s.people[p.claim.Key] == p {
		s.forget(p)
	}
}
