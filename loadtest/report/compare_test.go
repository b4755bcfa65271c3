package report

import (
	"bytes"
	"strings"
	"testing"
)

func TestComparisonGolden(t *testing.T) {
	a, b := rich(), rich()
	b.Plan.Users, b.Plan.Scenario = 20000, "broadcast"
	b.Total.Lost, b.Total.Delivered = 0, b.Total.Expected
	b.Servers = b.Servers[:1]
	b.Generator.Saturated, b.Generator.Why = true, []string{"Worker 1 had no processor for 3 s."}
	direct := b.Latency["direct"]
	direct.P99 *= 2
	direct.P50 *= 1.02
	b.Latency["direct"] = direct
	delete(b.Latency, "room")
	var out bytes.Buffer
	if err := WriteComparison(&out, Compare(a, b)); err != nil {
		t.Fatal(err)
	}
	golden(t, "compare.golden.txt", out.Bytes())
}

func TestCompareOfTheSameFindsNoChange(t *testing.T) {
	c := Compare(rich(), rich())
	if len(c.Differ)+len(c.Warnings) > 0 || len(c.Rows) == 0 {
		t.Errorf("%+v", c)
	}
	for _, row := range c.Rows {
		if row.Change != Same || row.A != row.B || row.Ratio != 0 && row.Ratio != 1 {
			t.Errorf("%+v", row)
		}
	}
}

func TestCompareMarks(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Result)
		metric string
		want   Change
	}{
		{"one more lost", func(r *Result) { r.Total.Lost++ }, "lost", Worse},
		{"one less lost", func(r *Result) { r.Total.Lost-- }, "lost", Better},
		{"noise", func(r *Result) { scale(r, 1.09) }, "direct.p50", Same},
		{"slower", func(r *Result) { scale(r, 1.2) }, "direct.p50", Worse},
		{"faster", func(r *Result) { scale(r, .8) }, "direct.p50", Better},
		{"fewer a second", func(r *Result) { r.Connect.Rate /= 2 }, "connect.rate", Worse},
		{"more a second", func(r *Result) { r.Connect.Rate *= 2 }, "connect.rate", Better},
		{"more sent", func(r *Result) { r.Total.Sent *= 2 }, "sent", Same},
	} {
		b := rich()
		c.change(b)
		found := false
		for _, row := range Compare(rich(), b).Rows {
			if row.Metric == c.metric {
				found = true
				if row.Change != c.want {
					t.Errorf("%s: %+v", c.name, row)
				}
			}
		}
		if !found {
			t.Errorf("%s: no row of %s", c.name, c.metric)
		}
	}
}

func scale(r *Result, by float64) {
	l := r.Latency["direct"]
	l.P50 *= by
	r.Latency["direct"] = l
}

func TestCompareLeavesOutTailsOfFewSamples(t *testing.T) {
	a, b := rich(), rich()
	l := a.Latency["direct"]
	l.Count = 99
	a.Latency["direct"], b.Latency["direct"] = l, l
	for _, row := range Compare(a, b).Rows {
		if row.Metric == "direct.p99" || row.Metric == "direct.p99.9" {
			t.Errorf("%+v", row)
		}
	}
}

func TestCompareWarns(t *testing.T) {
	var out bytes.Buffer
	if err := WriteComparison(&out, Compare(cut(), rich())); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"!!! A is a partial run: interrupted", "!!! A was limited by its load generator", "  scenario: idle, chat"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "!!! B") {
		t.Error("warns of B")
	}
}
