package run

import (
	"maps"
	"strings"
	"sync"
	"time"

	"throng/loadtest/report"
)

// mostReasons bounds the different errors that are told apart.
const mostReasons = 50

// meter counts what happens in a worker, and keeps the latencies since it was last read. Its methods may be called from
// any goroutine.
type meter struct {
	mu         sync.Mutex // guards all below
	counts     counts
	measured   hists
	unmeasured hists
	reasons    map[string]int
	turned     map[string]int // those of attempts to come in
	from       int64          // what is meant to be sent from here on counts, on the run's clock
	until      int64          // and up to here
}

func newMeter() *meter {
	return &meter{measured: hists{}, unmeasured: hists{}, reasons: map[string]int{}, turned: map[string]int{}}
}

// add changes the counts.
func (m *meter) add(change func(*counts)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.counts)
}

// took records a latency that counts.
func (m *meter) took(metric string, d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	report.Record(m.measured.of(metric), d)
}

// measure says which messages' latencies count.
func (m *meter) measure(s stage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.from, m.until = s.From, s.Until
	if !s.Measure {
		m.until = s.From
	}
}

// blame counts an error by its words.
func (m *meter) blame(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.because(err)
}

// turnAway counts an attempt to come in that failed.
func (m *meter) turnAway(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.Turned++
	m.turned[m.because(err)]++
}

// because counts a reason and returns it. The caller holds mu.
func (m *meter) because(err error) string {
	why := strings.ReplaceAll(err.Error(), "loadtest: ", "") // who reads the report does not know the package
	if _, known := m.reasons[why]; !known && len(m.reasons) >= mostReasons {
		why = "other errors"
	}
	m.reasons[why]++
	return why
}

// read fills n with the counts and the latencies since the last time.
func (m *meter) read(n *news) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n.Counts = m.counts
	n.Hists, n.Unmeasured = m.measured.encode(), m.unmeasured.encode()
	n.Reasons, n.Turned = maps.Clone(m.reasons), maps.Clone(m.turned)
}

// encode empties the histograms and returns what was in them in wire form.
func (h hists) encode() map[string][]byte {
	wires := map[string][]byte{}
	for metric, hist := range h {
		if hist.TotalCount() > 0 {
			wires[metric] = report.Encode(hist)
			hist.Reset()
		}
	}
	return wires
}
