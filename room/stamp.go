package room

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// sampleOne is of how many messages one has its time taken: to read the clock for each recipient would cost more than what is
// measured. A power of two.
const sampleOne = 64

// stamp is when one message came to the stages of its road. It belongs to whoever has the message; from deliver on the shards
// share it, who only read it, but for left.
type stamp struct {
	begun   time.Time    // its frame was whole, or the shared log gave it to this node
	decoded time.Time    // it was put on its road; zero: the shared log has given it
	taken   time.Time    // by the committer
	stored  time.Time    // the log has it
	left    atomic.Int32 // shards that are not done with it

	isTraced bool // Config.Journey is told
	message  *post
}

// Journey is how one message fared on its road. Its times are in order, on this node's clock.
type Journey struct {
	Begun   time.Time // its frame was whole
	Decoded time.Time // it was put on its road
	Taken   time.Time // by the committer
	Stored  time.Time // the log has it
	Ended   time.Time // it is written to all who are to have it; zero: it went on to other nodes

	Mid  string // "": it was not stored
	Cid  string // "": its sender gave none
	Kind string // of its conversation: everyone, room, direct
}

// sample is a stamp for one message in sampleOne, and for those that are traced; nil for the others. Any goroutine may call it.
func (h *Hub) sample() *stamp {
	isTraced := h.config.Sample > 0 && rand.Float64() < h.config.Sample
	if h.sampled.Add(1)%sampleOne != 0 && !isTraced {
		return nil
	}
	return &stamp{begun: time.Now(), isTraced: isTraced}
}

// leaves notes that the message of a sampled frame goes on its road; what else was in the frame is not sampled.
func (s *Session) leaves(p *post) {
	if p.stamp, s.stamp = s.stamp, nil; p.stamp != nil {
		p.stamp.decoded = time.Now()
		p.stamp.message = p
		s.hub.metrics.stages.decode.Observe(p.stamp.decoded.Sub(p.stamp.begun).Seconds())
	}
}

// clock notes that the committer takes a batch.
func (r *road) clock(batch []*post) {
	var now time.Time // the clock is read when there is a reason
	for _, p := range batch {
		if p.stamp != nil {
			if now.IsZero() {
				now = time.Now()
			}
			p.stamp.taken = now
			r.hub.metrics.stages.wait.Observe(now.Sub(p.stamp.decoded).Seconds())
		}
	}
}

// start notes that a message is stored and goes to so many shards; 0: to other nodes, by the shared log.
func (st *stamp) start(h *Hub, shards int) {
	if st == nil {
		return
	}
	st.stored = time.Now()
	st.left.Store(int32(shards))
	if shards == 0 && st.isTraced {
		h.config.Journey(st.journey(time.Time{}))
	}
}

// skip notes that a message does not go to one of the shards.
func (st *stamp) skip(h *Hub) {
	if st != nil {
		h.end(st, time.Now())
	}
}

// end notes that a shard is done with a message: it is queued for all of its recipients there, and written with the next flush.
func (s *shard) end(st *stamp) {
	if st != nil {
		s.ended = append(s.ended, st)
	}
}

// observe notes that the messages which have ended on this shard are written.
func (s *shard) observe() {
	now := time.Now()
	for i, st := range s.ended {
		s.hub.end(st, now)
		s.ended[i] = nil
	}
	s.ended = s.ended[:0]
}

// end takes the time of a message when the last shard is done with it.
func (h *Hub) end(st *stamp, now time.Time) {
	if st.left.Add(-1) > 0 {
		return
	}
	h.metrics.stages.fanout.Observe(now.Sub(st.stored).Seconds())
	if st.message == nil {
		return // the shared log has given it: who took it from its sender tells the rest
	}
	h.metrics.stages.road.Observe(now.Sub(st.begun).Seconds())
	if st.isTraced {
		h.config.Journey(st.journey(now))
	}
}

// journey tells of a message that was stored.
func (st *stamp) journey(ended time.Time) Journey {
	p := st.message
	return Journey{
		Begun: st.begun, Decoded: st.decoded, Taken: st.taken, Stored: st.stored, Ended: ended, Mid: p.stored.Mid, Cid: p.cid, Kind: p.kind(),
	}
}

// kind is what kind of conversation a message is for.
func (p *post) kind() string {
	switch {
	case p.to.Key != "":
		return "direct"
	case p.room.Key != "":
		return "room"
	}
	return "everyone"
}

// count adds up what the shard has delivered since it was last called.
func (s *shard) count() {
	for d := range s.delivered {
		for c, n := range s.delivered[d] {
			if n > 0 {
				s.hub.metrics.deliveredBy[d][c].Add(float64(n))
			}
		}
	}
	s.delivered = [dialects][classes]int{}
}
