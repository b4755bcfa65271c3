package admin

import "maps"

// Stats is what the API needs of what is counted. Its methods are called from any number of goroutines.
type Stats interface {
	// Now is how this process is. What it returns is the caller's.
	Now() Process
}

// Process is how a process of the server is.
type Process struct {
	Version     string `json:"version"`
	Node        string `json:"node"`        // "": there is one
	Now         int64  `json:"now"`         // ms since 1970
	Started     int64  `json:"started"`     // the same
	Online      int    `json:"online"`      // people's sessions, on this node
	Connections int    `json:"connections"` // sockets
	Rooms       int    `json:"rooms"`       // with people of this node
	IsDraining  bool   `json:"draining"`
	Problem     string `json:"problem"` // why it cannot serve at present; "": it can

	// What else is measured, by the names that it has in /metrics; those of one name are added up over their labels.
	Gauges   map[string]float64 `json:"gauges"`
	Counters map[string]float64 `json:"counters"`
	// Histograms, of seconds, are one for each set of labels, which are part of the name: throng_x_seconds{stage="log"}.
	Histograms map[string]Histogram `json:"-"`
}

// Histogram is how many of something were at most so large, since the start.
type Histogram struct {
	Bounds []float64 // rising; what is larger than the last is counted in Count alone
	Counts []uint64  // for each bound
	Count  uint64
}

// minus is what came since an earlier state.
func (h Histogram) minus(earlier Histogram) Histogram {
	if len(earlier.Counts) != len(h.Counts) || earlier.Count > h.Count {
		return h
	}
	since := Histogram{Bounds: h.Bounds, Counts: make([]uint64, len(h.Counts)), Count: h.Count - earlier.Count}
	for i := range h.Counts {
		since.Counts[i] = h.Counts[i] - min(h.Counts[i], earlier.Counts[i])
	}
	return since
}

// quantile is below what a share of all are, as far as the bounds tell; the last bound is for all that are larger.
func (h Histogram) quantile(share float64) float64 {
	wanted, below, from := share*float64(h.Count), 0.0, 0.0
	for i, to := range h.Bounds {
		count := float64(h.Counts[i])
		if count >= wanted && count > below {
			return from + (to-from)*(wanted-below)/(count-below)
		}
		below, from = count, to
	}
	return from
}

// Latency is how long something took, in the last minute.
type Latency struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
}

func (h Histogram) latency() Latency {
	const ms = 1000
	return Latency{h.Count, h.quantile(0.5) * ms, h.quantile(0.9) * ms, h.quantile(0.99) * ms}
}

// report is what /api/stats answers.
type report struct {
	Process
	Rates   map[string]float64 `json:"rates"`   // of counters, a second, lately
	Latency map[string]Latency `json:"latency"` // by the names of histograms
}

func (s *Server) now(c *call) (any, error) {
	if q := c.query(); q.bad != nil {
		return nil, q.bad
	}
	r := report{Process: s.stats.Now(), Rates: map[string]float64{}, Latency: map[string]Latency{}}
	if before, ok := s.past.lately(r.Now); ok {
		maps.Copy(r.Rates, rates(&before, &r.Process))
	}
	if before, ok := s.past.before(r.Now - minute); ok {
		for name, h := range r.Histograms {
			r.Latency[name] = h.minus(before.Histograms[name]).latency()
		}
	}
	return r, nil
}

// rates are how fast counters rise, a second. One that has begun anew has none.
func rates(before, after *Process) map[string]float64 {
	all := make(map[string]float64, len(after.Counters))
	seconds := float64(after.Now-before.Now) / 1000
	for name, value := range after.Counters {
		if rise := value - before.Counters[name]; rise >= 0 && seconds > 0 {
			all[name] = rise / seconds
		}
	}
	return all
}

// nodeList is all nodes.
type nodeList struct {
	Nodes []Node `json:"nodes"`
}

func (s *Server) nodes(c *call) (any, error) {
	if q := c.query(); q.bad != nil {
		return nil, q.bad
	}
	return nodeList{s.chat.Nodes(c.Context())}, nil
}
