package history

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// followInbox is how many messages may wait to be given to Receive. What comes when it is full is lost, and found again by a resync.
const followInbox = 64 << 10

// follower gives what is followed to Receive. The servers repeat each message at most once to whoever is there to hear it; what is
// missing is told by the seq that each message has in front of it, and is read from the log.
//
// Locks are taken in the order giving, mu, tails.mu, conv.mu.
type follower struct {
	s    *Stream
	in   chan *nats.Msg
	wake chan struct{} // has a token when something may have been lost anywhere

	states  shared[state] // people come many at a time
	flushes shared[struct{}]

	giving sync.Mutex // held by who gives to Receive; guards the flows' fields

	mu     sync.Mutex // guards what follows
	flows  map[string]*flow
	rooms  map[string]*nats.Subscription // by path: what Follow was called for
	claims map[uint64]*followed
	young  []uint64 // claims that are followed since the last check; fresh: since the one before
	fresh  []uint64
	round  []uint64 // claims whose turn to be looked at is still to come
}

// flow is a conversation that messages come of. Direct ones have one from their first message on.
type flow struct {
	conv, path string
	last       uint64 // highest seq that was given, or that there was when following began
	checked    uint64 // up to there nothing is missing
	stale      bool   // something is missing and could not be read yet: nothing is given before it
	isOwn      bool   // last is a message of this conversation, or there was none in front
	begins     bool   // last is not known yet: what comes is only noted in seen
	seen       uint64
}

// followed is a claim whose direct conversations are followed.
type followed struct {
	subs  [2]*nats.Subscription
	since uint64   // what is behind it is to be given
	paths []string // of flows that end with it, unless the other side is followed still
}

func newFollower(s *Stream) *follower {
	return &follower{
		s: s, in: make(chan *nats.Msg, followInbox), wake: make(chan struct{}, 1),
		flows: map[string]*flow{}, rooms: map[string]*nats.Subscription{}, claims: map[uint64]*followed{},
	}
}

// Follow lets Receive have every message of a conversation that is stored after it returns, in order and once. One that comes
// while following begins may be given. It waits for the servers. Calls for one conversation must not overlap.
func (s *Stream) Follow(conv string) error {
	return s.ask(func(ctx context.Context) error { return s.follow.room(ctx, conv) })
}

// Unfollow ends Follow. A message that is just being given may still come.
func (s *Stream) Unfollow(conv string) {
	f, path := s.follow, path(conv)
	f.mu.Lock()
	defer f.mu.Unlock()
	if sub := f.rooms[path]; sub != nil {
		_ = sub.Unsubscribe() // fails only without a connection, and then there is none
		delete(f.rooms, path)
		f.forget(path)
	}
}

// FollowDirects is Follow for all direct conversations of a claim. What is said between two such claims is given once.
func (s *Stream) FollowDirects(claim uint64) error {
	return s.ask(func(context.Context) error { return s.follow.claim(claim) })
}

// UnfollowDirects ends FollowDirects.
func (s *Stream) UnfollowDirects(claim uint64) {
	f := s.follow
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.claims[claim]
	if one == nil {
		return
	}
	delete(f.claims, claim)
	for _, sub := range one.subs {
		_ = sub.Unsubscribe()
	}
	for _, path := range one.paths {
		_, sides := f.sides(path)
		for _, side := range sides {
			side.paths = append(side.paths, path) // which was perhaps not followed yet when the flow began
		}
		if len(sides) == 0 {
			f.forget(path)
		}
	}
}

func (f *follower) room(ctx context.Context, conv string) error {
	fl := &flow{conv: conv, path: path(conv), isOwn: true, begins: true}
	f.mu.Lock()
	if f.rooms[fl.path] != nil {
		f.mu.Unlock()
		return nil
	}
	sub, err := f.s.nc.ChanSubscribe(outPrefix+fl.path, f.in)
	if err == nil {
		f.rooms[fl.path], f.flows[fl.path] = sub, fl
	}
	f.mu.Unlock()
	if err != nil {
		return err
	}
	if err = f.flush(); err == nil {
		err = f.begin(ctx, fl)
	}
	if err != nil {
		f.s.Unfollow(conv)
	}
	return err
}

// flush waits until the servers have heard of what was subscribed.
func (f *follower) flush() error {
	_, err := f.flushes.do(func() (struct{}, error) {
		ctx, cancel := f.s.patience() // not that of whoever comes first: others wait too
		defer cancel()
		return struct{}{}, f.s.nc.FlushWithContext(ctx)
	})
	return err
}

// state is that of the log.
func (f *follower) state() (state, error) {
	return f.states.do(func() (state, error) {
		ctx, cancel := f.s.patience()
		defer cancel()
		return f.s.state(ctx)
	})
}

// begin finds out where a flow begins, now that what is stored comes.
func (f *follower) begin(ctx context.Context, fl *flow) error {
	c := f.s.tails.pin(fl.conv) // what this node stores meanwhile is noted there
	defer f.s.tails.unpin(c)
	it, _, err := f.s.newest(ctx, fl.path)
	if err != nil {
		return err
	}
	f.giving.Lock()
	defer f.giving.Unlock()
	fl.last, fl.begins = max(it.seq, f.s.cuts.get(fl.path), f.s.graves.newest(fl.path, math.MaxInt64)), false
	c.mu.Lock()
	f.s.tails.bytes.Add(-c.unload())
	c.load(Head{Last: fl.last}, 0)
	c.mu.Unlock()
	if fl.seen > fl.last {
		f.heal(fl, fl.seen)
	}
	return nil
}

func (f *follower) claim(claim uint64) error {
	f.mu.Lock()
	isKnown := f.claims[claim] != nil
	f.mu.Unlock()
	if isKnown {
		return nil
	}
	st, err := f.state()
	if err != nil {
		return err
	}
	f.mu.Lock()
	if f.claims[claim] != nil {
		f.mu.Unlock()
		return nil
	}
	one := &followed{since: st.State.LastSeq}
	for i, pattern := range [...]string{"d." + hex(claim) + ".*", "d.*." + hex(claim)} {
		var failed error
		one.subs[i], failed = f.s.nc.ChanSubscribe(outPrefix+pattern, f.in)
		err = errors.Join(err, failed)
	}
	if err == nil {
		f.claims[claim] = one
		f.young = append(f.young, claim)
	}
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return f.flush()
}

// forget ends a flow. mu is held.
func (f *follower) forget(path string) {
	fl := f.flows[path]
	if fl == nil {
		return
	}
	delete(f.flows, path)
	c := f.s.tails.pin(fl.conv)
	c.mu.Lock()
	f.s.tails.bytes.Add(-c.unload())
	c.mu.Unlock()
	f.s.tails.unpin(c)
}

// sides gives of a direct conversation's claims those that are followed. mu is held.
func (f *follower) sides(path string) (since uint64, sides []*followed) {
	conv, _ := convOf(path)
	claims, ok := claimsOf(conv)
	if !ok {
		return 0, nil
	}
	since = math.MaxUint64
	for i, claim := range claims {
		if one := f.claims[claim]; one != nil && (i == 0 || claim != claims[0]) {
			since, sides = min(since, one.since), append(sides, one)
		}
	}
	return since, sides
}

// flow is the flow of a path; nil: it is not followed.
func (f *follower) flow(path string) *flow {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.flows[path]; fl != nil {
		return fl
	}
	since, sides := f.sides(path)
	conv, ok := convOf(path)
	if len(sides) == 0 || !ok {
		return nil
	}
	fl := &flow{conv: conv, path: path, last: since}
	f.flows[path] = fl
	for _, side := range sides {
		side.paths = append(side.paths, path)
	}
	return fl
}

// run gives what comes, until Close.
func (f *follower) run() {
	for {
		select {
		case <-f.s.life.Done():
			return
		case m := <-f.in:
			if len(f.in) >= cap(f.in)-1 {
				f.suspect() // something may not have fitted in
			}
			f.take(m)
		}
	}
}

// suspect asks for a resync.
func (f *follower) suspect() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// take gives a message that has come, and before it what was lost in front of it.
func (f *follower) take(m *nats.Msg) {
	path := strings.TrimPrefix(m.Subject, outPrefix)
	seq, prev := number(m, "Nats-Sequence"), number(m, "Nats-Last-Sequence")
	f.giving.Lock()
	defer f.giving.Unlock()
	fl := f.flow(path)
	switch {
	case fl == nil || fl.stale || seq <= fl.last:
		return
	case fl.begins:
		fl.seen = max(fl.seen, seq)
		return
	}
	if prev > fl.last {
		f.suspect()
		if !f.heal(fl, prev) {
			return
		}
	}
	msg, err := decodeStreamed(fl.conv, seq, f.s.born, m.Data)
	if err != nil {
		f.s.log.Error("a message could not be read", "conversation", fl.conv, "seq", seq, "error", err)
		return
	}
	msg.Prev = max(prev, f.s.cuts.get(path), f.s.graves.newest(path, seq-1))
	f.give(fl, msg)
}

// give lets readers and Receive have a message. giving is held.
func (f *follower) give(fl *flow, m Message) {
	fl.last, fl.isOwn = m.Seq, true
	if !f.remember(fl, m) {
		return
	}
	f.s.conf.Receive(m)
}

// remember puts a message in memory, if its flow is still wanted.
func (f *follower) remember(fl *flow, m Message) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.flows[fl.path] != fl {
		return false
	}
	c := f.s.tails.pin(fl.conv)
	c.mu.Lock()
	if !c.loaded || c.head.Last != m.Prev {
		f.s.tails.bytes.Add(-c.unload())
		c.load(Head{Last: m.Prev}, 0)
		c.acked = max(c.acked, f.s.acked.Load()) // what of it was this conversation's may have been forgotten
	}
	grown := c.add(m, 0) - c.bound()
	c.mu.Unlock()
	f.s.tails.unpin(c)
	f.s.tails.grew(grown)
	return true
}

// close ends all subscriptions.
func (f *follower) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var err error
	for _, sub := range f.rooms {
		err = errors.Join(err, sub.Unsubscribe())
	}
	for _, one := range f.claims {
		err = errors.Join(err, one.subs[0].Unsubscribe(), one.subs[1].Unsubscribe())
	}
	return err
}
