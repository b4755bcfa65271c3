package engine

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxInrush bounds the addresses that are remembered; beyond it any one is forgotten for a new one. Who has so many addresses has
// no use of being forgotten.
const maxInrush = 16 << 10

// inrush limits the new connections of each network a second. Any goroutine may use it; nil limits nothing.
type inrush struct {
	rate  rate.Limit
	burst int

	mu  sync.Mutex // guards of; a leaf
	of  map[netip.Prefix]turnout
	now func() time.Time
}

// turnout is what one network may still do: come in, and be answered that it may not.
type turnout struct{ in, answers *rate.Limiter }

// newInrush allows perSecond connections a second, and burst at once. perSecond 0: nil.
func newInrush(perSecond float64, burst int) *inrush {
	if perSecond == 0 {
		return nil
	}
	return &inrush{rate: rate.Limit(perSecond), burst: max(burst, 1), of: map[netip.Prefix]turnout{}, now: time.Now}
}

// allow counts a connection in, or says that it is one too many.
func (i *inrush) allow(from netip.AddrPort) bool {
	if i == nil {
		return true
	}
	key := network(from.Addr())
	i.mu.Lock()
	defer i.mu.Unlock()
	t, ok := i.of[key]
	if !ok {
		i.makeRoom()
		t = turnout{rate.NewLimiter(i.rate, i.burst), rate.NewLimiter(i.rate, i.burst)}
		i.of[key] = t
	}
	now := i.now()
	if t.in.AllowN(now, 1) {
		return true
	}
	t.answers.AllowN(now, 1)
	return false
}

// isSpent reports whether a network has no connection left and not even an answer: it goes on after a whole burst of refusals.
func (i *inrush) isSpent(from netip.AddrPort) bool {
	if i == nil {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	t, ok := i.of[network(from.Addr())]
	now := i.now()
	return ok && t.in.TokensAt(now) < 1 && t.answers.TokensAt(now) < 1
}

// makeRoom forgets a network when there are too many. The caller holds i.mu.
func (i *inrush) makeRoom() {
	for key := range i.of {
		if len(i.of) < maxInrush {
			return
		}
		delete(i.of, key)
	}
}

// tidy forgets those who have everything left.
func (i *inrush) tidy() {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	for key, t := range i.of {
		if t.in.TokensAt(now) >= float64(i.burst) && t.answers.TokensAt(now) >= float64(i.burst) {
			delete(i.of, key)
		}
	}
}

// len is how many are remembered.
func (i *inrush) len() int {
	if i == nil {
		return 0
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.of)
}
