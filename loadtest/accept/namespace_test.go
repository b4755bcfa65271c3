package accept

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"throng/loadtest/process"
)

var chaosLoopback = flag.Bool("chaos.loopback", false, "TestChaos uses loopback even where it could make network namespaces")

const (
	insideVar = "THRONG_TEST_NAMESPACE" // is set in a process that has a network of its own
	natsPort  = 6222
	thinnest  = 60_000 // bytes a second that a slow cable carries at least
)

// inNamespace runs a test in a process with a network and mounts of its own, which are gone when it ends however it ends. false:
// this is that process, or none can be made here, for want of rights or of the ip and tc programs.
func inNamespace(t *testing.T, args ...string) bool {
	t.Helper()
	if os.Getenv(insideVar) != "" || *chaosLoopback {
		return false
	}
	// The mount keeps the names of further namespaces within this one.
	const begin = "mount -t tmpfs none /run && "
	try := exec.Command("unshare", "-nm", "sh", "-c", begin+"ip netns add n && ip link add v type veth peer name w netns n && "+
		"ip link add hub type bridge && tc qdisc add dev v root tbf rate 1mbit burst 4kb latency 1s")
	if out, err := try.CombinedOutput(); err != nil {
		t.Logf("on loopback: network namespaces cannot be made here: %v %s", err, out)
		return false
	}
	child := process.Command(t.Context(), "unshare", append([]string{"-nm", "sh", "-c", begin + `exec "$@"`, "sh", os.Args[0],
		"-test.run=^" + t.Name() + "$", "-test.v", "-test.timeout=0"}, args...)...)
	child.Env = append(os.Environ(), insideVar+"=1")
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Run(); err != nil {
		t.Errorf("in a network namespace: %v", err)
	}
	return true
}

// cables are wires of network namespaces: each node is in one, with a cable to a hub, where the test is. A node that is cut off, or
// slow, is so for people too. It takes a process of inNamespace.
type cables struct{ t *testing.T }

func newCables(t *testing.T) wires {
	t.Helper()
	w := &cables{t}
	w.do("ip link set lo up")
	w.do("ip link add hub type bridge")
	w.do("ip addr add %s/24 dev hub", w.ip(nodesInChaos))
	w.do("ip link set hub up")
	for i := range nodesInChaos {
		w.do("ip netns add n%d", i)
		w.do("ip link add v%d type veth peer name e netns n%d", i, i)
		w.do("ip link set v%d master hub up", i)
		w.do("ip -n n%d addr add %s/24 dev e", i, w.ip(i))
		w.do("ip -n n%d link set e up", i)
		w.do("ip -n n%d link set lo up", i)
	}
	if t.Failed() {
		t.FailNow()
	}
	return w
}

// do runs a command.
func (w *cables) do(format string, args ...any) {
	words := strings.Fields(fmt.Sprintf(format, args...))
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		w.t.Errorf("%s: %v: %s", words, err, out)
	}
}

// ip is of the range that RFC 2544 keeps for tests of networks.
func (*cables) ip(i int) string { return fmt.Sprintf("198.18.0.%d", i+1) }

func (w *cables) host(i int) (ip string, within, args []string) {
	var others []string
	for j := range nodesInChaos {
		if i != j {
			others = append(others, fmt.Sprintf("%s:%d", w.ip(j), natsPort))
		}
	}
	return w.ip(i), strings.Fields(fmt.Sprintf("ip netns exec n%d", i)),
		[]string{"--nats-cluster", fmt.Sprintf("%s:%d", w.ip(i), natsPort), "--nats-routes", strings.Join(others, ","),
			"--nats-secret", "chaos/of:three"}
}

func (w *cables) cut(i int) (heal func()) {
	w.do("ip link set v%d down", i)
	return func() { w.do("ip link set v%d up", i) }
}

func (w *cables) part(i, j int) (heal func()) {
	both := func(what string) {
		w.do("ip -n n%d route %s blackhole %s", i, what, w.ip(j))
		w.do("ip -n n%d route %s blackhole %s", j, what, w.ip(i))
	}
	both("add")
	return func() { both("del") }
}

// slow has a cable carry little, so that what is said waits in front of it, for delay at most, and what would wait longer is lost.
func (w *cables) slow(i int, delay time.Duration) (heal func()) {
	for _, end := range []string{"tc qdisc add dev v%d", "tc -n n%d qdisc add dev e"} {
		w.do(end+" root tbf rate %dbps burst 16kb latency %dms", i, thinnest, delay.Milliseconds())
	}
	return func() {
		w.do("tc qdisc del dev v%d root", i)
		w.do("tc -n n%d qdisc del dev e root", i)
	}
}
