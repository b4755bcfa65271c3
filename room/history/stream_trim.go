package history

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// cuts knows up to where conversations have been removed, by any node, and which have grown.
type cuts struct {
	trims *trims

	mu      sync.RWMutex      // guards what follows; a leaf
	trimmed map[string]uint64 // by path
	grown   map[string]Head   // by conversation: Count and Bytes that this node has stored since it was looked at
}

func newCuts() *cuts {
	return &cuts{trims: newTrims(), trimmed: map[string]uint64{}, grown: map[string]Head{}}
}

// get is the highest seq that was removed from a path.
func (c *cuts) get(path string) uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.trimmed[path]
}

func (c *cuts) raise(path string, seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trimmed[path] = max(c.trimmed[path], seq)
}

// watchTrimmed learns what was removed, and what any node will remove.
func (s *Stream) watchTrimmed(ctx context.Context) error {
	w, err := s.trimmed.kv.WatchAll(s.life)
	if err != nil {
		return err
	}
	known := make(chan struct{})
	s.done.Go(func() {
		for e := range w.Updates() {
			if e == nil { // that was all there is at present
				close(known)
				continue
			}
			s.cuts.raise(e.Key(), cutOf(e.Value()))
		}
	})
	s.done.Go(func() {
		<-s.life.Done()
		_ = w.Stop() // its goroutine ends with s.life anyway
	})
	select {
	case <-known:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// grown takes note of a new message.
func (s *Stream) grown(conv string, size int) {
	if s.conf.KeepCount <= 0 && s.conf.KeepBytes <= 0 {
		return
	}
	c := s.cuts
	c.mu.Lock()
	h := c.grown[conv]
	h.Count++
	h.Bytes += int64(size)
	isDue := s.conf.KeepCount > 0 && h.Count > int64(s.conf.KeepCount)/8 || s.conf.KeepBytes > 0 && h.Bytes > s.conf.KeepBytes/8
	if c.grown[conv] = h; isDue {
		delete(c.grown, conv)
	}
	c.mu.Unlock()
	if isDue {
		c.trims.want(conv)
	}
}

// trimAlways removes what is not to be kept, until Close. All nodes do so, each beginning at some other time; what one has removed the
// others need not.
func (s *Stream) trimAlways() {
	if s.conf.KeepCount <= 0 && s.conf.KeepBytes <= 0 && s.conf.KeepAge <= 0 {
		return
	}
	every := trimEvery
	if s.conf.KeepAge > 0 {
		every = min(trimEvery, max(trimEveryMin, s.conf.KeepAge/8))
	}
	tick := time.NewTicker(every/2 + rand.N(every))
	defer tick.Stop()
	for {
		var err error
		select {
		case <-s.life.Done():
			return
		case <-s.cuts.trims.wake:
			err = s.trimEach(s.life, s.cuts.trims.take())
		case <-tick.C:
			err = s.trimAll(s.life)
		}
		if err != nil && s.life.Err() == nil {
			s.log.Warn("old messages could not be removed", "error", err)
		}
	}
}

// trimAll trims all conversations.
func (s *Stream) trimAll(ctx context.Context) error {
	if err := s.trimOld(ctx); err != nil {
		return err
	}
	if s.conf.KeepCount <= 0 && s.conf.KeepBytes <= 0 {
		return nil
	}
	info, err := s.made.Info(ctx, jetstream.WithSubjectFilter(logPrefix+">"))
	if err != nil {
		return err
	}
	names := map[string]struct{}{}
	for subject, count := range info.State.Subjects {
		if conv, ok := convOf(subject[len(logPrefix):]); ok && (s.conf.KeepBytes > 0 || count > uint64(s.conf.KeepCount)) {
			names[conv] = struct{}{}
		}
	}
	return s.trimEach(ctx, names)
}

func (s *Stream) trimEach(ctx context.Context, names map[string]struct{}) error {
	for name := range names {
		if err := s.trim(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// trimOld removes what is too old, which is at the beginning of the log.
func (s *Stream) trimOld(ctx context.Context) error {
	if s.conf.KeepAge <= 0 {
		return nil
	}
	for from := uint64(1); ; {
		p, err := s.some(ctx, query{Seq: from, Next: logPrefix + ">", Batch: readBatch}, readBatch)
		if err != nil || len(p.items) == 0 {
			return err
		}
		old, now := map[string]uint64{}, s.now().UnixMilli()
		isEnd := p.pending == 0
		for _, it := range p.items {
			ts, err := messageTs(it.data)
			if err != nil {
				return err
			}
			if isEnd = isEnd || !s.conf.expired(ts, now); !s.conf.expired(ts, now) {
				break
			}
			old[it.path], from = it.seq, it.seq+1
		}
		for path, seq := range old {
			if err := s.remove(ctx, path, seq); err != nil {
				return err
			}
		}
		if isEnd {
			return nil
		}
	}
}

// trim removes from a conversation what there is too much of. If another node is at it, that one does.
func (s *Stream) trim(ctx context.Context, name string) error {
	s.cuts.trims.work.Lock()
	defer s.cuts.trims.work.Unlock()
	path := path(name)
	mark, _, err := s.trimmed.newest(ctx, path)
	if err != nil {
		return err
	}
	base := cutOf(mark.data)
	h, err := s.weigh(ctx, name, base)
	for err == nil && s.tooMuch(h) {
		var items []item
		want := trimChunk
		if s.conf.KeepBytes <= 0 {
			want = min(want, int(h.Count)-s.conf.KeepCount)
		}
		if items, err = s.scan(ctx, name, base+1, h.Last, want); err != nil || len(items) == 0 {
			return err
		}
		for _, it := range items {
			if !s.tooMuch(h) {
				break
			}
			h.Count--
			h.Bytes -= int64(len(it.data))
			base = it.seq
		}
		mark.seq, err = s.trimmed.swap(ctx, path, binary.BigEndian.AppendUint64(nil, base), mark.seq)
		if errors.Is(err, errChanged) {
			return nil
		}
		if err == nil {
			err = s.purge(ctx, path, base)
		}
	}
	return err
}

func (s *Stream) tooMuch(h Head) bool {
	return h.Count > 0 && (s.conf.KeepCount > 0 && h.Count > int64(s.conf.KeepCount) || s.conf.KeepBytes > 0 && h.Bytes > s.conf.KeepBytes)
}

// weigh counts what a conversation has behind what was removed. Its bytes are known only from reading them.
func (s *Stream) weigh(ctx context.Context, name string, trimmed uint64) (h Head, err error) {
	it, found, err := s.newest(ctx, path(name))
	if !found || err != nil {
		return h, err
	}
	h.Last = it.seq
	from := trimmed + 1
	if s.conf.KeepBytes <= 0 {
		n, err := s.count(ctx, name, from)
		h.Count = int64(n)
		return h, err
	}
	for from <= h.Last {
		items, err := s.scan(ctx, name, from, h.Last, readBatch)
		if err != nil || len(items) == 0 {
			return h, err
		}
		for _, it := range items {
			h.Count++
			h.Bytes += int64(len(it.data))
			from = it.seq + 1
		}
	}
	return h, nil
}

// remove removes a conversation's messages up to a seq.
func (s *Stream) remove(ctx context.Context, path string, seq uint64) error {
	err := s.trimmed.change(ctx, path, func(old []byte) ([]byte, bool, error) {
		return binary.BigEndian.AppendUint64(nil, seq), cutOf(old) < seq, nil
	})
	if err != nil {
		return err
	}
	return s.purge(ctx, path, seq)
}

// purge removes what all nodes have been told of.
func (s *Stream) purge(ctx context.Context, path string, seq uint64) error {
	s.cuts.raise(path, seq)
	return s.made.Purge(ctx, jetstream.WithPurgeSubject(logPrefix+path), jetstream.WithPurgeSequence(seq+1))
}

// cutOf reads what the bucket says of a path: up to where it was removed.
func cutOf(v []byte) uint64 {
	if len(v) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(v)
}
