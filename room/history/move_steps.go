package history

import (
	"context"
	"fmt"
	"math"
	"sync"
)

// mover carries out one move.
type mover struct {
	conf   MoveConfig
	from   walker
	to     target
	origin origin
	done   Moved

	batch []*Entry
	bytes int    // of batch
	last  uint64 // the newest seq of the target; 0: none
	mid   string // the newest message's of batch, or of the target

	known map[place]uint64 // what seqs have become
}

// place is a seq in a conversation of the source, which need not be a message's.
type place struct {
	conv string
	seq  uint64
}

func move(ctx context.Context, from walker, to target, c MoveConfig) (Moved, error) {
	m := &mover{conf: c, from: from, to: to, known: map[place]uint64{}}
	for _, step := range []func(context.Context) error{
		m.begin, m.messages, m.to.clear, m.claims, m.directs, m.marks, c.InUse, m.finish,
	} {
		if err := step(ctx); err != nil || m.done.IsDone {
			return m.done, err
		}
	}
	return m.done, nil
}

// begin finds out whether the target may be filled, and notes that it is.
func (m *mover) begin(ctx context.Context) error {
	if err := m.from.origin().check(); err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	if o := m.to.begun(); o != nil {
		if o.Epoch != m.from.epoch() {
			return fmt.Errorf("%w: another log was moved there", ErrTaken)
		}
		m.origin, m.done.IsDone = *o, o.Done
		return nil
	}
	empty, err := m.to.isEmpty(ctx)
	if err != nil {
		return err
	}
	if !empty {
		return fmt.Errorf("%w: it has a log of its own", ErrTaken)
	}
	m.origin = origin{Epoch: m.from.epoch()}
	return m.to.note(ctx, m.origin)
}

// messages moves those that the target does not have.
func (m *mover) messages(ctx context.Context) error {
	there, found, err := m.to.newest(ctx)
	if err != nil {
		return err
	}
	var after uint64
	if found {
		at, known, err := m.from.find(ctx, there.Mid)
		if err == nil && !known {
			err = fmt.Errorf("%w: it has no more the message %s, at which that was stopped; begin again with an empty target",
				ErrChanged, there.Mid)
		}
		if err != nil {
			return err
		}
		after, m.last, m.mid, m.done.Resumed = at.Seq, there.Seq, there.Mid, true
	}
	err = m.from.messages(ctx, after, func(msg Message) error { return m.message(ctx, msg) })
	if err == nil {
		err = m.store(ctx)
	}
	if err != nil {
		return err
	}
	m.origin.End = m.last
	return m.to.note(ctx, m.origin)
}

// message moves one message, with others.
func (m *mover) message(ctx context.Context, msg Message) error {
	before, _ := midSeqOf(m.mid)
	if seq, _ := midSeqOf(msg.Mid); seq <= before || len(m.origin.Runs) == 0 {
		if err := m.store(ctx); err != nil {
			return err
		}
		if err := m.beginRun(ctx); err != nil {
			return err
		}
	}
	m.mid = msg.Mid
	m.batch = append(m.batch, &Entry{Message: msg, moved: true})
	if m.bytes += len(msg.Body) + messageOverhead; len(m.batch) < moveBatch && m.bytes < moveBytes {
		return nil
	}
	return m.store(ctx)
}

// beginRun notes that the next message begins a run. A move that was stopped may have noted it.
func (m *mover) beginRun(ctx context.Context) error {
	runs, next := m.origin.Runs, max(m.last, firstSeq)+1
	if n := len(runs); n > 0 && runs[n-1] == next {
		return nil
	}
	m.origin.Runs = append(runs[:len(runs):len(runs)], next)
	return m.to.note(ctx, m.origin)
}

// store stores the batch.
func (m *mover) store(ctx context.Context) error {
	n := len(m.batch)
	if n == 0 {
		return nil
	}
	if err := m.to.fill(ctx, m.batch, m.last); err != nil {
		return err
	}
	m.last = m.batch[n-1].Seq
	clear(m.batch)
	m.batch, m.bytes = m.batch[:0], 0
	m.done.Messages += n
	m.conf.Progress(m.done)
	return nil
}

// claims moves all claims.
func (m *mover) claims(ctx context.Context) error {
	var some []Claim
	save := func() error {
		err := atOnce(some, func(c Claim) error {
			return patiently(ctx, func(context.Context) error { return m.to.SaveClaim(c) })
		})
		m.done.Claims += len(some)
		some = some[:0]
		m.conf.Progress(m.done)
		return err
	}
	err := m.from.claims(ctx, func(c Claim) error {
		if some = append(some, c); len(some) < moveBatch {
			return nil
		}
		return save()
	})
	if err != nil {
		return err
	}
	return save()
}

// directs moves the lists of direct conversations.
func (m *mover) directs(ctx context.Context) error {
	var some []listed
	save := func() error {
		err := m.to.list(ctx, some)
		m.done.Directs += len(some)
		some = some[:0]
		return err
	}
	err := m.from.directs(ctx, func(claim uint64, d Direct) error {
		if some = append(some, listed{claim, d}); len(some) < moveBatch {
			return nil
		}
		return save()
	})
	if err != nil {
		return err
	}
	return save()
}

// marks moves all marks.
func (m *mover) marks(ctx context.Context) error {
	var some []marked
	save := func() error {
		err := m.translate(ctx, some)
		m.done.Marks += len(some)
		some = some[:0]
		m.conf.Progress(m.done)
		return err
	}
	err := m.from.marks(ctx, func(claim uint64, conv string, by Marks) error {
		if some = append(some, marked{markID{claim, conv}, by}); len(some) < moveBatch {
			return nil
		}
		return save()
	})
	if err != nil {
		return err
	}
	return save()
}

// translate stores marks as seqs of the target.
func (m *mover) translate(ctx context.Context, some []marked) error {
	if len(m.known) > moveKnown {
		clear(m.known)
	}
	var all []place
	for _, one := range some {
		for _, seq := range [...]uint64{one.by.Sent, one.by.Recv, one.by.Read} {
			at := place{one.id.conv, seq}
			if _, isKnown := m.known[at]; !isKnown {
				m.known[at] = 0
				all = append(all, at)
			}
		}
	}
	var mu sync.Mutex // guards known
	err := atOnce(all, func(at place) error {
		return patiently(ctx, func(ctx context.Context) error {
			seq, err := m.become(ctx, at)
			mu.Lock()
			defer mu.Unlock()
			m.known[at] = seq
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, one := range some {
		now := func(seq uint64) uint64 { return m.known[place{one.id.conv, seq}] }
		m.to.Mark(one.id.claim, one.id.conv, Marks{Sent: now(one.by.Sent), Recv: now(one.by.Recv), Read: now(one.by.Read)})
	}
	return m.to.flush(ctx)
}

// become is the seq in the target of the newest message that is not behind a place; 0: there is none any more.
func (m *mover) become(ctx context.Context, at place) (uint64, error) {
	if at.seq == 0 {
		return 0, nil
	}
	msg, isLast, found, err := m.from.upTo(ctx, at.conv, min(at.seq, math.MaxInt64))
	if err != nil || !found {
		return 0, err
	}
	if isLast {
		head, err := m.to.Head(at.conv)
		return head.Last, err
	}
	there, found, err := m.to.Find(msg.Mid)
	if err == nil && !found {
		err = fmt.Errorf("%w: it has the message %s, which it had not", ErrChanged, msg.Mid)
	}
	return there.Seq, err
}

// finish notes that everything is there.
func (m *mover) finish(ctx context.Context) error {
	m.origin.Done = true
	return m.to.note(ctx, m.origin)
}

// atOnce calls f for all, many at once, and gives the first error.
func atOnce[T any](all []T, f func(T) error) error {
	var (
		work   sync.WaitGroup
		once   sync.Once
		failed error
		next   = make(chan T)
	)
	for range min(moveWorkers, len(all)) {
		work.Go(func() {
			for one := range next {
				if err := f(one); err != nil {
					once.Do(func() { failed = err })
				}
			}
		})
	}
	for _, one := range all {
		next <- one
	}
	close(next)
	work.Wait()
	return failed
}
