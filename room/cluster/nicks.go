package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// ErrLease means that this node has no lease at present by which it could hold a nick.
var ErrLease = errors.New("cluster: this node has no lease at present")

// maxAsking is how many questions to the directory are on their way at one time: beyond some thousands JetStream drops
// them all.
const maxAsking = 256

// nicks is what this node does about nicks. Which ones it holds is the lease's.
type nicks struct {
	asking chan struct{} // has an element for each question
	tries  atomic.Uint64 // tells apart what this node wrote
	tidies atomic.Bool   // whether tidy is at work

	changes chan *nats.Msg // of the directory

	mu     sync.Mutex    // guards what follows; a leaf
	doomed []doomed      // wait to be removed
	wake   chan struct{} // has an element when something may be doomed
	onNick func(key string)
}

func (n *nicks) init() {
	n.asking = make(chan struct{}, maxAsking)
	n.changes = make(chan *nats.Msg, maxChanges)
	n.wake = make(chan struct{}, 1)
}

// Hold takes a nick for this node. holder is "" when this node holds it now, also where it did before, and otherwise the
// live node that does. A nick of a node that is no more is taken. key is what the nick is compared by, any UTF-8 of
// at most 256 bytes; it is kept.
//
// Of several nodes that call it at once exactly one holds the nick. It tries until ctx ends while the servers do
// not answer; after an error this node does not hold the nick. ErrLease: the node is cut off, and has been for a while.
func (c *Cluster) Hold(ctx context.Context, key string) (holder string, err error) {
	tag, ok := c.valid()
	if !ok {
		return "", ErrLease
	}
	if c.lease.has(key) {
		return "", nil
	}
	select {
	case c.nicks.asking <- struct{}{}:
		defer func() { <-c.nicks.asking }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	e := entry{subject: nickPrefix + token(key), value: fmt.Sprintf("%s %s %d", c.node, tag, c.nicks.tries.Add(1))}
	for {
		was := e.rev
		holder, err = c.try(ctx, &e, tag)
		switch {
		case errors.Is(err, errMoved) && e.rev != was:
		case err != nil: // or another's write is under way, which cannot be seen yet
			if !pause(ctx, c.pace.wait/20) || c.life.Err() != nil {
				c.doom(doomed{entry: e, unsure: true})
				return "", fmt.Errorf("cluster: nick: %w", err)
			}
		case holder != "" || c.keep(key, tag, e.rev):
			return holder, nil
		default:
			c.doom(doomed{entry: e})
			return "", ErrLease
		}
	}
}

// try writes an entry of a nick once, and returns the live node that holds it instead, if one does. errMoved: e has the
// revision now with which it can be written.
func (c *Cluster) try(ctx context.Context, e *entry, tag string) (holder string, err error) {
	rev, err := c.store.put(ctx, e.subject, e.value, e.rev)
	if err == nil {
		e.rev = rev
	}
	if !errors.Is(err, errMoved) {
		return "", err
	}
	is, err := c.store.get(ctx, e.subject)
	if err != nil {
		return "", err
	}
	if node, its := is.holder(); node != "" && (node != c.node || its != tag) {
		switch lives, err := c.lives(ctx, node, its); {
		case err != nil:
			return "", err
		case lives:
			return node, nil
		}
	}
	e.rev = is.rev
	return "", errMoved
}

// holder is the node that an entry of a nick names, and the tag of its lease; "": none.
func (e *entry) holder() (node, tag string) {
	node, rest, _ := strings.Cut(e.value, " ")
	tag, _, _ = strings.Cut(rest, " ")
	return node, tag
}

// keep notes that this node holds a nick, if the lease is still the one by which it was taken.
func (c *Cluster) keep(key, tag string, rev uint64) bool {
	l := &c.lease
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tag != tag || time.Since(l.renewed) >= c.pace.ttl {
		return false
	}
	l.nicks[key] = max(l.nicks[key], rev)
	return true
}

// has reports whether this node holds a nick by its present lease.
func (l *lease) has(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.nicks[key]
	return ok
}

// Release gives up a nick, if this node holds it. It never waits: the directory hears of it a little later, and a Hold of
// any node that comes after it wins over it.
func (c *Cluster) Release(key string) {
	l := &c.lease
	l.mu.Lock()
	rev, ok := l.nicks[key]
	delete(l.nicks, key)
	l.mu.Unlock()
	if ok {
		c.doom(doomed{entry: entry{subject: nickPrefix + token(key), rev: rev}})
	}
}

// Holder is the live node that holds a nick now, "" when none does. It asks the directory: who wants to ask seldom
// remembers the answer and has OnNick tell when it may be another.
func (c *Cluster) Holder(ctx context.Context, key string) (node string, err error) {
	if _, ok := c.valid(); ok && c.lease.has(key) {
		return c.node, nil
	}
	select {
	case c.nicks.asking <- struct{}{}:
		defer func() { <-c.nicks.asking }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	e, err := c.store.get(ctx, nickPrefix+token(key))
	if err != nil {
		return "", fmt.Errorf("cluster: nick: %w", err)
	}
	node, tag := e.holder()
	if node == "" {
		return "", nil
	}
	if lives, err := c.lives(ctx, node, tag); err != nil {
		return "", fmt.Errorf("cluster: nick: %w", err)
	} else if !lives {
		return "", nil
	}
	return node, nil
}
