package engine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// childFiles is the open-file limit of the child process; the server in it takes about 15.
const childFiles = 80

// child is an echo server with few files. It says its address and its log on standard output, and ends with its
// standard input.
func child() int {
	limit := unix.Rlimit{Cur: childFiles, Max: childFiles}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		fmt.Println(err)
		return 1
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	e, err := New(Config{
		Accept:      letIn(func(c *Conn) Session { return echo{c} }),
		IsSocket:    func(path string) bool { return path == "/ws" },
		MaxConns:    1000, // far more than there are files, as are the requests that may be read at once
		HeadTimeout: time.Hour,
		Log:         slog.New(slog.NewTextHandler(os.Stdout, nil)),
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(l.Addr())
	served := make(chan error, 1)
	go func() { served <- e.Serve(l) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := e.Shutdown(ctx); err != nil {
		fmt.Println(err)
		return 1
	}
	if err := <-served; err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// childProcess is this test binary as child.
type childProcess struct {
	command *exec.Cmd
	stdin   io.Closer
	lines   chan string
	addr    string
}

func startChild(t *testing.T) *childProcess {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &childProcess{command: exec.Command(binary), lines: make(chan string, 1000)}
	p.command.Env = append(os.Environ(), childVar+"=1")
	p.command.Stderr = os.Stderr
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			p.lines <- lines.Text()
		}
	}()
	p.addr = p.await(t, "127.0.0.1:")
	return p
}

// await reads what the child says until a line holds text, and returns that line.
func (p *childProcess) await(t *testing.T, text string) string {
	t.Helper()
	end := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("the child has ended before it said %q", text)
			}
			if strings.Contains(line, text) {
				return line
			}
		case <-end:
			t.Fatalf("the child never said %q", text)
		}
	}
}

// stop lets the child end by itself.
func (p *childProcess) stop(t *testing.T) {
	t.Helper()
	_ = p.stdin.Close()
	for line := range p.lines {
		t.Log(line)
	}
	if err := p.command.Wait(); err != nil {
		t.Error("child:", err)
	}
}

// TestOutOfFiles: when the process has no file left to accept with, those who are in notice nothing, and who comes after
// the flood gets in.
func TestOutOfFiles(t *testing.T) {
	p := startChild(t)
	defer p.stop(t)
	s := &server{t: t, addr: p.addr}
	var users []*client
	for range 10 {
		users = append(users, s.join())
	}
	talk := func() {
		t.Helper()
		for i, c := range users {
			text := fmt.Sprintf("user %d is here", i)
			c.say(whole(ws.OpText, text))
			c.expect(unmasked(ws.OpText, text))
		}
	}
	talk()
	var flood []*client
	for range 2 * childFiles {
		flood = append(flood, s.dial())
	}
	p.await(t, "too many open files")
	talk()
	p.await(t, "too many open files") // it goes on trying
	talk()
	for _, c := range flood {
		_ = c.Close()
	}
	users = append(users, s.join()) // it may wait a little: the accept loop pauses
	talk()
	for _, c := range users {
		_ = c.Close()
	}
}

// TestNoFileAtTheStart: an engine that has too few files to begin leaves none open, and no goroutine, wherever it comes to lack one.
func TestNoFileAtTheStart(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // one poller: nbio itself leaves files open where it lacks one for another
	var usual unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &usual); err != nil {
		t.Fatal(err)
	}
	for left := 0; ; left++ {
		files, goroutines := openFiles(t), runtime.NumGoroutine()
		setFileLimit(t, unix.Rlimit{Cur: uint64(leaving(files, left)), Max: usual.Max})
		e, err := New(Config{Accept: letIn(nil), IsSocket: func(string) bool { return false }, Log: quiet})
		setFileLimit(t, usual)
		if err == nil {
			if err := e.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			return
		}
		if now := openFiles(t); len(now) != len(files) || runtime.NumGoroutine() > goroutines {
			t.Errorf("%v, with %d files left: %d are open that were not, and %d goroutines run",
				err, left, len(now)-len(files), runtime.NumGoroutine()-goroutines)
		}
	}
}

// openFiles are the descriptors of this process.
func openFiles(t *testing.T) (open []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, fd)
	}
	return open
}

// leaving is the limit that leaves so many descriptors beside those that are open.
func leaving(open []int, left int) (limit int) {
	for ; left > 0 || slices.Contains(open, limit); limit++ {
		if !slices.Contains(open, limit) {
			left--
		}
	}
	return limit
}

func setFileLimit(t *testing.T, limit unix.Rlimit) {
	t.Helper()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}
