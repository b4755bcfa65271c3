package history

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"
)

const (
	// readBatch is how many messages are fetched at a time.
	readBatch = 500
	// readFew is up to how many messages are read and thrown away rather than that it is looked for a better place to begin.
	readFew = 64
	// readNear times as many seqs as messages are wanted are looked through before that.
	readNear = 8
	// behindPause is before a server that is behind the leader is asked again, and behindTries how often.
	behindPause = 20 * time.Millisecond
	behindTries = 50
)

// Read implements Log. What is followed is answered from memory, as far as that reaches back.
func (s *Stream) Read(name string, after, before uint64, limit int) (msgs []Message, more bool, err error) {
	err = s.ask(func(ctx context.Context) (err error) {
		if len(name) == 0 || len(name) > maxName {
			return nil
		}
		c := s.tails.pin(name)
		defer s.tails.unpin(c)
		head, ok, err := s.head(ctx, c)
		if err != nil {
			return err
		}
		q := span{after: after, top: head.Last, bottom: max(head.Trimmed, after) + 1, limit: limit}
		if before > 0 {
			q.top = min(q.top, before-1)
		}
		if q.empty() {
			return nil
		}
		c.mu.Lock()
		if ok = ok && c.loaded; ok {
			msgs, more, ok = c.read(q)
		}
		erasures := c.erasures
		c.mu.Unlock()
		if ok {
			return nil
		}
		if msgs, more, err = s.readSpan(ctx, name, q, head.Trimmed); err != nil {
			return err
		}
		c.mu.Lock()
		grown := c.learn(msgs, erasures)
		c.mu.Unlock()
		s.tails.grew(grown)
		return nil
	})
	return msgs, more, err
}

// Head implements Log. First, Count and Bytes are not known to a Stream.
func (s *Stream) Head(name string) (h Head, err error) {
	err = s.ask(func(ctx context.Context) (err error) {
		if len(name) == 0 || len(name) > maxName {
			return nil
		}
		c := s.tails.pin(name)
		defer s.tails.unpin(c)
		h, _, err = s.head(ctx, c)
		return err
	})
	return Head{Last: h.Last, Trimmed: h.Trimmed}, err
}

// head is what is known of a conversation: from memory if it is followed and what this node has stored has come back, which ok tells,
// else from the leader.
func (s *Stream) head(ctx context.Context, c *conv) (h Head, ok bool, err error) {
	trimmed := s.cuts.get(path(c.name))
	c.mu.Lock()
	if ok = c.loaded && c.acked <= c.head.Last; ok {
		s.tails.bytes.Add(-c.cut(trimmed))
		h = c.head
	}
	c.mu.Unlock()
	if ok {
		return h, true, nil
	}
	it, _, err := s.newest(ctx, path(c.name))
	last := max(it.seq, trimmed, s.graves.newest(path(c.name), math.MaxInt64))
	return Head{Last: last, Trimmed: trimmed}, false, err
}

// readSpan reads from the servers. trimmed is up to where the conversation has been removed.
func (s *Stream) readSpan(ctx context.Context, name string, q span, trimmed uint64) (msgs []Message, more bool, err error) {
	if msgs, more, err = s.readStored(ctx, name, q, trimmed); err != nil {
		return nil, false, err
	}
	return s.weave(ctx, name, q, trimmed, msgs, more)
}

// readStored is readSpan without what was erased.
func (s *Stream) readStored(ctx context.Context, name string, q span, trimmed uint64) (msgs []Message, more bool, err error) {
	var items []item
	if q.after > 0 {
		items, err = s.scan(ctx, name, q.bottom, q.top, q.limit+1)
	} else {
		items, err = s.last(ctx, name, q)
	}
	if err != nil || len(items) == 0 {
		return nil, false, err
	}
	if more = len(items) > q.limit; more {
		items = items[:q.limit]
	}
	if msgs, err = s.messages(items); err != nil {
		return nil, false, err
	}
	msgs[0].Prev, err = s.prev(ctx, name, msgs[0].Seq, trimmed)
	if q.after == 0 {
		more = msgs[0].Prev >= q.bottom
	}
	return msgs, more, err
}

// last reads the last messages of q. There is no asking for them backwards: it is tried from a little in front of the end, and, if
// that was not enough, from a place that is looked for.
func (s *Stream) last(ctx context.Context, name string, q span) (items []item, err error) {
	from := q.bottom
	if near := uint64(readNear * q.limit); q.top > near {
		from = max(from, q.top-near)
	}
	if items, err = s.scan(ctx, name, from, q.top, 0); err == nil && len(items) < q.limit && from > q.bottom {
		if from, err = s.begin(ctx, name, q); err == nil {
			items, err = s.scan(ctx, name, from, q.top, 0)
		}
	}
	return items[max(0, len(items)-q.limit):], err
}

// messages decodes messages of one conversation that follow each other. The Prev of the first is not set.
func (s *Stream) messages(items []item) ([]Message, error) {
	msgs := make([]Message, len(items))
	for i, it := range items {
		m, err := s.message(it)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			m.Prev = items[i-1].seq
		}
		msgs[i] = m
	}
	return msgs, nil
}

// prev is the seq in front of a message's in its conversation.
func (s *Stream) prev(ctx context.Context, name string, seq, trimmed uint64) (uint64, error) {
	prev, err := s.prevStored(ctx, name, seq, trimmed)
	return max(prev, s.graves.newest(path(name), seq-1)), err
}

// prevStored is prev without what was erased. The server that answers may be behind the leader, who therefore has to say that there is
// nothing between the two.
func (s *Stream) prevStored(ctx context.Context, name string, seq, trimmed uint64) (uint64, error) {
	path := path(name)
	for range behindTries {
		prev := trimmed
		p, err := s.some(ctx, query{NewestOf: []string{logPrefix + path}, UpTo: seq - 1}, 1)
		if err != nil {
			return 0, err
		}
		if len(p.items) > 0 {
			prev = max(prev, p.items[0].seq)
		}
		if s.conf.Replicas == 1 || prev+1 == seq {
			return prev, nil
		}
		next, found, err := s.one(ctx, query{Seq: prev + 1, Next: logPrefix + path})
		if err != nil || found && next.seq >= seq || s.cuts.get(path) >= seq {
			return prev, err
		}
		if err := pause(ctx, behindPause); err != nil {
			return 0, err
		}
	}
	return 0, errBehind
}

// scan reads forwards a conversation's messages from one seq to another, most at most, 0: all. The server that answers may be behind the
// leader, and is waited for; top is the seq of a message, or one is behind it.
func (s *Stream) scan(ctx context.Context, name string, from, top uint64, most int) (items []item, err error) {
	if most == 0 {
		most = int(top - from + 1)
	}
	subject := logPrefix + path(name)
	for tries := 0; len(items) < most && from <= top; {
		want := min(readBatch, most-len(items)+1)
		p, err := s.some(ctx, query{Seq: from, Next: subject, Batch: want}, want)
		if err != nil {
			return nil, err
		}
		for _, it := range p.items {
			if it.seq > top || len(items) == most {
				return items, nil
			}
			items, from = append(items, it), it.seq+1
		}
		if p.pending > 0 || from > top {
			continue
		}
		// There is nothing more, if that server has everything: then top was removed meanwhile.
		if tries++; s.conf.Replicas == 1 || tries > behindTries {
			return items, nil
		}
		if err := pause(ctx, behindPause); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// begin looks for a seq in q from which on there are q.limit messages and not many more.
func (s *Stream) begin(ctx context.Context, name string, q span) (from uint64, err error) {
	behind, err := s.count(ctx, name, q.top+1)
	if err != nil {
		return 0, err
	}
	low, high := q.bottom, q.top+1 // from low on there are enough, or all; from high on too few
	n, err := s.count(ctx, name, low)
	for guess := true; err == nil && n-behind > 2*q.limit+readFew && high-low > 1; guess = !guess {
		step := (high - low) / 2
		if guess { // as if they were spread evenly, with some to spare
			step = uint64(float64(high-low) * float64(q.limit+readFew/2) / float64(n-behind))
		}
		middle := high - min(max(step, 1), high-low-1)
		var m int
		if m, err = s.count(ctx, name, middle); m-behind >= q.limit {
			low, n = middle, m
		} else {
			high = middle
		}
	}
	return low, err
}

// count is how many messages a conversation has from a seq on.
func (s *Stream) count(ctx context.Context, name string, from uint64) (int, error) {
	p, err := s.some(ctx, query{Seq: from, Next: logPrefix + path(name), Batch: 1}, 1)
	if err != nil {
		return 0, err
	}
	return len(p.items) + p.pending, nil
}

// Find implements Log.
func (s *Stream) Find(mid string) (m Message, found bool, err error) {
	err = s.ask(func(ctx context.Context) error {
		if m, found, err = s.find(ctx, mid); !found || err != nil {
			return err
		}
		trimmed := s.cuts.get(path(m.Conv))
		if found = m.Seq > trimmed; !found {
			return nil
		}
		m.Prev, err = s.prev(ctx, m.Conv, m.Seq, trimmed)
		return err
	})
	if err != nil || !found {
		return Message{}, false, err
	}
	return m, true, nil
}

// find finds a message even if it is being removed. Its Prev is not known.
func (s *Stream) find(ctx context.Context, mid string) (m Message, found bool, err error) {
	get := func(q query) (m Message, found bool, err error) {
		it, found, err := s.one(ctx, q)
		if found && err == nil {
			m, err = s.message(it)
		}
		return m, found && err == nil, err
	}
	if m, found := s.graves.find(mid); found {
		return m, true, nil
	}
	if seq, ok := midSeqOf(mid); ok && newMid(s.born, seq) == mid {
		if m, found, err = get(query{Seq: seq}); err != nil || found && m.Mid == mid {
			return m, found, err
		}
	}
	return s.origin.find(mid, func(from uint64) (Message, bool, error) { return get(query{Seq: from, Next: anySubject}) })
}

// Directs implements Log.
func (s *Stream) Directs(claim uint64) (all []Direct, floor uint64, err error) {
	err = s.ask(func(ctx context.Context) (err error) {
		all, err = s.directsOf(ctx, claim)
		return err
	})
	return all, 0, err
}

func (s *Stream) directsOf(ctx context.Context, claim uint64) (all []Direct, err error) {
	var st state
	if s.conf.Replicas > 1 {
		if st, err = s.directs.state(ctx); err != nil {
			return nil, err
		}
	}
	all, _, err = s.listDirects(ctx, claim, st.State.LastSeq)
	return all, err
}

// listDirects is directsOf, as of a seq of the bucket at least. Any server that has a copy may answer, and one that is behind is asked
// again; of a claim with very many it is not known whether it was: isSure.
func (s *Stream) listDirects(ctx context.Context, claim, seq uint64) (all []Direct, isSure bool, err error) {
	own := hex(claim) + "."
	if s.conf.Replicas == 1 {
		all, err = s.pageDirects(ctx, own)
		return all, true, err
	}
	about := s.directs.prefix + aboutKey // is always there, so that there is an answer
	for {
		p, err := s.directs.some(ctx, query{NewestOf: []string{s.directs.prefix + own + ">", about}}, maxNewest+100)
		if errors.Is(err, errTooMany) || p.pending > 0 {
			all, err = s.pageDirects(ctx, own)
			return all, false, err
		}
		if err != nil {
			return nil, false, err
		}
		if p.upTo >= seq {
			p.items = slices.DeleteFunc(p.items, func(it item) bool { return it.path == aboutKey })
			all, err = decodeDirects(own, p.items)
			return all, true, err
		}
		if err := pause(ctx, behindPause); err != nil {
			return nil, false, err
		}
	}
}

// pageDirects reads a list of any length.
func (s *Stream) pageDirects(ctx context.Context, own string) (all []Direct, err error) {
	for from, more := uint64(1), true; more; {
		p, err := s.directs.some(ctx, query{Seq: from, Next: s.directs.prefix + own + ">", Batch: readBatch}, readBatch)
		if err != nil {
			return nil, err
		}
		some, err := decodeDirects(own, p.items)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if more = p.pending > 0 && len(p.items) > 0; more {
			from = p.items[len(p.items)-1].seq + 1
		}
	}
	slices.SortFunc(all, byConv)
	return all, nil
}

func byConv(a, b Direct) int { return strings.Compare(a.Conv, b.Conv) }

// decodeDirects reads what a claim's list has, in the order of the names.
func decodeDirects(own string, items []item) (all []Direct, err error) {
	for _, it := range items {
		conv, ok := convOf(strings.TrimPrefix(it.path, own))
		if !ok {
			return nil, errRecord
		}
		d, err := decodeDirect(conv, it.data)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	slices.SortFunc(all, byConv)
	return all, nil
}
