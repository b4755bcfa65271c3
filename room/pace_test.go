package room

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	const w, b, g = within, beyond, goesOn
	for _, c := range []struct {
		name  string
		rate  float64
		burst int
		at    []float64 // seconds
		want  []verdict
	}{
		{"no limit", 0, 0, []float64{0, 0, 0, 0, 0}, []verdict{w, w, w, w, w}},
		{"at the rate", 2, 1, []float64{0, .5, 1, 1.5}, []verdict{w, w, w, w}},
		{"a burst, and as much again before it is enough", 1, 2, []float64{0, 0, 0, 0, 0}, []verdict{w, w, b, b, g}},
		{"a burst of one", 1, 1, []float64{0, 0, 0}, []verdict{w, b, g}},
		{"patience brings it back", 1, 2, []float64{0, 0, 0, 1, 2, 3}, []verdict{w, w, b, w, w, w}},
		{"good and bad outweigh each other", 1, 1, []float64{0, 0, 1, 1, 2, 2}, []verdict{w, b, w, b, w, b}},
		{"what is refused costs nothing", 1, 3, []float64{0, 0, 0, .1, .2, .3, 1.1}, []verdict{w, w, w, b, b, b, w}},
		{"a rest fills the burst and no more", 10, 2, []float64{0, 100, 100, 100}, []verdict{w, w, w, b}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p pace
			limit := allowance{c.rate, float64(c.burst)}
			begin := time.Unix(1_700_000_000, 0)
			for i, at := range c.at {
				now := begin.Add(time.Duration(at * float64(time.Second)))
				if got := p.judge(limit, now, false); got != c.want[i] {
					t.Fatalf("message %d at %v s: verdict %d, want %d", i, at, got, c.want[i])
				}
			}
		})
	}
}
