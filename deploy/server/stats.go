package server

import (
	"math"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"throng/web/admin"
)

// process is what the API tells of this process.
type process struct {
	*Server
	started time.Time
}

// Now implements admin.Stats.
func (p process) Now() admin.Process {
	here := p.hub.Vitals()
	now := admin.Process{
		Version: p.options.Version, Node: here.Node, Now: time.Now().UnixMilli(), Started: p.started.UnixMilli(), Online: here.Online,
		Connections: p.engine.Conns(), Rooms: here.Rooms, IsDraining: p.engine.Draining(),
		Gauges:   map[string]float64{"waiting_bytes": float64(here.Waiting), "backlog_bytes": float64(here.Backlog)},
		Counters: map[string]float64{}, Histograms: map[string]admin.Histogram{},
	}
	var problems []string
	for _, r := range p.reasons() {
		problems = append(problems, r.Detail)
	}
	now.Problem = strings.Join(problems, "; ")
	families, err := p.stats.Gather()
	if err != nil {
		p.options.Log.Warn("not everything that is counted can be told", "err", err)
	}
	for _, f := range families {
		if isTold(f.GetName()) {
			tell(&now, f)
		}
	}
	return now
}

// runtimeTold are those of the names of others that the API tells.
var runtimeTold = []string{
	"go_goroutines", "go_memstats_heap_inuse_bytes", "go_memstats_next_gc_bytes", "process_resident_memory_bytes", "process_open_fds",
	"process_max_fds", "process_cpu_seconds_total",
}

func isTold(name string) bool {
	return strings.HasPrefix(name, "throng_") || slices.Contains(runtimeTold, name)
}

// tell adds what a family of metrics has.
func tell(now *admin.Process, f *dto.MetricFamily) {
	name := f.GetName()
	for _, m := range f.GetMetric() {
		switch f.GetType() {
		case dto.MetricType_COUNTER:
			now.Counters[name] += finite(m.GetCounter().GetValue())
		case dto.MetricType_GAUGE:
			now.Gauges[name] += finite(m.GetGauge().GetValue())
		case dto.MetricType_HISTOGRAM:
			if strings.HasSuffix(name, "_seconds") {
				now.Histograms[name+labels(m)] = histogram(m.GetHistogram())
			} else {
				now.Counters[name+"_sum"] += finite(m.GetHistogram().GetSampleSum())
			}
		}
	}
}

// finite is a number that JSON has.
func finite(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

// labels are those of a metric, as /metrics writes them.
func labels(m *dto.Metric) string {
	if len(m.GetLabel()) == 0 {
		return ""
	}
	var pairs []string
	for _, l := range m.GetLabel() {
		pairs = append(pairs, l.GetName()+`="`+l.GetValue()+`"`)
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

func histogram(from *dto.Histogram) (h admin.Histogram) {
	h.Count = from.GetSampleCount()
	for _, b := range from.GetBucket() {
		if !math.IsInf(b.GetUpperBound(), 0) {
			h.Bounds = append(h.Bounds, b.GetUpperBound())
			h.Counts = append(h.Counts, b.GetCumulativeCount())
		}
	}
	return h
}
