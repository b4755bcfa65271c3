package loadtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
)

// children are what this program does when it is run once more as another process. Each ends with its
// input.
var children = map[string]func(){
	"clock": func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			fmt.Println(Now())
		}
	},
	"server": func() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		fmt.Println(l.Addr())
		go func() { _ = http.Serve(l, upgraded(echo)) }()
		_, _ = io.Copy(io.Discard, os.Stdin)
	},
	"user": func() {
		s, err := New(Config{
			Addr:      os.Getenv("LOADTEST_ADDR"),
			OnMessage: func(_ *User, at int64, _ []byte) { fmt.Println("message", at) },
			OnStall:   func(from, to int64) { fmt.Println("stall", from, to) },
		})
		if err != nil {
			panic(err)
		}
		if _, err := s.Connect(context.Background(), 1, "/"); err != nil {
			panic(err)
		}
		fmt.Println("connected")
		_, _ = io.Copy(io.Discard, os.Stdin)
		s.Close()
	},
}

// childProcess is one of the children. It ends with the test.
type childProcess struct {
	*os.Process
	t     *testing.T
	in    io.WriteCloser
	lines *bufio.Scanner
}

func child(t *testing.T, role string, env ...string) *childProcess {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "LOADTEST_CHILD="+role), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &childProcess{cmd.Process, t, in, bufio.NewScanner(out)}
}

// says reads the child's next line.
func (c *childProcess) says() string {
	c.t.Helper()
	if !c.lines.Scan() {
		c.t.Fatalf("the child has ended: %v", c.lines.Err())
	}
	return c.lines.Text()
}
