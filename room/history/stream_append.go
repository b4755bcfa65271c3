package history

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go"
)

// Append implements Log. What was not acknowledged is published again for five seconds before it fails, under the same id, so that
// it is stored once.
func (s *Stream) Append(batch []*Entry) error {
	for _, e := range batch {
		if len(e.Conv) == 0 || len(e.Conv) > maxName {
			return fmt.Errorf("%w: conversation %q", errName, e.Conv)
		}
	}
	for _, e := range batch {
		e.Seq, e.Prev, e.Known = 0, 0, false
	}
	s.commit.Lock()
	defer s.commit.Unlock()
	err := s.ask(func(ctx context.Context) error {
		store := make([]*Entry, 0, len(batch))
		for _, e := range batch {
			if !e.Probe {
				store = append(store, e)
			} else if err := s.known(ctx, e); err != nil {
				return err
			}
		}
		for part := range slices.Chunk(store, publishWindow) {
			if err := s.append(ctx, part); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.health.Store(&err)
	}
	return err
}

func (s *Stream) append(ctx context.Context, batch []*Entry) error {
	if err := s.index(ctx, batch); err != nil {
		return err
	}
	s.ts = max(s.ts, s.now().UnixMilli())
	all := make([]*outgoing, len(batch))
	for i, e := range batch {
		if e.Ts == 0 {
			e.Ts = s.ts
		}
		all[i] = &outgoing{
			subject: logPrefix + path(e.Conv), header: nats.Header{headerMsgID: {s.id(&e.Message)}},
			data: appendStreamed(nil, &e.Message),
		}
	}
	failed := s.publish(ctx, all)
	for i, o := range all {
		if o.seq == 0 {
			continue
		}
		e := batch[i]
		e.Seq, e.Mid = o.seq, newMid(s.born, o.seq)
		if o.again {
			if err := s.recall(ctx, e); err != nil {
				return err
			}
			continue
		}
		s.stored(e, len(o.data))
	}
	return failed
}

// id is under which the servers know a message when it comes again.
func (s *Stream) id(m *Message) string {
	if m.Cid != "" {
		return cidID(m)
	}
	s.loose++
	return s.self + "." + strconv.FormatUint(s.loose, 36)
}

// cidID is the id of a message that has a Cid.
func cidID(m *Message) string {
	return hex(m.Claim) + "/" + base64.RawURLEncoding.EncodeToString([]byte(m.Cid))
}

// publish publishes until all is acknowledged, or the error is for good, or ctx ends. What has been overtaken by a later message of its
// conversation is given up, since it may no more come behind that.
func (s *Stream) publish(ctx context.Context, all []*outgoing) error {
	for left := all; ; {
		s.out.publish(ctx, left)
		var err error
		passed := map[string]bool{} // subjects of which a later one is stored
		var again []*outgoing
		for _, o := range slices.Backward(left) {
			if o.seq != 0 {
				passed[o.subject] = true
				continue
			}
			if err = o.err; !passed[o.subject] {
				again = append(again, o)
			}
		}
		slices.Reverse(again)
		if len(again) == 0 || isStorage(err) || pause(ctx, publishPause) != nil {
			return err
		}
		left = again
	}
}

// known makes an entry known if it is. The servers look for its id before they refuse it for a condition that cannot hold: which
// one depends on whether several have to agree. A condition of the other kind would stop a stream of several for good.
func (s *Stream) known(ctx context.Context, e *Entry) error {
	o := &outgoing{subject: logPrefix + path(e.Conv), header: nats.Header{headerMsgID: {s.id(&e.Message)}}}
	if s.made.CachedInfo().Config.Replicas > 1 {
		o.header.Set(headerLastSeq, strconv.FormatInt(math.MaxInt64, 10))
	} else {
		o.header.Set(headerLastID, "none")
	}
	s.out.publish(ctx, []*outgoing{o})
	var refused *apiError
	switch {
	case o.again:
		e.Seq, e.Mid = o.seq, newMid(s.born, o.seq)
		return s.recall(ctx, e)
	case errors.As(o.err, &refused) && (refused.ErrCode == codeWrongLastID || refused.ErrCode == codeWrongLast):
		return nil
	}
	return o.err
}

// recall makes an entry known, with the message of then.
func (s *Stream) recall(ctx context.Context, e *Entry) error {
	e.Known = true
	it, found, err := s.one(ctx, query{Seq: e.Seq})
	if err != nil {
		e.Seq = 0
		return err
	}
	if found {
		e.Message, err = s.message(it)
		return err
	}
	if left := s.graves.between(path(e.Conv), e.Seq, e.Seq); len(left) > 0 {
		e.Message = left[0]
		return nil
	}
	e.Message = Message{Conv: e.Conv, Seq: e.Seq, Mid: e.Mid, Ts: e.Ts, Claim: e.Claim, Cid: e.Cid}
	return nil
}

// message decodes what is stored. Its Prev is not known.
func (s *Stream) message(it item) (Message, error) {
	conv, ok := convOf(it.path)
	if !ok {
		return Message{}, errRecord
	}
	return decodeStreamed(conv, it.seq, s.born, it.data)
}

// stored takes note of a message that was acknowledged, though it may not yet have come back.
func (s *Stream) stored(e *Entry, size int) {
	s.acked.Store(max(s.acked.Load(), e.Seq)) // nobody else stores it
	c := s.tails.pin(e.Conv)
	c.mu.Lock()
	c.acked = max(c.acked, e.Seq)
	c.mu.Unlock()
	s.tails.unpin(c)
	s.grown(e.Conv, size)
}

// index makes direct conversations known to both sides, before the first message is stored in them.
func (s *Stream) index(ctx context.Context, batch []*Entry) error {
	var all []*outgoing
	var fresh []*conv
	defer func() {
		for _, c := range fresh {
			s.tails.unpin(c)
		}
	}()
	for _, e := range batch {
		if e.Peer == 0 {
			continue
		}
		c := s.tails.pin(e.Conv)
		c.mu.Lock()
		known := c.direct
		c.mu.Unlock()
		if known || slices.Contains(fresh, c) {
			s.tails.unpin(c)
			continue
		}
		fresh = append(fresh, c)
		all = append(all, s.side(e.Conv, e.Claim, e.Peer, e.To), s.side(e.Conv, e.Peer, e.Claim, e.From))
	}
	for part := range slices.Chunk(all, publishWindow) {
		if err := s.publish(ctx, part); err != nil {
			return err
		}
	}
	for _, c := range fresh {
		c.mu.Lock()
		c.direct = true
		c.mu.Unlock()
	}
	return nil
}

func (s *Stream) side(conv string, claim, peer uint64, nick string) *outgoing {
	return &outgoing{subject: s.directs.prefix + hex(claim) + "." + path(conv), data: encodeDirect(peer, nick)}
}
