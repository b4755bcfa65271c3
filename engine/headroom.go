package engine

import (
	"runtime"
	runtimemetrics "runtime/metrics"
	"sync/atomic"
	"time"
)

// Parts of the limit, in percent: where newcomers are no longer let in, where they are again, and where nothing is waited for.
const (
	fullAt  = 90
	roomAt  = 85
	brimful = 97
)

const (
	lookEvery = 250 * time.Millisecond
	restLooks = 20 // between two collections that are asked for: 5 s
)

// headroom says whether there is memory for newcomers. Those who are in are not touched. The sweep looks; anybody may ask.
type headroom struct {
	limit   uint64                       // bytes; 0: none
	read    func() (used, cycles uint64) // bytes in use, and collections so far
	collect func()                       // collects garbage, on a goroutine of its own
	used    atomic.Uint64                // bytes, when last looked
	isFull  atomic.Bool
	isAsked atomic.Bool // a collection is under way that was asked for

	// The sweep's.
	since uint64 // one more than the collections when much was first seen to be in use; 0: it is not
	rest  int    // looks until another collection may be asked for
}

func newHeadroom(limit int) *headroom {
	return &headroom{limit: uint64(limit), read: readMemory(), collect: runtime.GC}
}

// readMemory reads what the runtime says, which is cheap: all memory that it has of the system, but for what is free in it.
func readMemory() func() (used, cycles uint64) {
	samples := []runtimemetrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/gc/cycles/total:gc-cycles"},
	}
	return func() (used, cycles uint64) {
		runtimemetrics.Read(samples)
		return samples[0].Value.Uint64() - samples[1].Value.Uint64() - samples[2].Value.Uint64(), samples[3].Value.Uint64()
	}
}

// look judges anew. Much may be in use and most of it garbage: only what is still there after a collection counts, unless it is
// nearly all; one is asked for.
func (h *headroom) look(run func(func())) {
	if h.limit == 0 {
		return
	}
	used, cycles := h.read()
	h.used.Store(used)
	percent := used * 100 / h.limit
	switch {
	case percent < roomAt:
		h.isFull.Store(false)
		h.since = 0
	case percent >= brimful:
		h.isFull.Store(true)
	case percent >= fullAt && h.since == 0:
		h.since = cycles + 1
	case percent >= fullAt && cycles >= h.since:
		h.isFull.Store(true)
	}
	h.rest--
	if (percent >= fullAt || h.isFull.Load()) && h.rest <= 0 && h.isAsked.CompareAndSwap(false, true) {
		h.rest = restLooks
		run(func() {
			h.collect()
			h.isAsked.Store(false)
		})
	}
}
