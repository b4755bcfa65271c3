package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"throng/loadtest/report"
)

// shell is the program as a user runs it.
type shell struct {
	t      *testing.T
	self   string // its path, and that of its children
	temp   string // its folder for what it keeps meanwhile
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr *view
}

// execute starts the program in a process group of its own, as a terminal does. It ends with the test.
func execute(t *testing.T, env []string, args ...string) *shell {
	t.Helper()
	s := &shell{t: t, self: newName(t), temp: t.TempDir(), stderr: &view{}}
	if err := os.Link(throng(t), s.self); err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(s.self, args...)
	s.cmd.Env = append(append(os.Environ(), "TMPDIR="+s.temp), env...)
	s.cmd.Stdout, s.cmd.Stderr = &s.stdout, s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // where wait has not come so far
		_ = s.cmd.Wait()
	})
	return s
}

// wait returns the exit code, -1 after a signal, once the program and all its children have ended.
func (s *shell) wait() (code int) {
	s.t.Helper()
	limit := time.AfterFunc(2*patience, func() { _ = s.cmd.Process.Signal(syscall.SIGQUIT) })
	defer limit.Stop()
	_ = s.cmd.Wait() // the state says it all
	eventually(s.t, "the end of all children", func() bool { return len(family(s.self)) == 0 })
	return s.cmd.ProcessState.ExitCode()
}

// finish is wait for a program that takes away what it has kept meanwhile.
func (s *shell) finish() (code int) {
	s.t.Helper()
	code = s.wait()
	if left, err := os.ReadDir(s.temp); err != nil || len(left) > 0 {
		s.t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
	return code
}

// steady waits until a load run sends.
func (s *shell) steady() {
	s.t.Helper()
	eventually(s.t, "the steady phase", func() bool { return strings.Contains(s.stderr.String(), "  steady ") })
}

// result is what --json - wrote.
func (s *shell) result() *report.Result {
	s.t.Helper()
	res := &report.Result{}
	if err := json.Unmarshal(s.stdout.Bytes(), res); err != nil {
		s.t.Fatalf("%v in %s\n%s", err, s.stdout.Bytes(), s.stderr)
	}
	return res
}

// codeOf is the exit code that a result asks for.
func codeOf(res *report.Result) int {
	switch {
	case res.Partial != "":
		return 1
	case res.Generator.Saturated:
		return 4
	case slices.ContainsFunc(res.SLOs, func(v report.Verdict) bool { return !v.Kept }):
		return 3
	}
	return 0
}

// quick is a run without a word, which even a busy machine can do.
var quick = []string{"load", "--serve", "1", "--users", "50", "--scenario", "idle", "--ramp", "0", "--warm-up", "0", "--duration", "500ms"}

// TestExitCodes runs loads to their end.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	const tries = 5 // since a busy machine may make the generator the bottleneck (4)
	for want, more := range map[int][]string{
		0: {"--slo", "lost==0", "--slo", "connected>=50"},
		3: {"--slo", "lost==0", "--slo", "direct.p99<1s"}, // nothing is sent, so there is none
	} {
		t.Run(fmt.Sprint(want), func(t *testing.T) {
			t.Parallel()
			code := -1
			for range tries {
				s := execute(t, nil, slices.Concat(quick, more, []string{"--json", "-"})...)
				code = s.finish()
				if res := s.result(); code != codeOf(res) {
					t.Fatalf("exit code %d of %+v", code, res)
				}
				if code == want {
					return
				}
			}
			t.Errorf("exit code %d in the last of %d tries, want %d", code, tries, want)
		})
	}
}

// TestSaturated stops a worker in the steady phase: exit code 4.
func TestSaturated(t *testing.T) {
	t.Parallel()
	s := execute(t, nil, "load", "--serve", "1", "--users", "40", "--scenario", "direct", "--ramp", "0", "--warm-up", "0",
		"--duration", "5s", "--slo", "lost==0", "--json", "-")
	s.steady()
	for _, f := range family(s.self) {
		if f.role == "worker" {
			kill(t, f.pid, syscall.SIGSTOP)
			time.Sleep(1500 * time.Millisecond) // the stall itself
			kill(t, f.pid, syscall.SIGCONT)
		}
	}
	if code := s.finish(); code != 4 {
		t.Errorf("exit code %d, want 4\n%s", code, s.stderr)
	}
	if res := s.result(); res.Partial != "" || res.Total.Lost != 0 || len(res.Generator.Why) == 0 {
		t.Errorf("%+v", res)
	}
}

// TestCommandLine checks runs that cannot begin, and what they say: one line.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	cases := []struct {
		args string
		code int
		want string
	}{
		{"load --url ws://" + closed.Addr().String(), 1, "refused"},
		{"load --serve 1 --workers " + closed.Addr().String(), 1, "refused"},
		{"load --users none", 2, "--users"},
		{"load --scenario dance", 2, "storm"},
		{"load --slo lost", 2, "lost==0"},
		{"load --slo losst==0", 2, "lost"},
		{"load --ca /nowhere/at/all --url wss://127.0.0.1:1", 2, "--ca"},
		{"load --serve 1 --url ws://127.0.0.1:1", 2, "--serve"},
		{"load compare", 2, "load compare"},
		{"load compare /nowhere/a.json /nowhere/b.json", 2, "a.json"},
		{"load worker --listen nowhere", 2, "--listen"},
		{"load worker --listen 0.0.0.0:0", 2, "--key"},
		{"load worker --listen " + closed.Addr().String() + "9", 2, "--listen"},
	}
	for _, c := range cases {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			s := execute(t, nil, strings.Fields(c.args)...)
			if code := s.finish(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			lines := strings.Split(strings.TrimSpace(s.stderr.String()), "\n")
			if last := lines[len(lines)-1]; !strings.HasPrefix(last, "throng: ") || !strings.Contains(last, c.want) {
				t.Errorf("said %q, want %q", lines, c.want)
			}
			if s.stdout.Len() > 0 {
				t.Errorf("wrote %s", s.stdout.Bytes())
			}
		})
	}
}

// TestHelp asks for help in each way: it is on standard output, and names what --slo may be on.
func TestHelp(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"load --help": "acked.ratio", "help load": "acked.ratio", "load compare -h": "A the older", "help load compare": "A the older",
		"load worker --help": "--listen",
	} {
		s := execute(t, nil, strings.Fields(args)...)
		if code := s.finish(); code != 0 || !strings.Contains(s.stdout.String(), want) || s.stderr.String() != "" {
			t.Errorf("%s: exit code %d, %q and %q", args, code, s.stdout.String(), s.stderr)
		}
	}
}

// TestOutputs checks the files that a run writes, and the comparison of two.
func TestOutputs(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	page := filepath.Join(folder, "report.html")
	var files []string
	for _, name := range []string{"a.json", "b.json"} {
		files = append(files, filepath.Join(folder, name))
		s := execute(t, nil, slices.Concat(quick, []string{"--report", page, "--json", files[len(files)-1], "--quiet"})...)
		code := s.finish()
		res, err := report.Read(files[len(files)-1])
		if err != nil {
			t.Fatal(err)
		}
		if code != codeOf(res) || res.Connect.Connected != 50 {
			t.Errorf("exit code %d of %+v", code, res)
		}
		if out := s.stdout.String(); !strings.Contains(out, "50 of 50 users") {
			t.Errorf("the summary is %q", out)
		}
		if code != 4 && s.stderr.String() != "" {
			t.Errorf("said %q", s.stderr)
		}
	}
	if html, err := os.ReadFile(page); err != nil || !bytes.Contains(html, []byte("<svg")) {
		t.Errorf("the report is %.100q, %v", html, err)
	}
	s := execute(t, nil, "load", "compare", files[0], files[1])
	if code := s.finish(); code != 0 || !strings.Contains(s.stdout.String(), "connect") {
		t.Errorf("exit code %d of a comparison that says %q", code, s.stdout.String())
	}
}

// TestUnwritable checks that nothing is begun when its result could not be written.
func TestUnwritable(t *testing.T) {
	t.Parallel()
	s := execute(t, nil, slices.Concat(quick, []string{"--report", "/nowhere/at/all.html"})...)
	if code := s.finish(); code != 2 || !strings.Contains(s.stderr.String(), "/nowhere/at/all.html") {
		t.Errorf("exit code %d, said %q", code, s.stderr)
	}
	if s.stdout.Len() > 0 {
		t.Errorf("the summary is %q", s.stdout.String())
	}
}

var long = []string{"load", "--serve", "2", "--users", "60", "--processes", "2",
	"--ramp", "0", "--warm-up", "0", "--duration", "10m", "--json", "-"}

// TestCtrlC interrupts the foreground process group in the middle of a run.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	s := execute(t, nil, long...)
	s.steady()
	if n := len(family(s.self)); n != 5 {
		t.Errorf("%d processes, want 5: %v", n, family(s.self))
	}
	kill(t, -s.cmd.Process.Pid, syscall.SIGINT)
	if code := s.finish(); code != 1 {
		t.Errorf("exit code %d\n%s", code, s.stderr)
	}
	res := s.result()
	if res.Partial != "interrupted" || res.Connect.Connected != 60 || res.Total.Lost+res.Total.Duplicated != 0 || res.Connect.Dropped != 0 {
		t.Errorf("%+v", res)
	}
}

// TestKilled kills the coordinator: its servers and workers end too, and the next run removes what they have left.
func TestKilled(t *testing.T) {
	t.Parallel()
	s := execute(t, nil, long...)
	s.steady()
	if n := len(family(s.self)); n != 5 {
		t.Errorf("%d processes, want 5: %v", n, family(s.self))
	}
	kill(t, s.cmd.Process.Pid, syscall.SIGKILL)
	if code := s.wait(); code != -1 {
		t.Errorf("exit code %d", code)
	}
	if left, err := os.ReadDir(s.temp); err != nil || len(left) != 1 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
	execute(t, []string{"TMPDIR=" + s.temp}, quick...).finish()
	has(t, s.temp)
}

// TestWorkerCommand has a worker of the command line take all users, with the secret from the environment.
func TestWorkerCommand(t *testing.T) {
	t.Parallel()
	secret := []string{"THRONG_KEY=hush"}
	worker := execute(t, secret, "load", "worker")
	var addr string
	eventually(t, "the worker's address", func() bool {
		_, addr, _ = strings.Cut(worker.stderr.String(), "addr=")
		return strings.HasSuffix(addr, "\n")
	})
	s := execute(t, secret, "load", "--serve", "1", "--users", "20", "--scenario", "direct", "--ramp", "0",
		"--warm-up", "0", "--duration", "1s", "--workers", strings.TrimSpace(addr), "--json", "-")
	code := s.finish()
	if res := s.result(); code != codeOf(res) || res.Plan.Workers != 1 || res.Total.Delivered != 100 || res.Total.Lost != 0 {
		t.Errorf("exit code %d of %+v", code, res)
	}
	kill(t, worker.cmd.Process.Pid, syscall.SIGTERM)
	if code := worker.finish(); code != 0 {
		t.Errorf("exit code %d of the worker: %s", code, worker.stderr)
	}
	if out, _ := io.ReadAll(&worker.stdout); len(out) > 0 {
		t.Errorf("the worker wrote %q", out)
	}
}
