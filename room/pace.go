package room

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// verdict is what becomes of a message under the rate limits.
type verdict uint8

const (
	within verdict = iota // it may go on
	beyond                // it is refused and the client told
	goesOn                // so many were refused that the connection is to be closed
)

// allowance is so much a second, and so much at once. rate 0: no limit.
type allowance struct{ rate, burst float64 }

// bucket is what was used of an allowance and has not run out of it yet. The zero bucket is empty: all may be used.
type bucket struct {
	used float64
	at   int64 // ns since 1970, when that was so
}

// take uses n, if there is room for one at least. So something larger than the burst also passes, and is paid for afterwards.
func (b *bucket) take(a allowance, now int64, n float64) bool {
	if a.rate == 0 {
		return true
	}
	b.run(a, now)
	if b.used > a.burst-1+1e-9 {
		return false
	}
	b.used += n
	return true
}

// run lets run out what has.
func (b *bucket) run(a allowance, now int64) {
	b.used = max(0, b.used-a.rate*float64(now-b.at)/1e9)
	b.at = now
}

// pace is what one sender has sent of late. Sessions of one claim share theirs. Any goroutine may use it.
type pace struct {
	mu       sync.Mutex // guards what follows; a leaf
	messages bucket
	bytes    bucket
	refused  int // messages refused, less those let through since

	sessions int // that use it; guarded by paces.mu
}

// size counts the bytes of a frame, and reports whether they may come.
func (p *pace) size(a allowance, now time.Time, n int) bool {
	if a.rate == 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes.take(a, now.UnixNano(), float64(n))
}

// judge counts one message; isHeavy says that its bytes are too many. It goes on when a whole burst more was refused than let
// through.
func (p *pace) judge(a allowance, now time.Time, isHeavy bool) verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !isHeavy && p.messages.take(a, now.UnixNano(), 1) {
		p.refused = max(p.refused-1, 0)
		return within
	}
	if p.refused++; p.refused > max(int(a.burst), 1) {
		return goesOn
	}
	return beyond
}

// isIdle reports whether nothing is left to run out.
func (p *pace) isIdle(of limits, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages.run(of.messages, now.UnixNano())
	p.bytes.run(of.bytes, now.UnixNano())
	return p.messages.used == 0 && p.bytes.used == 0
}

// limits are what a sender may send.
type limits struct{ messages, bytes allowance }

// maxAway bounds the paces that are kept for those who are away, lest they come back to begin anew.
const maxAway = 64 << 10

// paces are those of all senders of one kind. Any goroutine may use it.
type paces[K comparable] struct {
	limits func() limits

	mu   sync.Mutex  // guards what follows; taken before a pace's own
	here map[K]*pace // that are used
	away map[K]*pace // that are not, and have something to run out
}

// share is a session's part in a pace. It is immutable.
type share[K comparable] struct {
	key K
	*pace
}

func newPaces[K comparable](of func() limits) *paces[K] {
	return &paces[K]{limits: of, here: map[K]*pace{}, away: map[K]*pace{}}
}

// enter gives the pace of a sender to one more session, which gives it back with leave.
func (p *paces[K]) enter(key K) *share[K] {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.here[key]
	if one == nil {
		if one = p.away[key]; one == nil {
			one = &pace{}
		}
		delete(p.away, key)
		p.here[key] = one
	}
	one.sessions++
	return &share[K]{key, one}
}

func (p *paces[K]) leave(s *share[K], now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.sessions--; s.sessions > 0 {
		return
	}
	delete(p.here, s.key)
	if len(p.away) < maxAway && !s.isIdle(p.limits(), now) {
		p.away[s.key] = s.pace
	}
}

// tidy forgets those who are away and have nothing left to run out.
func (p *paces[K]) tidy(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, one := range p.away {
		if one.isIdle(p.limits(), now) {
			delete(p.away, key)
		}
	}
}

// tariff is how much people may send. It is immutable.
type tariff struct {
	rate    float64 // messages a second, as clients are told
	burst   int
	each    limits // of a claim, or of a connection without one
	network allowance
}

func newTariff(c Config) *tariff {
	return &tariff{rate: c.Rate, burst: c.Burst, network: allowance{c.AddressRate, max(2*c.AddressRate, 1)}, each: limits{
		messages: allowance{c.Rate, float64(max(c.Burst, 1))},
		bytes:    allowance{c.ByteRate, float64(max(c.ByteBurst, 1))},
	}}
}

// rates are the limits on what people send. Any goroutine may use it.
type rates struct {
	tariff   atomic.Pointer[tariff]
	claims   *paces[uint64]
	networks *paces[netip.Prefix]
}

func newRates(c Config) *rates {
	r := &rates{}
	r.tariff.Store(newTariff(c))
	r.claims = newPaces[uint64](func() limits { return r.tariff.Load().each })
	r.networks = newPaces[netip.Prefix](func() limits { return limits{messages: r.tariff.Load().network} })
	return r
}

// Adjust brings Rate, Burst, ByteRate, ByteBurst and AddressRate of a configuration into force, and nothing else of it. Clients of version
// 2 are told when they come next.
func (h *Hub) Adjust(c Config) { h.rates.tariff.Store(newTariff(c)) }

// tidy is done every second.
func (r *rates) tidy(now time.Time) {
	r.claims.tidy(now)
	r.networks.tidy(now)
}

// network is what an address is counted by: of IPv6 the /64.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero Addr: the zero Prefix
	return p
}
