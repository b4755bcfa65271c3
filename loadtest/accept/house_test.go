package accept

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long a test waits for what must come. It is no measure of speed.
const patience = 60 * time.Second

// workshop is where the program is built; TestMain takes it away.
var workshop string

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks"), // has no end
		goleak.IgnoreAnyFunction("github.com/letsencrypt/pebble/v2/va.(*VAImpl).processTasks"),
		goleak.Cleanup(func(code int) {
			if workshop != "" {
				_ = os.RemoveAll(workshop)
			}
			os.Exit(code)
		}))
}

// program builds the server, once.
var program = sync.OnceValues(func() (string, error) {
	var err error
	if workshop, err = os.MkdirTemp("", "throng"); err != nil {
		return "", err
	}
	path := filepath.Join(workshop, "throng")
	if out, err := exec.Command("go", "build", "-o", path, "throng").CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

// house is a chat: a server, or several that are one. The test alone uses it.
type house struct {
	t *testing.T
	*node
	others []*node
	turn   *turn // at whose door the next one knocks
}

// turn goes round. Any goroutine may use it.
type turn struct {
	mu   sync.Mutex // guards next
	next int
}

// of is the next of n numbers.
func (t *turn) of(n int) (i int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i = t.next % n
	t.next++
	return i
}

// boot starts a server with a folder of its own, loopback only and without a rate limit unless args say so. It ends with the
// test at the latest.
func boot(t *testing.T, args ...string) *house {
	t.Helper()
	n := newNode(t, filepath.Join(t.TempDir(), "data"), slices.Concat([]string{"--admin", "off"}, args))
	n.start()
	return &house{t: t, node: n, turn: &turn{}}
}

// bootTwo starts two servers that are one chat. The first carries NATS, which syncs before it acknowledges; the other uses it.
func bootTwo(t *testing.T, args ...string) *house {
	t.Helper()
	nats := freePort(t)
	first := newNode(t, filepath.Join(t.TempDir(), "first"),
		slices.Concat([]string{"--admin", "off", "--nats", "embedded", "--nats-listen", nats, "--nats-sync", "0"}, args))
	first.dur = "fsync"
	second := newNode(t, filepath.Join(t.TempDir(), "second"), slices.Concat([]string{"--admin", "off", "--nats", "nats://" + nats}, args))
	second.dur = "os" // it cannot know how others' NATS servers sync
	h := &house{t: t, node: first, others: []*node{second}, turn: &turn{}}
	h.start()
	return h
}

// booter is boot, or another that takes its arguments.
type booter = func(t *testing.T, args ...string) *house

// inEach runs a test for each kind of house: a server alone, and a chat of two whose people are at both in turn.
func inEach(t *testing.T, test func(t *testing.T, boot booter)) {
	t.Helper()
	t.Run("alone", func(t *testing.T) { t.Parallel(); test(t, boot) })
	t.Run("two nodes", func(t *testing.T) { t.Parallel(); test(t, bootTwo) })
}

// door is the node at which the next one knocks.
func (h *house) door() *node {
	if i := h.turn.of(1 + len(h.others)); i > 0 {
		return h.others[i-1]
	}
	return h.node
}

// isAlone reports whether there is one node only.
func (h *house) isAlone() bool { return len(h.others) == 0 }

// nodes are all of them.
func (h *house) nodes() []*node { return append([]*node{h.node}, h.others...) }

// start starts all servers, which are the ones that were there before if there were any.
func (h *house) start() {
	h.t.Helper()
	for _, n := range h.nodes() {
		n.start()
	}
}

// crash kills all servers: they have no time for anything.
func (h *house) crash() {
	h.t.Helper()
	for _, n := range h.nodes() {
		n.crash()
	}
}

// stop asks all servers to end, first those that need another.
func (h *house) stop() {
	h.t.Helper()
	for _, n := range slices.Backward(h.nodes()) {
		n.stop()
	}
}

// restarts is both ways in which a server may end before it is started again.
var restarts = map[string]func(*house){"SIGTERM": (*house).stop, "kill -9": (*house).crash}
