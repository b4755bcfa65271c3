package run

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"throng/loadtest/process"
	"throng/loadtest/report"
)

// patience is how long a test waits for what must come. It is no measure of speed.
const patience = 60 * time.Second

// serverEnv names the program that the test binary becomes when it is asked to serve.
const serverEnv = "LOADTEST_SERVER"

// workshop is a folder for what is built; TestMain takes it away.
var workshop string

// TestMain lets the test binary play a worker, so that workers are under the race detector too, and become the server.
func TestMain(m *testing.M) {
	switch args := os.Args[1:]; {
	case slices.Equal(args, []string{"load", "worker", "--listen="}):
		if err := Work(os.Stdin, os.Stdout, ""); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	case len(args) > 0 && args[0] == "serve":
		err := syscall.Exec(os.Getenv(serverEnv), os.Args, os.Environ())
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var err error
	if workshop, err = os.MkdirTemp("", "throng-run-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// With the race detector a child would sleep for a second before it ends.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
	_ = os.Setenv(serverEnv, filepath.Join(workshop, "throng"))
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("8") // a load run waits most of its time
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if left := family(workshop); len(left) > 0 {
			fmt.Fprintln(os.Stderr, "processes are left:", left)
			code = 1
		}
		_ = os.RemoveAll(workshop)
		os.Exit(code)
	}))
}

// build makes the real program, once.
var build = sync.OnceValues(func() (string, error) {
	program := filepath.Join(workshop, "throng")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, "throng").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return program, err
})

// throng is the real program.
func throng(t *testing.T) string {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// started is a server of the real program, with a private listener, which ends with the test. Settings come after its own.
func started(t *testing.T, settings ...string) *process.Process {
	t.Helper()
	// The kernel ends a child with the thread that started it; an unlocked one stays.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	args := []string{"serve", "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", "mem", "--rate", "0"}
	p, err := process.StartAdmin(context.Background(), throng(t), append(args, settings...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	return p
}

// small is a plan of a few users who say little, to servers that are there or else to one that the run starts.
func small(scenario string, addrs ...string) Plan {
	p := Plan{
		Addrs: addrs, Users: 40, Scenario: scenario, Dialect: "tutorial", Rate: 50, Size: 100, Duration: time.Second,
		Late: 20 * time.Second, Talkers: 4, Processes: 1, Step: time.Second,
	}
	if len(addrs) == 0 {
		p.Serve = 1
	}
	return p
}

// trial is a run under test.
type trial struct {
	t      *testing.T
	self   string // the path by which its children are known
	view   *view
	stop   context.CancelFunc
	ended  chan struct{} // closed when the run has returned result and err
	result *report.Result
	err    error
}

// begin starts a run. It is stopped with the test at the latest.
func begin(t *testing.T, plan Plan) *trial {
	t.Helper()
	throng(t)
	r := &trial{t: t, view: &view{}, ended: make(chan struct{})}
	r.self = newName(t)
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, r.self)
	}
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	go func() {
		defer close(r.ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // else the thread would end, and with it the next run's children
		r.result, r.err = Run(ctx, plan, Env{Self: r.self, Version: "test", Live: report.NewLive(r.view, true, nil)})
	}()
	t.Cleanup(func() {
		r.stop()
		<-r.ended
	})
	return r
}

var names struct {
	sync.Mutex
	last int
}

// newName is a path that nobody else has, by which processes can be told apart.
func newName(t *testing.T) string {
	t.Helper()
	names.Lock()
	defer names.Unlock()
	names.last++
	return filepath.Join(workshop, fmt.Sprintf("program-%d-", names.last))
}

// outcome waits for the end of the run, and for the end of all that it has started.
func (r *trial) outcome() (*report.Result, error) {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(2 * patience):
		r.t.Fatalf("the run does not end:\n%s", r.view)
	}
	if left := family(r.self); len(left) > 0 {
		r.t.Errorf("processes are left: %v", left)
	}
	return r.result, r.err
}

// done is the result of a run that ends as planned.
func (r *trial) done() *report.Result {
	r.t.Helper()
	result, err := r.outcome()
	if err != nil {
		r.t.Fatal(err)
	}
	if result.Partial != "" {
		r.t.Fatalf("partial: %s", result.Partial)
	}
	sound(r.t, result)
	return result
}

// sound checks what holds of every result.
func sound(t *testing.T, r *report.Result) {
	t.Helper()
	for _, a := range append([]report.Account{{Name: "all", Tally: r.Total}}, r.Kinds...) {
		if a.Expected != a.Delivered+a.Lost {
			t.Errorf("%s: %d expected, %d delivered, %d lost", a.Name, a.Expected, a.Delivered, a.Lost)
		}
	}
	for i, p := range r.Phases {
		if p.To < p.From || i > 0 && p.From < r.Phases[i-1].To {
			t.Errorf("phases %+v", r.Phases)
		}
	}
	if r.Format != report.Format || r.Seconds <= 0 || len(r.Series) == 0 {
		t.Errorf("format %d, %v s, %d points", r.Format, r.Seconds, len(r.Series))
	}
}

// innocent checks that nothing went wrong with any delivery.
func innocent(t *testing.T, r *report.Result) {
	t.Helper()
	a := r.Total
	if a.Lost+a.Duplicated+a.Reordered+a.Corrupted+a.Late != 0 {
		t.Errorf("total %+v", a)
	}
	if len(r.Faults)+len(r.Conversations)+len(r.Senders) != 0 {
		t.Errorf("faults %+v, conversations %+v, senders %+v", r.Faults, r.Conversations, r.Senders)
	}
	if r.Connect.Failed+r.Connect.Dropped != 0 {
		t.Errorf("connections %+v", r.Connect)
	}
}

// children are the processes of the run in a role: worker or serve.
func (r *trial) children(role string) (pids []int) {
	for _, f := range family(r.self) {
		if f.role == role {
			pids = append(pids, f.pid)
		}
	}
	return pids
}

// oldest is the one of them that was started first.
func (r *trial) oldest(role string) int {
	r.t.Helper()
	pids := r.children(role)
	if len(pids) == 0 {
		r.t.Fatalf("no process in the role %s", role)
	}
	return slices.Min(pids)
}

// enters waits until the run is in a phase.
func (r *trial) enters(phase string) { r.t.Helper(); r.shows(regexp.MustCompile(phase + ` `)) }

// talks waits until messages flow in a phase.
func (r *trial) talks(phase string) {
	r.t.Helper()
	r.shows(regexp.MustCompile(phase + ` .*\n.*\nmessages +[1-9][0-9.,]*/s sent +[1-9]`))
}

func (r *trial) shows(what *regexp.Regexp) {
	r.t.Helper()
	eventually(r.t, what.String(), func() bool {
		select {
		case <-r.ended:
			if !what.MatchString(r.view.String()) {
				r.t.Fatalf("the run has ended before it showed %v: %v", what, r.err)
			}
		default:
		}
		return what.MatchString(r.view.String())
	})
}

// relative is a process that was started by a path of the workshop.
type relative struct {
	pid  int
	role string // load, worker or serve
}

// family is the processes whose path begins so, the dead ones that nobody has asked about not among them.
func family(path string) (found []relative) {
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		panic(err)
	}
	for _, file := range all {
		line, err := os.ReadFile(file)
		if err != nil || !bytes.HasPrefix(line, []byte(path)) {
			continue // it has ended meanwhile
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			panic(err)
		}
		args := append(strings.Split(string(line), "\x00"), "", "")
		role := args[1]
		if args[2] == "worker" {
			role = "worker"
		}
		found = append(found, relative{pid, role})
	}
	return found
}

// kill sends a signal to a process.
func kill(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); !is(); {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("in vain: ", what)
		}
	}
}

// view is the live view of a run as a terminal gets it. Write is the run's, the rest anybody's.
type view struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (v *view) Write(b []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.text.Write(b)
}

func (v *view) String() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.text.String()
}
