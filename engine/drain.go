package engine

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// Leaver is a Session that has a last word for its client when the server sends it away.
type Leaver interface {
	// Leave is called from any goroutine, before the connection is closed; it may Send, and must not block.
	Leave(retryAfter time.Duration)
}

// Drain refuses newcomers with 503 from now on.
func (e *Engine) Drain() {
	e.heirs.Store(int32(e.config.Heirs()))
	e.draining.Store(true)
}

// batchEvery is the time between two batches of connections that are sent away.
const batchEvery = 50 * time.Millisecond

// sendAway closes all connections. Where other servers take them it does so in batches, as fast as those can let them in, within half
// of the time that ctx gives; the other half is for what is queued. Where none does, all go at once: so the process that
// follows is there soon.
func (e *Engine) sendAway(ctx context.Context) {
	var all []*Conn
	for i := range e.tables {
		all = e.tables[i].collect(all, func(*Conn) bool { return true })
	}
	if len(all) == 0 {
		return
	}
	size := len(all)
	if heirs := int(e.heirs.Load()); heirs > 0 {
		size = int(e.returns.rate(heirs) * batchEvery.Seconds())
		if end, ok := ctx.Deadline(); ok {
			size = max(size, len(all)/max(1, int(time.Until(end)/2/batchEvery))+1)
		}
	}
	pause := time.NewTicker(batchEvery)
	defer pause.Stop()
	for batch := range slices.Chunk(all, max(size, 1)) {
		for _, c := range batch {
			c.sendAway()
		}
		if len(batch) < size {
			return
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
}

// sendAway tells the client when to come back, and closes the connection.
func (c *Conn) sendAway() {
	if s, ok := c.session.(Leaver); ok {
		s.Leave(c.engine.RetryAfter(http.StatusServiceUnavailable))
	}
	c.Close(CloseDraining, "draining")
}
