package admin

import (
	"slices"
	"sync"
	"time"
)

const (
	// sampleEvery is how often it is noted how the process is.
	sampleEvery = 5 * time.Second
	// maxSamples is for how long: ten minutes.
	maxSamples = 121
	minute     = int64(time.Minute / time.Millisecond)
)

// past is how the process was in the last ten minutes.
type past struct {
	mu      sync.Mutex // guards samples, which are immutable themselves; a leaf
	samples []Process  // the oldest first
}

func (p *past) add(now Process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.samples) >= maxSamples {
		p.samples = slices.Delete(p.samples, 0, 1)
	}
	p.samples = append(p.samples, now)
}

// all are the samples that there are.
func (p *past) all() []Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.samples)
}

// lately is the newest sample that is a few seconds old, so that rates since then say something.
func (p *past) lately(now int64) (Process, bool) {
	return p.before(now - int64(sampleEvery/time.Millisecond)/2)
}

// before is the newest sample that is not younger than a time, in ms since 1970, or the oldest that there is.
func (p *past) before(at int64) (found Process, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.samples) == 0 {
		return Process{}, false
	}
	found = p.samples[0]
	for _, s := range p.samples {
		if s.Now <= at {
			found = s
		}
	}
	return found, true
}

// watch notes how the process is until the server is closed.
func (s *Server) watch() {
	defer close(s.watched)
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		s.past.add(s.stats.Now())
		select {
		case <-ticker.C:
		case <-s.ended.Done():
			return
		}
	}
}

// series are the last ten minutes, in columns that are as long as At; null where nothing was measured.
type series struct {
	At     []int64               `json:"at"` // ms since 1970
	Gauges map[string][]*float64 `json:"gauges"`
	Rates  map[string][]*float64 `json:"rates"` // a second
	P50    map[string][]*float64 `json:"p50_ms"`
	P99    map[string][]*float64 `json:"p99_ms"`
}

func (s *Server) series(c *call) (any, error) {
	q := c.query("since")
	since := q.number("since", 0, 1<<53, 0)
	if q.bad != nil {
		return nil, q.bad
	}
	all := s.past.all()
	answer := series{
		Gauges: map[string][]*float64{}, Rates: map[string][]*float64{}, P50: map[string][]*float64{}, P99: map[string][]*float64{},
	}
	first := slices.IndexFunc(all, func(p Process) bool { return p.Now > int64(since) })
	if first < 0 {
		return answer, nil
	}
	for i := first; i < len(all); i++ {
		answer.At = append(answer.At, all[i].Now)
		answer.addGauges(&all[i])
		if i > 0 {
			answer.addRises(&all[i-1], &all[i])
		}
	}
	for _, columns := range []map[string][]*float64{answer.Gauges, answer.Rates, answer.P50, answer.P99} {
		for name, column := range columns {
			columns[name] = fill(column, len(answer.At))
		}
	}
	return answer, nil
}

// put puts a value into the last line of a column.
func (a *series) put(columns map[string][]*float64, name string, value float64) {
	columns[name] = append(fill(columns[name], len(a.At)-1), &value)
}

// fill makes a column so long.
func fill(column []*float64, length int) []*float64 {
	for len(column) < length {
		column = append(column, nil)
	}
	return column
}

func (a *series) addGauges(p *Process) {
	for name, value := range p.Gauges {
		a.put(a.Gauges, name, value)
	}
	a.put(a.Gauges, "online", float64(p.Online))
	a.put(a.Gauges, "connections", float64(p.Connections))
	a.put(a.Gauges, "rooms", float64(p.Rooms))
}

func (a *series) addRises(before, after *Process) {
	for name, rate := range rates(before, after) {
		a.put(a.Rates, name, rate)
	}
	for name, h := range after.Histograms {
		if since := h.minus(before.Histograms[name]); since.Count > 0 {
			l := since.latency()
			a.put(a.P50, name, l.P50)
			a.put(a.P99, name, l.P99)
		}
	}
}
