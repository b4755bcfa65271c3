package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode"
)

func textOf(t *testing.T, r *Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteText(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextGolden(t *testing.T) {
	golden(t, "rich.golden.txt", []byte(textOf(t, rich())))
	golden(t, "cut.golden.txt", []byte(textOf(t, cut())))
}

// However much went wrong, the summary fits on a tall screen, and nothing that a server said controls the terminal.
func TestTextIsBounded(t *testing.T) {
	r := rich()
	r.Partial, r.Generator.Saturated = "a worker died", true
	for i := range 1000 {
		text := fmt.Sprintf("%d \x1b[2J\r\n%s", i, strings.Repeat("long ", 1000))
		r.Faults = append(r.Faults, Fault{text, text, text, text, 1, 2})
		r.Notes = append(r.Notes, text)
		r.Servers = append(r.Servers, Server{Name: text})
		r.SLOs = append(r.SLOs, Verdict{SLO: text, Found: text})
		r.Generator.Why = append(r.Generator.Why, text)
		r.Connect.Reasons[text] = i
	}
	got := textOf(t, r)
	if n := strings.Count(got, "\n"); n > 60 {
		t.Errorf("%d lines", n)
	}
	for _, line := range strings.Split(got, "\n") {
		if len([]rune(line)) > textColumns {
			t.Errorf("%d columns: %s", len([]rune(line)), line)
		}
		if strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("control characters in %q", line)
		}
	}
	if n := strings.Count(textOf(t, rich()), "\n"); n > 45 {
		t.Errorf("%d lines of a common run", n)
	}
}

func TestTextWarnsFirst(t *testing.T) {
	r := rich()
	r.Capacity, r.Generator.Saturated, r.Generator.Why = nil, true, []string{"The workers kept 2 processors busy."}
	if got := textOf(t, r); !strings.HasPrefix(got, "!!! THE LOAD GENERATOR WAS THE BOTTLENECK") {
		t.Error(got)
	}
	if got := textOf(t, cut()); !strings.HasPrefix(got, "!!! PARTIAL RUN: interrupted") {
		t.Error(got)
	}
	if textOf(t, &Result{}) == "" {
		t.Error("nothing is said of an empty result")
	}
}

func TestFormats(t *testing.T) {
	for _, c := range [][2]string{
		{grouped(0), "0"}, {grouped(999), "999"}, {grouped(1000), "1,000"}, {grouped(-1234567), "-1,234,567"},
		{grouped(100000), "100,000"}, {grouped(-100), "-100"},
		{duration(0), "0 s"}, {duration(8.7e-7), "0.87 µs"}, {duration(870e-6), "870 µs"}, {duration(.9996e-3), "1 ms"},
		{duration(.01234), "12.3 ms"}, {duration(.9999), "1 s"}, {duration(1.25), "1.25 s"}, {duration(59.96), "1m"},
		{duration(185), "3m 05s"}, {duration(3599.7), "1h"}, {duration(3720), "1h 02m"}, {duration(-2), "-2 s"},
		{size(0), "0 B"}, {size(812), "812 B"}, {size(4300), "4.2 KiB"}, {size(1.5 * (1 << 30)), "1.5 GiB"},
		{number(.0421), "0.042"}, {number(1.234), "1.23"}, {number(12.34), "12.3"}, {number(1234.5), "1,235"}, {number(1e300), "1e+300"},
		{percent(.42), "42 %"}, {percent(.000013), "0.0013 %"},
		{plural(1, "user"), "1 user"}, {plural(1000, "user"), "1,000 users"}, {plural(2, "delivery"), "2 deliveries"},
		{plural(2, "process"), "2 processes"},
		{short(1500), "1.5k"}, {short(2e7), "20M"}, {short(.5), "0.5"},
		{plain("a\x1b[31mb\tc\u202e", 9), "a [31mb c"[:8] + "…"}, {plain("äöü", 3), "äöü"}, {plain("äöü", 2), "ä…"},
	} {
		if c[0] != c[1] {
			t.Errorf("got %q, want %q", c[0], c[1])
		}
	}
}
