package run

import (
	"strings"
	"testing"
	"time"

	"throng/loadtest/report"
)

// TestFindCapacity searches the capacity of a server that passes 100 messages a second and no more.
func TestFindCapacity(t *testing.T) {
	t.Parallel()
	const most = 100
	p := small("direct", newProxy(t, &proxy{server: started(t).Addr, slot: time.Second / most}).addr)
	p.Users, p.Rate, p.Step, p.Search = 20, 25, 500*time.Millisecond, true
	level, err := report.ParseSLO("direct.p99<300ms")
	if err != nil {
		t.Fatal(err)
	}
	p.SLOs = []report.SLO{level}
	res := begin(t, p).done()
	innocent(t, res)
	found := res.Capacity
	if found == nil || len(found.Steps) == 0 {
		t.Fatalf("capacity %+v", found)
	}
	var good, bad float64
	after := 0 // steps after the first that broke
	for i, s := range found.Steps {
		if want := nextRate(p.Rate, good, bad); s.Rate != want {
			t.Errorf("step %d: %v/s, want %v between %v and %v", i, s.Rate, want, good, bad)
		}
		if len(s.Verdicts) != 1 || s.Kept != (s.Verdicts[0].Kept && !s.Saturated) {
			t.Errorf("step %d: %+v", i, s)
		}
		if s.Rate >= 2*most && s.Kept {
			t.Errorf("step %d: %v/s held with a server that passes %d", i, s.Rate, most)
		}
		if s.Delivered > 1.5*most || s.Delivered <= 0 {
			t.Errorf("step %d: %v deliveries a second of a server that passes %d", i, s.Delivered, most)
		}
		if bad > 0 {
			after++
		}
		if s.Kept {
			good = s.Rate
		} else {
			bad = s.Rate
		}
	}
	if after != halvings || found.Knee != good || found.Knee >= 2*most || found.Limit == "" {
		t.Errorf("capacity %+v after %d halvings, want %v", found, after, good)
	}
	if good == 0 {
		t.Log("the machine is so busy that no step held")
	}
}

// TestUsualLevels checks that a search without levels has some, by what the scenario says.
func TestUsualLevels(t *testing.T) {
	for scenario, want := range map[string]string{
		"broadcast": "lost==0 broadcast.p99<500ms",
		"direct":    "lost==0 direct.p99<100ms",
		"chat":      "lost==0 broadcast.p99<500ms direct.p99<100ms",
	} {
		p := small(scenario)
		var texts []string
		for _, level := range p.usual() {
			texts = append(texts, level.Text)
		}
		if got := strings.Join(texts, " "); got != want {
			t.Errorf("%s: %s, want %s", scenario, got, want)
		}
	}
}

// TestNextRate checks the road of a search whose server holds up to a rate.
func TestNextRate(t *testing.T) {
	cases := []struct {
		first, holds float64
		want         []float64
	}{
		{100, 450, []float64{100, 200, 400, 800, 600, 500, 450, 475}},
		{100, 30, []float64{100, 50, 25, 37.5, 31.25}},
		{100, 0, []float64{100, 50, 25, 12.5, 6.25}},
	}
	for _, c := range cases {
		var good, bad float64
		for i, want := range c.want {
			rate := nextRate(c.first, good, bad)
			if rate != want {
				t.Errorf("from %v, holding %v: step %d is %v, want %v", c.first, c.holds, i, rate, want)
			}
			if rate <= c.holds {
				good = rate
			} else {
				bad = rate
			}
		}
	}
}
