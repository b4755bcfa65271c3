package admin

import (
	"math"
	"runtime"
	"strings"
	"testing"
)

func TestQuantiles(t *testing.T) {
	h := Histogram{Bounds: []float64{1, 2, 4}, Counts: []uint64{10, 20, 40}, Count: 50}
	for share, want := range map[float64]float64{0: 0, 0.1: 0.5, 0.2: 1, 0.4: 2, 0.6: 3, 0.8: 4, 1: 4} {
		if got := h.quantile(share); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v: %v, want %v", share, got, want)
		}
	}
	if got := (Histogram{}).quantile(0.5); got != 0 {
		t.Error(got)
	}
	since := h.minus(Histogram{Bounds: h.Bounds, Counts: []uint64{10, 10, 10}, Count: 10})
	if since.Count != 40 || since.Counts[0] != 0 || since.Counts[2] != 30 {
		t.Error(since)
	}
	if got := h.minus(Histogram{Count: 60}); got.Count != 50 { // it has begun anew
		t.Error(got)
	}
}

func TestSeries(t *testing.T) {
	o := open(t)
	at := func(second int64, count float64, below uint64) Process {
		return Process{
			Now: second * 1000, Online: int(second), Gauges: map[string]float64{}, Counters: map[string]float64{"c": count},
			Histograms: map[string]Histogram{"h": {[]float64{1, 2}, []uint64{below, below}, below}},
		}
	}
	for len(o.past.all()) == 0 { // the first sample comes by itself
		runtime.Gosched()
	}
	o.past.mu.Lock()
	o.past.samples = []Process{at(5, 100, 0), at(10, 200, 10), at(15, 50, 10)} // the counter began anew
	o.past.samples[2].Gauges["new"] = 7
	o.past.mu.Unlock()
	const want = `{"at":[5000,10000,15000],` +
		`"gauges":{"connections":[0,0,0],"new":[null,null,7],"online":[5,10,15],"rooms":[0,0,0]},` +
		`"rates":{"c":[null,20,null]},"p50_ms":{"h":[null,500,null]},"p99_ms":{"h":[null,990,null]}}`
	if _, text, _ := o.ask("GET", "/api/series", ""); strings.TrimSpace(text) != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	if _, text, _ := o.ask("GET", "/api/series?since=10000", ""); !strings.HasPrefix(text, `{"at":[15000],"gauges":{"connections":[0],`) {
		t.Error(text)
	}
	if _, text, _ := o.ask("GET", "/api/series?since=15000", ""); !strings.HasPrefix(text, `{"at":[],"gauges":{},`) {
		t.Error(text)
	}
	for range 2 * maxSamples {
		o.past.add(Process{})
	}
	if n := len(o.past.all()); n != maxSamples {
		t.Error(n)
	}
}
