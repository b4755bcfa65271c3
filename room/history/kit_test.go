package history

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// quiet is a logger whose lines nobody reads.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// clock is a time that a test sets forward.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(time.Date(2024, 11, 20, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

// ram is a volume in memory.
func ram(fs vfs.FS, now func() time.Time) volume {
	return volume{
		fs: fs, now: now, memTable: 1 << 20, every: 5 * time.Millisecond,
		truncate: func(name string, size int64) error { return shorten(fs, name, size) },
	}
}

// shorten cuts a file of any vfs.FS.
func shorten(fs vfs.FS, name string, size int64) error {
	f, err := fs.Open(name)
	if err != nil {
		return err
	}
	head := make([]byte, size)
	_, err = io.ReadFull(f, head)
	f.Close()
	if err != nil {
		return err
	}
	if f, err = fs.Create(name, vfs.WriteCategoryUnspecified); err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(head); err != nil {
		return err
	}
	return f.Sync()
}

// onRAM opens a log on a disk in memory.
func onRAM(t testing.TB, fs vfs.FS, c Config, now func() time.Time) *pebbleLog {
	t.Helper()
	c.Logger = quiet
	l, err := open("data", c, ram(fs, now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { release(l) })
	return l
}

// eachLog runs a test against all implementations.
func eachLog(t *testing.T, c Config, test func(t *testing.T, l Log, at *clock)) {
	t.Run("memory", func(t *testing.T) {
		at := newClock()
		l := newMemory(c, at.now)
		defer release(l)
		test(t, l, at)
	})
	for _, durability := range []string{DurabilityOS, DurabilityFsync} {
		t.Run("pebble "+durability, func(t *testing.T) {
			at := newClock()
			c.Durability = durability
			test(t, onRAM(t, vfs.NewMem(), c, at.now), at)
		})
	}
	t.Run("stream", func(t *testing.T) {
		at := newClock()
		test(t, onServer(t, connect(t, startServer(t, t.TempDir())), StreamConfig{Config: c}, at.now), at)
	})
	t.Run("stream external", func(t *testing.T) {
		at := newClock()
		test(t, onServer(t, external(t), StreamConfig{Config: c}, at.now), at)
	})
	t.Run("stream followed", func(t *testing.T) {
		at := newClock()
		heard := newHeard()
		s := onServer(t, connect(t, startServer(t, t.TempDir())), StreamConfig{Config: c, Receive: heard.receive}, at.now)
		if err := errors.Join(s.Follow("all"), s.FollowDirects(1)); err != nil {
			t.Fatal(err)
		}
		test(t, s, at)
	})
}

// isStream is that several nodes may share the log.
func isStream(l Log) bool {
	_, ok := l.(*Stream)
	return ok
}

// direct is the name of the conversation between two claims.
func direct(a, b uint64) string { return fmt.Sprintf("d/%016x/%016x", min(a, b), max(a, b)) }

// say is an entry to a conversation.
func say(conv string, claim uint64, cid, text string) *Entry {
	return &Entry{Message: Message{
		Conv: conv, Claim: claim, From: fmt.Sprintf("nick %d", claim), Cid: cid, Body: fmt.Appendf(nil, "%q", text),
	}}
}

// must appends and stops the test if that fails.
func must(t testing.TB, l Log, batch ...*Entry) {
	t.Helper()
	if err := l.Append(batch); err != nil {
		t.Fatal(err)
	}
}

// texts are the bodies of messages, joined.
func texts(msgs []Message) string {
	var all []string
	for _, m := range msgs {
		all = append(all, strings.Trim(string(m.Body), `"`))
	}
	return strings.Join(all, " ")
}

// wantRead reads and compares.
func wantRead(t testing.TB, l Log, conv string, after, before uint64, limit int, want string, wantMore bool) {
	t.Helper()
	msgs, more, err := l.Read(conv, after, before, limit)
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(msgs); got != want || more != wantMore {
		t.Errorf("Read(%s, %d, %d, %d) = %q, %v; want %q, %v", conv, after, before, limit, got, more, want, wantMore)
	}
}

// equal compares messages; a missing body is an empty one.
func equal(a, b Message) bool {
	if string(a.Body) != string(b.Body) {
		return false
	}
	a.Body, b.Body = nil, nil
	return reflect.DeepEqual(a, b)
}

func equalAll(a, b []Message) bool { return slices.EqualFunc(a, b, equal) }

// hasTrimmed waits until a log has trimmed what it does when it is opened, which goes by the time at that moment.
func hasTrimmed(l *pebbleLog) {
	if l.conf.keepsAll() {
		return
	}
	l.trims.want("all") // is taken afterwards
	for isWanted := true; isWanted; runtime.Gosched() {
		l.trims.mu.Lock()
		isWanted = len(l.trims.names) > 0
		l.trims.mu.Unlock()
	}
}

// trimNow trims at once, and no sooner and no less than is due.
func trimNow(t testing.TB, l Log) {
	switch l := l.(type) {
	case *memoryLog:
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, c := range l.convs {
			l.trim(c)
		}
		l.lapse(l.now().UnixMilli())
	case *pebbleLog:
		l.trimAll(t.Context())
	case *Stream:
		if err := l.trimAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
