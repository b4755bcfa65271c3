package cluster

import (
	"context"
	"slices"
)

// maxBreath is how many entries are removed in one breath.
const maxBreath = 1000

// doomed is an entry that is to be removed from the directory.
type doomed struct {
	entry
	unsure bool // its revision is not known, nor whether it was ever written: only its value is to be removed
}

// doom has an entry removed.
func (c *Cluster) doom(d doomed) {
	c.nicks.mu.Lock()
	c.nicks.doomed = append(c.nicks.doomed, d)
	c.nicks.mu.Unlock()
	c.wakeReleases()
}

func (c *Cluster) wakeReleases() {
	select {
	case c.nicks.wake <- struct{}{}:
	default:
	}
}

// releases removes what is doomed, until Close. What cannot be removed now is tried again later.
func (c *Cluster) releases() {
	for {
		select {
		case <-c.life.Done():
			return
		case <-c.nicks.wake:
		}
		c.nicks.mu.Lock()
		all := c.nicks.doomed
		c.nicks.doomed = nil
		c.nicks.mu.Unlock()
		var left []doomed
		for some := range slices.Chunk(all, maxBreath) {
			left = append(left, c.release(some)...)
		}
		if len(left) == 0 {
			continue
		}
		c.nicks.mu.Lock()
		c.nicks.doomed = append(left, c.nicks.doomed...)
		c.nicks.mu.Unlock()
		c.wakeReleases()
		pause(c.life, c.pace.wait)
	}
}

// release removes some of what is doomed, and returns what has to be tried again.
func (c *Cluster) release(some []doomed) (left []doomed) {
	var sure []entry
	for _, d := range some {
		if !d.unsure {
			sure = append(sure, d.entry)
			continue
		}
		is, err := c.store.get(c.life, d.subject)
		if err != nil {
			left = append(left, d)
		} else if is.value == d.value {
			sure = append(sure, is)
		}
	}
	for _, e := range c.store.bury(sure) {
		left = append(left, doomed{entry: e})
	}
	return left
}

// tidy removes the nicks of nodes that are no more from the directory, in a goroutine of its own, one at a time. They
// could be taken as it is; but nobody may ever want them. The first of the live nodes does it when one has gone.
func (c *Cluster) tidy() {
	if !c.nicks.tidies.CompareAndSwap(false, true) {
		return
	}
	c.work.Go(func() {
		defer c.nicks.tidies.Store(false)
		if n, err := c.sweep(c.life); err == nil {
			c.logger.Debug("cluster: tidied the directory", "nicks", n)
		} else if c.life.Err() == nil {
			c.logger.Warn("cluster: the directory could not be tidied", "err", err)
		}
	})
}

// sweep dooms the nicks of all leases that are not in force, and returns how many.
func (c *Cluster) sweep(ctx context.Context) (n int, err error) {
	type owner struct{ node, tag string }
	lives := map[owner]bool{}
	var rev uint64 = 1
	for {
		e, err := c.store.next(ctx, rev, ">")
		if err != nil || e.rev == 0 {
			return n, err
		}
		rev = e.rev + 1
		var by owner
		if by.node, by.tag = e.holder(); by.tag == "" {
			continue // a lease, or removed already
		}
		if _, ok := lives[by]; !ok {
			if lives[by], err = c.lives(ctx, by.node, by.tag); err != nil {
				return n, err
			}
		}
		if !lives[by] {
			c.doom(doomed{entry: e})
			n++
		}
	}
}
