package room

import (
	"context"
	"encoding/json"
	"time"
)

// remembered is how long a shard may go by what another node said of a nick.
const remembered = time.Second

// who is whom a nick stands for at present: somebody who is there, or who can come back.
type who struct {
	Claim    uint64  `json:"claim"`
	Nick     string  `json:"nick"`
	Returns  bool    `json:"returns,omitempty"`
	Dialect  dialect `json:"dialect,omitempty"` // that is spoken
	Node     string  `json:"node,omitempty"`    // where somebody is there; "": nowhere, or here
	IsOnline bool    `json:"online,omitempty"`
	failed   bool    // it could not be found out
}

// isHere reports whether somebody is there on this node.
func (w *who) isHere() bool { return w.IsOnline && w.Node == "" }

// who is who this shard says a nick stands for; nil for nobody.
func (s *shard) who(key string) *who {
	p := s.people[key]
	if p == nil {
		return nil
	}
	w := &who{Claim: p.claim.ID, Nick: p.claim.Nick, Returns: p.returns(), IsOnline: len(p.sessions) > 0}
	if w.IsOnline {
		w.Dialect = p.sessions[0].dialect
	} else if !w.Returns {
		return nil
	}
	return w
}

// look finds out whom a nick stands for, nil for nobody, and goes on with it: at once, or when other nodes have said. What is
// looked up for the same nick goes on in its order.
func (s *shard) look(key string, then func(*who)) {
	if w := s.who(key); w != nil {
		then(w)
		return
	}
	if s.hub.cluster == nil {
		then(s.hub.lastOf(key))
		return
	}
	l := s.looks[key]
	switch {
	case l == nil:
		l = &lookup{waiting: []func(*who){then}}
		s.looks[key] = l
		s.hub.apart(func() {
			w := s.hub.whois(key)
			s.mail.put(found{key, l, w})
		})
	case l.waiting != nil:
		l.waiting = append(l.waiting, then)
	default:
		then(l.who)
	}
}

// lookup is what other nodes say of a nick.
type lookup struct {
	who     *who
	at      time.Time
	waiting []func(*who) // for the answer; nil: it has come
}

// found is the answer.
type found struct {
	key    string
	lookup *lookup
	who    *who
}

func (l found) open(s *shard) {
	waiting := l.lookup.waiting
	l.lookup.who, l.lookup.at, l.lookup.waiting = l.who, time.Now(), nil
	if l.who == nil || !l.who.IsOnline {
		delete(s.looks, l.key) // whoever is not there may come at any time
	}
	for _, then := range waiting {
		then(l.who)
	}
}

// lastOf is who had a nick last and can come back, by the log; nil for nobody.
func (h *Hub) lastOf(key string) *who {
	saved, ok, err := h.config.Log.ClaimByNick(key)
	if h.check(err); err != nil {
		return &who{failed: true}
	}
	if !ok || saved.Secret == nil {
		return nil
	}
	return &who{Claim: saved.ID, Nick: saved.Nick, Returns: true}
}

// whois asks the node that holds a nick whom it stands for, or the log. It waits.
func (h *Hub) whois(key string) *who {
	ctx, cancel := context.WithTimeout(context.Background(), answerWait)
	defer cancel()
	node, err := h.cluster.Holder(ctx, key)
	if h.check(err); err != nil {
		return &who{failed: true}
	}
	if node != "" && node != h.cluster.Node() {
		var w *who
		if data, err := h.cluster.AskNode(ctx, node, encode(memo{Kind: askWho, Key: key})); err == nil && json.Unmarshal(data, &w) == nil && w != nil {
			if w.IsOnline {
				w.Node = node
			}
			return w
		}
	}
	return h.lastOf(key)
}

// asked is another node's question for whom a nick stands.
type asked struct {
	key   string
	node  string
	found chan<- *who // has room for it
}

func (l asked) open(s *shard) {
	if p := s.people[l.key]; p != nil && len(p.sessions) > 0 {
		if p.askers == nil {
			p.askers = map[string]bool{}
		}
		p.askers[l.node] = true
	}
	l.found <- s.who(l.key)
}

// tellGone tells those who have asked for somebody that they are not there any more.
func (s *shard) tellGone(p *person) {
	for node := range p.askers {
		s.hub.cluster.Tell(topicNode(node), encode(memo{Kind: tellGone, Key: p.claim.Key}))
	}
	p.askers = nil
}

// outdated is that what another node said of a nick is true no more.
type outdated struct{ key string }

func (l outdated) open(s *shard) {
	if look := s.looks[l.key]; look != nil && look.waiting == nil {
		delete(s.looks, l.key)
	}
}

// pass passes a word for somebody to the node where they are.
func (h *Hub) pass(w *who, said memo) {
	if w.Node != "" {
		h.cluster.Tell(topicNode(w.Node), encode(said))
	}
}
