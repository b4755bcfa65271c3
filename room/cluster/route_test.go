package cluster

import (
	"sync/atomic"
	"testing"
)

// TestRouteLost has one of three nodes end: the others are told that a route is gone, and once more.
func TestRouteLost(t *testing.T) {
	nodes := three(t)
	var told [2]atomic.Int64
	for i := range told {
		eventually(t, "all servers have found each other", func() bool { return len(nodes[i].server.routes()) >= 2 })
		nodes[i].OnRoute(func() { told[i].Add(1) })
	}
	before := [2]int64{told[0].Load(), told[1].Load()}
	nodes[2].Close()
	for i := range told {
		eventually(t, "it is told twice", func() bool { return told[i].Load() >= before[i]+2 })
	}
}
