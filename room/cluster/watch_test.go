package cluster

import (
	"fmt"
	"testing"
	"time"
)

// changes has a node's OnNick go into a channel. What the node hears first may have been missed in part.
func changes(t *testing.T, c *Cluster) <-chan string {
	t.Helper()
	keys := make(chan string, 1<<16)
	c.OnNick(func(key string) { keys <- key })
	for i := range 3 {
		key := fmt.Sprint(c.Node(), i)
		hold(t, c, key, "")
		if receive(t, "any change", keys) == key {
			break
		}
	}
	return keys
}

// hears passes over what else is told until a change comes.
func hears(t *testing.T, from <-chan string, want string) {
	t.Helper()
	for receive(t, "a change of "+want, from) != want {
	}
}

func TestOnNick(t *testing.T) {
	t.Parallel()
	a := first(t)
	b := second(t, a)
	heard := map[string]<-chan string{"a": changes(t, a), "b": changes(t, b)}
	for _, key := range []string{"ann", "日本 a_b", "x.>"} {
		for i := range 20 {
			c, other := a, b
			if i%2 == 1 {
				c, other = b, a
			}
			eventually(t, "it is free", func() bool {
				holder, err := c.Hold(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				return holder == ""
			})
			if node, err := other.Holder(t.Context(), key); err != nil || node != c.Node() {
				t.Fatalf("%q, %v; %s has it", node, err, c.Node())
			}
			for _, keys := range heard {
				hears(t, keys, key)
			}
			c.Release(key)
			for _, keys := range heard {
				hears(t, keys, key)
			}
			if node, err := other.Holder(t.Context(), key); err != nil || node != "" {
				t.Fatalf("%q, %v; nobody has it", node, err)
			}
		}
	}
	hold(t, b, "bob", "")
	hears(t, heard["a"], "bob")
	b.Close()
	hears(t, heard["a"], "") // it has gone, and with it all its nicks
	if node, err := a.Holder(t.Context(), "bob"); err != nil || node != "" {
		t.Errorf("%q, %v; nobody has it", node, err)
	}
}

// TestOnNickCut is a node that cannot hear: it says so until it can, and that it has missed something.
func TestOnNickCut(t *testing.T) {
	t.Parallel()
	a := first(t)
	way := newWire(t, a.Addr())
	b := start(t, Config{URL: "nats://" + way.listener.Addr().String(), Node: "b"})
	keys := changes(t, b)
	hold(t, a, "ann", "")
	hears(t, keys, "ann")
	way.set(true)
	for range 3 {
		hears(t, keys, "")
	}
	hold(t, a, "bob", "")
	way.set(false)
	eventually(t, "b is back", func() bool { return b.Healthy() == nil })
	hears(t, keys, "")
	hold(t, a, "cid", "")
	hears(t, keys, "cid")
}

// BenchmarkChanges is what another node's coming and going costs a node that hears of it.
func BenchmarkChanges(b *testing.B) {
	c, err := Start(b.Context(), Config{URL: Embedded, Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	heard := make(chan bool, 1)
	n := 0
	c.OnNick(func(key string) {
		if n++; key == "end" {
			heard <- true
		}
	})
	began := time.Now()
	for b.Loop() {
		if _, err := c.Hold(b.Context(), "ann"); err != nil {
			b.Fatal(err)
		}
		c.Release("ann")
	}
	if _, err := c.Hold(b.Context(), "end"); err != nil {
		b.Fatal(err)
	}
	<-heard
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), "changes/s")
}
