package cluster

import (
	"slices"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// routes is what a node knows of its embedded server's routes to others.
type routes struct {
	known     []uint64 // their numbers, none of which comes twice; beats' own, as is isChanged
	isChanged bool     // at the last look

	mu      sync.Mutex // guards onRoute; a leaf
	onRoute func()
}

// OnRoute has f called when a route between this node's embedded server and another's was lost or made, and again a beat (half a
// second) later, when the servers have told each other who listens: what another's server tells this node's may have been lost in
// between, though both stay connected. f is called by the goroutine that keeps the lease alive, and must not block. Of the operator's
// servers nothing is known.
func (c *Cluster) OnRoute(f func()) {
	c.routes.mu.Lock()
	defer c.routes.mu.Unlock()
	c.routes.onRoute = f
}

// lookAtRoutes calls OnRoute's f when there is reason to.
func (c *Cluster) lookAtRoutes() {
	if c.server == nil {
		return
	}
	r := &c.routes
	now, was, wasChanged := c.server.routes(), r.known, r.isChanged
	r.known, r.isChanged = now, !slices.Equal(now, was)
	r.mu.Lock()
	f := r.onRoute
	r.mu.Unlock()
	if f != nil && (r.isChanged || wasChanged) {
		f()
	}
}

// routes gives the numbers of the server's routes, in order.
func (e *embedded) routes() (ids []uint64) {
	all, err := e.server.Routez(&server.RoutezOptions{})
	if err != nil {
		return nil
	}
	for _, route := range all.Routes {
		ids = append(ids, route.Rid)
	}
	slices.Sort(ids)
	return ids
}
