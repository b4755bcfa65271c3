package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Reach is how one broadcast spread over all its recipients. First and Last are nanoseconds from the moment at which it
// was meant to be sent.
type Reach struct {
	Chat, Slot  int // see [Shape.Talker]
	Number      uint32
	At          int64 // when it was meant to be sent
	First, Last int64 // until the first and until the last of the recipients had it
	Recipients  int   // who had it; some may have left since
	// Complete says that all who were present have it. Without it some never got it, or so late that nobody waited.
	Complete bool
	Tardy    bool // see [Stamp]: the latencies are not the server's
}

const (
	// quiet is how long no piece of a broadcast has come when it is taken to be over, though it is not complete and
	// [MaxReach] has passed. Workers drain their books each second.
	quiet = 5 * time.Second

	maxReaches = 1 << 17 // that a Merger holds, about 100 bytes each
)

// Merger puts the pieces of all workers together. It is one goroutine's.
type Merger struct {
	chats   []int // by chat: workers that have recipients in it
	talkers []int // by chat: slots
	open    map[broadcast]*reach
	now     int64 // of the last Drain
	missed  int64
}

type broadcast struct {
	chat, slot int
	number     uint32
}

// reach is what has come of a broadcast. It stays for a while after it was told, so that a straggler is not taken for
// another broadcast.
type reach struct {
	Reach
	workers []int // that have all
	touched int64 // when the last piece came
	told    bool  // by Drain
}

// NewMerger makes a merger for workers with the recipients [from, to) each.
func NewMerger(shape Shape, workers [][2]int) (*Merger, error) {
	if err := shape.Validate(); err != nil {
		return nil, err
	}
	m := &Merger{chats: make([]int, shape.Chats), talkers: make([]int, shape.Chats), open: map[broadcast]*reach{}}
	for _, w := range workers {
		if w[0] < 0 || w[0] > w[1] || w[1] > shape.Users {
			return nil, fmt.Errorf("ledger: a worker's recipients are [%d, %d) of %d users", w[0], w[1], shape.Users)
		}
		for u := w[0]; u < min(w[1], w[0]+shape.Chats); u++ {
			m.chats[shape.Chat(u)]++
		}
	}
	for chat := range m.talkers {
		m.talkers[chat] = shape.TalkerSlots(chat)
	}
	return m, nil
}

// Add takes what the [Book.Drain] of a worker gave; the worker is its index in the list given to [NewMerger]. Pieces of
// broadcasts that cannot be are dropped.
func (m *Merger) Add(worker int, pieces []Piece) {
	for _, p := range pieces {
		if p.Chat < 0 || p.Chat >= len(m.chats) || p.Slot < 0 || p.Slot >= m.talkers[p.Chat] || p.Count < 1 {
			m.missed++
			continue
		}
		key := broadcast{p.Chat, p.Slot, p.Number}
		r := m.open[key]
		switch {
		case r == nil && len(m.open) >= maxReaches, r != nil && r.told:
			m.missed++
			continue
		case r == nil:
			r = &reach{Reach: Reach{
				Chat: p.Chat, Slot: p.Slot, Number: p.Number, At: p.At, First: p.First, Last: p.Last, Tardy: p.Tardy,
			}}
			m.open[key] = r
		}
		r.First, r.Last = min(r.First, p.First), max(r.Last, p.Last)
		r.Recipients += p.Count
		r.touched = m.now
		if p.All && !slices.Contains(r.workers, worker) {
			r.workers = append(r.workers, worker)
			r.Complete = len(r.workers) >= m.chats[p.Chat]
		}
	}
}

// Drain returns the broadcasts that are complete, or over, and were not returned before, in the order of their time; and
// how many pieces since the last call came too late for theirs, or found no place. Now is on the run's clock;
// [math.MaxInt64] at the end of the run gives all.
func (m *Merger) Drain(now int64) (done []Reach, missed int64) {
	m.now = now
	for key, r := range m.open {
		old := r.At <= now-int64(MaxReach) && r.touched <= now-int64(quiet)
		if !r.told && (r.Complete || old) {
			done = append(done, r.Reach)
			r.told, r.touched = true, now
		} else if r.told && old && r.touched <= now-int64(MaxReach) {
			delete(m.open, key)
		}
	}
	slices.SortFunc(done, func(a, b Reach) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Chat, b.Chat), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Number, b.Number))
	})
	missed, m.missed = m.missed, 0
	return done, missed
}
