package webhook

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"time"
)

// item is an event that was read and is not accepted yet.
type item struct {
	seq    uint64
	ts     int64
	kind   string // the event's Type
	event  *Event // nil: there was no room for it, and it has to be read again
	isDone bool
}

// lane is the events of one user, of which one at a time is posted.
type lane struct {
	user  string
	queue []*item   // in their order; never empty
	tries int       // of the first, so far
	due   time.Time // when it may be tried again, if it was tried
}

// lanes is what was read and is not accepted yet. The goroutine of Dispatch owns it.
type lanes struct {
	byUser map[string]*lane
	fresh  []*lane // whose first was not tried yet, in the order in which they came
	failed dues    // whose first was, by when it is due
	turn   bool    // a lane of failed that is due comes before a fresh one
	order  []*item // as they were read; done ones among them
	undone int
	bytes  int // of the events that are held
}

func newLanes() *lanes { return &lanes{byUser: map[string]*lane{}} }

// add takes an event in; isHeld is whether its text is kept.
func (a *lanes) add(e *Event, isHeld bool) {
	it := &item{seq: e.Seq, ts: e.Ts, kind: e.Type}
	if isHeld {
		it.event = e
		a.bytes += len(e.Data)
	}
	a.undone++
	a.order = append(a.order, it)
	l := a.byUser[e.User]
	if l != nil {
		l.queue = append(l.queue, it)
		return
	}
	l = &lane{user: e.User, queue: []*item{it}}
	a.byUser[e.User] = l
	a.fresh = append(a.fresh, l)
}

// next takes out a lane whose turn it is; nil: there is none. The caller gives it back with finish or again.
func (a *lanes) next(now time.Time) *lane {
	isDue := len(a.failed) > 0 && !now.Before(a.failed[0].due)
	if isDue && (len(a.fresh) == 0 || a.turn) {
		a.turn = false
		return heap.Pop(&a.failed).(*lane)
	}
	if len(a.fresh) == 0 {
		return nil
	}
	a.turn = true
	l := a.fresh[0]
	a.fresh[0] = nil
	a.fresh = a.fresh[1:]
	return l
}

// finish is done with the first event of a lane that next gave.
func (a *lanes) finish(l *lane) {
	it := l.queue[0]
	if it.event != nil {
		a.bytes -= len(it.event.Data)
	}
	it.isDone, it.event = true, nil
	a.undone--
	l.tries = 0
	l.queue[0] = nil
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		delete(a.byUser, l.user)
		return
	}
	a.fresh = append(a.fresh, l)
}

// again has a lane that next gave tried again.
func (a *lanes) again(l *lane, due time.Time) {
	l.due = due
	heap.Push(&a.failed, l)
}

// first is the oldest that is not done; nil: all are.
func (a *lanes) first() *item {
	n := 0
	for n < len(a.order) && a.order[n].isDone {
		n++
	}
	clear(a.order[:n])
	a.order = a.order[n:]
	if len(a.order) > 2*a.undone+batch { // many are done behind one that is not
		a.order = slices.DeleteFunc(a.order, func(it *item) bool { return it.isDone })
	}
	if len(a.order) == 0 {
		return nil
	}
	return a.order[0]
}

// cursor is up to where all is done of what was read, up to read.
func (a *lanes) cursor(read uint64) uint64 {
	if it := a.first(); it != nil {
		return it.seq - 1
	}
	return read
}

// dues is a heap of lanes by when they are due.
type dues []*lane

func (d dues) Len() int           { return len(d) }
func (d dues) Less(i, j int) bool { return d[i].due.Before(d[j].due) }
func (d dues) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *dues) Push(l any)        { *d = append(*d, l.(*lane)) }
func (d *dues) Pop() any {
	last := len(*d) - 1
	l := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	return l
}

// backOff is a pause after so many failures before the last one, drawn evenly up to a bound that doubles.
func backOff(before int, shortest, longest time.Duration) time.Duration {
	bound := longest
	if before < 30 {
		bound = min(longest, shortest<<before)
	}
	return rand.N(bound + 1)
}
