package main

import (
	"math"
	"testing"
)

func near(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b))
}

func TestLine(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name         string
		x, y         []float64
		slope, noise float64
	}{
		{"level", []float64{0, 1, 2}, []float64{7, 7, 7}, 0, 0},
		{"straight", []float64{0, 1, 2, 3}, []float64{1, 3, 5, 7}, 2, 0},
		{"falling, far from 0", []float64{100, 101, 103}, []float64{1e6, 1e6 - 5, 1e6 - 15}, -5, 0},
		// By hand: means 1.5 and 2, xx 5, xy 3, residuals -0.1 0.3 -0.3 0.1, their squares 0.2.
		{"with noise", []float64{0, 1, 2, 3}, []float64{1, 2, 2, 3}, 0.6, math.Sqrt(0.2 / 2 / 5)},
		{"a zigzag", []float64{0, 1, 2, 3, 4}, []float64{0, 1, 0, 1, 0}, 0, math.Sqrt(1.2 / 3 / 10)},
		{"at one time", []float64{1, 1, 1}, []float64{1, 2, 3}, nan, nan},
		{"two points", []float64{0, 1}, []float64{0, 1}, nan, nan},
		{"none", nil, nil, nan, nan},
	} {
		if slope, noise := line(c.x, c.y); !near(slope, c.slope) || !near(noise, c.noise) {
			t.Errorf("%s: %g ± %g, want %g ± %g", c.name, slope, noise, c.slope, c.noise)
		}
	}
}

// TestTrend looks at an hour of samples: what comes and goes within a block is averaged, what grows is seen beneath it.
func TestTrend(t *testing.T) {
	at, saw, grown := make([]float64, 720), make([]float64, 720), make([]float64, 720)
	for i := range at {
		at[i], saw[i] = float64(i)/720, 100+float64(i%30)
		grown[i] = saw[i] + 10*at[i]
	}
	level, steep := trendOf(at, saw), trendOf(at, grown)
	if level.first != 100 || level.last != 129 || level.min != 100 || level.max != 129 || !near(level.mean, 114.5) {
		t.Errorf("%+v", level)
	}
	if !near(level.slope, 0) || !near(steep.slope, 10) || steep.noise > 1e-9 {
		t.Errorf("slopes %g and %g ± %g, want 0 and 10", level.slope, steep.slope, steep.noise)
	}
	if few := trendOf([]float64{0, 1}, []float64{3, 4}); !math.IsNaN(few.slope) || few.first != 3 || few.last != 4 {
		t.Errorf("of two values: %+v", few)
	}
}

func TestVerdict(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		slope, noise, allowed float64
		want                  string
	}{
		{0, 0, 0, flat},
		{5, 0, 5, flat},
		{-5, 0, 5, flat},
		{-5.1, 0, 5, falls},
		{5.1, 0, 5, grows},
		{5.1, 2.5, 5, grows},
		{5.1, 2.6, 5, noisy},
		{0.1, 0.01, 0, grows},
		{nan, nan, 5, little},
	} {
		if got := (trend{slope: c.slope, noise: c.noise}).verdict(c.allowed); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
