package room

import (
	"time"

	"golang.org/x/time/rate"
)

// verdict is what becomes of a message under the rate limit.
type verdict uint8

const (
	within verdict = iota // it may go on
	beyond                // it is refused and the client told
	goesOn                // so many were refused that the connection is to be closed
)

// pace is the rate limit of one connection. The loop alone uses it.
type pace struct {
	limiter *rate.Limiter // nil: no limit
	refused int           // messages refused, less those let through since
}

// newPace allows perSecond messages a second and burst at once; perSecond 0 is no limit.
func newPace(perSecond float64, burst int) pace {
	if perSecond == 0 {
		return pace{}
	}
	return pace{limiter: rate.NewLimiter(rate.Limit(perSecond), burst)}
}

// judge counts one message. It goes on when a whole burst more was refused than let through.
func (p *pace) judge(now time.Time) verdict {
	switch {
	case p.limiter == nil:
		return within
	case p.limiter.AllowN(now, 1):
		p.refused = max(p.refused-1, 0)
		return within
	}
	if p.refused++; p.refused > p.limiter.Burst() {
		return goesOn
	}
	return beyond
}

// wait is when the next message will be let through.
func (p *pace) wait() time.Duration {
	return time.Duration(float64(time.Second) / float64(p.limiter.Limit()))
}
