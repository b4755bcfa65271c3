package accept

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// relay is a server that another takes over from, again and again: one process after the other, of one group.
type relay struct {
	t     *testing.T
	addr  string
	lines chan string // what they log
	group int
}

// startRelay starts the first, from a file of its own that may be replaced. It ends with the test.
func startRelay(t *testing.T, path string, args ...string) *relay {
	t.Helper()
	cmd := exec.Command(path, append([]string{"--addr", "127.0.0.1:0", "--admin", "off", "--rate", "0"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	r := &relay{t: t, lines: make(chan string, 1000), group: cmd.Process.Pid}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(r.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			r.lines <- s.Text()
		}
	})
	t.Cleanup(func() {
		_ = syscall.Kill(-r.group, syscall.SIGKILL)
		_ = cmd.Wait()
		for range r.lines { // until all have closed it
		}
		reading.Wait()
		out.Close()
	})
	return r
}

// hear waits for a line and returns what the expression's groups have found.
func (r *relay) hear(expression string) []string {
	r.t.Helper()
	wanted := regexp.MustCompile(expression)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var before []string
	for {
		select {
		case line, ok := <-r.lines:
			if found := wanted.FindStringSubmatch(line); found != nil {
				return found[1:]
			}
			if before = append(before, line); !ok {
				r.t.Fatalf("no line %q in:\n%s", expression, strings.Join(before, "\n"))
			}
		case <-timer.C:
			r.t.Fatalf("no line %q in:\n%s", expression, strings.Join(before, "\n"))
		}
	}
}

// listening waits until a process listens, and returns its number.
func (r *relay) listening() (pid int) {
	r.t.Helper()
	found := r.hear(`throng is listening.* addr=(\S+) .*pid=(\d+)`)
	if r.addr != "" && r.addr != found[0] {
		r.t.Fatalf("it listens at %s and not at %s", found[0], r.addr)
	}
	r.addr = found[0]
	_, _ = fmt.Sscan(found[1], &pid)
	return pid
}

// ask sends a process a signal.
func (r *relay) ask(pid int, signal syscall.Signal) {
	r.t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		r.t.Fatal(err)
	}
}

// ownProgram is a copy of the program that a test may replace.
func ownProgram(t *testing.T) string {
	t.Helper()
	built, err := program()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "throng")
	text, err := os.ReadFile(built)
	if err == nil {
		err = os.WriteFile(path, text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestHandOver hands a server over to a new process several times, under load, while newcomers knock: nobody is refused, and all that
// was acknowledged is there, once and in order, and was heard by everybody.
func TestHandOver(t *testing.T) {
	r := startRelay(t, ownProgram(t), "--data", filepath.Join(t.TempDir(), "data"))
	pid := r.listening()
	l := newLedger()
	var people []*witness
	for i := range senders + listeners {
		people = append(people, enter(t, r.addr, fmt.Sprintf("p%d", i), crashPause, "go"))
	}
	err := talkUntil(t, l, people, senders, 0, func() {
		stop := make(chan struct{})
		var guests sync.WaitGroup
		for i := range 2 {
			guests.Go(func() { knockAll(t, r.addr, fmt.Sprintf("guest%d", i), stop) })
			guests.Go(func() { readAll(t, r.addr, stop) })
		}
		for range 4 {
			l.await(t, l.count()+200)
			r.ask(pid, syscall.SIGUSR2)
			pid = r.listening()
		}
		l.await(t, l.count()+100)
		close(stop)
		guests.Wait()
	})
	if err != nil {
		t.Error(err)
	}
	for _, w := range people {
		w.audit(t, l)
	}
	t.Logf("%d acks; %s", l.count(), total(people))
}

// knockAll comes as one newcomer after the other until stop. Each has to be let in.
func knockAll(t *testing.T, addr, nick string, stop <-chan struct{}) {
	h := &house{t: t, node: &node{addr: addr}, turn: &turn{}}
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		p, answer, err := h.call(fmt.Sprintf("/conn/ws/%s-%d", nick, n), "")
		switch {
		case err != nil:
			t.Errorf("newcomer %d: %v", n, err)
		case p == nil:
			t.Errorf("newcomer %d: %s", n, answer.Status)
		default:
			p.conn.Close()
		}
	}
}

// readAll reads the page until stop, each time on a new connection.
func readAll(t *testing.T, addr string, stop <-chan struct{}) {
	reader := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	for {
		select {
		case <-stop:
			return
		default:
		}
		answer, err := reader.Get("http://" + addr + "/")
		if err != nil {
			t.Error("page:", err)
			continue
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
			t.Error("page:", answer.Status, err)
		}
		answer.Body.Close()
	}
}

// TestHandOverFails has a new binary that does not work: the server goes on as if nothing had been, and a good one takes over later.
func TestHandOverFails(t *testing.T) {
	path := ownProgram(t)
	r := startRelay(t, path, "--data", filepath.Join(t.TempDir(), "data"))
	pid := r.listening()
	h := &house{t: t, node: &node{addr: r.addr}, turn: &turn{}}
	alice := h.tutorial("alice")

	good := path + ".good"
	if err := os.Rename(path, good); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.ask(pid, syscall.SIGUSR2)
	r.hear("no process has followed")
	alice.ask(`{"message":1}`, `{"from_user":"alice","to_user":"","message":1}`)

	if err := os.Rename(good, path); err != nil {
		t.Fatal(err)
	}
	r.ask(pid, syscall.SIGUSR2)
	alice.isClosed(4001)
	r.listening()
	h.tutorial("alice").ask(`{"message":2}`, `{"from_user":"alice","to_user":"","message":2}`)
}

// TestHandOverStopped stops a server whose successor does not get anywhere: both end, and the port is free.
func TestHandOverStopped(t *testing.T) {
	path := ownProgram(t)
	r := startRelay(t, path, "--data", "mem")
	pid := r.listening()
	if err := os.Remove(path); err != nil { // it is running
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho hanging >&2\nexec sleep 600\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.ask(pid, syscall.SIGUSR2)
	r.hear("hanging")
	r.ask(pid, syscall.SIGTERM)
	r.hear("stopped")
	for range r.lines { // until both have closed it
	}
	l, err := net.Listen("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// TestHandOverNoFolder hands over to a process whose settings name a folder that cannot be: the old one goes on.
func TestHandOverNoFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "throng.toml")
	write := func(data string) {
		if err := os.WriteFile(file, fmt.Appendf(nil, "data = %q\n", data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "data"))
	r := startRelay(t, ownProgram(t), "--config", file)
	pid := r.listening()
	h := &house{t: t, node: &node{addr: r.addr}, turn: &turn{}}
	alice := h.tutorial("alice")

	write(filepath.Join(file, "data"))
	r.ask(pid, syscall.SIGUSR2)
	r.hear("throng cannot start.*not a directory")
	r.hear("no process has followed")
	alice.ask(`{"message":1}`, `{"from_user":"alice","to_user":"","message":1}`)

	write(filepath.Join(dir, "other"))
	r.ask(pid, syscall.SIGUSR2)
	alice.isClosed(4001)
	r.listening()
	h.tutorial("alice").ask(`{"message":2}`, `{"from_user":"alice","to_user":"","message":2}`)
}

// TestReload reads the settings again: what can be changed is, and who cannot be understood changes nothing.
func TestReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "throng.toml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log-level = \"info\"\n")
	r := startRelay(t, ownProgram(t), "--data", "mem", "--config", file)
	pid := r.listening()
	write("log-level = \"debug\"\nmax-rooms = 7\n")
	r.ask(pid, syscall.SIGHUP)
	r.hear(`msg=reloaded changed_at_next_start=\[max-rooms\]`)

	h := &house{t: t, node: &node{addr: r.addr}, turn: &turn{}}
	h.tutorial("alice")
	write("max-conns = 1\n")
	r.ask(pid, syscall.SIGHUP)
	r.hear(`msg=reloaded changed_at_next_start=\[\]`)
	if p, answer := h.knock("/conn/ws/bob", ""); p != nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Error("a second one came in where one may")
	}
	write("origin = [\"https://friend.test\"]\n")
	r.ask(pid, syscall.SIGHUP)
	r.hear(`msg=reloaded changed_at_next_start=\[\]`)
	if p, _ := h.knock("/conn/ws/bob", "Origin: https://friend.test\r\n"); p == nil {
		t.Error("who may come now was refused")
	}

	write("log-level = \"loud\"\n")
	r.ask(pid, syscall.SIGHUP)
	r.hear(`msg="not reloaded.*log-level`)
}
