package cluster

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestOneHolder(t *testing.T) {
	t.Parallel()
	a := first(t)
	race(t, a, second(t, a), start(t, Config{URL: "nats://" + a.Addr(), Node: "c"}))
}

func TestOneHolderOfThree(t *testing.T) {
	if testing.Short() {
		t.Skip("a quorum takes seconds to find itself")
	}
	t.Parallel()
	nodes := three(t)
	race(t, nodes[:]...)
}

// races is how many nicks are raced for.
const races = 100

func raced(i int) string { return fmt.Sprintf("nick %d %s", i, strings.Repeat("日", i%80)) }

// race has all nodes take the same nicks at once, several times each, and wants every nick to have one holder that all agree on. Where
// a node lost its lease meanwhile, as on a machine that has too much to do, others may have had its nicks, and it is done again.
func race(t *testing.T, nodes ...*Cluster) {
	for done, lost := 0, 0; done < 2; { // after Release once more
		if holdAll(t, nodes) {
			done++
		} else if lost++; lost > 10 {
			t.Fatal("leases are lost again and again")
		}
		for _, c := range nodes {
			for i := range races {
				c.Release(raced(i)) // those it does not hold as well
			}
		}
		for i := range races {
			holder(t, nodes[0], raced(i), "")
		}
	}
}

// leases are the leases of nodes, which change when one loses its own.
func leases(nodes []*Cluster) (all string) {
	for _, c := range nodes {
		tag, ok := c.valid()
		all += fmt.Sprint(tag, ok, " ")
	}
	return all
}

// holdAll is one race; false: a node lost its lease in it.
func holdAll(t *testing.T, nodes []*Cluster) bool {
	before := leases(nodes)
	var (
		holders [races][9]string
		all     sync.WaitGroup
		held    atomic.Int64
		noLease atomic.Bool
	)
	for n, c := range nodes {
		for twice := range 2 {
			for some := range 10 {
				all.Go(func() {
					for i := some; i < races; i += 10 {
						holder, err := c.Hold(t.Context(), raced(i))
						if errors.Is(err, ErrLease) {
							noLease.Store(true)
						} else if err != nil {
							t.Error(err)
						}
						if holder == "" {
							holder = c.Node()
							held.Add(1)
						}
						holders[i][n*2+twice] = holder
					}
				})
			}
		}
	}
	all.Wait()
	if noLease.Load() || leases(nodes) != before {
		return false
	}
	for i, by := range holders {
		for _, holder := range by[:2*len(nodes)] {
			if holder != by[0] {
				t.Fatalf("%q is held by %q", raced(i), by)
			}
		}
		c := nodes[i%len(nodes)]
		eventually(t, fmt.Sprintf("%s sees %q at %q", c.Node(), raced(i), by[0]), func() bool {
			node, err := c.Holder(t.Context(), raced(i))
			if err != nil {
				t.Fatal(err)
			}
			return node == by[0] || leases(nodes) != before
		})
	}
	if leases(nodes) != before {
		return false
	}
	if held.Load() != 2*races {
		t.Errorf("%d of %d calls took a nick", held.Load(), 2*races)
	}
	return true
}

func TestReleaseThenHold(t *testing.T) {
	t.Parallel()
	a := first(t)
	b := second(t, a)
	for i := range 200 { // whichever of the two reaches the directory first
		hold(t, a, "ann", "")
		a.Release("ann")
		hold(t, a, "ann", "")
		hold(t, b, "ann", "a")
		a.Release("ann")
		a.Release("ann")
		eventually(t, fmt.Sprint("b takes it, time ", i), func() bool {
			holder, err := b.Hold(t.Context(), "ann")
			if err != nil {
				t.Fatal(err)
			}
			return holder == ""
		})
		a.Release("ann") // has no say
		hold(t, a, "ann", "b")
		b.Release("ann")
		eventually(t, fmt.Sprint("a takes it, time ", i), func() bool {
			holder, err := a.Hold(t.Context(), "ann")
			if err != nil {
				t.Fatal(err)
			}
			return holder == ""
		})
	}
}

func TestHoldEnds(t *testing.T) {
	t.Parallel()
	a := first(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		if _, err := a.Hold(ctx, "ann"); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	b := second(t, a)
	// What may have been written in vain is removed.
	eventually(t, "b takes it", func() bool {
		holder, err := b.Hold(t.Context(), "ann")
		if err != nil {
			t.Fatal(err)
		}
		return holder == ""
	})
}

// BenchmarkHold is ten thousand nicks taken from many goroutines, and given back.
func BenchmarkHold(b *testing.B) {
	c, err := Start(b.Context(), Config{URL: Embedded, Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	const nicks, goroutines = 10_000, 500
	for i := 0; b.Loop(); i++ {
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				for n := g; n < nicks; n += goroutines {
					if holder, err := c.Hold(b.Context(), fmt.Sprintf("nick-%d-%d", i, n)); holder != "" || err != nil {
						b.Error(holder, err)
					}
				}
			})
		}
		all.Wait()
	}
	b.ReportMetric(float64(b.N)*nicks/b.Elapsed().Seconds(), "holds/s")
}

// BenchmarkHundredThousand is what a node that holds a hundred thousand nicks costs: bytes a nick in it and in the
// directory together, and the time to look through the directory for nicks of nodes that are no more.
func BenchmarkHundredThousand(b *testing.B) {
	c, err := Start(b.Context(), Config{URL: Embedded, Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	const nicks = 100_000
	before := heap()
	var all sync.WaitGroup
	for g := range 500 {
		all.Go(func() {
			for n := g; n < nicks; n += 500 {
				if holder, err := c.Hold(b.Context(), fmt.Sprintf("nickname-%06d", n)); holder != "" || err != nil {
					b.Error(holder, err)
				}
			}
		})
	}
	all.Wait()
	held := float64(heap()-before) / nicks
	for b.Loop() {
		if _, err := c.sweep(b.Context()); err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(held, "B/nick")
	b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines")
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
