package process

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"
)

const (
	tailLines = 20   // that are kept of what a process says
	tailWidth = 1000 // bytes that are kept of each
)

// address is where a line tells of a listener, as log/slog's text or a plain program writes it.
var address = regexp.MustCompile(`\b(addr|admin)="?([0-9.:\[\]]+)`)

// tail takes what a process says, keeps the end of it, and listens for the addresses. It never stops
// reading, or the process would hang in its next write.
type tail struct {
	needAdmin bool
	heard     chan struct{} // closed when all addresses are known

	mu          sync.Mutex // guards what follows
	line        []byte     // under way
	lines       []string
	addr, admin string
}

// Write is called by the one goroutine that reads the process's standard error.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rest := b; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte("\n"))
		t.line = append(t.line, part[:min(len(part), tailWidth-len(t.line))]...)
		if ended {
			t.end()
		}
		rest = after
	}
	return len(b), nil
}

// end takes the line under way as whole.
func (t *tail) end() {
	line := string(t.line)
	t.line = t.line[:0]
	if len(t.lines) == tailLines {
		t.lines = slices.Delete(t.lines, 0, 1)
	}
	t.lines = append(t.lines, line)
	if t.complete() {
		return
	}
	for _, m := range address.FindAllStringSubmatch(line, -1) {
		if m[1] == "addr" {
			t.addr = m[2]
		} else {
			t.admin = m[2]
		}
	}
	if t.complete() {
		close(t.heard)
	}
}

func (t *tail) complete() bool { return t.addr != "" && (t.admin != "" || !t.needAdmin) }

// addresses is what was heard.
func (t *tail) addresses() (addr, admin string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.addr, t.admin
}

// last is the lines that are kept; one that has no end yet counts.
func (t *tail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.line) == 0 {
		return slices.Clone(t.lines)
	}
	return append(slices.Clone(t.lines), string(t.line))
}

func (t *tail) String() string { return strings.Join(t.last(), " | ") }
