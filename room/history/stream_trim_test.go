package history

import (
	"strings"
	"testing"
	"time"
)

// TestWeighReadsOnce has one node trim what grows, and another weigh it: it reads what is new, and not the whole again.
func TestWeighReadsOnce(t *testing.T) {
	const keep, size = 1 << 20, 1 << 10
	in := startServer(t, t.TempDir())
	conf := StreamConfig{Config: Config{KeepBytes: keep}}
	one, other := onServer(t, connect(t, in), conf, time.Now), onServer(t, connect(t, in), conf, time.Now)
	grow := func(n int) {
		for range n / 100 {
			var batch []*Entry
			for range 100 {
				batch = append(batch, say("all", 1, "", strings.Repeat("x", size)))
			}
			must(t, one, batch...)
		}
	}
	stored := func() weight {
		it, _, err := other.trimmed.newest(t.Context(), "all")
		if err != nil {
			t.Fatal(err)
		}
		return decodeWeight(it.data)
	}
	weigh := func(was weight) (weight, uint64) {
		before := other.nc.Stats().InBytes
		w, err := other.weigh(t.Context(), "all", was)
		if err != nil {
			t.Fatal(err)
		}
		return w, other.nc.Stats().InBytes - before
	}
	grow(1500)
	for stored().base == 0 { // one trims when it has grown by an eighth
		if err := pause(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	one.cuts.trims.work.Lock() // and trims no more
	defer one.cuts.trims.work.Unlock()
	whole, cost := weigh(weight{base: stored().base})
	if cost < keep/2 {
		t.Fatalf("%d bytes were read to weigh %d", cost, whole.bytes)
	}
	for i, what := range []string{"what another has weighed", "what was weighed here"} {
		clear(other.cuts.weighed)
		if i > 0 {
			other.cuts.note("all", whole)
		}
		grow(100)
		w, cost := weigh(stored())
		clear(other.cuts.weighed)
		want, _ := weigh(weight{base: stored().base})
		if w != want {
			t.Errorf("%s: %+v, want %+v", what, w, want)
		}
		if cost > keep/2 {
			t.Errorf("%s: %d bytes were read to weigh %d of which 100 KiB are new", what, cost, w.bytes)
		}
		whole = w
	}
}
