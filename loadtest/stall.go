package loadtest

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// patience is how long a loop with users waits for events, so that a stop of the whole process is
	// noticed although nothing comes.
	patience = 20 * time.Millisecond
	// stallAfter is how much longer than expected a step of the loop must take to count as a stall. A
	// busy machine often takes the processor away for tens of milliseconds.
	stallAfter = 100 * time.Millisecond
)

// watch follows the loop's own time. The loop marks the end of every step that can take long: a wait,
// a read, the callbacks of a chunk. A step much longer than it should be is a stall.
type watch struct {
	now     int64                // the last mark; the loop's
	stalled atomic.Int64         // sum of the stalls in nanoseconds
	tell    func(from, to int64) // Config.OnStall

	mu      sync.Mutex // guards what follows
	since   int64      // when take was last called
	count   int64
	busy    time.Duration
	longest time.Duration
}

// mark ends a step that should have taken no longer than expected; a negative expectation has no end.
func (w *watch) mark(expected time.Duration) {
	last := w.now
	w.now = Now()
	if gap := time.Duration(w.now - last); expected >= 0 && gap > expected+stallAfter {
		w.stalled.Add(int64(gap))
		if w.tell != nil {
			w.tell(last, w.now)
		}
	}
}

// turned counts a turn that began at a mark and ends at the last.
func (w *watch) turned(begin int64) {
	took := time.Duration(w.now - begin)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	w.busy += took
	w.longest = max(w.longest, took)
}

// take returns the turns since it was last called.
func (w *watch) take() Turn {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := Now()
	t := Turn{Count: w.count, Longest: w.longest}
	if w.count > 0 {
		t.Mean = w.busy / time.Duration(w.count)
	}
	if passed := now - w.since; passed > 0 {
		// A turn counts where it ends, and may have begun before.
		t.Busy = min(float64(w.busy)/float64(passed), 1)
	}
	w.since, w.count, w.busy, w.longest = now, 0, 0, 0
	return t
}

// Turn says how much the loops add to the latencies that they measure. A turn is the time from the
// return of epoll_wait until all sockets that were ready have been read and their callbacks have
// returned: a message may have to wait that long until it gets its time.
type Turn struct {
	Count   int64         // turns
	Mean    time.Duration // of a turn
	Longest time.Duration // turn
	Busy    float64       // share of the time, 0 to 1, that the busiest loop spent in turns
}

// Turn returns the turns that have ended since it was last called, of all loops. It may be called
// from any goroutine, but has one caller who cares.
func (s *Swarm) Turn() Turn {
	var all Turn
	var sum time.Duration
	for _, l := range s.loops {
		t := l.watch.take()
		sum += t.Mean * time.Duration(t.Count)
		all.Count += t.Count
		all.Longest = max(all.Longest, t.Longest)
		all.Busy = max(all.Busy, t.Busy)
	}
	if all.Count > 0 {
		all.Mean = sum / time.Duration(all.Count)
	}
	return all
}

// Stalled is how long loops did nothing though they had work, summed over the loops: the processor was
// taken away, the process was stopped, or a callback took more than 100 ms. Whatever was read right after
// had waited for the client and not for the server. A stop is noticed if it lasts about 120 ms, and
// only while there are users.
func (s *Swarm) Stalled() time.Duration {
	var sum time.Duration
	for _, l := range s.loops {
		sum += time.Duration(l.watch.stalled.Load())
	}
	return sum
}
