package history

import (
	"cmp"
	"context"
	"encoding/binary"
	"math"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	// trimChunk is how many messages are removed in one commit at most: new ones wait meanwhile.
	trimChunk = 256
	// All conversations are looked at so often, and more often if messages get old sooner.
	trimEvery    = time.Hour
	trimEveryMin = time.Minute
	// trimScan is how many conversations are looked at before the store may be exchanged.
	trimScan = 1000
	// briefMany is beyond how many messages it is worth it to remove some of Config.Brief.
	briefMany = 4096
)

// exceeded is that a conversation with that head has one message too many: its oldest.
func (c *Config) exceeded(conv string, h Head, oldest *stale, now int64) bool {
	count, bytes := c.bounds(conv)
	return h.Count > 0 && !c.spares(oldest.seq) && (c.isBrief(conv) ||
		count > 0 && h.Count > count || bytes > 0 && h.Bytes > bytes || c.expired(conv, oldest.ts, now))
}

// trailCount is TrailCount where that is 0, and passingCount is PassingCount.
const (
	trailCount   = 100_000
	passingCount = 10_000
)

// bounds is how much is kept of a conversation; what is not positive is no bound.
func (c *Config) bounds(conv string) (count, bytes int64) {
	if c.isTrail(conv) {
		return int64(cmp.Or(c.TrailCount, trailCount)), 0
	}
	count = int64(c.KeepCount)
	if conv == c.Passing && conv != "" {
		most := int64(cmp.Or(c.PassingCount, passingCount))
		if count <= 0 || count > most {
			count = most
		}
	}
	return count, c.KeepBytes
}

// special are the conversations that have bounds of their own.
func (c *Config) special() (names []string) {
	for _, name := range [...]string{c.Trail, c.Passing, c.Brief} {
		if c.isSpecial(name) {
			names = append(names, name)
		}
	}
	return names
}

func (c *Config) isSpecial(conv string) bool {
	return conv != "" && (conv == c.Trail || conv == c.Passing || c.isBrief(conv))
}

func (c *Config) isTrail(conv string) bool { return conv == c.Trail && conv != "" }

// spares is that a message stays because somebody has yet to read it.
func (c *Config) spares(seq uint64) bool { return c.Floor != nil && seq > c.Floor() }

// isBrief is that a conversation is kept for who reads with Scan alone.
func (c *Config) isBrief(conv string) bool { return c.Floor != nil && conv == c.Brief }

// expired is that a message of ts is too old for its conversation.
func (c *Config) expired(conv string, ts, now int64) bool {
	return c.KeepAge > 0 && !c.isTrail(conv) && ts < now-c.KeepAge.Milliseconds()
}

// due is that a conversation has grown so far beyond what is kept that removing is worth it.
func (c *Config) due(conv string, h Head) bool {
	count, bytes := c.bounds(conv)
	return (count > 0 && h.Count > count+count/8 || bytes > 0 && h.Bytes > bytes+bytes/8 ||
		h.Count > briefMany && c.isBrief(conv)) && !c.spares(h.First)
}

// keepsRest is that nothing is ever to be removed of what is not special.
func (c *Config) keepsRest() bool { return c.KeepCount <= 0 && c.KeepBytes <= 0 && c.KeepAge <= 0 }

// keepsAll is that nothing is ever to be removed.
func (c *Config) keepsAll() bool { return c.keepsRest() && len(c.special()) == 0 }

// trims knows which conversations have grown too far.
type trims struct {
	wake chan struct{} // has a token when names are not empty

	work sync.Mutex // held by who trims: nobody else removes messages; taken before pebbleLog.commit

	mu    sync.Mutex // guards names; a leaf
	names map[string]struct{}
}

func newTrims() *trims {
	return &trims{wake: make(chan struct{}, 1), names: map[string]struct{}{}}
}

func (t *trims) want(name string) {
	t.mu.Lock()
	t.names[name] = struct{}{}
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *trims) take() map[string]struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := t.names
	t.names = map[string]struct{}{}
	return names
}

// trimAlways removes what is not to be kept, until ctx ends: at once what Append tells of, and now and then whatever is
// too old, or too much for a Config that was changed.
func (l *pebbleLog) trimAlways(ctx context.Context) {
	if l.conf.keepsAll() {
		return
	}
	every := trimEvery
	if l.conf.KeepAge > 0 {
		every = min(trimEvery, max(trimEveryMin, l.conf.KeepAge/8))
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	l.trimAll(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.trims.wake:
			for name := range l.trims.take() {
				l.trim(ctx, name)
			}
		case <-tick.C:
			l.trimAll(ctx)
		}
	}
}

// trimAll trims all conversations, and then the claims of which nothing is left there.
func (l *pebbleLog) trimAll(ctx context.Context) {
	now := l.vol.now().UnixMilli()
	if l.conf.keepsRest() {
		for _, name := range l.conf.special() {
			l.trim(ctx, name)
		}
		return
	}
	l.trimRest(ctx)
	l.lapse(ctx, now)
}

// trimRest trims all conversations, where what is not special has bounds.
func (l *pebbleLog) trimRest(ctx context.Context) {
	for last := ""; ; {
		var names []string
		err := l.use(func(s *store) (err error) {
			names, last, err = l.exceeded(s, last)
			return err
		})
		if err != nil {
			l.log.Warn("old messages could not be looked for", "error", err)
			return
		}
		for _, name := range names {
			l.trim(ctx, name)
		}
		if last == "" || ctx.Err() != nil {
			return
		}
	}
}

// exceeded looks at some conversations behind one and names those that have something to remove. last is the last that it
// looked at; "": there are no more.
func (l *pebbleLog) exceeded(s *store, from string) (names []string, last string, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyMessage}, UpperBound: []byte{keyMessage + 1}})
	if err != nil {
		return nil, "", err
	}
	defer release(it)
	now := l.vol.now().UnixMilli()
	for range trimScan {
		if !it.SeekGE(messageKey(nil, from, math.MaxUint64)) {
			return names, "", it.Error()
		}
		conv, seq, ok := parseMessageKey(it.Key())
		if !ok {
			return nil, "", errRecord
		}
		ts, err := messageTs(it.Value())
		if err != nil {
			return nil, "", err
		}
		from = string(conv)
		h, _, err := readHead(s.db, from, l.committed.Load())
		if err != nil {
			return nil, "", err
		}
		if l.conf.exceeded(from, h, &stale{seq: seq, ts: ts}, now) {
			names = append(names, from)
		}
	}
	return names, from, nil
}

// trim removes from a conversation what is not to be kept, the oldest first. What is read for it holds nobody up.
func (l *pebbleLog) trim(ctx context.Context, name string) {
	l.trims.work.Lock()
	defer l.trims.work.Unlock()
	for more := true; more && ctx.Err() == nil; {
		var old []stale
		err := l.use(func(s *store) (err error) {
			old, more, err = l.stale(s, name)
			return err
		})
		if err == nil && len(old) > 0 {
			err = l.change(func(s *store) error { return l.remove(s, name, old) })
		}
		if err != nil {
			l.log.Warn("old messages could not be removed", "error", err)
			return
		}
	}
}

// stale is a message that is, or may be, to be removed.
type stale struct {
	seq  uint64
	ts   int64
	size int64
}

// stale finds some messages that are to be removed, and tells whether there may be more.
func (l *pebbleLog) stale(s *store, name string) (old []stale, more bool, err error) {
	h, err := l.head(s, name)
	if err != nil || h.Count == 0 {
		return nil, false, err
	}
	it, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: messageKey(nil, name, h.First),
		UpperBound: messageKey(nil, name, h.Last+1),
	})
	if err != nil {
		return nil, false, err
	}
	defer release(it)
	now := l.vol.now().UnixMilli()
	for it.First(); it.Valid() && len(old) < trimChunk; it.Next() {
		ts, err := messageTs(it.Value())
		if err != nil {
			return nil, false, err
		}
		_, seq, _ := parseMessageKey(it.Key())
		one := stale{seq, ts, int64(len(it.Value()))}
		if !l.conf.exceeded(name, h, &one, now) {
			return old, false, nil
		}
		h.Count--
		h.Bytes -= one.size
		old = append(old, one)
	}
	return old, it.Valid(), it.Error()
}

// remove removes the oldest messages of a conversation. l.commit is held. Since it was seen which they are, more messages
// may have come, but nobody else removes any; only if the store was exchanged meanwhile, there is nothing sure.
func (l *pebbleLog) remove(s *store, name string, old []stale) error {
	c := l.tails.pin(name)
	defer l.tails.unpin(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := l.load(s, c); err != nil || c.head.First != old[0].seq {
		return err
	}
	h := c.head
	h.Trimmed = old[len(old)-1].seq
	b := s.db.NewBatch()
	defer release(b)
	for _, one := range old {
		h.Count--
		h.Bytes -= one.size
		if err := b.Delete(seqKey(nil, one.seq), nil); err != nil {
			return err
		}
	}
	rest := messageKey(nil, name, h.Trimmed+1)
	if err := b.DeleteRange(messageKey(nil, name, 0), rest, nil); err != nil {
		return err
	}
	var err error
	if h.First, err = firstBehind(s, rest, messageKey(nil, name, h.Last+1)); err != nil {
		return err
	}
	if err := b.Set(headKey(nil, name), appendHead(nil, h), nil); err != nil {
		return err
	}
	claims, isDirect := claimsOf(name)
	isForgotten := isDirect && h.First == 0
	if isForgotten {
		if err := forgetDirect(s, b, name, claims, h.Last); err != nil {
			return err
		}
	}
	if err := s.commit(b, false); err != nil {
		return err
	}
	l.tails.bytes.Add(-c.trimmed(h))
	if isForgotten {
		c.direct = false
		for _, claim := range claims {
			l.marks.forget(markID{claim, name})
		}
	}
	return nil
}

// forgetDirect takes a direct conversation, of which nothing is left, out of what is kept of its claims. last is its newest seq.
func forgetDirect(s *store, b *pebble.Batch, name string, claims [2]uint64, last uint64) error {
	for _, claim := range claims {
		for _, kind := range [...]byte{keyDirect, keyMarks} {
			if err := b.Delete(claimConvKey(kind, claim, name), nil); err != nil {
				return err
			}
		}
	}
	floor, err := readFloor(s.db)
	if err != nil {
		return err
	}
	return b.Set(aboutFloor, binary.BigEndian.AppendUint64(nil, max(floor, last)), nil)
}

// readFloor reads above which no seq of a direct conversation is that was forgotten; 0: none was.
func readFloor(r pebble.Reader) (floor uint64, err error) {
	_, err = get(r, aboutFloor, func(v []byte) error {
		if len(v) != 8 {
			return errRecord
		}
		floor = binary.BigEndian.Uint64(v)
		return nil
	})
	return floor, err
}

// firstBehind is the seq of the first message from one key to another; 0: there is none.
func firstBehind(s *store, from, to []byte) (seq uint64, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return 0, err
	}
	if it.First() {
		_, seq, _ = parseMessageKey(it.Key())
	}
	return seq, it.Close()
}
