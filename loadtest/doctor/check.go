package doctor

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Level is how bad a finding is.
type Level int

// The levels, in order.
const (
	OK   Level = iota // fine
	Warn              // works, but not well, or not always
	Fail              // will not work
)

// Check is one finding. It is a plain value.
type Check struct {
	// Name is stable and for machines: lower case, words joined by a hyphen, as in open-files.
	Name string
	// Found is what there is and what is needed, in numbers, on one line.
	Found string
	// Advice is what to change, as lines to paste; empty when there is nothing to change.
	Advice string
	Level  Level
}

// Worst is the highest level among the checks, and OK for none.
func Worst(checks []Check) Level {
	worst := OK
	for _, c := range checks {
		worst = max(worst, c.Level)
	}
	return worst
}

// Print writes one line a check, and the advice indented beneath.
func Print(w io.Writer, checks []Check) {
	marks := [...]string{OK: "✓", Warn: "!", Fail: "✗"}
	width := 0
	for _, c := range checks {
		width = max(width, utf8.RuneCountInString(c.Name))
	}
	for _, c := range checks {
		fmt.Fprintf(w, "%s %-*s  %s\n", marks[c.Level], width, c.Name, c.Found)
		if c.Advice == "" {
			continue
		}
		for line := range strings.Lines(c.Advice) {
			fmt.Fprintf(w, "%*s%s\n", width+6, "", strings.TrimRight(line, "\n"))
		}
	}
}

// lines joins those that are not empty.
func lines(all ...string) string {
	var some []string
	for _, line := range all {
		if line != "" {
			some = append(some, line)
		}
	}
	return strings.Join(some, "\n")
}

// count writes n with a comma every three digits.
func count(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// plural writes n and what it counts.
func plural(n int, one string) string {
	switch {
	case n == 1:
		return "1 " + one
	case strings.HasSuffix(one, "ss"):
		return count(n) + " " + one + "es"
	}
	return count(n) + " " + one + "s"
}

// size writes bytes in the largest unit of which there is at least one.
func size(bytes int) string {
	for _, unit := range []struct {
		name  string
		bytes int
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if bytes >= unit.bytes {
			return strconv.FormatFloat(float64(bytes)/float64(unit.bytes), 'f', 1, 64) + " " + unit.name
		}
	}
	return strconv.Itoa(bytes) + " B"
}

// share is how many each of so many parts gets of all, rounded up.
func share(all, parts int) int { return (all + parts - 1) / parts }

// roomy is the least power of two that is at least n.
func roomy(n int) int {
	for p := 1; ; p <<= 1 {
		if p >= n || p >= 1<<30 {
			return p
		}
	}
}

// quoted is a word as a shell reads it whole.
func quoted(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
