package accept

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"throng/loadtest/process"
)

// patience is how long a test waits for what must come. It is no measure of speed.
const patience = 60 * time.Second

// workshop is where the program is built; TestMain takes it away.
var workshop string

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
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

// house is a server in a process of its own. The test alone uses it.
type house struct {
	t    *testing.T
	args []string // but for the address
	data string
	addr string // from the first start on

	isKilled bool // the process, by crash
	*process.Process
}

// boot starts a server with a folder of its own, loopback only and without a rate limit unless args say so. It ends with the
// test at the latest.
func boot(t *testing.T, args ...string) *house {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	h := &house{t: t, data: data, addr: "127.0.0.1:0"}
	h.args = slices.Concat([]string{"--admin", "off", "--data", data, "--rate", "0"}, args)
	h.start()
	return h
}

// start starts the server, again at the address that it had.
func (h *house) start() {
	h.t.Helper()
	path, err := program()
	if err != nil {
		h.t.Fatal(err)
	}
	args := slices.Concat([]string{"serve", "--addr", h.addr}, h.args)
	p, err := process.Start(h.t.Context(), path, args...)
	if err != nil {
		h.t.Fatal(err)
	}
	h.run(p)
}

// run takes a server that was started.
func (h *house) run(p *process.Process) {
	h.Process, h.addr, h.isKilled = p, p.Addr, false
	h.t.Cleanup(func() {
		if h.Process == p {
			h.crash()
		}
		if h.t.Failed() {
			h.t.Logf("the server said last:\n%s", strings.Join(p.Said(), "\n"))
		}
	})
}

// crash kills the server: it has no time for anything.
func (h *house) crash() {
	h.t.Helper()
	select {
	case <-h.Done(): // its number may be another's by now
		if err := h.Err(); err != nil && !h.isKilled {
			h.t.Error(err)
		}
	default:
		h.isKilled = true
		_ = syscall.Kill(h.Pid, syscall.SIGKILL)
		<-h.Done()
	}
}

// stop asks the server to end.
func (h *house) stop() {
	h.t.Helper()
	if err := h.Stop(); err != nil {
		h.t.Fatal(err)
	}
}

// restarts is both ways in which a server may end before it is started again.
var restarts = map[string]func(*house){"SIGTERM": (*house).stop, "kill -9": (*house).crash}
