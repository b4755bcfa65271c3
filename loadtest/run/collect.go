package run

import (
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"throng/loadtest/ledger"
	"throng/loadtest/report"
)

// collector puts the workers' news together. Its methods may be called from any goroutine.
type collector struct {
	mu       sync.Mutex  // guards all below
	last     []news      // of each worker
	rates    []rates     // of each worker
	heard    []time.Time // when each worker was heard last
	merger   *ledger.Merger
	recent   hists   // all latencies since the last point
	measured hists   // those of the measured stages since the last takeMeasured
	windows  []stage // the measured stages
	stalled  int64   // when the last stall of any worker ended, on the run's clock
	missed   int64   // broadcasts of which it could not be told when the first and the last recipient had them
	turn     int64   // the longest turn of a loop, nanoseconds
}

// hists are histograms by metric.
type hists map[string]*hdrhistogram.Histogram

// of is the histogram of a metric, made when it is needed.
func (h hists) of(metric string) *hdrhistogram.Histogram {
	if h[metric] == nil {
		h[metric] = report.NewHistogram()
	}
	return h[metric]
}

// merge adds histograms in their wire form. What cannot be read is another version's and is left out.
func (h hists) merge(wires map[string][]byte) {
	for metric, wire := range wires {
		if got, err := report.Decode(wire); err == nil {
			h.of(metric).Merge(got)
		}
	}
}

// latencies are the distributions of all metrics that have samples.
func (h hists) latencies() map[string]report.Latency {
	found := map[string]report.Latency{}
	for metric, hist := range h {
		if hist.TotalCount() > 0 {
			found[metric] = report.LatencyOf(hist)
		}
	}
	return found
}

func newCollector(workers int, merger *ledger.Merger) *collector {
	return &collector{last: make([]news, workers), rates: make([]rates, workers), heard: make([]time.Time, workers), merger: merger, recent: hists{}, measured: hists{}}
}

// tell takes the news of one worker.
func (c *collector) tell(worker int, n *news) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recent.merge(n.Hists)
	c.recent.merge(n.Unmeasured)
	c.measured.merge(n.Hists)
	c.heard[worker] = time.Now()
	c.turn = max(c.turn, n.Counts.Turn)
	c.merger.Add(worker, n.Spread)
	c.stalled = max(c.stalled, n.Stalled)
	c.spread(n.At)
	n.Hists, n.Unmeasured, n.Spread = nil, nil, nil
	c.rates[worker].update(n)
	c.last[worker] = *n
}

// rates are how fast a worker's counts rise, by its own clock: its news and the points of the timeline come at
// different moments.
type rates struct {
	base            news
	sent, delivered float64 // a second
	cpu             float64 // processors
}

// shortest is the least time between two news that a rate is taken from, in nanoseconds.
const shortest = int64(500 * time.Millisecond)

func (r *rates) update(n *news) {
	took := float64(n.At-r.base.At) / 1e9
	if n.At-r.base.At < shortest {
		return
	}
	r.sent = float64(n.Counts.Sent-r.base.Counts.Sent) / took
	r.delivered = float64(n.Counts.Delivered-r.base.Counts.Delivered) / took
	r.cpu = float64(n.CPU-r.base.CPU) / 1e9 / took
	r.base = *n
}

// stale is how old news may be, in nanoseconds, and still say how fast something goes.
const stale = int64(3 * time.Second)

// listen takes it that every worker has just been heard.
func (c *collector) listen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.heard {
		c.heard[i] = time.Now()
	}
}

// silent is a worker that has said nothing for too long; -1: all speak.
func (c *collector) silent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, at := range c.heard {
		if time.Since(at) > silence {
			return i
		}
	}
	return -1
}

// rate is how fast the counts of all workers rise at a moment of the run's clock.
func (c *collector) rate(now int64) (sum rates) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.rates {
		if now-r.base.At > stale {
			continue
		}
		sum.sent += r.sent
		sum.delivered += r.delivered
		sum.cpu += r.cpu
	}
	return sum
}

// spread records when the first and when the last recipient had each broadcast that all have, or that nobody waits for
// any more.
func (c *collector) spread(now int64) {
	done, missed := c.merger.Drain(now)
	c.missed += missed
	for _, reach := range done {
		if reach.Tardy || reach.At < c.stalled {
			continue // it may have waited for a worker
		}
		c.recent.reached(reach)
		if slices.ContainsFunc(c.windows, func(s stage) bool { return reach.At >= s.From && reach.At < s.Until }) {
			c.measured.reached(reach)
		}
	}
}

// reached records when the first and the last recipient had a broadcast.
func (h hists) reached(r ledger.Reach) {
	report.Record(h.of("first"), time.Duration(r.First))
	report.Record(h.of("last"), time.Duration(r.Last))
}

// measure says that what is meant to be sent in a stage counts.
func (c *collector) measure(s stage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.windows = append(c.windows, s)
}

// absorb adds the samples of others.
func (h hists) absorb(others hists) {
	for metric, hist := range others {
		h.of(metric).Merge(hist)
	}
}

// counts are the workers' totals.
func (c *collector) counts() (sum counts, reasons map[string]int, cpu, memory int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	reasons = map[string]int{}
	for _, n := range c.last {
		sum.add(n.Counts)
		cpu += n.CPU
		memory += n.Memory
		for why, count := range n.Reasons {
			reasons[why] += count
		}
	}
	return sum, reasons, cpu, memory
}

// turned is why attempts to come in failed, so far.
func (c *collector) turned() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	reasons := map[string]int{}
	for _, n := range c.last {
		for why, count := range n.Turned {
			reasons[why] += count
		}
	}
	return reasons
}

// unclear is of how many broadcasts it could not be told when the first and the last recipient had them.
func (c *collector) unclear() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.missed
}

// longestTurn is the longest that a worker's loop took over all sockets that were ready.
func (c *collector) longestTurn() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(c.turn)
}

// takeRecent returns the latencies since it was last called.
func (c *collector) takeRecent() hists {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.recent
	c.recent = hists{}
	return taken
}

// takeMeasured returns the latencies of the measured stages since it was last called.
func (c *collector) takeMeasured() hists {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.measured
	c.measured = hists{}
	return taken
}

// add sums totals up; of turns the longest counts.
func (c *counts) add(o counts) {
	c.Asked += o.Asked
	c.Trying += o.Trying
	c.Turned += o.Turned
	c.Connected += o.Connected
	c.Ever += o.Ever
	c.Failed += o.Failed
	c.Again += o.Again
	c.Dropped += o.Dropped
	c.Sent += o.Sent
	c.Unsent += o.Unsent
	c.Skipped += o.Skipped
	c.Returning += o.Returning
	c.Reading += o.Reading
	for kind, n := range o.Acked {
		c.Acked[kind] += n
	}
	c.Waiting += o.Waiting
	c.Paged += o.Paged
	c.Gaps += o.Gaps
	c.Holes += o.Holes
	c.Kept += o.Kept
	c.LateSends += o.LateSends
	c.Delivered += o.Delivered
	c.Duplicated += o.Duplicated
	c.Reordered += o.Reordered
	c.Corrupted += o.Corrupted
	c.Late += o.Late
	c.Tainted += o.Tainted
	c.Refused += o.Refused
	c.Stalled += o.Stalled
	c.Turn = max(c.Turn, o.Turn)
}
