package history

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// checkEvery is how often it is looked whether the newest messages of what is followed have come.
	checkEvery = 2 * time.Second
	// checkGrace is how long a message may be on its way.
	checkGrace = 100 * time.Millisecond
	// checkFew is how many claims' direct conversations are looked at each time, in turn, though there is no reason to.
	checkFew = 16
	// checkMany is how many are looked at, when there is, before the rooms are again.
	checkMany = 256
)

var errBehind = errors.New("nats: a server is far behind the others")

// Resync says that something may have been lost between the servers. All that is followed is compared with the log soon, and what is
// missing is given. It never blocks. A Stream does it by itself when its connection was lost, or a message was; where two servers have
// lost each other it finds out by the conversations of Follow within seconds, and by the direct ones of a few claims at a time.
func (s *Stream) Resync() { s.follow.suspect() }

// watch compares what was given with the log: conversations of Follow always, direct ones in turn, and all of them when there is a
// reason. Until Close.
func (f *follower) watch() {
	connected := f.s.nc.StatusChanged(nats.CONNECTED)
	defer f.s.nc.RemoveStatusListener(connected)
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		isAll := false
		select {
		case <-f.s.life.Done():
			return
		case <-tick.C:
		case <-connected:
			isAll = true
		case <-f.wake:
			isAll = true
		}
		if err := f.check(isAll); err != nil && f.s.life.Err() == nil {
			f.s.log.Warn("what is followed could not be compared with the log yet", "error", err)
			if isAll && pause(f.s.life, publishPause) == nil {
				f.suspect()
			}
		}
	}
}

// check compares once.
func (f *follower) check(isAll bool) error {
	claims := f.dueClaims(isAll)
	for {
		for part := range slices.Chunk(f.due(), maxNewest) {
			if err := f.compare(part); err != nil {
				return err
			}
		}
		n := min(len(claims), checkMany)
		if err := f.compareClaims(claims[:n]); err != nil {
			return err
		}
		if claims = claims[n:]; len(claims) == 0 {
			return nil
		}
	}
}

// due are the flows of rooms, and those that something is known to be missing of.
func (f *follower) due() (all []*flow) {
	f.giving.Lock()
	defer f.giving.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	for path, fl := range f.flows {
		if f.rooms[path] != nil && !fl.begins || fl.stale {
			all = append(all, fl)
		}
	}
	return all
}

// dueClaims are all claims, or those that are followed since a short while, since another server may not have known of it at once, and
// a few of the others.
func (f *follower) dueClaims(isAll bool) (all []uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all = f.fresh
	f.fresh, f.young = f.young, nil
	if isAll {
		f.round = slices.Collect(maps.Keys(f.claims))
		return slices.Clone(f.round)
	}
	if len(f.round) == 0 {
		f.round = slices.Collect(maps.Keys(f.claims))
	}
	n := min(len(f.round), checkFew)
	all = append(all, f.round[:n]...)
	f.round = f.round[n:]
	return all
}

// compare gives what is missing of some flows.
func (f *follower) compare(flows []*flow) error {
	subjects, from := make([]string, len(flows)), uint64(math.MaxUint64)
	f.giving.Lock()
	for i, fl := range flows {
		subjects[i] = logPrefix + fl.path
		from = min(from, max(fl.last, fl.checked)+1)
		if fl.stale {
			from = min(from, fl.last+1)
		}
	}
	f.giving.Unlock()
	upTo, err := f.newest(subjects, from)
	if err != nil || upTo == 0 {
		return err
	}
	f.giving.Lock()
	defer f.giving.Unlock()
	for _, fl := range flows {
		if !fl.stale {
			fl.checked = upTo
		}
	}
	return nil
}

// compareClaims gives what is missing of claims' direct conversations.
func (f *follower) compareClaims(claims []uint64) error {
	if len(claims) == 0 {
		return nil
	}
	ctx, cancel := f.s.patience()
	defer cancel()
	// What is behind this may be of conversations that will not be known of yet.
	st, err := f.state()
	if err != nil {
		return err
	}
	listed, err := f.s.directs.state(ctx)
	for _, claim := range claims {
		if err != nil {
			return err
		}
		err = f.compareClaim(claim, st.State.LastSeq, listed.State.LastSeq)
	}
	return err
}

// compareClaim does so for one, up to a seq, of the conversations that were listed at another.
func (f *follower) compareClaim(claim, upTo, listed uint64) error {
	f.mu.Lock()
	one := f.claims[claim]
	f.mu.Unlock()
	if one == nil {
		return nil
	}
	ctx, cancel := f.s.patience()
	defer cancel()
	directs, isSure, err := f.s.listDirects(ctx, claim, listed)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(directs, maxNewest) {
		subjects := make([]string, len(part))
		for i, d := range part {
			subjects[i] = logPrefix + path(d.Conv)
		}
		n, err := f.newest(subjects, one.since+1)
		if err != nil {
			return err
		}
		upTo = min(upTo, n)
	}
	if isSure {
		f.mu.Lock()
		one.since = max(one.since, upTo)
		f.mu.Unlock()
	}
	return nil
}

// newest heals the flows of subjects whose newest message, if it is behind from, was not given. upTo is how far that has looked.
func (f *follower) newest(subjects []string, from uint64) (upTo uint64, err error) {
	ctx, cancel := f.s.patience()
	defer cancel()
	p, err := f.s.some(ctx, query{NewestOf: subjects, Seq: from}, len(subjects))
	if err != nil {
		return 0, err
	}
	if p.pending > 0 { // so much that it was not all told
		p.upTo = 0
	}
	late := slices.DeleteFunc(p.items, func(it item) bool { return f.has(it) })
	if len(late) == 0 {
		return p.upTo, nil
	}
	if err := pause(ctx, checkGrace); err != nil {
		return 0, err
	}
	for _, it := range late {
		f.giving.Lock()
		if fl := f.flow(it.path); fl != nil && it.seq > fl.last && !f.heal(fl, it.seq) {
			err = errBehind
		}
		f.giving.Unlock()
	}
	return p.upTo, err
}

// has is that a message was given, or is not wanted.
func (f *follower) has(it item) bool {
	f.giving.Lock()
	defer f.giving.Unlock()
	fl := f.flow(it.path)
	return fl == nil || it.seq <= fl.last && !fl.stale
}

// heal gives what a flow lacks up to a seq that is one of its messages'. false: it cannot be read now, and the flow is stale.
// giving is held.
func (f *follower) heal(fl *flow, upTo uint64) bool {
	ctx, cancel := f.s.patience()
	defer cancel()
	err := f.healAll(ctx, fl, upTo)
	if fl.stale = err != nil; fl.stale && f.s.life.Err() == nil {
		f.s.log.Warn("messages that were lost on the way could not be read yet", "conversation", fl.conv, "error", err)
	}
	return !fl.stale
}

func (f *follower) healAll(ctx context.Context, fl *flow, upTo uint64) error {
	s := f.s
	for fl.last < upTo {
		items, err := s.scan(ctx, fl.conv, fl.last+1, upTo, readBatch)
		if err != nil {
			return err
		}
		if len(items) == 0 {
			_, found, err := s.one(ctx, query{Seq: upTo})
			if err != nil {
				return err
			}
			if found {
				return errBehind
			}
			fl.last = upTo // it was removed
			return nil
		}
		msgs, err := s.messages(items)
		if err != nil {
			return err
		}
		// The server that answers may be behind, and would tell of an older one.
		if fl.isOwn {
			msgs[0].Prev = max(fl.last, s.cuts.get(fl.path))
		} else if msgs[0].Prev, err = s.prev(ctx, fl.conv, msgs[0].Seq, s.cuts.get(fl.path)); err != nil {
			return err
		}
		for _, m := range msgs {
			f.give(fl, m)
		}
	}
	return nil
}
