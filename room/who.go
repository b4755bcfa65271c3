package room

import (
	"context"
	"encoding/json"
	"time"
)

const (
	// remembersThere is how long a shard goes by what the node said where somebody is: it says when they are gone, if it can.
	remembersThere = time.Second
	// remembersNobody is how long it goes by that a nick is no node's: the cluster tells of the next that takes it.
	remembersNobody = 10 * time.Second
	// maxLooks is how many nicks a shard remembers.
	maxLooks = 1 << 16
	// maxAgain is how often a nick is looked up anew because something happened to it meanwhile.
	maxAgain = 3
)

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
	l := s.looks[key]
	switch w := s.who(key); {
	case l != nil && l.waiting != nil:
		l.waiting = append(l.waiting, then)
	case w != nil:
		then(w)
	case s.hub.cluster == nil:
		then(s.hub.lastOf(key))
	case l != nil:
		then(l.who)
	default:
		l = &lookup{waiting: []func(*who){then}}
		s.looks[key] = l
		s.lookUp(key, l)
	}
}

// lookUp asks other nodes and the log for a nick.
func (s *shard) lookUp(key string, l *lookup) {
	s.hub.apart(func() {
		w, isHeld := s.hub.whois(key)
		s.mail.put(found{key, l, w, isHeld})
	})
}

// lookup is what other nodes say of a nick.
type lookup struct {
	who        *who
	until      time.Time    // it is remembered
	waiting    []func(*who) // for the answer; nil: it has come
	isOutdated bool         // something has happened to the nick since they were asked
	again      int          // how often they were asked anew for that reason
}

// found is the answer.
type found struct {
	key    string
	lookup *lookup
	who    *who
	isHeld bool // some node holds the nick
}

func (l found) open(s *shard) {
	look := l.lookup
	if look.isOutdated && look.again < maxAgain {
		look.isOutdated = false
		look.again++
		s.lookUp(l.key, look)
		return
	}
	waiting := look.waiting
	look.who, look.waiting = l.who, nil
	switch isThere := l.who != nil && l.who.IsOnline; {
	case look.isOutdated, l.who != nil && l.who.failed, len(s.looks) > maxLooks:
		delete(s.looks, l.key)
	case isThere:
		look.until = time.Now().Add(remembersThere)
	case l.isHeld: // by a node that is letting somebody in, or has yet to give it up
		delete(s.looks, l.key)
	default:
		look.until = time.Now().Add(remembersNobody)
	}
	who := l.who
	if here := s.who(l.key); here != nil {
		who = here // they came meanwhile
	}
	for _, then := range waiting {
		then(who)
	}
}

// outdated is that something has happened to a nick, so that what is remembered of it may not be so any more.
type outdated struct{ key string } // "": to any

func (l outdated) open(s *shard) {
	if look := s.looks[l.key]; look != nil {
		s.outdate(l.key, look)
	}
	if s.hub.isByToken() {
		s.takeOver(l.key)
	}
	if l.key == "" {
		for key, look := range s.looks {
			s.outdate(key, look)
		}
		for key := range s.people {
			if s.hub.isByToken() {
				s.takeOver(key)
			}
		}
	}
}

func (s *shard) outdate(key string, l *lookup) {
	l.isOutdated = true
	if l.waiting == nil {
		delete(s.looks, key)
	}
}

// outdate forgets what is remembered of a nick, or of all (""). It does not wait.
func (h *Hub) outdate(key string) {
	if key != "" {
		h.shardOf(key).mail.put(outdated{key})
		return
	}
	for _, s := range h.shards {
		s.mail.put(outdated{})
	}
}

// tidyLooks forgets what has been remembered for long.
func (s *shard) tidyLooks(now time.Time) {
	for key, l := range s.looks {
		if l.waiting == nil && !now.Before(l.until) {
			delete(s.looks, key)
		}
	}
}

// lastOf is who had a nick last and can come back, by the log; nil for nobody.
func (h *Hub) lastOf(key string) *who {
	saved, ok, err := h.config.Log.ClaimByNick(key)
	if h.check(err); err != nil {
		return &who{failed: true}
	}
	if !ok || saved.Secret == nil || h.isByToken() && !isOwned(&saved) {
		return nil
	}
	return &who{Claim: saved.ID, Nick: saved.Nick, Returns: true}
}

// whois asks the node that holds a nick whom it stands for, or the log. isHeld is whether there is such a node. It waits.
func (h *Hub) whois(key string) (w *who, isHeld bool) {
	ctx, cancel := context.WithTimeout(context.Background(), answerWait)
	defer cancel()
	node, err := h.cluster.Holder(ctx, key)
	if h.check(err); err != nil {
		return &who{failed: true}, false
	}
	if node != "" && node != h.cluster.Node() {
		data, err := h.cluster.AskNode(ctx, node, encode(memo{Kind: askWho, Key: key}))
		if err == nil && json.Unmarshal(data, &w) == nil && w != nil {
			if w.IsOnline {
				w.Node = node
			}
			return w, true
		}
	}
	return h.lastOf(key), node != ""
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

// pass passes a word for somebody to the node where they are, or to all others where they may be.
func (h *Hub) pass(w *who, said memo) {
	if h.isByToken() && h.cluster != nil {
		h.cluster.Tell(topicNick(said.Key), encode(said))
	} else if w.Node != "" {
		h.cluster.Tell(topicNode(w.Node), encode(said))
	}
}
