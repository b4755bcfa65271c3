package engine

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// When those who are sent away may come back.
const (
	soonest = time.Second
	latest  = time.Minute
	jitter  = 500 * time.Millisecond
)

const (
	// usualCapacity is how many connections a second a processor lets in, before that was measured; the door alone takes a tenth
	// of that time, the rest is for who they are and what they have missed.
	usualCapacity = 1000
	leastCapacity = 20 // connections a second, whatever was measured
)

// returns spreads the return of those who are sent away over the time in which they can be let in: each is given the next moment
// that is free, at so many a second as were let in while there were too many to do it at once. It is a queue without
// members, which empties as time passes. Any goroutine may use it.
type returns struct {
	mu       sync.Mutex    // guards what follows; a leaf
	capacity float64       // connections a second that are let in
	most     float64       // of them, as configured; 0: no limit
	next     time.Duration // since the engine's epoch: the first moment that is free
	entered  int           // connections let in since capacity was looked at
	late     int           // of them, those that had waited long
}

func newReturns(processors int, most float64) *returns {
	return &returns{capacity: usualCapacity * float64(processors), most: most}
}

// count notes a connection that was let in, so long after it was accepted.
func (r *returns) count(waited time.Duration) {
	r.mu.Lock()
	r.entered++
	if waited >= dawdling {
		r.late++
	}
	r.mu.Unlock()
}

// measure looks at the time since the last call, and returns how many were let in. What was done can be done, which raises the
// capacity; and if most had to wait, no more can be done, which lowers it.
func (r *returns) measure(elapsed time.Duration) (entered int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := float64(r.entered) / elapsed.Seconds()
	switch {
	case now > r.capacity:
		r.capacity += (now - r.capacity) / 2
	case 2*r.late > r.entered:
		r.capacity = max(r.capacity+(now-r.capacity)/4, leastCapacity)
	}
	entered, r.entered, r.late = r.entered, 0, 0
	return entered
}

// rate is how many a second so many servers let in; 0 is this one.
func (r *returns) rate(servers int) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rateOf(servers)
}

// rateOf is rate. The caller holds r.mu.
func (r *returns) rateOf(servers int) float64 {
	rate := r.capacity
	if r.most > 0 {
		rate = min(rate, r.most)
	}
	return rate * float64(max(servers, 1))
}

// wait gives away the next free moment, of this server or of so many others. When there is none for the longest time, any is as
// good as another.
func (r *returns) wait(now time.Duration, servers int) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := max(r.next, now+soonest)
	if at > now+latest-jitter {
		return soonest + rand.N(latest-soonest)
	}
	r.next = at + time.Duration(float64(time.Second)/r.rateOf(servers))
	return at - now + rand.N(jitter)
}

// RetryAfter is when a client may come back that is sent away with an HTTP status; each call is for one client. Where there is no
// room (503) all are given different times, as they can be let in. Whoever has had too much (429) comes back for its own sake, and
// takes nobody's place.
func (e *Engine) RetryAfter(status int) time.Duration {
	if status != http.StatusServiceUnavailable {
		return soonest + rand.N(4*soonest)
	}
	return e.returns.wait(time.Since(e.epoch), int(e.heirs.Load()))
}
