package history

import (
	"container/list"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultMemory is what Memory keeps of each conversation where Config has no bound.
var DefaultMemory = Config{KeepCount: 10_000, KeepBytes: 4 << 20}

const (
	// memoryBytes is what Memory keeps of all conversations together. Beyond it those go that were silent for the
	// longest time.
	memoryBytes = 256 << 20
	// memoryDedup is how many (Claim, Cid) Memory knows at most, even if the window is not over.
	memoryDedup = 1 << 20
)

// memoryLog is the Log in memory.
type memoryLog struct {
	conf  Config
	epoch string
	now   func() time.Time

	mu      sync.RWMutex // guards what follows
	closed  bool
	seq     uint64
	born    born
	bytes   int64
	convs   map[string]*memoryConv
	silent  *list.List             // of *memoryConv, the last appended to in front
	where   map[uint64]*memoryConv // of each stored seq
	floor   uint64                 // highest seq of conversations that were forgotten as a whole
	claims  map[uint64]*memoryClaim
	away    *list.List          // of *memoryClaim, who is away for longest in front
	looked  time.Time           // when claims were last looked at
	nicks   map[string][]uint64 // claims of each nick's key
	marks   map[uint64]map[string]Marks
	directs map[uint64]map[string]Direct

	known, before map[dedupID]first // of the present window and of the last one
	turned        time.Time
	scratch       []byte
}

// memoryConv is a conversation whose tail is all there is of it.
type memoryConv struct {
	conv
	sizes []int // of the records that the tail's messages would be
	spot  *list.Element
}

// Memory makes a log that ends with the process. It is bounded: per conversation by Config or DefaultMemory, in all by
// 256 MiB, and it knows at most a million (Claim, Cid). What is too old goes when something is appended: to that
// conversation or, if all of it is too old, to any; claims go then, too, or when another is saved. Of those that are away, and of which
// no direct conversation is left, it knows at most 100,000, besides those of the last 10 minutes: who is away for longest goes.
func Memory(c Config) Log { return newMemory(c, time.Now) }

func newMemory(c Config, now func() time.Time) *memoryLog {
	if c.KeepCount == 0 {
		c.KeepCount = DefaultMemory.KeepCount
	}
	if c.KeepBytes == 0 {
		c.KeepBytes = DefaultMemory.KeepBytes
	}
	if c.Dedup <= 0 {
		c.Dedup = defaultDedup
	}
	return &memoryLog{
		conf: c, epoch: newEpoch(), now: now, seq: firstSeq, turned: now(), silent: list.New(),
		convs: map[string]*memoryConv{}, where: map[uint64]*memoryConv{},
		claims: map[uint64]*memoryClaim{}, away: list.New(), nicks: map[string][]uint64{},
		marks: map[uint64]map[string]Marks{}, directs: map[uint64]map[string]Direct{},
		known: map[dedupID]first{}, before: map[dedupID]first{},
	}
}

// Epoch implements Log.
func (l *memoryLog) Epoch() string { return l.epoch }

// Durability implements Log.
func (l *memoryLog) Durability() string { return DurabilityMem }

// Append implements Log.
func (l *memoryLog) Append(batch []*Entry) error {
	for _, e := range batch {
		if len(e.Conv) == 0 || len(e.Conv) > maxName {
			return fmt.Errorf("%w: conversation %q", errName, e.Conv)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.turn()
	l.born = max(l.born, born(l.now().UnixMilli()))
	for _, e := range batch {
		l.put(e)
	}
	l.tidy()
	return nil
}

// tidy forgets what is too old, and what there is no room for: claims once in trimEveryMin.
func (l *memoryLog) tidy() {
	now := l.now()
	l.tidyConvs(now.UnixMilli())
	if now.Sub(l.looked) >= trimEveryMin {
		l.looked = now
		l.lapse(now.UnixMilli())
	}
}

// tidyConvs forgets what was silent for too long, and what there is no room for.
func (l *memoryLog) tidyConvs(now int64) {
	for e := l.silent.Back(); e != nil; e = l.silent.Back() {
		c := e.Value.(*memoryConv)
		newest := &c.tail[len(c.tail)-1]
		if l.conf.isTrail(c.name) && l.silent.Len() > 1 {
			l.silent.MoveToFront(e) // its turn never comes
			continue
		}
		isKept := !l.conf.expired(c.name, newest.Ts, now) || l.conf.spares(newest.Seq)
		if l.conf.isTrail(c.name) || l.bytes <= memoryBytes && isKept {
			return
		}
		l.shed(c)
	}
}

// turn moves on to the next window.
func (l *memoryLog) turn() {
	now := l.now()
	switch passed := now.Sub(l.turned); {
	case passed >= 2*l.conf.Dedup:
		l.known, l.before, l.turned = map[dedupID]first{}, map[dedupID]first{}, now
	case passed >= l.conf.Dedup || len(l.known) >= memoryDedup/2:
		l.known, l.before, l.turned = map[dedupID]first{}, l.known, now
	}
}

// put stores one entry, or finds it known.
func (l *memoryLog) put(e *Entry) {
	m, id := &e.Message, dedupID{e.Claim, e.Cid}
	if e.Known = m.Cid != "" && l.recall(m, id); e.Known {
		return
	}
	if e.Probe {
		return
	}
	c := l.convs[m.Conv]
	if c == nil {
		c = &memoryConv{conv: conv{name: m.Conv, loaded: true, head: Head{Trimmed: l.floor}}} // it may have been forgotten
		c.spot = l.silent.PushFront(c)
		l.convs[m.Conv] = c
	}
	l.silent.MoveToFront(c.spot)
	l.seq++
	m.Seq, m.Prev = l.seq, c.head.Last
	if m.Ts == 0 {
		m.Ts = int64(l.born)
	}
	m.Mid = newMid(l.born, m.Seq)
	l.scratch = appendMessage(l.scratch[:0], m, l.born)
	l.bytes += c.add(*m, len(l.scratch))
	c.sizes = append(c.sizes, len(l.scratch))
	l.where[m.Seq] = c
	if m.Cid != "" {
		l.known[id] = first{conv: m.Conv, seq: m.Seq, at: l.born, ts: m.Ts}
	}
	if e.Peer != 0 {
		l.direct(e.Claim, Direct{Conv: m.Conv, Peer: e.Peer, PeerNick: m.To})
		l.direct(e.Peer, Direct{Conv: m.Conv, Peer: e.Claim, PeerNick: m.From})
	}
	l.trim(c)
}

// recall makes m the message that was stored with id, if there was one.
func (l *memoryLog) recall(m *Message, id dedupID) bool {
	f, found := l.known[id]
	if !found {
		f, found = l.before[id]
	}
	if !found {
		return false
	}
	if c := l.where[f.seq]; c != nil {
		*m = c.tail[c.index(f.seq)]
		return true
	}
	*m = f.message(id)
	return true
}

// direct makes a conversation known to a claim, if it is not yet.
func (l *memoryLog) direct(claim uint64, d Direct) {
	all := l.directs[claim]
	if all == nil {
		all = map[string]Direct{}
		l.directs[claim] = all
	}
	if _, known := all[d.Conv]; !known {
		all[d.Conv] = d
	}
}

// trim removes what is not to be kept of a conversation.
func (l *memoryLog) trim(c *memoryConv) {
	now, h, n := l.now().UnixMilli(), c.head, 0
	for n < len(c.tail) && l.conf.exceeded(c.name, h, &stale{seq: c.tail[n].Seq, ts: c.tail[n].Ts}, now) {
		h.Count--
		h.Bytes -= int64(c.sizes[n])
		n++
	}
	l.remove(c, n)
}

// remove removes the n oldest messages of a conversation.
func (l *memoryLog) remove(c *memoryConv, n int) {
	if n == 0 {
		return
	}
	h := c.head
	for i := range n {
		delete(l.where, c.tail[i].Seq)
		h.Count--
		h.Bytes -= int64(c.sizes[i])
		h.Trimmed = c.tail[i].Seq
	}
	if h.First = 0; n < len(c.tail) {
		h.First = c.tail[n].Seq
	}
	c.sizes = c.sizes[n:]
	l.bytes -= c.trimmed(h)
	if len(c.tail) == 0 {
		l.forget(c)
	}
}

// shed removes half of a conversation.
func (l *memoryLog) shed(c *memoryConv) { l.remove(c, (len(c.tail)+1)/2) }

// forget forgets a conversation that has nothing left, and what is known of it to the claims of a direct one.
func (l *memoryLog) forget(c *memoryConv) {
	l.floor = max(l.floor, c.head.Last)
	l.silent.Remove(c.spot)
	delete(l.convs, c.name)
	if claims, ok := claimsOf(c.name); ok {
		for _, claim := range claims {
			forget(l.directs, claim, c.name)
			forget(l.marks, claim, c.name)
		}
	}
}

// forget takes a conversation out of what there is by claim and conversation.
func forget[T any](all map[uint64]map[string]T, claim uint64, conv string) {
	delete(all[claim], conv)
	if len(all[claim]) == 0 {
		delete(all, claim)
	}
}

// Read implements Log.
func (l *memoryLog) Read(name string, after, before uint64, limit int) ([]Message, bool, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.convs[name]
	if l.closed || c == nil {
		return nil, false, l.err()
	}
	span := c.span(after, before, limit)
	if span.empty() {
		return nil, false, nil
	}
	msgs, more, _ := c.read(span)
	return msgs, more, nil
}

// err is ErrClosed after Close. l.mu is held.
func (l *memoryLog) err() error {
	if l.closed {
		return ErrClosed
	}
	return nil
}

// Head implements Log. What is not known may have been forgotten as a whole.
func (l *memoryLog) Head(name string) (Head, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if c := l.convs[name]; c != nil {
		return c.head, l.err()
	}
	return Head{Trimmed: l.floor}, l.err()
}

// Find implements Log.
func (l *memoryLog) Find(mid string) (Message, bool, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	seq, _ := midSeqOf(mid)
	c := l.where[seq]
	if c == nil {
		return Message{}, false, l.err()
	}
	m := c.tail[c.index(seq)]
	if m.Mid != mid {
		return Message{}, false, nil
	}
	return m, true, l.err()
}

// Directs implements Log.
func (l *memoryLog) Directs(claim uint64) (all []Direct, floor uint64, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, d := range l.directs[claim] {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Direct) int { return strings.Compare(a.Conv, b.Conv) })
	return all, l.floor, l.err()
}

// Healthy implements Log.
func (l *memoryLog) Healthy() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.err()
}

// Close implements Log.
func (l *memoryLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.convs, l.where, l.claims, l.away, l.nicks = nil, nil, nil, nil, nil
	l.marks, l.directs, l.known, l.before = nil, nil, nil, nil
	return nil
}
