package room

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/history"
)

// diary is what the server's log has been told.
type diary struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (d *diary) Write(line []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(line)
}

// take is what has come since it was last called.
func (d *diary) take() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.text.Reset()
	return d.text.String()
}

// A disk that is full fails all that is to be stored: the log of the server has a line or two a second of it, and of what else fails.
func TestComplaints(t *testing.T) {
	told := &diary{}
	log := newFakeLog()
	inBubble(t, Config{Log: log, Logger: slog.New(slog.NewTextHandler(told, nil))}, func(t *testing.T, c *bubble) {
		wants := func(want ...string) {
			t.Helper()
			synctest.Wait()
			lines := told.take()
			for _, text := range want {
				if strings.Count(lines, text) != 1 {
					t.Errorf("%q is not there once:\n%s", text, lines)
				}
			}
			if n := strings.Count(lines, "\n"); n != len(want) {
				t.Errorf("%d lines, want %d:\n%s", n, len(want), lines)
			}
		}
		alice := c.in("alice")
		time.Sleep(time.Second / 2) // between two ticks
		failed := history.ErrSpace
		log.append = func([]*history.Entry) error { return failed }
		for i := range 100 {
			alice.send(`{"id":%d,"message":1}`, i)
		}
		failed = errors.New("another")
		alice.send(`{"message":1}`)
		wants(`msg=history err="history: no space left on the disk"`, `msg=history err=another`)
		time.Sleep(time.Second)
		wants(`msg="history, more" count=99 err="history: no space left on the disk"`)
		for i := range 100 {
			failed = fmt.Errorf("no %d", i)
			alice.send(`{"message":1}`)
		}
		synctest.Wait()
		if lines := told.take(); strings.Count(lines, "\n") != maxComplaints+1 {
			t.Errorf("what is logged of 100 errors:\n%s", lines)
		}
		time.Sleep(time.Second)
		wants(`msg="history, more" count=89 err=others`)
		time.Sleep(time.Second)
		wants()
	})
}
