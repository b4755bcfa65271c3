package engine

import (
	"log/slog"
	"net/netip"
	"sync"
)

// maxComplaints is how many lines a second the log gets for one reason.
const maxComplaints = 3

// complaints are what the log says of clients that are refused. A flood of them makes no flood of lines: of each reason a few a
// second are told, and then how many more there were. A line holds no text of the client's. Any goroutine may use it.
type complaints struct {
	log *slog.Logger

	mu       sync.Mutex // guards byReason; a leaf
	byReason map[string]*complaint
}

// complaint is what was told for one reason.
type complaint struct {
	second int64 // of the engine's clock, in which
	lines  int   // were written, and
	more   int   // were not
}

// refused tells of a refusal, unless enough was told in this second.
func (c *complaints) refused(second int64, from netip.AddrPort, status int, reason string) {
	c.mu.Lock()
	if c.byReason == nil {
		c.byReason = map[string]*complaint{}
	}
	of := c.byReason[reason]
	if of == nil {
		of = &complaint{second: second}
		c.byReason[reason] = of
	}
	more := 0
	if of.second != second {
		more = of.more
		*of = complaint{second: second}
	}
	isTold := of.lines < maxComplaints
	if isTold {
		of.lines++
	} else {
		of.more++
	}
	c.mu.Unlock()
	c.sum(reason, more)
	if isTold {
		c.log.Info("refused", "remote", from.String(), "status", status, "reason", reason)
	}
}

// settle tells how many were not told of in seconds that are over.
func (c *complaints) settle(second int64) {
	sums := map[string]int{}
	c.mu.Lock()
	for reason, of := range c.byReason {
		if of.second < second {
			sums[reason] = of.more
			delete(c.byReason, reason)
		}
	}
	c.mu.Unlock()
	for reason, more := range sums {
		c.sum(reason, more)
	}
}

func (c *complaints) sum(reason string, more int) {
	if more > 0 {
		c.log.Info("refused more", "count", more, "reason", reason)
	}
}

// refused counts and tells a refusal.
func (e *Engine) refused(from netip.AddrPort, err error) {
	e.metrics.refuse(err)
	e.complaints.refused(e.clock.Load()/1000, from, status(err), kind(err))
}
