package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the test binary play the children.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || roles[os.Args[1]] == nil {
		// With the race detector a child would sleep for a second before it ends.
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
		goleak.VerifyTestMain(m)
		return
	}
	roles[os.Args[1]]()
}

const listens = "level=INFO msg=listening addr=127.0.0.1:1234"

// roles are what the test binary does as a child.
var roles = map[string]func(){
	"server":  func() { serve(listens, "admin is listening admin=127.0.0.1:99") },
	"private": func() { serve(listens) },
	"talker": func() {
		serve(strings.Repeat("x", 1<<20), strings.Repeat("noise\n", 100)+listens)
	},
	"plain": func() { // ends by SIGTERM, with what Go does by itself
		fmt.Fprintln(os.Stderr, listens)
		select {}
	},
	"stubborn": func() {
		signal.Ignore(syscall.SIGTERM)
		fmt.Fprintln(os.Stderr, listens)
		select {}
	},
	"silent": func() { fmt.Fprint(os.Stderr, "no luck") },
	"broken": func() {
		fmt.Fprintln(os.Stderr, listens)
		fmt.Fprintln(os.Stderr, "panic: out of cake")
		os.Exit(7)
	},
	"parent": func() {
		p, err := Start(context.Background(), os.Args[0], "stubborn")
		fmt.Println(p.Pid, err)
		select {}
	},
}

// serve says these lines and ends in order when it is asked to.
func serve(lines ...string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	for _, line := range lines {
		fmt.Fprintln(os.Stderr, line)
	}
	<-ctx.Done()
}

// begin starts this binary in a role.
func begin(t *testing.T, role string) *Process {
	t.Helper()
	p, err := Start(t.Context(), os.Args[0], role)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	return p
}

func TestStart(t *testing.T) {
	for _, c := range []struct {
		role       string
		admin      bool
		wantAdmin  string
		wantFailed string // part of the error
	}{
		{role: "server", admin: true, wantAdmin: "127.0.0.1:99"},
		{role: "private"},
		{role: "talker"},
		{role: "silent", wantFailed: "exit status 0: no luck"},
		{role: "broken", admin: true, wantFailed: "exit status 7: level=INFO msg=listening addr=127.0.0.1:1234 | panic: out of cake"},
	} {
		t.Run(c.role, func(t *testing.T) {
			p, err := start(t.Context(), c.admin, os.Args[0], []string{c.role})
			if c.wantFailed != "" {
				if err == nil || !strings.Contains(err.Error(), c.wantFailed) {
					t.Fatalf("got %v, want %q", err, c.wantFailed)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.Addr != "127.0.0.1:1234" || p.Admin != c.wantAdmin {
				t.Errorf("addr %q, admin %q", p.Addr, p.Admin)
			}
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
			if err := p.Stop(); err != nil {
				t.Errorf("a second time: %v", err)
			}
		})
	}
	if _, err := Start(t.Context(), "/no/such/program"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no program: %v", err)
	}
}

// TestEnd is how a process that was running is said to have ended.
func TestEnd(t *testing.T) {
	for _, c := range []struct {
		role   string
		end    func(*Process)
		failed string // part of the error, "" when all is well
	}{
		{"server", func(p *Process) { _ = p.Stop() }, ""},
		{"plain", func(p *Process) { _ = p.Stop() }, ""},
		{"plain", func(p *Process) { _ = syscall.Kill(p.Pid, syscall.SIGTERM) }, "signal: terminated"},
		{"server", func(p *Process) { _ = syscall.Kill(p.Pid, syscall.SIGKILL) }, "signal: killed: " + listens},
		{"stubborn", func(p *Process) { p.grace = time.Millisecond; _ = p.Stop() }, "signal: killed"},
	} {
		t.Run(c.role, func(t *testing.T) {
			p := begin(t, c.role)
			if err := p.Err(); err != nil {
				t.Fatalf("while it runs: %v", err)
			}
			c.end(p)
			<-p.Done()
			err := p.Err()
			if c.failed == "" && err != nil || c.failed != "" && (err == nil || !strings.Contains(err.Error(), c.failed)) {
				t.Errorf("got %v, want %q", err, c.failed)
			}
		})
	}
}

// TestContext ends a process with its context, in order.
func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Start(ctx, os.Args[0], "server")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-p.Done()
	if err := p.Err(); err != nil {
		t.Error(err)
	}
	if _, err := Start(ctx, os.Args[0], "server"); !errors.Is(err, context.Canceled) {
		t.Errorf("started afterwards: %v", err)
	}
	brief, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, err := StartAdmin(brief, os.Args[0], "private"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waited for an address that is never told: %v", err)
	}
}

func TestSaid(t *testing.T) {
	p := begin(t, "talker")
	said := p.Said()
	if len(said) != tailLines || said[0] != "noise" || said[tailLines-1] != listens {
		t.Errorf("%d lines, from %q to %q", len(said), said[0], said[len(said)-1])
	}
}

func TestTail(t *testing.T) {
	tail := &tail{heard: make(chan struct{})}
	long := strings.Repeat("y", 3*tailWidth)
	for _, part := range []string{"a ", "b\n\n", long[:tailWidth-1], long[:9], long, "\nad", "dr=\"[::1]:80\"", " x\nend"} {
		_, _ = tail.Write([]byte(part))
	}
	want := []string{"a b", "", long[:tailWidth], `addr="[::1]:80" x`, "end"}
	if got := tail.last(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if addr, _ := tail.addresses(); addr != "[::1]:80" {
		t.Errorf("addr %q", addr)
	}
}

// TestNoOrphans kills a parent that has no chance to stop its child.
func TestNoOrphans(t *testing.T) {
	parent := exec.CommandContext(t.Context(), os.Args[0], "parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Fscanln(out, &child, new(string)); err != nil {
		t.Fatal(err)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	for deadline := time.Now().Add(10 * time.Second); alive(child); {
		if time.Now().After(deadline) {
			_ = syscall.Kill(child, syscall.SIGKILL)
			t.Fatalf("process %d lives on", child)
		}
	}
}

// alive says whether a process is there and no zombie.
func alive(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, state, _ := bytes.Cut(b, []byte(") "))
	return err == nil && !bytes.HasPrefix(state, []byte("Z"))
}
