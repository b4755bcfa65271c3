package history

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/cockroachdb/pebble/v2"
)

// headEvery is after how many messages of a conversation its head is written: so many are read at most to know it again.
const headEvery = 64

var errName = errors.New("history: a name must have 1 to 255 bytes")

// appendBatch is the committer's work on one batch. Its memory is used again for the next.
type appendBatch struct {
	convs map[string]*touched
	slab  []touched // where those of convs are
	last  *touched  // the last one asked for: often the next one too
	ids   map[dedupID]*Entry
	rows  []row // one an entry
	mids  []byte
	key   []byte
	value []byte
}

// touched is a conversation as it will be when the batch is stored.
type touched struct {
	conv   *conv
	head   Head
	fresh  int
	direct bool
}

// row is what is known of an entry besides itself.
type row struct {
	to   *touched // nil: the entry is not stored
	size int      // of its record
}

func (a *appendBatch) reset(n int) {
	if a.convs == nil {
		a.convs, a.ids = map[string]*touched{}, map[dedupID]*Entry{}
	}
	clear(a.convs)
	clear(a.ids)
	clear(a.slab)
	clear(a.rows)
	a.slab = slices.Grow(a.slab[:0], n)
	a.rows = slices.Grow(a.rows[:0], n)
	a.mids = make([]byte, 0, n*midSize) // becomes the ids' strings
	a.last = nil
}

// Append implements Log.
func (l *pebbleLog) Append(batch []*Entry) error {
	for _, e := range batch {
		if len(e.Conv) == 0 || len(e.Conv) > maxName {
			return fmt.Errorf("%w: conversation %q", errName, e.Conv)
		}
	}
	l.commit.Lock()
	defer l.commit.Unlock()
	err := l.use(func(s *store) error { return l.append(s, batch) })
	if err != nil {
		for _, e := range batch {
			e.Seq, e.Known = 0, false
		}
	}
	return err
}

func (l *pebbleLog) append(s *store, batch []*Entry) error {
	if err := s.refusal(); err != nil {
		return err
	}
	if err := l.raise(s, len(batch)); err != nil {
		return err
	}
	l.dedup.turn()
	l.born = max(l.born, born(l.vol.now().UnixMilli()))
	l.batch.reset(len(batch))
	defer l.unpin()
	b := s.db.NewBatch()
	defer release(b)
	for _, e := range batch {
		if err := l.put(s, b, e); err != nil {
			return err
		}
	}
	if b.Empty() {
		return nil
	}
	if err := errors.Join(l.putIndexes(b, batch), l.putHeads(b)); err != nil {
		return err
	}
	if err := l.space(b.Len()); err != nil {
		return err
	}
	if err := s.commit(b, true); err != nil {
		return err
	}
	l.publish(batch)
	return nil
}

// put adds one entry to a commit, or finds it known.
func (l *pebbleLog) put(s *store, b *pebble.Batch, e *Entry) error {
	a := &l.batch
	e.Known = false
	if e.Cid != "" && !e.moved {
		known, err := l.recall(s, e)
		if known || err != nil {
			a.rows = append(a.rows, row{})
			return err
		}
	}
	if e.Probe {
		a.rows = append(a.rows, row{})
		return nil
	}
	to, err := l.touch(s, e.Conv)
	if err != nil {
		return err
	}
	l.seq++
	m := &e.Message
	m.Seq, m.Prev = l.seq, to.head.Last
	if m.Ts == 0 {
		m.Ts = int64(l.born)
	}
	if !e.moved {
		m.Mid = a.mid(l.born, m.Seq)
	}
	a.value = appendMessage(a.value[:0], m, l.bornOf(e))
	to.head.add(m.Seq, len(a.value))
	to.fresh++
	a.rows = append(a.rows, row{to: to, size: len(a.value)})
	a.key = messageKey(a.key[:0], m.Conv, m.Seq)
	if err := b.Set(a.key, a.value, nil); err != nil {
		return err
	}
	if m.Cid != "" {
		a.ids[dedupID{m.Claim, m.Cid}] = e
	}
	if e.Peer == 0 || to.direct {
		return nil
	}
	to.direct = true
	return putDirects(s, b, e)
}

// putIndexes adds what finds the entries again, one kind after the other: neighbours are quickly put side by side.
func (l *pebbleLog) putIndexes(b *pebble.Batch, batch []*Entry) error {
	a := &l.batch
	for i, e := range batch {
		if a.rows[i].to == nil {
			continue
		}
		a.key = seqKey(a.key[:0], e.Seq)
		a.value = append(a.value[:0], e.Conv...)
		if err := b.Set(a.key, a.value, nil); err != nil {
			return err
		}
	}
	for i, e := range batch {
		if a.rows[i].to == nil || e.Cid == "" || e.moved && !l.conf.isYoung(e.Ts, l.vol.now()) {
			continue
		}
		l.dedup.add(dedupID{e.Claim, e.Cid})
		a.key = dedupKey(a.key[:0], l.dedup.bucket, e.Claim, e.Cid)
		a.value = appendFirst(a.value[:0], &e.Message, l.bornOf(e))
		if err := b.Set(a.key, a.value, nil); err != nil {
			return err
		}
	}
	return nil
}

// bornOf is when an entry of the present batch is born.
func (l *pebbleLog) bornOf(e *Entry) born {
	if e.moved {
		return kept
	}
	return l.born
}

// mid makes an id in the batch's one piece of memory for them.
func (a *appendBatch) mid(at born, seq uint64) string {
	n := len(a.mids)
	a.mids = a.mids[:n+midSize]
	putMid(a.mids[n:], at, seq)
	return unsafe.String(&a.mids[n], midSize)
}

// recall makes an entry known that was stored before, with the message of then.
func (l *pebbleLog) recall(s *store, e *Entry) (bool, error) {
	a, id := &l.batch, dedupID{e.Claim, e.Cid}
	if before := a.ids[id]; before != nil {
		e.Message, e.Known = before.Message, true
		return true, nil
	}
	f, found, err := l.dedup.find(s.db, a.key, id)
	if !found || err != nil {
		return false, err
	}
	e.Known = true
	e.Message = f.message(id)
	a.key = messageKey(a.key[:0], f.conv, f.seq)
	_, err = get(s.db, a.key, func(v []byte) (err error) {
		e.Message, err = decodeMessage(f.conv, f.seq, v)
		return err
	})
	return true, err
}

// touch gives a conversation for the rest of the batch.
func (l *pebbleLog) touch(s *store, name string) (*touched, error) {
	a := &l.batch
	if a.last != nil && a.last.conv.name == name {
		return a.last, nil
	}
	if t := a.convs[name]; t != nil {
		a.last = t
		return t, nil
	}
	c := l.tails.pin(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := l.load(s, c); err != nil {
		l.tails.unpin(c)
		return nil, err
	}
	a.slab = append(a.slab, touched{conv: c, head: c.head, fresh: c.fresh, direct: c.direct})
	a.last = &a.slab[len(a.slab)-1]
	a.convs[name] = a.last
	return a.last, nil
}

func (l *pebbleLog) unpin() {
	for i := range l.batch.slab {
		l.tails.unpin(l.batch.slab[i].conv)
	}
}

// putDirects makes a conversation known to both sides, if it is not yet.
func putDirects(s *store, b *pebble.Batch, e *Entry) error {
	sides := [...]struct {
		claim, peer uint64
		nick        string
	}{{e.Claim, e.Peer, e.To}, {e.Peer, e.Claim, e.From}}
	for _, side := range sides {
		key := claimConvKey(keyDirect, side.claim, e.Conv)
		found, err := get(s.db, key, func([]byte) error { return nil })
		if err != nil {
			return err
		}
		if found {
			continue
		}
		if err := b.Set(key, encodeDirect(side.peer, side.nick), nil); err != nil {
			return err
		}
	}
	return nil
}

// putHeads adds the heads that are due.
func (l *pebbleLog) putHeads(b *pebble.Batch) error {
	a := &l.batch
	for i := range a.slab {
		t := &a.slab[i]
		if t.fresh < headEvery {
			continue
		}
		t.fresh = 0
		a.key = headKey(a.key[:0], t.conv.name)
		a.value = appendHead(a.value[:0], t.head)
		if err := b.Set(a.key, a.value, nil); err != nil {
			return err
		}
	}
	return nil
}

// publish lets readers see what was stored.
func (l *pebbleLog) publish(batch []*Entry) {
	l.committed.Store(l.seq)
	a := &l.batch
	var grown int64
	for i, r := range a.rows {
		if r.to == nil {
			continue
		}
		c := r.to.conv
		c.mu.Lock()
		grown += c.add(batch[i].Message, r.size)
		c.mu.Unlock()
	}
	for i := range a.slab {
		t := &a.slab[i]
		c := t.conv
		c.mu.Lock()
		c.fresh, c.direct = t.fresh, t.direct
		grown -= c.bound()
		c.mu.Unlock()
		if l.conf.due(t.conv.name, t.head) {
			l.trims.want(c.name)
		}
	}
	l.tails.grew(grown)
}
