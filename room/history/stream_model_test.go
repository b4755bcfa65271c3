package history

import (
	"os"
	"time"

	"pgregory.net/rapid"
)

// onServer lets the machine drive two nodes' Streams in turn. One of them follows what the model talks about.
func (m *machine) onServer(t *rapid.T) (end func()) {
	dir, err := os.MkdirTemp(m.top.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	in := startServer(m.top, dir)
	m.model.conf.Dedup = time.Hour // the servers have a clock of their own
	m.model.weigh = func(msg Message) int64 { return int64(len(appendStreamed(nil, &msg))) }
	conf := StreamConfig{Config: m.model.conf, Receive: func(Message) {}}
	open := func() *Stream {
		nc := connect(m.top, in)
		s, err := openStream(m.top.Context(), nc, conf, m.at.now)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one, other := open(), open()
	m.log, m.other = one, other
	for _, conv := range []string{"all", "r/go"} {
		if err := one.Follow(conv); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.FollowDirects(1); err != nil {
		t.Fatal(err)
	}
	return func() {
		release(one)
		release(other)
		one.nc.Close()
		other.nc.Close()
		stopServer(in)
	}
}

// Other goes on at the other node. It knows soon what this one knows.
func (m *machine) Other(t *rapid.T) {
	l, ok := m.log.(*Stream)
	if !ok {
		t.Skip("one node")
	}
	if err := l.flushMarks(m.top.Context()); err != nil {
		t.Fatal(err)
	}
	m.hears(m.other, l)
	for name := range m.model.convs {
		it, _, err := l.newest(m.top.Context(), path(name))
		for err == nil && !m.other.follow.has(it) {
			err = pause(m.top.Context(), time.Millisecond)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	m.log, m.other = m.other, l
}

// hears waits until a node knows of all that another has removed.
func (m *machine) hears(l, other *Stream) {
	for !l.cuts.reaches(other.cuts) {
		if err := pause(m.top.Context(), time.Millisecond); err != nil {
			m.top.Fatal(err)
		}
	}
}

// reaches is that c knows of all that was removed as other does.
func (c *cuts) reaches(other *cuts) bool {
	other.mu.RLock()
	defer other.mu.RUnlock()
	for path, seq := range other.trimmed {
		if c.get(path) < seq {
			return false
		}
	}
	return true
}
