package main

import "math"

// mostBlocks is into how many blocks the samples are cut; see the package's text.
const mostBlocks = 12

// trend is what a figure did over a time. Slope is in its unit an hour, and noise the slope's standard error; NaN where there
// are too few blocks to tell.
type trend struct {
	first, last, min, max, mean float64
	slope, noise                float64
}

// trendOf looks at values at times in hours, at least one of them.
func trendOf(at, v []float64) trend {
	t := trend{first: v[0], last: v[len(v)-1], min: v[0], max: v[0], mean: mean(v)}
	for _, x := range v {
		t.min, t.max = min(t.min, x), max(t.max, x)
	}
	var x, y []float64
	n := min(mostBlocks, len(v))
	for i := range n {
		from, to := i*len(v)/n, (i+1)*len(v)/n
		x, y = append(x, mean(at[from:to])), append(y, mean(v[from:to]))
	}
	t.slope, t.noise = line(x, y)
	return t
}

// line is the slope of the line of least squares through points, and its standard error. Of less than three points, or of points
// at one time, both are NaN.
func line(x, y []float64) (slope, noise float64) {
	if len(x) < 3 {
		return math.NaN(), math.NaN()
	}
	mx, my := mean(x), mean(y)
	var xx, xy, rest float64
	for i := range x {
		xx += (x[i] - mx) * (x[i] - mx)
		xy += (x[i] - mx) * (y[i] - my)
	}
	slope = xy / xx
	for i := range x {
		d := y[i] - my - slope*(x[i]-mx)
		rest += d * d
	}
	return slope, math.Sqrt(rest / float64(len(x)-2) / xx)
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// What a slope can be.
const (
	flat   = "flat"
	noisy  = "within noise"
	falls  = "falls"
	grows  = "**grows**"
	little = "**too short to tell**"
)

// verdict says what the slope is, where so much growth an hour is allowed.
func (t trend) verdict(allowed float64) string {
	switch {
	case math.IsNaN(t.slope):
		return little
	case t.slope < -allowed:
		return falls
	case t.slope <= allowed:
		return flat
	case t.slope < 2*t.noise:
		return noisy
	}
	return grows
}
