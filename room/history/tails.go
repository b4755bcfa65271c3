package history

import (
	"container/list"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
)

const (
	// maxConvs is how many conversations are held in memory at once, some 300 bytes each besides their tails.
	maxConvs = 16 << 10
	// maxTail and maxTailBytes bound what is held of one conversation's newest messages.
	maxTail      = 4096
	maxTailBytes = 4 << 20
	// maxTailsBytes bounds what is held of all conversations' newest messages.
	maxTailsBytes = 64 << 20
	// messageOverhead is what a Message costs in memory besides its texts, in bytes, roughly.
	messageOverhead = 200
)

// conv is what is held in memory of one conversation: its head and a tail of its newest messages.
type conv struct {
	name string
	pins int // guarded by tails.mu: users that must find it there again; it is not evicted before they are gone
	spot *list.Element

	mu       sync.Mutex // guards what follows; taken after tails.mu where both are held
	loaded   bool
	head     Head
	fresh    int    // messages since the head was last written to disk
	direct   bool   // the rows for Directs are on disk
	erasures int    // how often something was erased
	acked    uint64 // a Stream's: highest seq that this node has stored, though it may not have come back

	// tail has all stored messages with seq >= from, the oldest first. Its elements are never changed, so that
	// parts of it are given out.
	tail  []Message
	from  uint64
	bytes int64 // of tail
}

// cost is what a message takes of the tail's bytes.
func cost(m *Message) int64 {
	return int64(len(m.From)+len(m.To)+len(m.Room)+len(m.Cid)+len(m.Body)) + messageOverhead
}

// load sets the head that was found on disk.
func (c *conv) load(h Head, fresh int) {
	c.head, c.fresh, c.loaded = h, fresh, true
	c.from = h.Last + 1
}

// add takes note of one more message.
func (h *Head) add(seq uint64, size int) {
	if h.First == 0 {
		h.First = seq
	}
	h.Last = seq
	h.Count++
	h.Bytes += int64(size)
}

// add puts a new message at the end. size is its record's. It returns by how much the tail has grown, in bytes.
func (c *conv) add(m Message, size int) int64 {
	c.head.add(m.Seq, size)
	c.fresh++
	before := c.bytes
	c.tail = append(c.tail, m)
	c.bytes += cost(&m)
	return c.bytes - before
}

// bound keeps the tail within its bounds, and returns by how much it has shrunk, in bytes.
func (c *conv) bound() int64 {
	before, n := c.bytes, 0
	for bytes := c.bytes; n < len(c.tail) && (len(c.tail)-n > maxTail || bytes > maxTailBytes); n++ {
		bytes -= cost(&c.tail[n])
	}
	if n > 0 {
		c.drop(n)
	}
	return before - c.bytes
}

// drop takes the oldest n messages out of the tail.
func (c *conv) drop(n int) {
	for i := range n {
		c.bytes -= cost(&c.tail[i])
	}
	c.tail = c.tail[n:]
	if len(c.tail) == 0 {
		c.tail, c.from = nil, c.head.Last+1
		return
	}
	c.from = c.tail[0].Seq
}

// trimmed takes note of a new head after the removal of messages, and returns by how much the tail has shrunk.
func (c *conv) trimmed(h Head) int64 {
	before := c.bytes
	c.head, c.fresh = h, 0
	c.drop(c.index(h.Trimmed + 1))
	return before - c.bytes
}

// unload forgets everything but what this node has stored, and returns how many bytes the tail had.
func (c *conv) unload() int64 {
	before := c.bytes
	c.drop(len(c.tail))
	c.loaded, c.head = false, Head{}
	return before
}

// cut takes note of what a Stream has removed, and returns by how much the tail has shrunk, in bytes. Of the first message no more
// is known than whether there are any in front of the tail.
func (c *conv) cut(trimmed uint64) int64 {
	before := c.bytes
	c.head.Trimmed = trimmed
	c.drop(c.index(trimmed + 1))
	c.head.First = 1
	if len(c.tail) > 0 && c.tail[0].Prev <= trimmed {
		c.head.First, c.from = c.tail[0].Seq, trimmed+1
	}
	return before - c.bytes
}

// index is where the first message of the tail with at least that seq is.
func (c *conv) index(seq uint64) int {
	return sort.Search(len(c.tail), func(i int) bool { return c.tail[i].Seq >= seq })
}

// span is a question to a conversation, as Log.Read is asked.
type span struct {
	after  uint64 // forwards from there, if it is not 0
	top    uint64 // highest seq that may be given
	bottom uint64 // lowest seq that may be given
	limit  int
}

func (c *conv) span(after, before uint64, limit int) span {
	s := span{after: after, top: c.head.Last, bottom: max(c.head.First, after+1), limit: limit}
	if before > 0 {
		s.top = min(s.top, before-1)
	}
	return s
}

// empty is that nothing can be there to be given.
func (s span) empty() bool { return s.limit <= 0 || s.top < s.bottom || s.top == 0 }

// read answers from the tail. ok is false if it does not reach back far enough.
func (c *conv) read(s span) (msgs []Message, more, ok bool) {
	end := c.index(s.top + 1)
	if s.after > 0 {
		if s.bottom < c.from {
			return nil, false, false
		}
		start := c.index(s.bottom)
		end2 := min(end, start+s.limit)
		return c.tail[start:end2:end2], end2 < end, true
	}
	start := end - s.limit
	if start < 0 {
		if s.bottom < c.from {
			return nil, false, false
		}
		start = 0
	}
	more = start > 0 || c.head.First < c.from
	return c.tail[start:end:end], more, true
}

// learn puts messages that were read from disk in front of the tail, if they reach up to it and there is room for
// them. It returns by how much the tail has grown, in bytes. erasures is c.erasures as it was before they were read.
func (c *conv) learn(msgs []Message, erasures int) int64 {
	if erasures != c.erasures {
		return 0
	}
	older := msgs[:sort.Search(len(msgs), func(i int) bool { return msgs[i].Seq >= c.from })]
	if !c.loaded || len(older) == 0 || older[0].Seq < c.head.First || len(older)+len(c.tail) > maxTail {
		return 0
	}
	next := c.head.Last
	if len(c.tail) > 0 {
		next = c.tail[0].Prev
	}
	if older[len(older)-1].Seq != next {
		return 0
	}
	var bytes int64
	for i := range older {
		bytes += cost(&older[i])
	}
	if c.bytes+bytes > maxTailBytes {
		return 0
	}
	c.tail = slices.Concat(older, c.tail)
	c.from = c.tail[0].Seq
	c.bytes += bytes
	return bytes
}

// tails holds the conversations that were used last. Any goroutine may call its methods.
type tails struct {
	bytes atomic.Int64 // of all tails

	mu   sync.Mutex // guards what follows
	all  map[string]*conv
	used *list.List // of *conv, the last used in front
}

func newTails() *tails { return &tails{all: map[string]*conv{}, used: list.New()} }

// pin gives the conversation of that name, which may have to be loaded, and keeps it until unpin.
func (t *tails) pin(name string) *conv {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.all[name]
	if c == nil {
		c = &conv{name: name}
		c.spot = t.used.PushFront(c)
		t.all[name] = c
		t.evict()
	} else {
		t.used.MoveToFront(c.spot)
	}
	c.pins++
	return c
}

func (t *tails) unpin(c *conv) {
	t.mu.Lock()
	c.pins--
	t.mu.Unlock()
}

// evict forgets the conversations that were not used for the longest time. t.mu is held.
func (t *tails) evict() {
	for e := t.used.Back(); e != nil && t.used.Len() > maxConvs; {
		c, prev := e.Value.(*conv), e.Prev()
		if c.pins == 0 {
			t.bytes.Add(-t.empty(c))
			delete(t.all, c.name)
			t.used.Remove(e)
		}
		e = prev
	}
}

// empty forgets a conversation's tail and returns how many bytes it had.
func (t *tails) empty(c *conv) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	bytes := c.bytes
	c.drop(len(c.tail))
	return bytes
}

// size is how many conversations there are, and the bytes of their tails.
func (t *tails) size() (convs int, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all), t.bytes.Load()
}

// grew takes note of more bytes in a tail. When they are too many it empties those that were not used for the longest time,
// and some more than it must, so that it has not to look for them again soon.
func (t *tails) grew(bytes int64) {
	if t.bytes.Add(bytes) <= maxTailsBytes {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for e := t.used.Back(); e != nil && t.bytes.Load() > maxTailsBytes*7/8; e = e.Prev() {
		t.bytes.Add(-t.empty(e.Value.(*conv)))
	}
}

// forget drops everything: what is on disk may be another state than what was seen.
func (t *tails) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.all {
		t.bytes.Add(-t.empty(c))
		c.mu.Lock()
		c.loaded = false
		c.mu.Unlock()
	}
	clear(t.all)
	t.used.Init()
}
