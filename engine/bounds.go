package engine

import (
	"golang.org/x/time/rate"
)

// bounds is who may come in, as far as that can be changed while the engine serves. It is immutable, but for what its limiters count.
type bounds struct {
	origins       []string
	maxConns      int
	maxConnsPerIP int           // 0: no limit
	inrush        *inrush       // of each network; nil: no limit
	accepts       *rate.Limiter // of all; nil: no limit
}

// newBounds makes them of a configuration that has its defaults.
func newBounds(c Config) *bounds {
	b := &bounds{
		origins: c.Origins, maxConns: c.MaxConns, maxConnsPerIP: c.MaxConnsPerIP, inrush: newInrush(c.ConnectRate, c.ConnectBurst),
	}
	if c.AcceptRate > 0 {
		b.accepts = rate.NewLimiter(rate.Limit(c.AcceptRate), max(1, int(c.AcceptRate)))
	}
	return b
}

// Adjust brings Origins, MaxConns, MaxConnsPerIP, ConnectRate, ConnectBurst and AcceptRate of a configuration into force for who comes
// from now on, and nothing else of it. Those who are in stay. What was counted of the rates begins anew.
func (e *Engine) Adjust(c Config) {
	c.setDefaults()
	e.bounds.Store(newBounds(c))
}
