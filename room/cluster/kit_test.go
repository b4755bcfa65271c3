package cluster

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(childURL) != "" {
		child()
		return
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must happen; only a failing one waits so long.
const patience = 60 * time.Second

// quick is the tests' pace. A lease must outlast what a busy machine does to a goroutine.
var quick = pace{beat: 50 * time.Millisecond, ttl: 1500 * time.Millisecond, wait: time.Second}

// start joins a node to a cluster for the time of the test.
func start(t *testing.T, config Config) *Cluster {
	t.Helper()
	c, err := tryStart(t, config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tryStart(t *testing.T, config Config) (*Cluster, error) {
	t.Helper()
	if config.pace == (pace{}) {
		config.pace = quick
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := Start(ctx, config)
	if err == nil {
		t.Cleanup(c.Close)
	}
	return c, err
}

// first begins a cluster of one embedded server that others can join.
func first(t *testing.T) *Cluster {
	t.Helper()
	return start(t, Config{URL: Embedded, Dir: t.TempDir(), Listen: "127.0.0.1:0", Sync: time.Minute, Node: "a"})
}

// second joins the first one's server as a client.
func second(t *testing.T, a *Cluster) *Cluster {
	t.Helper()
	return start(t, Config{URL: "nats://" + a.Addr(), Node: "b"})
}

// three are three nodes whose embedded servers form a cluster.
func three(t *testing.T) (nodes [3]*Cluster) {
	t.Helper()
	var (
		listen, routes [3]string
		starts         sync.WaitGroup
	)
	for i := range nodes {
		listen[i] = freeAddress(t)
		routes[i] = "nats://" + listen[i]
	}
	for i := range nodes {
		dir := t.TempDir()
		starts.Go(func() {
			c, err := tryStart(t, Config{
				URL: Embedded, Dir: dir, Sync: time.Minute, Node: fmt.Sprint("n", i), ClusterListen: listen[i], Routes: routes[:],
				Secret: "a/b c@d:",
			})
			if err != nil {
				t.Error(err)
				return
			}
			nodes[i] = c
		})
	}
	starts.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return nodes
}

// freeAddress is one that nobody listens on, of a loopback address of its own, from which nobody connects either.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); {
		if time.Now().After(end) {
			t.Fatalf("not so: %s", what)
		}
		pause(t.Context(), 5*time.Millisecond)
	}
}

// receive takes what comes from a channel.
func receive[T any](t *testing.T, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatalf("does not come: %s", what)
	}
	return v
}

// hold wants a nick to be held by a node afterwards; "" means the one that is asked.
func hold(t *testing.T, c *Cluster, key, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if holder, err := c.Hold(ctx, key); err != nil || holder != want {
		t.Fatalf("%s: Hold(%q) = %q, %v; want %q", c.Node(), key, holder, err, want)
	}
}

// holder wants a nick to be seen as a node's.
func holder(t *testing.T, c *Cluster, key, want string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s sees %q at %q", c.Node(), key, want), func() bool {
		node, err := c.Holder(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return node == want
	})
}

// wire is a way to a server that can be cut.
type wire struct {
	listener net.Listener
	to       string
	work     sync.WaitGroup

	mu    sync.Mutex // guards what follows
	cut   bool
	conns map[net.Conn]bool
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, to: to, conns: map[net.Conn]bool{}}
	w.work.Go(w.accept)
	t.Cleanup(func() {
		l.Close()
		w.set(true)
		w.work.Wait()
	})
	return w
}

func (w *wire) accept() {
	for {
		from, err := w.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", w.to)
		if err != nil || !w.add(from, to) {
			from.Close()
			continue
		}
		for _, pair := range [][2]net.Conn{{from, to}, {to, from}} {
			w.work.Go(func() {
				_, _ = io.Copy(pair[0], pair[1])
				pair[0].Close()
			})
		}
	}
}

func (w *wire) add(from, to net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		to.Close()
		return false
	}
	w.conns[from], w.conns[to] = true, true
	return true
}

// set cuts the wire, or mends it.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for conn := range w.conns {
		conn.Close()
		delete(w.conns, conn)
	}
}
