package accept

import (
	"context"
	"flag"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"throng/loadtest/process"
)

var (
	restartsUsers = flag.Int("restarts.users", 200, "how many users TestRestarts has")
	restartsRamp  = flag.Duration("restarts.ramp", 2*time.Second, "time over which they connect")
	restartsFor   = flag.Duration("restarts.for", 20*time.Second, "how long they chat; both restarts and everybody's return have to fit in")
)

// TestRestarts has users chat over TLS, hands the server over to a new process in the middle, and later ends and starts it. The load
// tester's books are the judge: everybody was sent away twice and came back, and each delivery arrived, once and in order.
func TestRestarts(t *testing.T) {
	keys := newPair(t)
	keys.write("localhost")
	path, admin := ownProgram(t), freePort(t)
	args := append([]string{"--data", filepath.Join(t.TempDir(), "data"), "--admin", admin}, keys.args()...)
	r := startRelay(t, path, args...)
	pid := r.listening()
	ended := startLoad(t, path, r.addr)
	everybody := func() {
		t.Helper()
		n := node{Process: &process.Process{Admin: admin}}
		for deadline := time.Now().Add(*restartsRamp + patience); n.metric(t, "throng_room_users") < float64(*restartsUsers); {
			if time.Now().After(deadline) {
				t.Fatalf("%v of %d users are there", n.metric(t, "throng_room_users"), *restartsUsers)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}

	everybody()
	r.ask(pid, syscall.SIGUSR2)
	pid = r.listening()
	everybody()
	r.ask(pid, syscall.SIGTERM)
	for range r.lines { // until the process has ended
	}
	r = startRelay(t, path, append(args, "--addr", r.addr)...)
	r.listening()
	everybody()
	ended()
}

// startLoad has users chat with the server at addr, in a process of its own. ended waits for its verdict.
func startLoad(t *testing.T, path, addr string) (ended func()) {
	t.Helper()
	users := *restartsUsers
	ctx, cancel := context.WithTimeout(t.Context(), *restartsRamp+*restartsFor+4*patience)
	cmd := exec.CommandContext(ctx, path, "load", "--url", "wss://"+addr, "--insecure", "--users", strconv.Itoa(users), "--scenario", "chat",
		"--rate", "50/s", "--ramp", restartsRamp.String(), "--duration", restartsFor.String(), "--late", "1m", "--quiet",
		"--slo", "lost==0,duplicated==0,reordered==0,corrupted==0,failed==0", "--slo", "dropped=="+strconv.Itoa(2*users))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var report []byte
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		report, err = cmd.CombinedOutput()
	}()
	t.Cleanup(func() { cancel(); <-done })
	return func() {
		t.Helper()
		<-done
		if code := cmd.ProcessState.ExitCode(); code != 0 && code != 4 { // 4: it was late itself; what it counted holds
			t.Error(err)
		}
		t.Logf("%s", report)
	}
}
