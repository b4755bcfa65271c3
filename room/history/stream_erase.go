package history

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// erasedBucket has what is left of messages that were erased: JetStream removes one, but does not write it anew.
const erasedBucket = "THRONG_ERASED"

// graves are what is left of erased messages, by their conversations. Any goroutine may call its methods.
type graves struct {
	mu     sync.RWMutex         // guards what follows; a leaf
	byPath map[string][]Message // sorted by seq; the Prev of each is not known. The slices are never changed
	byMid  map[string]Message
}

func newGraves() *graves { return &graves{byPath: map[string][]Message{}, byMid: map[string]Message{}} }

// graveKey is the bucket's key of a message.
func graveKey(path string, seq uint64) string { return path + "." + strconv.FormatUint(seq, 10) }

// decodeGrave reads what the bucket has under a key.
func decodeGrave(key string, at born, value []byte) (m Message, ok bool) {
	dot := strings.LastIndexByte(key, '.')
	if dot < 0 {
		return m, false
	}
	conv, isConv := convOf(key[:dot])
	seq, err := strconv.ParseUint(key[dot+1:], 10, 64)
	if !isConv || err != nil {
		return m, false
	}
	m, err = decodeStreamed(conv, seq, at, value)
	return m, err == nil
}

func bySeq(m Message, seq uint64) int { return cmp.Compare(m.Seq, seq) }

// add takes note of one.
func (g *graves) add(m Message) {
	g.mu.Lock()
	defer g.mu.Unlock()
	path := path(m.Conv)
	all := g.byPath[path]
	i, isThere := slices.BinarySearchFunc(all, m.Seq, bySeq)
	if isThere {
		return
	}
	g.byPath[path] = slices.Insert(slices.Clone(all), i, m)
	g.byMid[m.Mid] = m
}

// drop forgets those of a path up to a seq.
func (g *graves) drop(path string, upTo uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.byPath[path]
	n, _ := slices.BinarySearchFunc(all, upTo+1, bySeq)
	for _, m := range all[:n] {
		delete(g.byMid, m.Mid)
	}
	if g.byPath[path] = all[n:]; n == len(all) {
		delete(g.byPath, path)
	}
}

// between gives those of a path from one seq to another.
func (g *graves) between(path string, from, to uint64) []Message {
	g.mu.RLock()
	defer g.mu.RUnlock()
	all := g.byPath[path]
	i, _ := slices.BinarySearchFunc(all, from, bySeq)
	j, _ := slices.BinarySearchFunc(all, to+1, bySeq)
	return all[i:max(i, j)]
}

// newest is the highest seq of a path's that is not above one; 0: there is none.
func (g *graves) newest(path string, upTo uint64) uint64 {
	all := g.between(path, 0, upTo)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].Seq
}

// all gives those of all paths behind a seq, in the order of their seqs.
func (g *graves) all(after uint64) (all []Message) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, m := range g.byMid {
		if m.Seq > after {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b Message) int { return cmp.Compare(a.Seq, b.Seq) })
	return all
}

// find is the one with an id.
func (g *graves) find(mid string) (Message, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m, found := g.byMid[mid]
	return m, found
}

// Erase implements Log. What is left of the message is stored first, then the servers write over what it was.
func (s *Stream) Erase(conv string, seq uint64) error {
	if len(conv) == 0 || len(conv) > maxName {
		return nil
	}
	return s.ask(func(ctx context.Context) error {
		path := path(conv)
		if seq <= s.cuts.get(path) {
			return nil
		}
		it, found, err := s.one(ctx, query{Seq: seq})
		if err != nil {
			return err
		}
		if !found { // another node was faster
			left, isLeft, err := s.erased.newest(ctx, graveKey(path, seq))
			if err == nil && isLeft {
				s.bury(left.path, left.data)
			}
			return err
		}
		m, err := s.message(it)
		if err != nil || m.Conv != conv || m.IsErased() {
			return err
		}
		m.Body = []byte(erased)
		record := appendStreamedKept(nil, &m)
		if err := s.erased.put(ctx, graveKey(path, seq), record); err != nil {
			return err
		}
		s.bury(graveKey(path, seq), record)
		return s.overwrite(ctx, seq)
	})
}

// overwrite has the servers write over a message, which several nodes may ask for at once. If it fails the message is hidden, and Erase
// is to be called again.
func (s *Stream) overwrite(ctx context.Context, seq uint64) error {
	failed := s.made.SecureDeleteMsg(ctx, seq)
	if failed == nil {
		return nil
	}
	if _, isThere, err := s.one(ctx, query{Seq: seq}); err != nil || isThere {
		return failed
	}
	return nil
}

// bury takes note of an erased message: readers get what is left of it.
func (s *Stream) bury(key string, record []byte) {
	m, ok := decodeGrave(key, s.born, record)
	if !ok || m.Seq <= s.cuts.get(path(m.Conv)) {
		return
	}
	s.graves.add(m)
	c := s.tails.pin(m.Conv)
	c.mu.Lock()
	s.tails.bytes.Add(c.erase(m.Seq))
	c.mu.Unlock()
	s.tails.unpin(c)
}

// watchErased learns what any node erases.
func (s *Stream) watchErased(ctx context.Context) error {
	return s.watchBucket(ctx, s.erased, func(e jetstream.KeyValueEntry) {
		if e.Operation() == jetstream.KeyValuePut {
			s.bury(e.Key(), e.Value())
		}
	})
}

// weave puts what is left of erased messages among those that were read for q.
func (s *Stream) weave(ctx context.Context, name string, q span, trimmed uint64, msgs []Message, more bool) ([]Message, bool, error) {
	from, to := q.bottom, q.top
	if more && q.after > 0 {
		to = msgs[len(msgs)-1].Seq
	} else if more {
		from = msgs[0].Seq
	}
	left := s.graves.between(path(name), from, to)
	if len(left) == 0 {
		return msgs, more, nil
	}
	all := slices.Clone(left)
	for _, m := range msgs {
		if i, isLeft := slices.BinarySearchFunc(all, m.Seq, bySeq); !isLeft { // else it is about to be removed
			all = slices.Insert(all, i, m)
		}
	}
	if isCut := len(all) > q.limit; isCut && q.after > 0 {
		all, more = all[:q.limit], true
	} else if isCut {
		all, more = all[len(all)-q.limit:], true
	}
	for i := 1; i < len(all); i++ {
		all[i].Prev = all[i-1].Seq
	}
	var err error
	all[0].Prev, err = s.prev(ctx, name, all[0].Seq, trimmed)
	if q.after == 0 {
		more = all[0].Prev >= q.bottom
	}
	return all, more, err
}
