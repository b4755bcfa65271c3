package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// minSteady is how many beats one after another a node must have had itself before it removes another's lease.
const minSteady = 3

// lease is what this node has in the directory, and what it sees of the others there. An entry of a node in the
// directory holds the tag of its lease, and a nick's names the node and that tag: without the lease the nick is free.
type lease struct {
	// Start's, then the goroutine's that beats.
	rev    uint64    // of this node's entry
	steady int       // how many beats one after another the directory has stored
	looked time.Time // when the others were looked at
	held   bool      // what onLease was last told

	mu      sync.Mutex        // guards what follows; a leaf
	tag     string            // of this lease; a new one is drawn for each
	renewed time.Time         // when the last renewal that was stored was sent
	err     error             // why the last renewal was not stored; nil: it was
	nicks   map[string]uint64 // that this lease holds: the revisions of their entries, by key
	others  map[string]*other // by node id, this one among them; only the goroutine that beats changes it
	onLease func(held bool)
	onLeave func(node string)
}

// other is a node's lease as it was last seen.
type other struct {
	tag  string
	rev  uint64
	idle time.Duration // for how long it has not been renewed, as far as this node could see
}

func (l *lease) init() {
	l.tag = rand.Text()[:10]
	l.held = true
	l.nicks = map[string]uint64{}
	l.others = map[string]*other{}
}

// OnLease has f called with false when this node could not renew its lease in time, and others may take its nicks; and
// with true when it has a lease again, by which it may hold none of them any more: then Hold is to be called for each
// of them again. f is called by the goroutine that renews the lease, so it must not block, nor call Hold itself. It
// replaces the f before it.
func (c *Cluster) OnLease(f func(held bool)) {
	c.lease.mu.Lock()
	defer c.lease.mu.Unlock()
	c.lease.onLease = f
}

// OnLeave has f called when another node has gone: at once when it was closed, and when it has not renewed its lease in
// time. What holds for OnLease's f does for this one. A node that lost its lease and has a new one may not be seen to go.
func (c *Cluster) OnLeave(f func(node string)) {
	c.lease.mu.Lock()
	defer c.lease.mu.Unlock()
	c.lease.onLeave = f
}

// Nodes are the ids of the live nodes, this one's included, in order; they were so a beat (half a second) ago.
func (c *Cluster) Nodes() []string {
	c.lease.mu.Lock()
	defer c.lease.mu.Unlock()
	nodes := slices.AppendSeq([]string{c.node}, maps.Keys(c.lease.others))
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// healthy is nil when the lease was renewed not longer ago than given.
func (l *lease) healthy(age time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.renewed) <= age {
		return nil
	}
	err := l.err
	if err == nil {
		err = errors.New("no answer yet")
	}
	return fmt.Errorf("cluster: nothing stored for %v: %w", time.Since(l.renewed).Round(time.Millisecond), err)
}

// valid returns the tag of the lease; ok is false when nobody can rely on it at present.
func (c *Cluster) valid() (tag string, ok bool) {
	c.lease.mu.Lock()
	defer c.lease.mu.Unlock()
	return c.lease.tag, time.Since(c.lease.renewed) < c.pace.ttl
}

// LeaseAge is the time since this node's lease was renewed.
func (c *Cluster) LeaseAge() time.Duration {
	c.lease.mu.Lock()
	defer c.lease.mu.Unlock()
	return time.Since(c.lease.renewed)
}

// beats renews the lease and looks at the others', until Close.
func (c *Cluster) beats() {
	ticker := time.NewTicker(c.pace.beat)
	defer ticker.Stop()
	for {
		select {
		case <-c.life.Done():
			return
		case <-ticker.C:
		case <-c.comes: // to know it at once
		}
		c.beat()
		c.lookAtRoutes()
	}
}

func (c *Cluster) beat() {
	tag, _ := c.valid()
	err := c.renew(c.life)
	if err == nil {
		c.lease.steady++
		err = c.look(c.life)
	}
	if err != nil {
		c.lease.steady = 0
	}
	if c.life.Err() != nil {
		return
	}
	now, ok := c.valid()
	c.tellLease(ok && now == tag)
	c.tellLease(ok)
}

// tellLease calls OnLease's f when it has not been told yet.
func (c *Cluster) tellLease(held bool) {
	if held == c.lease.held {
		return
	}
	c.lease.held = held
	c.logger.Warn("cluster: lease", "held", held)
	c.lease.mu.Lock()
	f := c.lease.onLease
	c.lease.mu.Unlock()
	if f != nil {
		f(held)
	}
}

// renew writes the lease once more. Where another has removed it meanwhile, or the directory was lost, it takes a new one.
func (c *Cluster) renew(ctx context.Context) (err error) {
	l := &c.lease
	defer func() {
		l.mu.Lock()
		l.err = err
		l.mu.Unlock()
	}()
	for range 3 {
		l.mu.Lock()
		tag := l.tag
		l.mu.Unlock()
		sent := time.Now()
		rev, err := c.store.put(ctx, nodePrefix+c.node, tag, l.rev)
		switch {
		case err == nil:
			l.rev = rev
			l.mu.Lock()
			l.renewed = sent
			l.mu.Unlock()
			return nil
		case errors.Is(err, jetstream.ErrNoStreamResponse):
			return errors.Join(err, c.store.open(ctx)) // it has no leader, or was lost
		case !errors.Is(err, errMoved):
			return err
		}
		e, err := c.store.get(ctx, nodePrefix+c.node)
		if err != nil {
			return err
		}
		if l.rev = e.rev; e.value == tag {
			continue // a renewal that seemed to have failed
		}
		l.mu.Lock()
		l.tag = rand.Text()[:10]
		clear(l.nicks)
		l.mu.Unlock()
	}
	return errMoved
}

// look reads the leases of all nodes, and removes those that were not renewed in time. Only one remover can succeed, and
// only while the lease has not been renewed, whatever the clocks say.
func (c *Cluster) look(ctx context.Context) error {
	l := &c.lease
	passed := time.Since(l.looked)
	l.looked = time.Now()
	if passed > 4*c.pace.beat {
		l.steady = 0 // whatever kept this node from looking may have kept the others from renewing
	}
	seen, err := c.leases(ctx)
	if err != nil {
		return err
	}
	for node, was := range l.others {
		switch is := seen[node]; {
		case is == nil: // the directory was lost, and it has yet to find out; or it went while this node could not look
			seen[node] = &other{was.tag, was.rev, was.idle + passed}
		case is.rev == was.rev:
			is.idle = was.idle + passed
		}
	}
	for node, is := range seen {
		if is.tag == "" || is.idle >= c.pace.ttl && c.remove(ctx, node, is) {
			delete(seen, node)
		}
	}
	l.mu.Lock()
	before := l.others
	l.others = seen
	f := l.onLeave
	l.mu.Unlock()
	changed := len(before) == 0
	for node := range before {
		if seen[node] != nil || node == c.node {
			continue
		}
		changed = true
		c.logger.Info("cluster: a node has left", "left", node)
		if f != nil {
			f(node)
		}
	}
	if changed && c.Nodes()[0] == c.node {
		c.tidy()
	}
	return nil
}

// leases are those in the directory now, by node id; one that was removed has no tag.
func (c *Cluster) leases(ctx context.Context) (map[string]*other, error) {
	// A lease that is not the oldest that was seen has been renewed, or made, since: nothing before that one is of interest.
	rev := c.lease.rev
	if len(c.lease.others) == 0 {
		rev = 1
	}
	for _, was := range c.lease.others {
		rev = min(rev, was.rev)
	}
	seen := map[string]*other{}
	for {
		e, err := c.store.next(ctx, rev, nodePrefix+"*")
		if err != nil || e.rev == 0 {
			return seen, err
		}
		seen[e.subject[len(nodePrefix):]] = &other{tag: e.value, rev: e.rev}
		rev = e.rev + 1
	}
}

// remove takes the lease of a node that did not renew it, and reports whether it is gone. All nodes may have been
// unable to for a while: only when this one could for some beats now, the other could have too.
func (c *Cluster) remove(ctx context.Context, node string, was *other) bool {
	if node == c.node || c.lease.steady < minSteady {
		return false
	}
	_, err := c.store.put(ctx, nodePrefix+node, "", was.rev)
	if errors.Is(err, errMoved) {
		e, err := c.store.get(ctx, nodePrefix+node)
		return err == nil && e.value == ""
	}
	return err == nil
}

// lives reports whether a lease is in force, as the directory knows it now.
func (c *Cluster) lives(ctx context.Context, node, tag string) (bool, error) {
	e, err := c.store.get(ctx, nodePrefix+node)
	return e.value == tag, err
}

// yield gives the lease back, when the servers can be reached. A renewal that Close has cut off may have been stored.
func (c *Cluster) yield() {
	if c.lease.rev == 0 || !c.nc.IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.pace.wait)
	defer cancel()
	is := entry{subject: nodePrefix + c.node, value: c.lease.tag, rev: c.lease.rev}
	err := errMoved
	for errors.Is(err, errMoved) && is.value == c.lease.tag {
		if _, err = c.store.put(ctx, is.subject, "", is.rev); errors.Is(err, errMoved) {
			var lost error
			if is, lost = c.store.get(ctx, is.subject); lost != nil {
				err = lost
			}
		}
	}
	if err != nil && !errors.Is(err, errMoved) {
		c.logger.Warn("cluster: the lease will be given back by the others", "err", err)
	}
}
