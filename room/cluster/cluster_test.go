package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOneNode(t *testing.T) {
	t.Parallel()
	a := start(t, Config{URL: Embedded, Dir: t.TempDir(), Sync: time.Minute})
	if err := a.Healthy(); err != nil {
		t.Error(err)
	}
	if a.Addr() != "" || a.Replicas() != 1 || !slices.Equal(a.Nodes(), []string{a.Node()}) || a.Node() == "" {
		t.Error(a.Addr(), a.Replicas(), a.Nodes(), a.Node())
	}
	hold(t, a, "ann", "")
	hold(t, a, "ann", "")
	holder(t, a, "ann", a.Node())
	holder(t, a, "bob", "")
	if !a.Conn().IsConnected() {
		t.Error("no connection for the log")
	}
	if answers := a.Ask(t.Context(), []byte("who?")); len(answers) != 0 {
		t.Error(answers)
	}
}

func TestTwoNodes(t *testing.T) {
	t.Parallel()
	a := first(t)
	b := second(t, a)
	eventually(t, "a sees b", func() bool { return slices.Equal(a.Nodes(), []string{"a", "b"}) })
	if !slices.Equal(b.Nodes(), []string{"a", "b"}) || b.Replicas() != 1 || b.Addr() != "" {
		t.Error(b.Nodes(), b.Replicas(), b.Addr())
	}
	hold(t, a, "ann", "")
	hold(t, b, "ann", "a")
	holder(t, b, "ann", "a")
	a.Release("ann")
	holder(t, b, "ann", "")
	hold(t, b, "ann", "")
	hold(t, a, "ann", "b")

	left := make(chan string, 9)
	a.OnLeave(func(node string) { left <- node })
	b.Close()
	hold(t, a, "ann", "") // at once, whether it has seen b go or not
	if node := receive(t, "b goes", left); node != "b" {
		t.Error(node)
	}
	if !slices.Equal(a.Nodes(), []string{"a"}) {
		t.Error(a.Nodes())
	}
}

// A node that closes gives its lease back, also when the renewal that was cut off by that has been stored.
func TestYieldAfterARenewal(t *testing.T) {
	t.Parallel()
	a := first(t)
	b := second(t, a)
	hold(t, b, "ann", "")
	b.end()
	b.work.Wait()
	b.lease.rev--
	b.yield()
	hold(t, a, "ann", "")
}

func TestThreeNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("a quorum takes seconds to find itself")
	}
	t.Parallel()
	nodes := three(t)
	for _, c := range nodes {
		eventually(t, "all see all", func() bool { return len(c.Nodes()) == 3 })
		if c.Replicas() != 3 {
			t.Errorf("%s: %d replicas", c.Node(), c.Replicas())
		}
	}
	left := make(chan string, 9)
	nodes[1].OnLeave(func(node string) { left <- node })
	heard := [...]<-chan string{changes(t, nodes[0]), changes(t, nodes[1]), changes(t, nodes[2])}
	hold(t, nodes[0], "ann", "")
	for _, keys := range heard {
		hears(t, keys, "ann")
	}
	hold(t, nodes[1], "ann", "n0")
	hold(t, nodes[2], "bob", "")
	nodes[0].Close()
	if node := receive(t, "n0 goes", left); node != "n0" {
		t.Error(node)
	}
	hold(t, nodes[1], "ann", "") // two of three are a quorum
	hold(t, nodes[1], "bob", "n2")
	eventually(t, "two are healthy", func() bool { return nodes[1].Healthy() == nil && nodes[2].Healthy() == nil })

	nodes[2].Close()
	eventually(t, "one of three refuses", func() bool { return nodes[1].Healthy() != nil })
	eventually(t, "one of three loses its lease", func() bool { _, err := nodes[1].Hold(t.Context(), "ann"); return err != nil })
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	busy := first(t)
	free := freeAddress(t)
	spoilt := t.TempDir()
	if err := os.WriteFile(filepath.Join(spoilt, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config Config
		want   string
	}{
		{"no URL", Config{}, "no URL"},
		{"bad id", Config{URL: Embedded, Node: "a.b"}, "a.b"},
		{"no folder", Config{URL: Embedded}, "folder"},
		{"no routes", Config{URL: Embedded, Dir: t.TempDir(), ClusterListen: free}, "routes"},
		{"bad route", Config{URL: Embedded, Dir: t.TempDir(), ClusterListen: free, Routes: []string{"x"}}, `"x"`},
		{"bad address", Config{URL: Embedded, Dir: t.TempDir(), Listen: "x"}, "x"},
		{"bad port", Config{URL: Embedded, Dir: t.TempDir(), Listen: "127.0.0.1:y"}, "unknown port"},
		{"busy address", Config{URL: Embedded, Dir: t.TempDir(), Listen: busy.Addr()}, "in use"},
		{"no folder of its own", Config{URL: Embedded, Dir: spoilt}, "JetStream"},
		{"no server", Config{URL: "nats://" + free}, free},
		{"no quorum", Config{
			URL: Embedded, Dir: t.TempDir(), ClusterListen: free, Routes: []string{"nats://127.0.0.1:1", "nats://127.0.0.1:2"},
		}, "too few"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.pace = quick
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			node, err := Start(ctx, c.config)
			if err == nil {
				node.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, s := range []string{"", "a", "A-9", "a_b", "_YQ", "a.b", "a b", "*", ">", "Ωmega", "日本", "😀", "a\x00", "_", "a/b"} {
		got := token(s)
		if got == "" || strings.ContainsAny(got, ".*> \t\r\n\x00/") || seen[got] != "" {
			t.Errorf("%q: %q, which is %q too", s, got, seen[got])
		}
		seen[got] = fmt.Sprintf("%q", s)
		if back := untoken(got); back != s {
			t.Errorf("%q: %q, which is %q", s, got, back)
		}
	}
	if got := tokens("r/日本/x"); got != "r._5pel5pys.x" {
		t.Error(got)
	}
}
