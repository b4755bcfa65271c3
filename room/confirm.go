package room

import (
	"bytes"
	"context"
	"slices"
	"time"
)

const (
	// confirmWait is how long another node is waited for; then what was known of its people before holds.
	confirmWait = time.Second
	// maxConfirm is how many claims one question is about: they fit into a message.
	maxConfirm = 1000
)

// confirm asks the nodes of the recipients of direct messages, which are stored, whether they are still there, and has the
// senders told. All that was stored at a time is one question to each node. It does not wait.
func (h *Hub) confirm(posts []*post) {
	byNode := map[string][]*post{}
	for _, p := range posts {
		byNode[p.node] = append(byNode[p.node], p)
	}
	for node, posts := range byNode {
		for some := range slices.Chunk(posts, maxConfirm) {
			h.apart(func() { h.askThere(node, some) })
		}
	}
}

// askThere asks one node. It waits for it.
func (h *Hub) askThere(node string, posts []*post) {
	ctx, cancel := context.WithTimeout(context.Background(), confirmWait)
	defer cancel()
	w := memo{Kind: askThere}
	for _, p := range posts {
		w.Keys, w.Claims = append(w.Keys, p.to.Key), append(w.Claims, p.peer)
	}
	answer, err := h.cluster.AskNode(ctx, node, encode(w))
	for i, p := range posts {
		switch {
		case err == nil && (i >= len(answer) || answer[i] != '1'):
			h.shardOf(p.to.Key).mail.put(departed{p})
		case p.from.dialect == version2:
			p.from.shard.mail.put(sent{p})
		}
	}
}

// departed is a stored direct message whose recipient is not there any more where they were. They may be elsewhere.
type departed struct{ message *post }

func (l departed) open(s *shard) {
	p := l.message
	if look := s.looks[p.to.Key]; look != nil && look.who != nil && look.who.Node == p.node {
		s.outdate(p.to.Key, look)
	}
	s.look(p.to.Key, func(w *who) {
		isSame := w != nil && w.Claim == p.peer
		p.online = isSame && w.IsOnline || w != nil && w.failed
		switch {
		case p.from.dialect == version2:
			p.from.shard.mail.put(sent{p})
		case p.online:
		case isSame:
			p.from.shard.mail.put(remark{p.from, waits(p.to.Name)})
		default:
			p.from.shard.mail.put(notice{p.from, nil, errNobody(p.to.Name)})
		}
	})
}

// there answers askThere: a '1' or a '0' for each claim.
func (h *Hub) there(keys []string, claims []uint64) []byte {
	if len(keys) != len(claims) {
		return nil
	}
	answer := bytes.Repeat([]byte{'0'}, len(keys))
	done := make(chan struct{}, len(h.shards))
	for _, s := range h.shards {
		s.mail.put(rollCall{keys, claims, answer, done})
	}
	for range h.shards {
		select {
		case <-done:
		case <-h.stop:
			return nil
		}
	}
	return answer
}

// rollCall asks a shard which of some claims are there. Every shard writes what its own people have in answer.
type rollCall struct {
	keys   []string
	claims []uint64
	answer []byte
	done   chan<- struct{} // has room for it
}

func (l rollCall) open(s *shard) {
	for i, key := range l.keys {
		// Whether the nick is this shard's need not be asked: no other has people of that nick.
		if p := s.people[key]; p != nil && p.claim.ID == l.claims[i] && len(p.sessions) > 0 {
			l.answer[i] = '1'
		}
	}
	l.done <- struct{}{}
}
