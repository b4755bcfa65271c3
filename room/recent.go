package room

import (
	"sync"
	"sync/atomic"

	"throng/room/event"
)

// maxRecent is how many stretches are remembered.
const maxRecent = 64

// stretch is a piece of a conversation, as it is called at the time: a room may be written otherwise by who makes it anew.
type stretch struct {
	conv        event.Conv
	stored      string
	first, last uint64
	erasures    int64 // as recent had it before the stretch was read: what is remembered of before is not given any more
}

// recent remembers how stretches of conversations were encoded, since ten thousand clients that were cut off at once miss
// the same. Its methods may be called from any goroutine.
type recent struct {
	erasures atomic.Int64 // how often something was erased

	mu     sync.Mutex // guards frames; a leaf, except that it is held while a stretch is encoded: the others wait for it
	frames map[stretch][]Frame
}

// forget drops everything: something was erased.
func (r *recent) forget() {
	r.erasures.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frames = nil
}

// get returns the frames of a stretch, made by encode when they are not there yet. They are shared.
func (r *recent) get(s stretch, encode func() []Frame) []Frame {
	r.mu.Lock()
	defer r.mu.Unlock()
	if frames, ok := r.frames[s]; ok {
		return frames
	}
	if len(r.frames) >= maxRecent || r.frames == nil {
		r.frames = map[stretch][]Frame{}
	}
	frames := encode()
	r.frames[s] = frames
	return frames
}
