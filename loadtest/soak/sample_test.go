package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const page = `# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 5.1253248e+07
# TYPE go_gc_heap_live_bytes gauge
go_gc_heap_live_bytes 2.784464e+06
# TYPE process_open_fds gauge
process_open_fds 225
# TYPE go_goroutines gauge
go_goroutines 26
# TYPE throng_engine_connections gauge
throng_engine_connections 200
# TYPE throng_engine_connections_total counter
throng_engine_connections_total 1015
# TYPE throng_log_disk_bytes gauge
throng_log_disk_bytes 3000
# TYPE throng_engine_slow_readers_total counter
throng_engine_slow_readers_total 2
# TYPE throng_room_gaps_total counter
throng_room_gaps_total{of="one"} 1
throng_room_gaps_total{of="another"} 2
# TYPE throng_engine_stage_seconds histogram
throng_engine_stage_seconds_bucket{stage="read",le="+Inf"} 4
throng_engine_stage_seconds_sum{stage="read"} 1
throng_engine_stage_seconds_count{stage="read"} 4
`

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, page string
		want       sample
		failed     string // part of the error
	}{
		{name: "whole", page: page, want: sample{
			memory: 51253248, heap: 2784464, files: 225, goroutines: 26, connections: 200, log: 3000, accepted: 1015, slow: 5,
		}},
		{name: "one is missing", page: strings.Replace(page, "go_goroutines", "go_routines", 2), failed: "no go_goroutines among the metrics"},
		{name: "empty", failed: "among the metrics"},
		{name: "no number", page: "process_open_fds x\n", failed: "expected float"},
		{name: "cut off", page: page[:len(page)-40], failed: "text format parsing error"},
		{name: "another page", page: "<html>", failed: "text format parsing error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s sample
			err := s.read(strings.NewReader(c.page))
			if c.failed != "" {
				if err == nil || !strings.Contains(err.Error(), c.failed) {
					t.Fatalf("got %v, want %q", err, c.failed)
				}
				return
			}
			if err != nil || s != c.want {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, s, c.want)
			}
		})
	}
}

func TestLook(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(page))
	}))
	defer server.Close()
	admin := server.Listener.Addr().String()
	if s, err := look(t.Context(), admin); err != nil || s.files != 225 || s.beyond() != 25 {
		t.Errorf("%+v, %v", s, err)
	}
	status = http.StatusServiceUnavailable
	if _, err := look(t.Context(), admin); err == nil || !strings.Contains(err.Error(), "/metrics: 503") {
		t.Errorf("refused: %v", err)
	}
}
