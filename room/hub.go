package room

import (
	"context"
	"hash/maphash"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"

	"throng/room/event"
)

// Config is what a Hub is made of.
type Config struct {
	Wire   Wire    // encodes for the connections; required
	Rate   float64 // messages a second that one connection may send; 0 = no limit
	Burst  int     // messages that it may send at once, when there is a limit
	Shards int     // over which the sessions are spread, each written to by one goroutine; 0 = GOMAXPROCS - 1, at least 1
}

// Hub is the chat: the registry of nicknames, in shards, and the road that every message takes. Its methods may be
// called from any goroutine.
type Hub struct {
	config Config
	seed   maphash.Seed
	shards []*shard
	road   *road
	online atomic.Int64

	stop    chan struct{}
	running sync.WaitGroup
}

// New starts a hub. The caller ends it with Close.
func New(config Config) *Hub {
	if config.Shards == 0 {
		// One processor is left to the loops and to the kernel's half of each write: two shards that write at once on
		// two processors took 10 % more CPU a delivery than one (make bench ARGS="-only broadcast").
		config.Shards = max(1, runtime.GOMAXPROCS(0)-1)
	}
	h := &Hub{config: config, seed: maphash.MakeSeed(), stop: make(chan struct{})}
	h.road = newRoad(h)
	for range config.Shards {
		s := newShard(h)
		h.shards = append(h.shards, s)
		h.running.Go(func() { s.run(h.stop) })
	}
	h.running.Go(func() { h.road.run(h.stop) })
	return h
}

// shardOf is the shard that owns a nick, by its key.
func (h *Hub) shardOf(key string) *shard {
	return h.shards[maphash.String(h.seed, key)%uint64(len(h.shards))]
}

var errStopped = &event.Error{Code: http.StatusServiceUnavailable, Message: "the server is shutting down"}

// Claim takes a nick, by the name of RFC 8266, for a connection that is about to be let in. What it returns makes the
// session; it must be called exactly once. The errors have a Status: 400 for a bad nick, 409 for one in use.
func (h *Hub) Claim(name string) (func(Peer) *Session, error) {
	nick, bad := ParseNick(name)
	if bad != nil {
		return nil, bad
	}
	select {
	case <-h.stop:
		return nil, errStopped
	default:
	}
	s := &Session{hub: h, shard: h.shardOf(nick.Key), nick: nick, index: -1}
	answer := make(chan *event.Error, 1)
	s.shard.mail.put(claim{s, answer})
	select {
	case bad = <-answer:
	case <-h.stop:
		bad = errStopped
	}
	if bad != nil {
		return nil, bad
	}
	return func(p Peer) *Session {
		s.peer = p
		s.pace = newPace(h.config.Rate, h.config.Burst)
		s.shard.mail.put(enter{s})
		return s
	}, nil
}

// Settle waits until every message that the hub took before the call is queued for its recipients, or ctx ends.
func (h *Hub) Settle(ctx context.Context) error {
	settled := make(chan struct{}, len(h.shards))
	p := post{settle: &settle{settled}}
	h.road.waiting.Add(p.cost())
	h.road.mail.put(p)
	for range h.shards {
		select {
		case <-settled:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Close ends the hub. The connections must be gone.
func (h *Hub) Close() {
	close(h.stop)
	h.running.Wait()
}

// Online is how many sessions are in the chat.
func (h *Hub) Online() int { return int(h.online.Load()) }
