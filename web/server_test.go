package web_test

import (
	"bufio"
	"io"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
)

// server is a running throng.
type server struct {
	t       *testing.T
	addr    string // HOST:PORT
	url     string // of the page
	data    string // folder of the log
	args    []string
	command *exec.Cmd
	drained sync.WaitGroup
	running bool
}

var addrInLog = regexp.MustCompile(`\baddr="?([^\s"]+)`)

// startServer boots the real program and waits until it listens. The test's end
// stops it, and fails when it does not stop well.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{t: t, addr: "127.0.0.1:0", data: t.TempDir(), args: args}
	s.start()
	t.Cleanup(s.stop)
	return s
}

// start boots the program at s.addr, which then holds the real port.
func (s *server) start() {
	s.t.Helper()
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	s.command = exec.Command(path, append([]string{"serve", "--addr", s.addr, "--admin", "off", "--data", s.data, "--rate", "0"}, s.args...)...)
	stderr, err := s.command.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.running = true
	log := bufio.NewReader(stderr)
	line, err := log.ReadString('\n')
	match := addrInLog.FindStringSubmatch(line)
	s.drained.Go(func() { _, _ = io.Copy(io.Discard, log) })
	if err != nil || match == nil {
		s.kill()
		s.t.Fatalf("the first line of the log names no addr (%v): %q", err, line)
	}
	s.addr, s.url = match[1], "http://"+match[1]+"/"
}

// kill ends the program as a crash would.
func (s *server) kill() {
	s.t.Helper()
	s.running = false
	if err := s.command.Process.Kill(); err != nil {
		s.t.Error(err)
	}
	s.drained.Wait()
	_ = s.command.Wait() // it tells of the signal
}

// stop ends the program as an operator would: it must exit with 0.
func (s *server) stop() {
	s.t.Helper()
	if !s.running {
		return
	}
	s.running = false
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Error(err)
	}
	s.drained.Wait()
	if err := s.command.Wait(); err != nil {
		s.t.Errorf("throng serve: %v", err)
	}
}
