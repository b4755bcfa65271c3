package room

import (
	"context"
	"fmt"
)

// knock asks a shard to show that it lives. answer has room for all shards.
type knock struct{ answer chan<- int }

func (l knock) open(s *shard) { l.answer <- s.number }

// Hangs is nil when all shards answer before ctx ends, and otherwise says which do not. Any goroutine may call it; while one
// waits, others get what was found before.
func (h *Hub) Hangs(ctx context.Context) error {
	if !h.knocking.TryLock() { // what hangs gets no more letters than one
		if found := h.hangs.Load(); found != nil {
			return *found
		}
		return nil
	}
	defer h.knocking.Unlock()
	answer := make(chan int, len(h.shards))
	silent := make(map[int]bool, len(h.shards))
	for _, s := range h.shards {
		silent[s.number] = true
		s.mail.leave([]letter{knock{answer}})
	}
	var found error
	for len(silent) > 0 && found == nil {
		select {
		case number := <-answer:
			delete(silent, number)
		case <-h.stop:
			return nil // it ends
		case <-ctx.Done():
			found = fmt.Errorf("room: %d of %d shards do not answer", len(silent), len(h.shards))
		}
	}
	h.hangs.Store(&found)
	return found
}
