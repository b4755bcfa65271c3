package room

import (
	"context"
	"errors"
	"hash/maphash"
	"time"

	"throng/room/event"
)

var errNotJoined = errors.New("room: the node has not joined its cluster yet")

// join makes the hub one of the cluster.
func (h *Hub) join() {
	c := h.cluster
	c.OnLeave(func(node string) {
		h.places.forget(node)
		h.noteEnd(node)
	})
	c.OnNick(h.outdate)
	c.OnLease(func(isHeld bool) {
		for _, s := range h.shards {
			if isHeld {
				s.mail.leave([]letter{rehold{}})
			}
		}
	})
	c.Begin(h.receive)
	h.check(c.Answer(h.answer))
	h.check(c.Listen(topicNode(c.Node()), h.hear))
	h.attend(theChat)
	h.running.Go(h.tellNodes)
	h.running.Go(func() {
		for h.logged(errors.Join(h.follow(theChat), h.cluster.Follow(convRulings), h.cluster.Follow(convUnsaid))) != nil {
			select {
			case <-time.After(time.Second):
			case <-h.stop:
				return
			}
		}
		h.rulings.begin()
		h.isJoined.Store(true)
	})
}

// attend begins to hear of a room, of which this node had nobody until now.
func (h *Hub) attend(room Nick) {
	h.check(h.cluster.Listen(topicRoom(room.Key), h.hear))
}

// desert ends attend and follow: nobody of this node is there any more.
func (h *Hub) desert(room Nick) {
	h.cluster.Unfollow(convOf(room))
	h.cluster.Unlisten(topicRoom(room.Key))
}

// follow has what is said in a room come to this node, and asks who is there on others. It waits for the network.
func (h *Hub) follow(room Nick) error {
	if h.cluster == nil || !h.places.isNew(room.Key) {
		return nil
	}
	turn := &h.following[maphash.String(h.seed, room.Key)%uint64(len(h.following))]
	turn.Lock()
	defer turn.Unlock()
	if !h.places.isNew(room.Key) {
		return nil // done meanwhile
	}
	if err := h.cluster.Follow(convOf(room)); err != nil {
		return err
	}
	for _, c := range h.recount(room) {
		h.places.call(c.Room)
	}
	if !h.places.settle(room.Key) {
		h.cluster.Unfollow(convOf(room)) // all have left meanwhile
	}
	return nil
}

// recount asks the other nodes how many are in a room. It waits for them.
func (h *Hub) recount(room Nick) map[string]crew {
	crews := h.askCrews(context.Background(), room.Key, Part{})
	for node, c := range crews {
		h.places.hear(node, room.Key, c.Count, nil, nil)
	}
	return crews
}

// followDirects has what is said to a claim, and by it, come to this node.
func (h *Hub) followDirects(claim uint64) error {
	if h.cluster == nil {
		return nil
	}
	return h.logged(h.cluster.FollowDirects(claim))
}

// followAll is what a claim needs that has said hello.
func (h *Hub) followAll(claim uint64, rooms []Nick) error {
	if err := h.followDirects(claim); err != nil {
		return err
	}
	for _, room := range rooms {
		if err := h.logged(h.follow(room)); err != nil {
			return err
		}
	}
	return nil
}

// unfollow ends followDirects for a session that was gone before that was done.
func (s *shard) unfollow(session *Session) {
	if s.hub.cluster == nil {
		return
	}
	claim := session.claim()
	if p := s.people[session.nick.Key]; p == nil || p.claim.ID != claim {
		s.hub.cluster.UnfollowDirects(claim)
	}
}

// errCutOff answers who asks for what the network is needed for.
var errCutOff = event.Unavailable("the node is cut off from its cluster", retryAfter)
