package loadtest

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

func TestMark(t *testing.T) {
	cases := map[string]struct {
		ago, expected time.Duration
		stalled       bool
	}{
		"at once":         {0, 0, false},
		"short":           {50 * time.Millisecond, 0, false},
		"long":            {time.Second, 0, true},
		"expected":        {time.Second, time.Second, false},
		"a bit expected":  {time.Second, patience, true},
		"without an end":  {time.Hour, -1, false},
		"more than asked": {2 * time.Second, time.Second, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var from, to int64
			w := watch{now: Now() - int64(c.ago), tell: func(f, t int64) { from, to = f, t }}
			begin := w.now
			w.mark(c.expected)
			if (to != 0) != c.stalled || w.stalled.Load() != to-from {
				t.Errorf("told of %d to %d, counted %d", from, to, w.stalled.Load())
			}
			if c.stalled && (from != begin || to != w.now) || w.now < begin+int64(c.ago) {
				t.Errorf("from %d to %d, begun %d, now %d", from, to, begin, w.now)
			}
		})
	}
}

// TestStopped stops a whole process for a while. It tells of that before it tells of what came meanwhile.
func TestStopped(t *testing.T) {
	send := make(chan string)
	user := child(t, "user", "LOADTEST_ADDR="+serve(t, func(c net.Conn) {
		for text := range send {
			_ = ws.WriteFrame(c, ws.NewTextFrame([]byte(text)))
		}
	}))
	defer close(send)
	if line := user.says(); line != "connected" {
		t.Fatal(line)
	}
	var stopped, resumed int64
	for _, text := range []string{"", "hello"} {
		if err := user.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		var status unix.WaitStatus
		if _, err := unix.Wait4(user.Pid, &status, unix.WUNTRACED, nil); err != nil || !status.Stopped() {
			t.Fatalf("%v, %v", status, err)
		}
		stopped = Now()
		if text != "" {
			send <- text
		}
		<-time.After(300 * time.Millisecond) // is what the child has to find out
		resumed = Now()
		if err := user.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		// The machine may be so busy that there were other stalls.
		for {
			var from, to int64
			line := user.says()
			if _, err := fmt.Sscanf(line, "stall %d %d", &from, &to); err != nil {
				t.Fatalf("the child says %q", line)
			}
			if from <= stopped && to >= resumed {
				break
			}
		}
	}
	for line := user.says(); ; line = user.says() {
		var at int64
		if _, err := fmt.Sscanf(line, "message %d", &at); err == nil {
			if at < resumed {
				t.Errorf("read at %d, resumed at %d", at, resumed)
			}
			return
		}
		if !strings.HasPrefix(line, "stall") {
			t.Fatalf("the child says %q", line)
		}
	}
}

// TestTurn counts the loops' turns.
func TestTurn(t *testing.T) {
	s, got, _ := swarm(t, Config{Addr: serve(t, echo), Loops: 2})
	if first := s.Turn(); first.Count != 0 || first.Mean != 0 || first.Busy != 0 {
		t.Errorf("before the first user: %+v", first)
	}
	for id := range 10 {
		u, err := s.Connect(t.Context(), id, "/")
		if err != nil {
			t.Fatal(err)
		}
		if err := u.Send([]byte("x")); err != nil {
			t.Fatal(err)
		}
		receive(t, got)
	}
	s.Close() // and the last turns have ended
	turn := s.Turn()
	if turn.Count < 20 || turn.Mean <= 0 || turn.Longest < turn.Mean || turn.Busy <= 0 || turn.Busy > 1 {
		t.Errorf("%+v", turn)
	}
	if again := s.Turn(); again != (Turn{}) {
		t.Errorf("nothing has happened since, but %+v", again)
	}
}
