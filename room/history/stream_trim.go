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
	weighed map[string]weight // by path: as it was found last, of maxWeighed at most
}

// maxWeighed is of how many conversations it is remembered what they weigh. Others are read again from where they were trimmed.
const maxWeighed = 16 << 10

// weight is what a conversation has behind base, where it was trimmed, and up to upTo. That is stored with each trimming, so that any
// node can go on from there: only what is newer has to be read.
type weight struct {
	base, upTo   uint64
	count, bytes int64
}

func (w weight) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, w.base)
	for _, n := range [...]uint64{w.upTo, uint64(w.count), uint64(w.bytes)} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

// decodeWeight reads what the bucket says of a path; what is not there is zero.
func decodeWeight(v []byte) weight {
	if len(v) != 4*8 {
		return weight{}
	}
	n := func(i int) uint64 { return binary.BigEndian.Uint64(v[i*8:]) }
	return weight{n(0), n(1), int64(n(2)), int64(n(3))}
}

// drop takes a message off that is not there any more.
func (w *weight) drop(it item) {
	if it.seq > w.base && it.seq <= w.upTo {
		w.count--
		w.bytes -= int64(len(it.data))
	}
}

// recall is w, or what this node has found since.
func (c *cuts) recall(path string, w weight) weight {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if has, ok := c.weighed[path]; ok && has.base == w.base && has.upTo > w.upTo {
		return has
	}
	return w
}

func (c *cuts) note(path string, w weight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.weighed) >= maxWeighed {
		clear(c.weighed)
	}
	c.weighed[path] = w
}

func newCuts() *cuts {
	return &cuts{trims: newTrims(), trimmed: map[string]uint64{}, grown: map[string]Head{}, weighed: map[string]weight{}}
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
	return s.watchBucket(ctx, s.trimmed, func(e jetstream.KeyValueEntry) {
		base := decodeWeight(e.Value()).base
		s.cuts.raise(e.Key(), base)
		s.graves.drop(e.Key(), base)
	})
}

// watchBucket has use called with all that a bucket has, and then with what is put there, until Close.
func (s *Stream) watchBucket(ctx context.Context, b bucket, use func(jetstream.KeyValueEntry)) error {
	w, err := b.kv.WatchAll(s.life)
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
			use(e)
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
	if s.conf.KeepCount <= 0 && s.conf.KeepBytes <= 0 && !s.conf.isSpecial(conv) {
		return
	}
	c := s.cuts
	c.mu.Lock()
	h := c.grown[conv]
	h.Count++
	h.Bytes += int64(size)
	count, bytes := s.conf.bounds(conv)
	isDue := count > 0 && h.Count > count/8 || bytes > 0 && h.Bytes > bytes/8 ||
		h.Count > briefMany && s.conf.isBrief(conv)
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
	if s.conf.keepsAll() {
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
	for _, name := range s.conf.special() {
		if err := s.trim(ctx, name); err != nil {
			return err
		}
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
		conv, ok := convOf(subject[len(logPrefix):])
		if most, bytes := s.conf.bounds(conv); ok && (bytes > 0 || most > 0 && count > uint64(most)) {
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
		old, now := map[string][]item{}, s.now().UnixMilli()
		isEnd := p.pending == 0
		for _, it := range p.items {
			ts, err := messageTs(it.data)
			if err != nil {
				return err
			}
			conv, _ := convOf(it.path)
			if s.conf.isTrail(conv) {
				from = it.seq + 1
				continue
			}
			if !s.conf.expired(conv, ts, now) || s.conf.spares(it.seq) {
				isEnd = true
				break
			}
			old[it.path], from = append(old[it.path], it), it.seq+1
		}
		for path, items := range old {
			if err := s.remove(ctx, path, items); err != nil {
				return err
			}
		}
		if isEnd {
			return nil
		}
	}
}

// trim removes from a conversation what there is too much of.
func (s *Stream) trim(ctx context.Context, name string) error {
	s.cuts.trims.work.Lock()
	defer s.cuts.trims.work.Unlock()
	if s.conf.isBrief(name) {
		return s.trimBrief(ctx, path(name))
	}
	err := s.tryTrim(ctx, name)
	for errors.Is(err, errChanged) { // another node is at it
		err = s.tryTrim(ctx, name)
	}
	return err
}

// trimBrief removes all of a conversation that Floor gives up.
func (s *Stream) trimBrief(ctx context.Context, path string) error {
	floor := s.conf.Floor()
	if floor <= s.cuts.get(path) {
		return nil
	}
	err := s.trimmed.change(ctx, path, func(old []byte) ([]byte, bool, error) {
		return weight{base: floor}.encode(), decodeWeight(old).base < floor, nil
	})
	if err != nil {
		return err
	}
	return s.purge(ctx, path, floor)
}

func (s *Stream) tryTrim(ctx context.Context, name string) error {
	path := path(name)
	mark, _, err := s.trimmed.newest(ctx, path)
	if err != nil {
		return err
	}
	was := decodeWeight(mark.data)
	s.cuts.raise(path, was.base) // what another node has done may not have been heard of yet
	w, err := s.weigh(ctx, name, was)
	for err == nil && s.tooMuch(name, w) {
		var items []item
		want := trimChunk
		count, bytes := s.conf.bounds(name)
		if bytes <= 0 {
			want = min(want, int(w.count-count))
		}
		if items, err = s.scan(ctx, name, w.base+1, w.upTo, want); err != nil || len(items) == 0 {
			return err
		}
		if s.conf.spares(items[0].seq) {
			return nil
		}
		for _, it := range items {
			if !s.tooMuch(name, w) || s.conf.spares(it.seq) {
				break
			}
			w.drop(it)
			w.base = it.seq
		}
		known := w
		if bytes <= 0 {
			known = weight{base: w.base} // the bytes were not counted
		}
		mark.seq, err = s.trimmed.swap(ctx, path, known.encode(), mark.seq)
		if err == nil {
			s.cuts.note(path, known)
			err = s.purge(ctx, path, w.base)
		}
	}
	return err
}

func (s *Stream) tooMuch(name string, w weight) bool {
	count, bytes := s.conf.bounds(name)
	return w.count > 0 && (count > 0 && w.count > count || bytes > 0 && w.bytes > bytes)
}

// weigh counts what a conversation has by now, of which it was known what it had. Its bytes are known only from reading them.
func (s *Stream) weigh(ctx context.Context, name string, was weight) (weight, error) {
	path := path(name)
	it, _, err := s.newest(ctx, path)
	if err != nil {
		return was, err
	}
	if _, bytes := s.conf.bounds(name); bytes <= 0 {
		n, err := s.count(ctx, name, was.base+1)
		return weight{base: was.base, upTo: it.seq, count: int64(n)}, err
	}
	w := s.cuts.recall(path, was)
	if w.upTo == 0 || w.upTo > it.seq {
		w = weight{base: was.base, upTo: was.base}
	}
	for w.upTo < it.seq {
		items, err := s.scan(ctx, name, w.upTo+1, it.seq, readBatch)
		if err != nil || len(items) == 0 {
			return w, err
		}
		for _, it := range items {
			w.upTo = it.seq
			w.count++
			w.bytes += int64(len(it.data))
		}
	}
	s.cuts.note(path, w)
	return w, nil
}

// remove removes a conversation's oldest messages, which are given.
func (s *Stream) remove(ctx context.Context, path string, items []item) error {
	seq := items[len(items)-1].seq
	err := s.trimmed.change(ctx, path, func(old []byte) ([]byte, bool, error) {
		w := s.cuts.recall(path, decodeWeight(old))
		if w.base >= seq {
			return nil, false, nil
		}
		for _, it := range items {
			w.drop(it)
		}
		w.base = seq
		if w.upTo <= seq {
			w.upTo, w.count, w.bytes = seq, 0, 0
		}
		return w.encode(), true, nil
	})
	if err != nil {
		return err
	}
	return s.purge(ctx, path, seq)
}

// purge removes what all nodes have been told of.
func (s *Stream) purge(ctx context.Context, path string, seq uint64) error {
	s.cuts.raise(path, seq)
	err := s.made.Purge(ctx, jetstream.WithPurgeSubject(logPrefix+path), jetstream.WithPurgeSequence(seq+1))
	for _, m := range s.graves.between(path, 0, seq) {
		err = errors.Join(err, s.erased.drop(ctx, graveKey(path, m.Seq)))
	}
	s.graves.drop(path, seq)
	return err
}
