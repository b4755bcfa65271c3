package accept

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// wires is what joins the nodes of a ring. What happens to them lasts until the function is called that they give back. Any goroutine
// may use them.
type wires interface {
	// host is the IP at which a node listens, within the words before its command, and args what it is told of the others.
	host(i int) (ip string, within, args []string)
	cut(i int) (heal func())                       // a node off from all others
	part(i, j int) (heal func())                   // two nodes off from each other
	slow(i int, delay time.Duration) (heal func()) // what a node and the others say to each other
}

// lines are wires on loopback addresses: lines of ours from each node to each other. People reach a node whatever happens to them.
type lines struct {
	routes []string  // where nodes listen for each other
	lines  [][]*link // from one node to another
}

func newLines(t *testing.T) wires {
	t.Helper()
	w := &lines{lines: make([][]*link, nodesInChaos)}
	for range nodesInChaos {
		w.routes = append(w.routes, freePort(t))
	}
	for i := range nodesInChaos {
		// NATS servers tell each other where they think that others are. Lines call from, and listen on, IPs on which no
		// server listens, so that none is found beside its line.
		w.lines[i] = make([]*link, nodesInChaos)
		for j := range nodesInChaos {
			if i != j {
				w.lines[i][j] = newLink(t, fmt.Sprintf("127.0.8.%d", 10*i+j+1), caller(w.routes[j], net.IPv4(127, 0, 9, byte(i+1))))
			}
		}
	}
	return w
}

func (w *lines) host(i int) (ip string, within, args []string) {
	var others []string
	for j, k := range w.lines[i] {
		if i != j {
			others = append(others, k.addr())
		}
	}
	return "127.0.0.1", nil, []string{"--nats-cluster", w.routes[i], "--nats-routes", strings.Join(others, ",")}
}

func (w *lines) cut(i int) (heal func()) { return cutAll(w.around(i)) }

func (w *lines) part(i, j int) (heal func()) { return cutAll([]*link{w.lines[i][j], w.lines[j][i]}) }

func cutAll(lines []*link) (heal func()) {
	for _, k := range lines {
		k.cut()
	}
	return func() {
		for _, k := range lines {
			k.heal()
		}
	}
}

func (w *lines) slow(i int, delay time.Duration) (heal func()) {
	for _, k := range w.around(i) {
		k.slow(delay)
	}
	return func() {
		for _, k := range w.around(i) {
			k.slow(0)
		}
	}
}

func (w *lines) around(i int) (all []*link) {
	for j := range w.lines {
		if i != j {
			all = append(all, w.lines[i][j], w.lines[j][i])
		}
	}
	return all
}
