package history

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
)

// maxWritten is of how many claims it is remembered what marks of theirs were written.
const maxWritten = 16 << 10

// markWriter brings marks to the servers, and remembers what is there, so that most are raised without asking. Nodes that raise
// the same mark at once find out by its seq.
type markWriter struct {
	mu      sync.Mutex // held by who writes or drops; guards what follows
	out     *publisher
	written map[uint64]map[string]writtenMarks // by claim and conversation
}

type writtenMarks struct {
	Marks
	seq uint64
}

func markKey(claim uint64, conv string) string { return hex(claim) + "." + path(conv) }

// Mark implements Log.
func (s *Stream) Mark(claim uint64, conv string, m Marks) {
	if m != (Marks{}) && !s.closed.Load() {
		s.marks.raise(markID{claim, conv}, m)
	}
}

// Marks implements Log.
func (s *Stream) Marks(claim uint64, conv string) (m Marks, err error) {
	pending := s.marks.get(markID{claim, conv}) // first: what is no more pending afterwards is stored
	err = s.ask(func(ctx context.Context) error {
		there, err := s.readMarks(ctx, markID{claim, conv})
		m = there.raised(pending)
		return err
	})
	return m, err
}

func (s *Stream) readMarks(ctx context.Context, id markID) (w writtenMarks, err error) {
	it, found, err := s.marked.newest(ctx, markKey(id.claim, id.conv))
	if !found || err != nil {
		return writtenMarks{}, err
	}
	w.seq = it.seq
	w.Marks, err = decodeMarks(it.data)
	return w, err
}

// flushMarks writes all that is pending.
func (s *Stream) flushMarks(ctx context.Context) error {
	w := &s.writer
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		all := s.marks.some()
		if len(all) == 0 {
			return nil
		}
		if err := s.writeMarks(ctx, all); err != nil {
			return err
		}
	}
}

// writeMarks writes some marks. writer.mu is held.
func (s *Stream) writeMarks(ctx context.Context, all []marked) error {
	w := &s.writer
	var out []*outgoing
	var due []marked
	for _, one := range all {
		there := w.written[one.id.claim][one.id.conv]
		raised := there.raised(one.by)
		if raised == there.Marks {
			s.marks.written([]marked{one})
			continue
		}
		due = append(due, one)
		out = append(out, &outgoing{
			subject: s.marked.prefix + markKey(one.id.claim, one.id.conv), data: encodeMarks(raised),
			header: nats.Header{headerExpected: {strconv.FormatUint(there.seq, 10)}},
		})
	}
	w.out.publish(ctx, out)
	for i, o := range out {
		id := due[i].id
		if e, ok := errors.AsType[*apiError](o.err); ok && e.ErrCode == codeWrongLast {
			there, err := s.readMarks(ctx, id)
			if err != nil {
				return err
			}
			w.remember(id, there) // and is tried again
			continue
		}
		if o.err != nil {
			return o.err
		}
		m, err := decodeMarks(o.data)
		if err != nil {
			return err
		}
		w.remember(id, writtenMarks{m, o.seq})
		s.marks.written(due[i : i+1])
	}
	return nil
}

func (w *markWriter) remember(id markID, m writtenMarks) {
	if w.written[id.claim] == nil {
		if len(w.written) >= maxWritten {
			clear(w.written)
		}
		w.written[id.claim] = map[string]writtenMarks{}
	}
	w.written[id.claim][id.conv] = m
}

// dropMarks forgets all marks of a claim.
func (s *Stream) dropMarks(ctx context.Context, claim uint64) error {
	w := &s.writer
	w.mu.Lock()
	defer w.mu.Unlock()
	s.marks.forgetAll(claim)
	delete(w.written, claim)
	return s.marked.drop(ctx, hex(claim)+".>")
}
