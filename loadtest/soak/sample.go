package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// sample is what the server's metrics said at a time.
type sample struct {
	at          time.Duration // since the begin of the soak
	memory      float64       // resident bytes
	heap        float64       // bytes that the last collection has left
	files       float64       // open descriptors
	goroutines  float64
	connections float64
	log         float64 // bytes on disk
	accepted    float64 // connections so far
	slow        float64 // times so far that a slow reader was cut off, or told of a gap
}

// beyond is how many descriptors are no connection's.
func (s sample) beyond() float64 { return s.files - s.connections }

// fields says where each figure stands in the metrics: the sum over all labels of these.
func (s *sample) fields() map[*float64][]string {
	return map[*float64][]string{
		&s.memory:      {"process_resident_memory_bytes"},
		&s.heap:        {"go_gc_heap_live_bytes"},
		&s.files:       {"process_open_fds"},
		&s.goroutines:  {"go_goroutines"},
		&s.connections: {"throng_engine_connections"},
		&s.log:         {"throng_log_disk_bytes"},
		&s.accepted:    {"throng_engine_connections_total"},
		&s.slow:        {"throng_engine_slow_readers_total", "throng_room_gaps_total"},
	}
}

// read reads the figures from a page in Prometheus's text format. Each must be there.
func (s *sample) read(page io.Reader) error {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(page)
	if err != nil {
		return err
	}
	for to, names := range s.fields() {
		*to = 0
		for _, name := range names {
			family := families[name]
			if family == nil {
				return fmt.Errorf("no %s among the metrics", name)
			}
			for _, m := range family.Metric {
				*to += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return nil
}

// mostPage bounds a page that is read, in bytes.
const mostPage = 8 << 20

// fetch gets a page of a private listener, HOST:PORT, and hands it to read.
func fetch(ctx context.Context, admin, path string, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+path, nil)
	if err != nil {
		return err
	}
	// Not kept open: it would be one of the server's descriptors that are counted, or not.
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, answer.Status)
	}
	return read(io.LimitReader(answer.Body, mostPage))
}

// look takes a sample.
func look(ctx context.Context, admin string) (s sample, err error) {
	err = fetch(ctx, admin, "/metrics", s.read)
	return s, err
}

// patience is how long the server may take to see that all users are gone, and to be done with them.
const patience = 30 * time.Second

// rest takes a sample of a server that nobody uses any more, after a collection of garbage. It waits until all connections are
// gone and so many goroutines are left at most, or for patience; which of the two it was, the sample tells.
func rest(ctx context.Context, admin string, goroutines float64) (s sample, err error) {
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(100 * time.Millisecond) {
		if s, err = look(ctx, admin); err != nil || s.connections == 0 && s.goroutines <= goroutines {
			break
		}
	}
	if err != nil {
		return s, err
	}
	discard := func(page io.Reader) error {
		_, err := io.Copy(io.Discard, page)
		return err
	}
	if err := fetch(ctx, admin, "/debug/pprof/heap?gc=1", discard); err != nil {
		return s, err
	}
	return look(ctx, admin)
}
