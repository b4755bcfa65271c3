package report

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// SLO is a service level: what a figure of the run has to be.
type SLO struct {
	Text   string  // as it was given, without space around it
	Metric string  // one of those that [SLOHelp] lists
	Op     string  // == != < <= > >=
	Limit  float64 // in the unit of the metric: seconds, inBytes, or a plain number
}

// longestSLO bounds the text of a level, in bytes.
const longestSLO = 200

// ParseSLO reads a level such as "lost==0", "broadcast.p99 < 500ms" or "server.memory<2GiB". Times need a unit of Go's
// durations and sizes may have KiB, MiB or GiB; all else is a plain number. An error is one line that says what would
// be right.
func ParseSLO(text string) (SLO, error) {
	text = strings.TrimSpace(text)
	if len(text) > longestSLO {
		return SLO{}, fmt.Errorf("level %.20q…: longer than %d bytes", text, longestSLO)
	}
	from := strings.IndexAny(text, "=!<>")
	if from < 0 {
		return SLO{}, fmt.Errorf("level %q: want METRIC OPERATOR VALUE, such as lost==0", text)
	}
	value := strings.TrimLeft(text[from:], "=!<>")
	s := SLO{Text: text, Metric: strings.TrimSpace(text[:from]), Op: text[from : len(text)-len(value)]}
	if _, ok := operators[s.Op]; !ok {
		return SLO{}, fmt.Errorf("level %q: no such operator %q; want == != < <= > or >=", text, s.Op)
	}
	m, hint := find(s.Metric)
	if m == nil {
		return SLO{}, fmt.Errorf("level %q: no such metric %q; %s", text, s.Metric, hint)
	}
	limit, err := m.unit.read(strings.TrimSpace(value))
	if err != nil {
		return SLO{}, fmt.Errorf("level %q: %w", text, err)
	}
	s.Limit = limit
	return s, nil
}

// operators tells for each operator whether the found value a keeps the limit b.
var operators = map[string]func(a, b float64) bool{
	"==": func(a, b float64) bool { return a == b },
	"!=": func(a, b float64) bool { return a != b },
	"<":  func(a, b float64) bool { return a < b },
	"<=": func(a, b float64) bool { return a <= b },
	">":  func(a, b float64) bool { return a > b },
	">=": func(a, b float64) bool { return a >= b },
}

// read is the opposite of write, for values that people give.
func (u unit) read(text string) (float64, error) {
	switch u {
	case inTime:
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return 0, errors.New("want a time with its unit, such as 500ms")
		}
		return d.Seconds(), nil
	case inBytes:
		x, ok := readSize(text)
		if !ok {
			return 0, errors.New("want a size, such as 64KiB or 2GiB")
		}
		return x, nil
	case inParts:
		x, ok := readNumber(text)
		if !ok || x > 1 {
			return 0, errors.New("want a part from 0 to 1, such as 0.001")
		}
		return x, nil
	case inTruth:
		x, ok := readNumber(text)
		if !ok || x != 0 && x != 1 {
			return 0, errors.New("want 0 or 1")
		}
		return x, nil
	default:
		x, ok := readNumber(text)
		if !ok {
			return 0, errors.New("want a plain number, such as 0 or 100000")
		}
		return x, nil
	}
}

// readNumber reads digits with at most one point: no sign, no exponent, no grouping.
func readNumber(text string) (float64, bool) {
	if text == "" || strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil && !math.IsInf(x, 0)
}

// readSize reads bytes, or KiB, MiB, GiB. A decimal unit (KB, MB) and a bare K are refused, since people do not agree
// on what they mean.
func readSize(text string) (float64, bool) {
	factor := 1.0
	for _, u := range sizeUnits {
		if digits, ok := strings.CutSuffix(text, u.name); ok {
			text, factor = strings.TrimSpace(digits), u.bytes
			break
		}
	}
	x, ok := readNumber(strings.TrimSuffix(text, "B"))
	return x * factor, ok
}

// Judge holds the level against what was found. A level on a figure that had no samples is missed: what was not
// measured was not kept. So is a level on lost deliveries where none was owed.
func (s SLO) Judge(r *Result) Verdict {
	v := Verdict{SLO: s.Text}
	m, _ := find(s.Metric)
	keeps := operators[s.Op]
	if m == nil || keeps == nil {
		v.Found = "not a level"
		return v
	}
	value, missing := m.of(r)
	if missing != "" {
		v.Found = missing
		return v
	}
	v.Kept, v.Found = keeps(value, s.Limit), m.unit.write(value)
	return v
}

// Judge puts the verdicts on all levels into r, in the order given, and tells whether every one was kept.
func Judge(all []SLO, r *Result) bool {
	r.SLOs = nil
	kept := true
	for _, s := range all {
		v := s.Judge(r)
		r.SLOs = append(r.SLOs, v)
		kept = kept && v.Kept
	}
	return kept
}

// SLOHelp lists, for the help text, what a service level may be on and how it is written. It ends with a line break.
func SLOHelp() string {
	var b strings.Builder
	b.WriteString("A level is METRIC OPERATOR VALUE, such as lost==0 or broadcast.p99<500ms; operators: == != < <= > >=\n")
	for _, g := range []struct {
		title string
		unit  unit
	}{
		{"numbers", inNumbers}, {"numbers a second", inRate}, {"parts, 0 to 1", inParts}, {"0 or 1", inTruth},
		{"sizes (KiB MiB GiB)", inBytes}, {"times (us ms s m)", inTime},
	} {
		var names []string
		for _, m := range metrics {
			family, _, _ := strings.Cut(m.name, ".")
			if m.unit == g.unit && (g.unit != inTime || latencyMeaning[family] == "") {
				names = append(names, m.name)
			}
		}
		wrap(&b, g.title, names)
	}
	var figures []string
	for _, q := range quantiles {
		figures = append(figures, "."+q.name)
	}
	wrap(&b, "times, each with", figures)
	for _, name := range LatencyMetrics {
		fmt.Fprintf(&b, "    %-20s%s\n", name, latencyMeaning[name])
	}
	return b.String()
}

// wrap writes a title, and names below 100 columns in a column of their own.
func wrap(b *strings.Builder, title string, names []string) {
	const from, to = 24, 100
	fmt.Fprintf(b, "  %-*s", from-2, title)
	at := from
	for i, name := range names {
		switch {
		case i == 0:
		case at+1+len(name) > to:
			fmt.Fprintf(b, "\n%*s", from, "")
			at = from
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(name)
		at += len(name)
	}
	b.WriteString("\n")
}
