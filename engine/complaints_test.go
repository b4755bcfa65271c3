package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// notes is what a log has written. Any goroutine may use it.
type notes struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (n *notes) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(b)
}

func (n *notes) lines(with string) (found []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for line := range strings.Lines(n.text.String()) {
		if strings.Contains(line, with) {
			found = append(found, line)
		}
	}
	return found
}

func TestComplaints(t *testing.T) {
	log := &notes{}
	c := &complaints{log: slog.New(slog.NewTextHandler(log, nil))}
	from := addrPort("192.0.2.1")
	for range 1000 {
		c.refused(7, from, 400, "bad_request")
		c.refused(7, from, 503, "full")
	}
	if got := log.lines("refused"); len(got) != 2*maxComplaints {
		t.Errorf("%d lines in one second: %q", len(got), got)
	}
	c.refused(8, from, 400, "bad_request")
	c.settle(7)
	c.settle(9)
	c.settle(10)
	more := fmt.Sprintf("count=%d reason=", 1000-maxComplaints)
	for _, reason := range []string{"bad_request", "full"} {
		if got := log.lines(more + reason); len(got) != 1 {
			t.Errorf("%s: the sum is told %d times", reason, len(got))
		}
	}
	if len(c.byReason) != 0 {
		t.Errorf("%v is kept", c.byReason)
	}
	if got := log.lines("remote=192.0.2.1:1 status=503"); len(got) != maxComplaints {
		t.Errorf("%d lines tell who it was", len(got))
	}
}

// TestAbuseLogFlood: a flood of bad requests does not become one of log lines, and none holds what clients have sent.
func TestAbuseLogFlood(t *testing.T) {
	log := &notes{}
	s := serve(t, Config{Log: slog.New(slog.NewTextHandler(log, nil)), Accept: func(*http.Request) (Open, error) {
		return nil, Refuse(http.StatusUnauthorized, "the token hunter2 is not good")
	}})
	const flood = 200
	for range flood {
		c := s.dial()
		c.say([]byte(handshake("/ws?token=hunter2")))
		c.answer()
	}
	seconds := int(s.clock.Load()/1000) + 1
	if n := len(log.lines("reason=unauthorized")); n == 0 || n > seconds*(maxComplaints+1) {
		t.Errorf("%d lines in %d seconds", n, seconds)
	}
	if told := log.lines("hunter2"); len(told) > 0 {
		t.Errorf("the log holds a secret: %q", told)
	}
}
