package run

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// TestStalledGenerator takes the processor away from a worker in the steady phase: the result says so, and what waited
// for the worker is not in the latencies.
func TestStalledGenerator(t *testing.T) {
	t.Parallel()
	const stall = 1500 * time.Millisecond
	for _, scenario := range []string{"broadcast", "direct"} {
		for _, workers := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s with %d", scenario, workers), func(t *testing.T) {
				t.Parallel()
				p := small(scenario)
				p.Rate, p.Duration, p.Processes = 100, 5*time.Second, workers
				r := begin(t, p)
				r.talks("steady")
				pid := r.oldest("worker")
				kill(t, pid, syscall.SIGSTOP)
				time.Sleep(stall) // the stall itself
				kill(t, pid, syscall.SIGCONT)
				res := r.done()
				innocent(t, res)
				g := res.Generator
				if !g.Saturated || len(g.Why) == 0 || g.Tainted == 0 || g.LateSends == 0 || g.Stalled < 1 {
					t.Errorf("generator %+v", g)
				}
				for metric, l := range res.Latency {
					if l.Max >= 1 {
						t.Errorf("%s took %v s at most: that is the stall, not the server", metric, l.Max)
					}
				}
				if res.Latency[scenario].Count == 0 {
					t.Errorf("no latencies: %+v", res.Latency)
				}
				seen := 0.0
				for _, point := range res.Series {
					seen += point.Stalled
				}
				if seen < 1 {
					t.Errorf("the series tell of %v s", seen)
				}
			})
		}
	}
}
