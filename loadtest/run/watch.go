package run

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"throng/loadtest/process"
)

// watched is a server process whose cost is looked at once a second.
type watched struct {
	name  string
	usage func() (cpu time.Duration, memory int64, err error)

	cpu    time.Duration // processor time so far
	memory int64         // resident bytes
	empty  int64         // before the first user
	most   int64         // at most
}

// look reads the server's usage. A server that cannot be seen keeps its last values; the run tells its end by other signs.
func (w *watched) look() error {
	cpu, memory, err := w.usage()
	if err == nil {
		w.cpu, w.memory, w.most = cpu, memory, max(w.most, memory)
	}
	return err
}

// watchPid watches a process on this machine.
func watchPid(name string, pid int) *watched {
	return &watched{name: name, usage: func() (time.Duration, int64, error) {
		cpu, err := process.CPUTime(pid)
		if err != nil {
			return 0, 0, err
		}
		memory, err := process.Resident(pid)
		return cpu, int64(memory), err
	}}
}

// watchAdmin watches a server by the metrics of its private listener. Any server will do that tells the process metrics
// of the Prometheus conventions.
func watchAdmin(url string) *watched {
	client := &http.Client{Timeout: 900 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	return &watched{name: url, usage: func() (time.Duration, int64, error) {
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, strings.TrimSuffix(url, "/")+"/metrics", nil)
		if err != nil {
			return 0, 0, err
		}
		reply, err := client.Do(request)
		if err != nil {
			return 0, 0, err
		}
		defer reply.Body.Close()
		if reply.StatusCode != http.StatusOK {
			return 0, 0, fmt.Errorf("%s/metrics: %s", url, reply.Status)
		}
		return processMetrics(io.LimitReader(reply.Body, 8<<20))
	}}
}

// processMetrics finds the processor time and the resident memory in Prometheus's text format.
func processMetrics(page io.Reader) (cpu time.Duration, memory int64, err error) {
	lines := bufio.NewScanner(page)
	found := 0
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if name != "process_cpu_seconds_total" && name != "process_resident_memory_bytes" {
			continue
		}
		number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			return 0, 0, fmt.Errorf("metric %s: %w", name, err)
		}
		found++
		if name == "process_cpu_seconds_total" {
			cpu = time.Duration(number * float64(time.Second))
		} else {
			memory = int64(number)
		}
	}
	if err := lines.Err(); err != nil {
		return 0, 0, err
	}
	if found < 2 {
		return 0, 0, fmt.Errorf("no process_cpu_seconds_total and process_resident_memory_bytes among the metrics")
	}
	return cpu, memory, nil
}
