package report

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func render(t *testing.T, r *Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHTMLGolden(t *testing.T) {
	golden(t, "rich.golden.html", []byte(render(t, rich())))
	golden(t, "cut.golden.html", []byte(render(t, cut())))
}

// The page is handed on: it must say the same without a network, and run nothing.
func TestHTMLIsSelfContainedAndEscaped(t *testing.T) {
	got := render(t, rich())
	for _, no := range []string{"<script", "<img", "<b>tea", "<link", "@import", "url(", "http://", "https://", "ZgotmplZ", "NaN", "Inf"} {
		if strings.Contains(got, no) {
			t.Errorf("the page holds %q", no)
		}
	}
	for _, want := range []string{"&lt;img src=x", "&lt;b&gt;tea", "&lt;script&gt;"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
}

func TestHTMLOfADayIsBounded(t *testing.T) {
	got := render(t, day())
	if len(got) > 2<<20 {
		t.Errorf("%d bytes", len(got))
	}
	if !strings.Contains(got, "longest: 8.5 s") {
		t.Error("the one slow second of the day is not told")
	}
	if want := "155 more in the JSON form"; !strings.Contains(got, want) {
		t.Errorf("no %q", want)
	}
}

// Whatever a file holds, the page is written and no place on it is undefined.
func TestHTMLOfOddNumbers(t *testing.T) {
	for _, x := range []float64{-1, 1e-320, 1e308, math.MaxFloat64, math.Inf(1), math.NaN()} {
		r := rich()
		r.Plan.Rate, r.Connect.Rate, r.Capacity.Knee, r.Capacity.Steps[0].Rate = x, x, x, x
		r.Phases[0].From, r.Phases[1].To = x, x
		for i := range r.Series {
			p := &r.Series[i]
			p.At, p.Delivered, p.ServerCPU = x, x, x
			p.P50, p.Max = map[string]float64{"ack": x}, map[string]float64{"ack": x}
		}
		for name, l := range r.Latency {
			l.Curve[3], l.P99 = [2]float64{x, x}, x
			r.Latency[name] = l
		}
		got := render(t, r)
		for _, no := range []string{`="NaN`, `="+Inf`, `="-Inf`, "LNaN", "LInf"} {
			if strings.Contains(got, no) {
				t.Errorf("%v: the page holds %s", x, no)
			}
		}
	}
	render(t, &Result{})
}

func TestThinKeepsWhatStandsOut(t *testing.T) {
	s := &series{}
	for i := range 86400 {
		s.x, s.y = append(s.x, float64(i)), append(s.y, 10)
	}
	s.y[777], s.y[40000] = 0, 99
	out := s.thin(1000)
	if len(out.y) != 1000 || len(out.x) != 1000 {
		t.Fatalf("%d points", len(out.y))
	}
	seen := map[float64]bool{}
	for i := range out.y {
		seen[out.y[i]] = true
		if i > 0 && out.x[i] < out.x[i-1] {
			t.Fatalf("goes back at %d", i)
		}
	}
	if !seen[0] || !seen[99] {
		t.Error("an extreme got lost")
	}
}
