package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// grouped writes a whole number in groups of three digits: 1,234,567.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// number writes a figure without a unit: to two digits below 1, to three or to a whole above: 0.042, 1.23, 12.3, 1,234.
func number(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return "?"
	case a >= 1e15:
		return strconv.FormatFloat(x, 'g', 3, 64)
	case x == math.Trunc(x), a >= 100:
		return grouped(int64(math.Round(x)))
	case a >= 10:
		return trimmed(x, 1)
	case a >= 1:
		return trimmed(x, 2)
	default:
		return strconv.FormatFloat(x, 'g', 2, 64)
	}
}

// trimmed writes x with a fraction of so many digits, less the zeros at its end.
func trimmed(x float64, fraction int) string {
	text := strconv.FormatFloat(x, 'f', fraction, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// duration writes seconds as people say them: 870 µs, 12.3 ms, 1.25 s, 3m 05s, 2h.
func duration(s float64) string {
	switch {
	case math.IsNaN(s) || math.IsInf(s, 0) || math.Abs(s) > 1e9:
		return number(s) + " s"
	case s < 0:
		return "-" + duration(-s)
	case s == 0:
		return "0 s"
	case s < 999.5e-6:
		return number(roundTo(s*1e6)) + " µs"
	case s < 999.5e-3:
		return number(roundTo(s*1e3)) + " ms"
	case s < 59.95:
		return number(roundTo(s)) + " s"
	}
	whole := int64(math.Round(s))
	big, small, form := whole/60, whole%60, "%dm %02ds"
	if whole >= 3600 {
		big, small, form = whole/3600, whole%3600/60, "%dh %02dm"
	}
	if small == 0 {
		return fmt.Sprintf(form[:3], big)
	}
	return fmt.Sprintf(form, big, small)
}

// roundTo cuts a number to three digits, so that 12.96 becomes 13 and not "13.0".
func roundTo(x float64) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	if err != nil {
		return x
	}
	return y
}

// size writes bytes in the unit that keeps the number small: 812 B, 4.2 KiB, 1.5 GiB.
func size(bytes float64) string {
	for _, u := range sizeUnits {
		if math.Abs(bytes) >= u.bytes {
			return number(roundTo(bytes/u.bytes)) + " " + u.name
		}
	}
	return number(math.Round(bytes)) + " B"
}

// sizeUnits goes from the largest to the smallest.
var sizeUnits = []struct {
	name  string
	bytes float64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// percent writes a part of a whole, with more digits where it is small: 42 %, 0.0013 %.
func percent(x float64) string { return number(roundTo(100*x)) + " %" }

// plural writes a count and its noun: 1 user, 1,000 users, 2 deliveries, 4 processes.
func plural(n int64, noun string) string {
	stem, y := strings.CutSuffix(noun, "y")
	switch {
	case n == 1:
	case y:
		noun = stem + "ies"
	case strings.HasSuffix(noun, "s"):
		noun += "es"
	default:
		noun += "s"
	}
	return grouped(n) + " " + noun
}

// plain makes a text from elsewhere fit for one line of a terminal: no control or format characters, and at most
// most runes.
func plain(text string, most int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text))
	if len(runes) > most {
		return string(runes[:max(most-1, 0)]) + "…"
	}
	return string(runes)
}

// slips counts the letters to insert, leave out, replace or swap with the next to make b from a (the optimal string
// alignment distance).
func slips(a, b string) int {
	d := make([][]int, len(a)+1) // d[i][j] is the count for a[:i] and b[:j]
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			d[i][j] = min(replaced, d[i-1][j]+1, d[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
