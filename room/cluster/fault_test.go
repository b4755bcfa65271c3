package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCut(t *testing.T) {
	t.Parallel()
	a := first(t)
	w := newWire(t, a.Addr())
	b := start(t, Config{URL: "nats://" + w.listener.Addr().String(), Node: "b"})
	left := make(chan string, 9)
	a.OnLeave(func(node string) { left <- node })
	lease := make(chan bool, 9)
	b.OnLease(func(held bool) { lease <- held })
	eventually(t, "a sees b", func() bool { return len(a.Nodes()) == 2 })
	hold(t, b, "ann", "")
	hold(t, b, "bob", "")

	w.set(true)
	if receive(t, "b's loss", lease) {
		t.Error("b was told that it has a lease")
	}
	if _, err := b.Hold(t.Context(), "ann"); !errors.Is(err, ErrLease) {
		t.Error(err)
	}
	if b.Healthy() == nil {
		t.Error("b is cut off, and healthy")
	}
	if node := receive(t, "b's going", left); node != "b" {
		t.Error(node)
	}
	hold(t, a, "ann", "")
	b.Release("bob") // while it knows nothing

	w.set(false)
	if !receive(t, "b's new lease", lease) {
		t.Error("b was told twice that it has none")
	}
	eventually(t, "b is healthy", func() bool { return b.Healthy() == nil })
	hold(t, b, "ann", "a")
	hold(t, a, "bob", "")
	eventually(t, "a sees b again", func() bool { return len(a.Nodes()) == 2 })
}

func TestServerIsLost(t *testing.T) {
	t.Parallel()
	config := Config{URL: Embedded, Dir: t.TempDir(), Listen: freeAddress(t), Sync: time.Minute, Node: "a"}
	a := start(t, config)
	b := second(t, a)
	lease := make(chan bool, 9)
	b.OnLease(func(held bool) { lease <- held })
	hold(t, b, "ann", "")
	a.Close()
	config.Node = "c"
	c := start(t, config) // and its directory is empty
	if receive(t, "b's loss", lease) || !receive(t, "b's new lease", lease) {
		t.Error("b was told wrongly")
	}
	hold(t, c, "ann", "")
	hold(t, b, "ann", "c")
	eventually(t, "both see both", func() bool { return len(b.Nodes()) == 2 && len(c.Nodes()) == 2 })
}

// A renewal, or a nick, that was written although it seemed to have failed does not shut its writer out.
func TestWrittenAllTheSame(t *testing.T) {
	t.Parallel()
	a := first(t)
	b := second(t, a)
	lease := make(chan bool, 9)
	b.OnLease(func(held bool) { lease <- held })
	tag, _ := b.valid()
	eventually(t, "somebody writes in between", func() bool {
		e, err := a.store.get(t.Context(), nodePrefix+"b")
		if err == nil {
			_, err = a.store.put(t.Context(), e.subject, e.value, e.rev)
		}
		return err == nil
	})
	wrote, err := a.store.put(t.Context(), nickPrefix+"ann", "b "+tag+" 77", 0)
	if err != nil {
		t.Fatal(err)
	}
	hold(t, a, "ann", "b")
	hold(t, b, "ann", "")
	hold(t, a, "ann", "b")
	b.doom(doomed{entry: entry{nickPrefix + "ann", "b " + tag + " 77", wrote}, unsure: true}) // of an older try
	eventually(t, "b's lease is renewed", func() bool {
		e, err := a.store.get(t.Context(), nodePrefix+"b")
		return err == nil && e.rev > wrote && e.value == tag
	})
	hold(t, a, "ann", "b")
	if now, ok := b.valid(); now != tag || !ok || len(lease) != 0 {
		t.Error("b lost its lease")
	}
}

// A nick that nobody wants after its node has gone does not stay in the directory.
func TestTidy(t *testing.T) {
	t.Parallel()
	a := first(t)
	b := second(t, a)
	eventually(t, "a sees b", func() bool { return len(a.Nodes()) == 2 })
	hold(t, a, "mine", "")
	for i := range 50 {
		hold(t, b, fmt.Sprint("nick ", i), "")
	}
	b.Close()
	eventually(t, "b's nicks are removed", func() bool {
		for i := range 50 {
			if e, err := a.store.get(t.Context(), nickPrefix+token(fmt.Sprint("nick ", i))); err != nil || e.value != "" {
				return false
			}
		}
		return true
	})
	if e, err := a.store.get(t.Context(), nickPrefix+"mine"); err != nil || e.value == "" {
		t.Error(e, err)
	}
}

// What a test's child is told; the test binary is its own child.
const (
	childURL    = "THRONG_TEST_NATS"   // Config.URL
	childDir    = "THRONG_TEST_DIR"    // Config.Dir
	childRoutes = "THRONG_TEST_ROUTES" // hosts and ports of all routes, the child's first
)

// child is a node at the usual pace that holds a nick until it is killed.
func child() {
	config := Config{URL: os.Getenv(childURL), Dir: os.Getenv(childDir), Sync: time.Minute, Node: "child"}
	if routes := strings.Fields(os.Getenv(childRoutes)); len(routes) > 0 {
		config.ClusterListen = routes[0]
		config.Routes = natsURLs(routes)
	}
	c, err := Start(context.Background(), config)
	if err == nil {
		_, err = c.Hold(context.Background(), "ann")
	}
	fmt.Println(err)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func natsURLs(addresses []string) (urls []string) {
	for _, address := range addresses {
		urls = append(urls, "nats://"+address)
	}
	return urls
}

// startChild starts a child; held waits until it holds its nick, and kill kills it.
func startChild(t *testing.T, env ...string) (held, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env...)
	in, err := cmd.StdinPipe() // the child ends with the test, whatever happens
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		in.Close()
	})
	t.Cleanup(kill)
	return func() {
		t.Helper()
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "<nil>\n" {
			t.Fatal(line, err)
		}
	}, kill
}

func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("a lease lasts seconds")
	}
	t.Parallel()
	a := start(t, Config{URL: Embedded, Dir: t.TempDir(), Listen: "127.0.0.1:0", Sync: time.Minute, pace: usual})
	left := make(chan string, 9)
	a.OnLeave(func(node string) { left <- node })
	held, kill := startChild(t, childURL+"=nats://"+a.Addr())
	held()
	eventually(t, "the child is seen", func() bool { return len(a.Nodes()) == 2 })
	hold(t, a, "ann", "child")
	kill()
	killed := time.Now()
	if node := receive(t, "the child's going", left); node != "child" {
		t.Error(node)
	}
	hold(t, a, "ann", "")
	t.Log("its nick was free after", time.Since(killed))
}

// The node that is killed has the server that led the directory, so that the others have to elect another before they
// can do anything.
func TestLeaderKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("an election takes seconds")
	}
	t.Parallel()
	routes := []string{freeAddress(t), freeAddress(t), freeAddress(t)}
	dir := t.TempDir()
	held, kill := startChild(t, childURL+"="+Embedded, childDir+"="+dir, childRoutes+"="+strings.Join(routes, " "))
	var (
		nodes  [2]*Cluster
		starts sync.WaitGroup
	)
	for i := range nodes {
		starts.Go(func() {
			nodes[i], _ = tryStart(t, Config{
				URL: Embedded, Dir: t.TempDir(), Sync: time.Minute, ClusterListen: routes[1+i], Routes: natsURLs(routes), pace: usual,
			})
		})
	}
	starts.Wait()
	held()
	name, err := serverName(dir)
	if err != nil || nodes[0] == nil || nodes[1] == nil {
		t.Fatal(err, nodes)
	}
	eventually(t, "the child leads", func() bool {
		info, err := nodes[0].store.stream.Info(t.Context())
		if err == nil && info.Cluster.Leader != name {
			_, _ = nodes[0].nc.Request("$JS.API.STREAM.LEADER.STEPDOWN."+streamName,
				fmt.Appendf(nil, `{"placement":{"preferred":%q}}`, name), time.Second)
			pause(t.Context(), 100*time.Millisecond)
			return false
		}
		return err == nil
	})
	lease := make(chan bool, 99)
	nodes[1].OnLease(func(held bool) { lease <- held })
	hold(t, nodes[1], "bob", "")
	hold(t, nodes[0], "ann", "child")
	tag, _ := nodes[1].valid()
	kill()
	killed := time.Now()
	eventually(t, "the child's nick is free", func() bool {
		holder, err := nodes[0].Hold(t.Context(), "ann")
		return err == nil && holder == ""
	})
	t.Log("its nick was free after", time.Since(killed))
	eventually(t, "the other is healthy", func() bool { return nodes[1].Healthy() == nil })
	if now, ok := nodes[1].valid(); now != tag || !ok {
		t.Error("the other lost its lease by the election")
	}
	hold(t, nodes[0], "bob", nodes[1].Node())
	for len(lease) > 0 {
		t.Log("the other was told of its lease:", <-lease)
	}
}
