package accept

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"throng/loadtest/process"
)

// node is a server in a process of its own. The test alone uses it.
type node struct {
	t      *testing.T
	args   []string // but for the address
	within []string // words of a command that the server is started by; none: as it is
	path   string   // of the program; "": the one that is tested
	data   string
	addr   string // from the first start on
	dur    string // how what it acknowledges is stored; "": as it is by default

	isKilled bool // the process, by crash
	*process.Process
}

// newNode is a server that is not started yet, loopback only and without a rate limit unless args say so.
func newNode(t *testing.T, data string, args []string) *node {
	t.Helper()
	return &node{t: t, data: data, addr: "127.0.0.1:0", args: slices.Concat([]string{"--data", data, "--rate", "0"}, tlsArgs(t), args)}
}

// start starts the server, again at the address that it had.
func (n *node) start() {
	n.t.Helper()
	if err := n.launch(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
}

// launch is start for any goroutine.
func (n *node) launch(ctx context.Context) error {
	path, err := n.path, error(nil)
	if path == "" {
		path, err = program()
	}
	if err != nil {
		return err
	}
	start := process.StartAdmin
	if slices.Contains(n.args, "off") {
		start = process.Start
	}
	words := slices.Concat(n.within, []string{path, "serve", "--addr", n.addr}, n.args)
	p, err := start(ctx, words[0], words[1:]...)
	if err != nil {
		return err
	}
	n.run(p)
	return nil
}

// run takes a server that was started. It ends with the test at the latest.
func (n *node) run(p *process.Process) {
	n.Process, n.addr, n.isKilled = p, p.Addr, false
	n.t.Cleanup(func() {
		if n.Process == p {
			n.crash()
		}
		if n.t.Failed() {
			n.t.Logf("the server at %s said last:\n%s", p.Addr, strings.Join(p.Said(), "\n"))
		}
	})
}

// crash kills the server: it has no time for anything.
func (n *node) crash() {
	n.t.Helper()
	select {
	case <-n.Done(): // its number may be another's by now
		if err := n.Err(); err != nil && !n.isKilled {
			n.t.Error(err)
		}
	default:
		n.isKilled = true
		_ = syscall.Kill(n.Pid, syscall.SIGKILL)
		<-n.Done()
	}
}

// stop asks the server to end.
func (n *node) stop() {
	n.t.Helper()
	if err := n.Stop(); err != nil {
		n.t.Fatal(err)
	}
}

// ready asks the server whether it is.
func (n *node) ready(t *testing.T) (status int, text string) {
	t.Helper()
	answer, err := http.Get("http://" + n.Admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// freePort is an address on which nobody listens. Another may take it before it is used, which is rare.
func freePort(t *testing.T) string {
	t.Helper()
	addr, err := process.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}
