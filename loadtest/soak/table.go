package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

const mib = 1 << 20

// row is a figure of the table.
type row struct {
	what  string
	of    func(sample) float64
	part  float64 // what it may grow by in an hour, as a part of its mean; 0: few, or a hundredth of the connections
	unit  float64 // what it is shown in
	shown bool    // without a verdict
	stays bool    // after the last user there may be no more of it than before the first, but for as many
}

var rows = []row{
	{what: "connections", of: func(s sample) float64 { return s.connections }, unit: 1, shown: true},
	{what: "resident memory, MiB", of: func(s sample) float64 { return s.memory }, unit: mib, part: 0.05},
	{what: "heap after a collection, MiB", of: func(s sample) float64 { return s.heap }, unit: mib, part: 0.05},
	{what: "descriptors", of: func(s sample) float64 { return s.files }, unit: 1, shown: true},
	{what: "descriptors beyond connections", of: sample.beyond, unit: 1, stays: true},
	{what: "goroutines", of: func(s sample) float64 { return s.goroutines }, unit: 1, stays: true},
	{what: "log on disk, MiB", of: func(s sample) float64 { return s.log }, unit: mib, part: 0.05},
}

// keeps is how long a server fills what it keeps within bounds of its own: see the package's text.
const keeps = 20 * time.Minute

// warmUp is how many of the samples are left out at the beginning.
func (f *found) warmUp() int {
	whole := f.samples[len(f.samples)-1].at
	from := max(whole/5, min(keeps, whole*2/3))
	return slices.IndexFunc(f.samples, func(s sample) bool { return s.at >= from })
}

// judged is a row with what was found.
type judged struct {
	row
	trend
	before, after float64
	verdict       string
}

// few descriptors or goroutines more or less mean nothing.
const few = 10

// judge looks at every row. There is at least one sample.
func (f *found) judge() (all []judged) {
	samples := f.samples[f.warmUp():]
	var at, conns []float64
	for _, s := range samples {
		at, conns = append(at, s.at.Hours()), append(conns, s.connections)
	}
	some := max(few, mean(conns)/100)
	for _, r := range rows {
		var v []float64
		for _, s := range samples {
			v = append(v, r.of(s))
		}
		j := judged{row: r, trend: trendOf(at, v), before: r.of(f.before), after: r.of(f.after)}
		if !r.shown {
			allowed := some
			if r.part > 0 {
				allowed = r.part * j.mean
			}
			j.verdict = j.trend.verdict(allowed)
		}
		if r.stays && j.after-j.before > some {
			j.verdict += ", **left behind**"
		}
		all = append(all, j)
	}
	if f.after.connections > 0 {
		all[0].verdict = "**left behind**"
	}
	return all
}

// print writes the tables in Markdown, and says whether all is well.
func (f *found) print(w io.Writer) (good bool, err error) {
	if len(f.samples) == 0 {
		return false, fmt.Errorf("the time was over before the first sample")
	}
	var s strings.Builder
	last := f.samples[len(f.samples)-1]
	fmt.Fprintf(&s, "%d samples in %v, of which the first %d are left out below; %.0f connections came, %.0f times a reader was slow.\n\n",
		len(f.samples), last.at.Round(time.Second), f.warmUp(), last.accepted, last.slow)
	s.WriteString("| figure | no users yet | first | last | min | max | mean | slope an hour | ± | no users any more | verdict |\n" +
		"|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n")
	good = true
	for _, j := range f.judge() {
		s.WriteString("| " + j.what)
		for _, v := range []float64{j.before, j.first, j.last, j.min, j.max, j.mean} {
			s.WriteString(" | " + figure(v/j.unit))
		}
		share := ""
		if j.mean != 0 && !math.IsNaN(j.slope) {
			share = fmt.Sprintf(" (%+.1f %%)", 100*j.slope/j.mean)
		}
		fmt.Fprintf(&s, " | %s%s | %s | %s | %s |\n", figure(j.slope/j.unit), share, figure(j.noise/j.unit), figure(j.after/j.unit), j.verdict)
		good = good && !strings.Contains(j.verdict, "**")
	}
	s.WriteString("\n| load | users | runs | sent | delivered | lost | duplicated | reordered | corrupted | generator too slow | verdict |\n" +
		"|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n")
	var faults []string
	for _, l := range f.loads {
		verdict := "all there"
		if !l.good() {
			good, verdict = false, "**no**"
		}
		t := l.total
		fmt.Fprintf(&s, "| %v | %d | %d | %d | %d | %d | %d | %d | %d | %d | %s |\n", l, l.users, l.runs, t.Sent, t.Delivered,
			t.Lost, t.Duplicated, t.Reordered, t.Corrupted, l.saturated, verdict)
		faults = append(faults, l.faults...)
	}
	if len(faults) > 0 {
		s.WriteString("\n" + strings.Join(faults, "\n") + "\n")
	}
	_, err = io.WriteString(w, s.String())
	return good, err
}

// figure writes a number with one digit behind the point, where that is not 0.
func figure(v float64) string {
	text := strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	if text == "-0" {
		return "0"
	}
	return text
}
