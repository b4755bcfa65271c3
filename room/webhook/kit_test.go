package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

var testSecret = []byte("a secret of the test's")

// shelf is a Source in memory. Every third seq has no event.
type shelf struct {
	mu     sync.Mutex
	events []Event
	end    uint64
	cursor uint64
	fails  error
}

// put has something happen to users, one event each.
func (s *shelf) put(users ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, user := range users {
		s.end = max(s.end, 1) + 1 // 1 is in front of all
		if s.end%3 == 0 {
			s.end++
		}
		s.events = append(s.events, Event{
			Seq: s.end, ID: fmt.Sprint("id", s.end), User: user, Type: "message", Ts: time.Now().UnixMilli(),
			Data: fmt.Appendf(nil, `{"n":%d}`, s.end),
		})
	}
}

func (s *shelf) Scan(after uint64, limit int) (events []Event, next uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return nil, 0, s.fails
	}
	for _, e := range s.events {
		if e.Seq > after {
			if events = append(events, e); len(events) == limit {
				return events, e.Seq, nil
			}
		}
	}
	return events, max(s.end, after), nil
}

func (s *shelf) End() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end, s.fails
}

func (s *shelf) Cursor() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor, s.fails
}

func (s *shelf) Save(cursor uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor = max(s.cursor, cursor)
}

// posted is what came to an endpoint.
type posted struct {
	Type string          `json:"type"`
	ID   string          `json:"id"`
	Seq  uint64          `json:"seq"`
	Ts   int64           `json:"ts"`
	Data json.RawMessage `json:"data"`
}

// listen starts an endpoint whose answers are made by judge; what it answered with 200 is passed on.
func listen(t testing.TB, judge func(p posted) int) (url string, accepted <-chan posted) {
	t.Helper()
	passed := make(chan posted, 1<<16)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var p posted
		if err := json.NewDecoder(r.Body).Decode(&p); err != nil || p.ID != r.Header.Get("webhook-id") {
			t.Errorf("posted: %v, %+v, id %s", err, p, r.Header.Get("webhook-id"))
		}
		switch status := judge(p); status {
		case 0:
			panic(http.ErrAbortHandler) // the connection is closed without an answer
		case http.StatusOK:
			passed <- p
		default:
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, passed
}

// quick is a Config whose pauses are short.
func quick(source Source, url string) Config {
	return Config{
		Source: source, URL: url, Secrets: [][]byte{testSecret}, Logger: quiet, poll: 2 * time.Millisecond,
		shortest: time.Millisecond, longest: 8 * time.Millisecond, longestRest: 8 * time.Millisecond,
	}
}

// dispatch has a Dispatcher work until the test ends, or the returned function is called.
func dispatch(t testing.TB, c Config) (d *Dispatcher, stop func()) {
	t.Helper()
	d = New(c)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		d.Dispatch(ctx)
		close(done)
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return d, stop
}

// patience is how long a test waits for what must come.
const patience = time.Minute

// next is the next that was accepted.
func next(t testing.TB, accepted <-chan posted) posted {
	t.Helper()
	select {
	case p := <-accepted:
		return p
	case <-time.After(patience):
		t.Fatal("nothing was posted")
		return posted{}
	}
}

// eventually waits for something to be so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal(what)
		}
	}
}

// value is what a counter stands at.
func value(c prometheus.Collector) (sum float64) {
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	families, _ := r.Gather()
	for _, f := range families {
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}
