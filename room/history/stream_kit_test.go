package history

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// servers starts a server of NATS in this process, which nobody reaches from outside.
func startServer(t testing.TB, dir string) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true, SyncInterval: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { stopServer(s) })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s
}

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// connect connects to a server in this process, as a node does.
func connect(t testing.TB, in nats.InProcessConnProvider) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect("", append(natsOptions(), nats.InProcessServer(in))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func natsOptions() []nats.Option {
	return []nats.Option{
		nats.ReconnectBufSize(-1), nats.MaxReconnects(-1), nats.ReconnectWait(10 * time.Millisecond), nats.NoEcho(),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}
}

// onServer opens a log on a connection.
func onServer(t testing.TB, nc *nats.Conn, c StreamConfig, now func() time.Time) *Stream {
	t.Helper()
	c.Logger = quiet
	s, err := openStream(t.Context(), nc, c, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { release(s) })
	return s
}

// heard is what a Stream has given to Receive.
type heard struct {
	mu   sync.Mutex
	msgs map[string][]Message
	n    int
	more chan struct{}
}

func newHeard() *heard { return &heard{msgs: map[string][]Message{}, more: make(chan struct{}, 1)} }

func (h *heard) receive(m Message) {
	h.mu.Lock()
	h.msgs[m.Conv] = append(h.msgs[m.Conv], m)
	h.n++
	h.mu.Unlock()
	select {
	case h.more <- struct{}{}:
	default:
	}
}

// wait waits until so many have come.
func (h *heard) wait(t testing.TB, n int) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		h.mu.Lock()
		got := h.n
		h.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-h.more:
		case <-timeout:
			t.Fatalf("%d of %d messages came", got, n)
		}
	}
}

// want compares what has come of a conversation with what the log has, in its order.
func (h *heard) want(t testing.TB, l Log, conv string, n int) {
	t.Helper()
	h.mu.Lock()
	got := slices.Clone(h.msgs[conv])
	h.mu.Unlock()
	if len(got) != n {
		t.Errorf("%s: %d messages came, want %d", conv, len(got), n)
	}
	if len(got) == 0 {
		return
	}
	stored, _, err := l.Read(conv, got[0].Seq-1, 0, n+1)
	if err != nil || !equalAll(got, stored) {
		t.Errorf("%s: %s came, %s is stored, %v", conv, describe(got), describe(stored), err)
	}
}

func describe(msgs []Message) string {
	var all []string
	for _, m := range msgs[:min(len(msgs), 20)] {
		all = append(all, fmt.Sprintf("%d<%d", m.Prev, m.Seq))
	}
	return fmt.Sprint(len(msgs), all)
}
