package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Comparison is two results side by side.
type Comparison struct {
	Warnings []string // what makes the comparison doubtful, one sentence each: a partial run, a saturated generator
	Differ   []string // how the plans differ, one line each; empty: they do not
	Rows     []Row    // the figures that both have, and those that one of them lacks
}

// Row is one figure of both results.
type Row struct {
	Metric string
	A, B   string  // as text with the unit; "-" where there are no samples
	Ratio  float64 // B to A; 0: not to be had
	Change Change
}

// Change is what became of a figure from A to B.
type Change int

// The values of a [Change].
const (
	Same   Change = iota // within what two runs of the same differ by, or of no value either way
	Better               // in B
	Worse                // in B
)

// compared are the figures worth a row: those of the help text, less what says the same twice.
func compared(m *metric) bool {
	_, figure, _ := strings.Cut(m.name, ".")
	return !slices.Contains([]string{"mean", "p90", "p95", "p99.99", "ratio"}, figure)
}

// fewest is how many samples a tail needs to be compared: below, it is the maximum under another name.
var fewest = map[string]int64{"p99": 100, "p99.9": 1000}

// Compare sets b, the newer, beside a. A figure counts as better or worse when it differs by more than such figures
// differ between two runs of the same: nothing for what was lost, a tenth for medians, a half for maxima.
func Compare(a, b *Result) Comparison {
	c := Comparison{Differ: differences(&a.Plan, &b.Plan)}
	for _, side := range []struct {
		name string
		r    *Result
	}{{"A", a}, {"B", b}} {
		if side.r.Partial != "" {
			c.Warnings = append(c.Warnings, side.name+" is a partial run: "+side.r.Partial)
		}
		if side.r.Generator.Saturated {
			c.Warnings = append(c.Warnings, side.name+" was limited by its load generator: "+strings.Join(side.r.Generator.Why, " "))
		}
	}
	for i := range metrics {
		if row, ok := compareOne(&metrics[i], a, b); ok {
			c.Rows = append(c.Rows, row)
		}
	}
	return c
}

// compareOne is the row of one figure, and false where there is none to show.
func compareOne(m *metric, a, b *Result) (Row, bool) {
	if !compared(m) {
		return Row{}, false
	}
	x, noA := m.of(a)
	y, noB := m.of(b)
	if tooFew(m, a) {
		noA = "too few samples"
	}
	if tooFew(m, b) {
		noB = "too few samples"
	}
	if noA != "" && noB != "" || x == 0 && y == 0 && strings.HasPrefix(m.name, "generator.") {
		return Row{}, false
	}
	row := Row{Metric: m.name, A: "-", B: "-"}
	if noA == "" {
		row.A = m.unit.write(x)
	}
	if noB == "" {
		row.B = m.unit.write(y)
	}
	if noA != "" || noB != "" {
		return row, true
	}
	if x != 0 {
		row.Ratio = y / x
	}
	if math.Abs(y-x) > m.noise*math.Max(math.Abs(x), math.Abs(y)) {
		switch {
		case m.better == neither:
		case (y > x) == (m.better == higherIsBetter):
			row.Change = Better
		default:
			row.Change = Worse
		}
	}
	return row, true
}

// tooFew tells whether the figure is a tail of too few samples.
func tooFew(m *metric, r *Result) bool {
	name, figure, _ := strings.Cut(m.name, ".")
	return m.unit == inTime && r.Latency[name].Count < fewest[figure]
}

// differences are the lines of two plans that differ. Where the servers listened is none of the load.
func differences(a, b *Plan) []string {
	var out []string
	say := func(what, x, y string) {
		if x != y {
			out = append(out, fmt.Sprintf("%s: %s, %s", what, x, y))
		}
	}
	whole := func(n int) string { return grouped(int64(n)) }
	say("scenario", a.Scenario, b.Scenario)
	say("dialect", a.Dialect, b.Dialect)
	say("servers started", whole(a.Served), whole(b.Served))
	say("servers", whole(len(a.URLs)), whole(len(b.URLs)))
	say("separate chats", whole(a.Chats), whole(b.Chats))
	say("users", whole(a.Users), whole(b.Users))
	say("load processes", whole(a.Workers), whole(b.Workers))
	say("messages a second", number(a.Rate), number(b.Rate))
	say("message size", size(float64(a.Size)), size(float64(b.Size)))
	say("duration", duration(a.Duration), duration(b.Duration))
	say("ramp", duration(a.Ramp), duration(b.Ramp))
	say("late after", duration(a.LateAfter), duration(b.LateAfter))
	return out
}

// WriteComparison writes the comparison for a terminal: first what makes it doubtful, then the table, and last how
// many figures are better and worse.
func WriteComparison(w io.Writer, c Comparison) error {
	var lines []string
	for _, warning := range c.Warnings {
		lines = append(lines, plain("!!! "+warning, textColumns))
	}
	if len(c.Differ) > 0 {
		lines = append(lines, "The two runs were asked for different loads (A, B):")
		for _, d := range c.Differ {
			lines = append(lines, plain("  "+d, textColumns))
		}
	}
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	rows := [][]string{{"", "A", "B", "B/A", ""}}
	better, worse := 0, 0
	for _, row := range c.Rows {
		change := ""
		switch row.Change {
		case Better:
			change = "better"
			better++
		case Worse:
			change = "WORSE "
			worse++
		case Same:
		}
		times := ""
		if row.Ratio > 0 {
			times = fmt.Sprintf("%.2f", row.Ratio)
		}
		rows = append(rows, []string{row.Metric, row.A, row.B, times, change})
	}
	lines = append(lines, columns(rows)...)
	lines = append(lines, "", fmt.Sprintf("%d better, %d worse, %d alike or without a direction",
		better, worse, len(c.Rows)-better-worse))
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}
