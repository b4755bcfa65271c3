package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
)

// table is what the program prints.
type table struct {
	rows   []row
	others []float64 // what part of the processors other programs had in each round
}

// row is one comparison: the values of all rounds, ours and the reference's, if there is one.
type row struct {
	what, unit, against string
	ours, reference     []float64
	limit               limit
}

// limit is what is asked of a row; the zero value asks nothing.
type limit struct {
	asks    bool
	bound   float64
	ratio   bool // the bound is for the ratio to the reference, not for the value
	atLeast bool
}

func atMost(v float64) limit       { return limit{asks: true, bound: v} }
func atLeast(v float64) limit      { return limit{asks: true, bound: v, atLeast: true} }
func ratioAtMost(v float64) limit  { return limit{asks: true, bound: v, ratio: true} }
func ratioAtLeast(v float64) limit { return limit{asks: true, bound: v, ratio: true, atLeast: true} }

// of takes one value from each round.
func of(rounds []result, value func(result) float64) []float64 {
	var v []float64
	for _, r := range rounds {
		v = append(v, value(r))
	}
	return v
}

// median is the middle value, or the higher of the two in the middle.
func median(v []float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	return sorted[len(sorted)/2]
}

// ratio is the median of the rounds' own ratios: the two sides of a round ran next to each other, so
// what slowed the machine down for a while cancels out.
func (r row) ratio() float64 {
	var v []float64
	for i := range r.ours {
		v = append(v, r.ours[i]/r.reference[i])
	}
	return median(v)
}

func (t *table) add(rows ...row) { t.rows = append(t.rows, rows...) }

// print writes the table in Markdown.
func (t *table) print(w io.Writer, rounds int) error {
	var s strings.Builder
	fmt.Fprintf(&s, "%d processors, Go %s on %s; medians of %d rounds; a ratio is the median of the rounds' ratios.\n",
		runtime.NumCPU(), runtime.Version()[2:], runtime.GOARCH, rounds)
	s.WriteString(t.noise() + "\n")
	s.WriteString("| what | ours | reference | ratio | asked | verdict |\n|---|---:|---:|---:|---:|---|\n")
	for _, r := range t.rows {
		ratio, reference := "", ""
		if len(r.reference) > 0 {
			ratio = fmt.Sprintf("%.2f", r.ratio())
			reference = fmt.Sprintf("%s (%s)", quantity(median(r.reference), r.unit), r.against)
		}
		fmt.Fprintf(&s, "| %s | %s | %s | %s | %s | %s |\n", r.what, quantity(median(r.ours), r.unit),
			reference, ratio, r.asked(), r.verdict())
	}
	_, err := io.WriteString(w, s.String())
	return err
}

// noise is a line on what other programs did meanwhile, or nothing.
func (t *table) noise() string {
	if len(t.others) == 0 {
		return ""
	}
	return fmt.Sprintf("Other programs had %.0f %% of the processors.\n", 100*median(t.others))
}

func (r row) asked() string {
	if !r.limit.asks {
		return ""
	}
	sign := "≤"
	if r.limit.atLeast {
		sign = "≥"
	}
	if r.limit.ratio {
		return fmt.Sprintf("ratio %s %g", sign, r.limit.bound)
	}
	return sign + " " + quantity(r.limit.bound, r.unit)
}

func (r row) verdict() string {
	if !r.limit.asks {
		return ""
	}
	v := median(r.ours)
	if r.limit.ratio {
		v = r.ratio()
	}
	if v == r.limit.bound || v < r.limit.bound != r.limit.atLeast {
		return "yes"
	}
	return "**no**"
}

// number writes a count.
func number(n int) string { return quantity(float64(n), "") }

// quantity writes a value with three or four digits that mean something.
func quantity(v float64, unit string) string {
	var s string
	switch {
	case v >= 100 || v <= -100 || v == float64(int(v)):
		s = fmt.Sprintf("%.0f", v)
		for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
	case v >= 10 || v <= -10:
		s = fmt.Sprintf("%.1f", v)
	default:
		s = fmt.Sprintf("%.2f", v)
	}
	if unit == "" {
		return s
	}
	return s + " " + unit
}
