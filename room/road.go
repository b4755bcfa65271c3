package room

import (
	"net/http"
	"sync/atomic"

	"throng/room/event"
)

const (
	// maxWaiting is how many bytes of messages may wait for the committer; beyond it senders are refused with 503.
	maxWaiting = 64 << 20
	// maxBacklog is how many bytes of messages a shard may have before the committer waits for it.
	maxBacklog = 64 << 20
	// postOverhead is what a waiting message costs besides its text, in bytes, roughly.
	postOverhead = 256
)

// post is one chat message on its road.
type post struct {
	from    *Session
	to      Nick    // zero: everyone
	message []byte  // JSON; immutable
	settle  *settle // instead of a message: goes to every shard
}

func (p *post) cost() int64 { return int64(len(p.message)) + postOverhead }

// road is where every chat message passes: one committer at a time takes what has piled up and releases it in one order,
// so that all who read a conversation read it in the same order. The log belongs between taking and releasing.
type road struct {
	hub     *Hub
	mail    *mailbox[post]
	waiting atomic.Int64 // bytes in mail
}

func newRoad(h *Hub) *road {
	r := &road{hub: h}
	r.mail = newMailbox(r.quick)
	return r
}

// take puts a message on the road. Any goroutine may call it; it never blocks. The error, 503, is for the sender.
func (r *road) take(p post) *event.Error {
	cost := p.cost()
	if r.waiting.Add(cost) > maxWaiting {
		r.waiting.Add(-cost)
		return &event.Error{Code: http.StatusServiceUnavailable, Message: "the server is busy; the message was not sent"}
	}
	r.mail.put(p)
	return nil
}

// run is the committer. It ends when stop is closed.
func (r *road) run(stop <-chan struct{}) {
	var batch []post
	for {
		select {
		case <-r.mail.wake:
		case <-stop:
			return
		}
		for working := true; working; working = !r.mail.rest() {
			batch = r.mail.take(batch)
			for i := range batch {
				r.release(batch[i])
			}
		}
	}
}

// quick releases a direct message at once. What has to wait for a shard, as a broadcast may, is left to the committer.
func (r *road) quick(p post) bool {
	if p.to.Key == "" || r.hub.shardOf(p.to.Key).isFull() {
		return false
	}
	r.release(p)
	return true
}

// release hands a message to whom it is for: a direct one to its recipient's shard, a broadcast, encoded once, to all.
func (r *road) release(p post) {
	switch {
	case p.settle != nil:
		for _, shard := range r.hub.shards {
			shard.mail.put(*p.settle)
		}
	case p.to.Key != "":
		shard := r.hub.shardOf(p.to.Key)
		shard.awaitRoom()
		shard.backlog.Add(p.cost())
		shard.mail.put(direct{p})
	default:
		text := event.AppendTutorial(nil, p.from.nick.Name, "", p.message)
		frame := r.hub.config.Wire.Message(false, text)
		for _, shard := range r.hub.shards {
			shard.awaitRoom()
			shard.backlog.Add(int64(frame.Size()))
			shard.mail.put(broadcast{frame})
		}
	}
	r.waiting.Add(-p.cost())
}

// errNobody answers a message to a nick that nobody has at present.
func errNobody(nick string) *event.Error {
	return &event.Error{Code: http.StatusNotFound, Message: nick + " is not here"}
}
