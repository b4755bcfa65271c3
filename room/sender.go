package room

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// sender is one connection under the rate limits. It takes no memory of what was sent before something is. The loop uses it,
// but for end.
type sender struct {
	pace    *pace                               // nil: nothing has come yet
	claim   uint64                              // whose pace it is; 0: this connection's
	shared  atomic.Pointer[share[uint64]]       // pace, where it is a claim's
	network atomic.Pointer[share[netip.Prefix]] // of the address, where that is limited
	isOver  atomic.Bool
	isHeavy bool // the frame that is being read has too many bytes
}

// begin counts a frame that has come, of somebody who speaks for a claim, or for none yet (0).
func (s *sender) begin(r *rates, claim uint64, addr netip.Addr, now time.Time, size int) {
	if s.pace == nil {
		s.pace = &pace{}
	}
	if claim != s.claim && claim != 0 {
		s.leaveClaim(r, now)
		all := r.claims.enter(claim)
		s.pace, s.claim = all.pace, claim
		s.shared.Store(all)
	}
	t := r.tariff.Load()
	if t.network.rate > 0 && addr.IsValid() && s.network.Load() == nil {
		s.network.Store(r.networks.enter(network(addr)))
	}
	if s.isOver.Load() {
		s.end(r, now) // nobody else will
	}
	s.isHeavy = !s.pace.size(t.each.bytes, now, size)
}

// judge counts one message of the frame. An address is shared with others: its excess closes nobody's connection.
func (s *sender) judge(r *rates, now time.Time) verdict {
	t := r.tariff.Load()
	v := s.pace.judge(t.each.messages, now, s.isHeavy)
	if n := s.network.Load(); v == within && n != nil && n.judge(t.network, now, false) != within {
		return beyond
	}
	return v
}

// wait is when the next message will be let through.
func (s *sender) wait(r *rates) time.Duration {
	wait, t := time.Second, r.tariff.Load()
	for _, a := range []allowance{t.each.messages, t.network} {
		if a.rate > 0 && !s.isHeavy {
			wait = min(wait, time.Duration(float64(time.Second)/a.rate))
		}
	}
	return wait
}

// end gives back what is shared. Any goroutine may call it, as often as it likes.
func (s *sender) end(r *rates, now time.Time) {
	s.isOver.Store(true)
	s.leaveClaim(r, now)
	if n := s.network.Swap(nil); n != nil {
		r.networks.leave(n, now)
	}
}

func (s *sender) leaveClaim(r *rates, now time.Time) {
	if p := s.shared.Swap(nil); p != nil {
		r.claims.leave(p, now)
	}
}
