package report

import (
	"fmt"
	"math"
	"strconv"
)

// axis turns values into places on the page.
type axis struct {
	from, to float64 // values
	log      bool
	lo, hi   float64 // places of from and to
}

func (a axis) at(v float64) px {
	from, to := a.from, a.to
	if a.log {
		v, from, to = math.Log10(max(v, a.from)), math.Log10(from), math.Log10(to)
	}
	if to <= from {
		return px(a.lo)
	}
	part := min(max((v-from)/(to-from), 0), 1)
	return px(a.lo + part*(a.hi-a.lo))
}

// px is a place or a length in the units of a drawing, written to a tenth.
type px float64

func (p px) String() string { return trimmed(float64(p), 1) }

// notch is a mark on an axis.
type notch struct {
	At   px
	Text string
}

// step is the smallest of 1, 2 and 5 times a power of ten that cuts span into at most most parts.
func step(span float64, most int) float64 {
	least := span / float64(most)
	ten := math.Pow(10, math.Floor(math.Log10(least)))
	for _, m := range []float64{1, 2, 5} {
		if m*ten >= least*(1-1e-9) {
			return m * ten
		}
	}
	return 10 * ten
}

// linear is an axis from 0 to a round number above most, with its notches. Values are shown in units of unit. The names
// of the phases stand in the air above the highest value.
func linear(most, unit, lo, hi float64) (axis, []notch) {
	most = sane(most) / unit
	if most <= 0 {
		most = 1
	}
	const air = 1.12
	by := step(most, 5)
	a := axis{from: 0, to: math.Ceil(air*most/by) * by * unit, lo: lo, hi: hi}
	var all []notch
	for i := range int(math.Round(a.to/unit/by)) + 1 {
		v := float64(i) * by
		all = append(all, notch{a.at(v * unit), short(v)})
	}
	return a, all
}

// logarithmic is an axis of durations over whole decades.
func logarithmic(least, most, lo, hi float64) (axis, []notch) {
	const shortest, longest = 1e-6, 1e6 // seconds; outside, somebody wrote the file by hand
	const air = 2                       // as on the linear axis
	low := math.Floor(math.Log10(min(max(least, shortest), longest)))
	high := max(math.Ceil(math.Log10(min(max(air*most, shortest), longest))), low+1)
	a := axis{from: math.Pow(10, low), to: math.Pow(10, high), log: true, lo: lo, hi: hi}
	var all []notch
	for d := low; d <= high; d++ {
		v := math.Pow(10, d)
		all = append(all, notch{a.at(v), duration(v)})
	}
	return a, all
}

// clockSteps are the distances, in seconds, that people expect between two marks of a time axis.
var clockSteps = []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400}

// clock is a time axis from 0 to end seconds, its notches, and how they are written.
func clock(end, lo, hi float64) (a axis, all []notch, form string) {
	const most = 6
	end = max(sane(end), 1)
	a = axis{from: 0, to: end, lo: lo, hi: hi}
	by := step(end, most)
	for _, s := range clockSteps {
		if end/s <= most {
			by = s
			break
		}
	}
	form = "s"
	write := func(v float64) string { return short(v) }
	switch {
	case end > 2*3600:
		form = "h:min"
		write = func(v float64) string { return fmt.Sprintf("%d:%02d", int(v)/3600, int(v)%3600/60) }
	case end > 120:
		form = "min:s"
		write = func(v float64) string { return fmt.Sprintf("%d:%02d", int(v)/60, int(v)%60) }
	}
	for i := 0; float64(i)*by <= end; i++ {
		all = append(all, notch{a.at(float64(i) * by), write(float64(i) * by)})
	}
	return a, all, form
}

// nines is the axis of a distribution, log(1/(1-q)): every further nine takes the same room. Its values are nines of
// [nine], up to to.
func nines(to, lo, hi float64) (axis, []notch) {
	a := axis{from: 0, to: max(to, 1), lo: lo, hi: hi}
	by := 1.0
	if a.to > 5 {
		by = 2
	}
	all := []notch{{a.at(0), "0%"}}
	for d := by; d <= a.to; d += by {
		all = append(all, notch{a.at(d), strconv.FormatFloat(100*(1-math.Pow(10, -d)), 'g', 12, 64) + "%"})
	}
	return a, all
}

// mostNines bounds the axis of a distribution; a run does not make 10^12 deliveries.
const mostNines = 12

// nine is the place of a quantile on that axis. The maximum, quantile 1, stands where the last of n samples does.
func nine(q float64, n int64) float64 {
	last := math.Log10(float64(max(n, 1)))
	if q < 1 {
		last = min(last, -math.Log10(1-max(q, 0)))
	}
	return min(last, mostNines)
}

// short writes the number at a notch: 250, 1.5k, 20M.
func short(v float64) string {
	for _, u := range []struct {
		name string
		of   float64
	}{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}} {
		if v >= u.of {
			return strconv.FormatFloat(v/u.of, 'g', 4, 64) + u.name
		}
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// sane keeps what a hand-written file may hold within what can be drawn.
func sane(v float64) float64 {
	const least, most = 1e-12, 1e18
	if math.IsNaN(v) || v < least {
		return 0
	}
	return min(v, most)
}
