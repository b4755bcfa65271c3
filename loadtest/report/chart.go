package report

import (
	"fmt"
	"math"
	"strings"
)

// The drawing of a chart, in its own units; the page scales it.
const (
	chartWidth  = 560
	chartHeight = 268
	plotLeft    = 62
	plotRight   = chartWidth - 18
	plotTop     = 38
	plotBottom  = chartHeight - 54
)

const (
	mostColumns = 1000 // points of a line; a longer series is thinned
	mostHovers  = 120  // places of a chart that tell their values under the pointer
)

// chart is one drawing as the page's template takes it: places are reckoned, texts are not yet escaped.
type chart struct {
	Title, Y, X string // what it shows, what stands at the axes
	Left, Right px     // of the plot
	Top, Bottom px
	Height      px
	Keys        []key
	XNotches    []notch
	YNotches    []notch
	Bands       []band
	Rules       []notch // vertical lines with a word
	Lines       []path
	Dots        []dot
	Hovers      []hover
}

// key is an entry of the legend.
type key struct{ Class, Name string }

// band is the shade of a phase. Its name is empty where it would not fit.
type band struct {
	At, Width, Middle px
	Name, Title       string
	Shaded            bool
}

type path struct{ Class, D string }

// dot is a sample; a hollow one is of a step that missed a level.
type dot struct {
	Class  string
	X, Y   px
	Hollow bool
	Title  string
}

// hover is a column of the plot that tells its values under the pointer.
type hover struct {
	At, Width px
	Title     string
}

func newChart(title, y, x string) *chart {
	return &chart{
		Title: title, Y: y, X: x,
		Left: plotLeft, Right: plotRight, Top: plotTop, Bottom: plotBottom, Height: chartHeight,
	}
}

// series is one line before it is drawn: values at times, both of the same length.
type series struct {
	class, name string
	x, y        []float64
	gaps        bool // a 0 is no sample and breaks the line
}

func (s *series) most() float64 {
	most := 0.0
	for _, v := range s.y {
		most = max(most, sane(v))
	}
	return most
}

// line adds a series to the chart and its legend.
func (c *chart) line(s *series, x, y axis) {
	c.Keys = append(c.Keys, key{s.class, s.name})
	c.Lines = append(c.Lines, path{s.class, s.thin(mostColumns).draw(x, y)})
}

// thin keeps the lowest and the highest value of each stretch, in the order in which they came, so that neither a
// spike nor a stop gets lost.
func (s *series) thin(columns int) *series {
	if len(s.y) <= columns {
		return s
	}
	out := &series{class: s.class, name: s.name, gaps: s.gaps}
	stretches := columns / 2
	for k := range stretches {
		from, to := k*len(s.y)/stretches, (k+1)*len(s.y)/stretches
		low, high := -1, -1
		for i := from; i < to; i++ {
			if s.gaps && s.y[i] == 0 {
				continue
			}
			if low < 0 || s.y[i] < s.y[low] {
				low = i
			}
			if high < 0 || s.y[i] > s.y[high] {
				high = i
			}
		}
		if low < 0 { // a stretch without a sample stays a gap
			low, high = from, from
		}
		for _, i := range []int{min(low, high), max(low, high)} {
			out.x, out.y = append(out.x, s.x[i]), append(out.y, s.y[i])
		}
	}
	return out
}

// draw is the path of a line. A sample alone between two gaps becomes a point, by a line of no length with round ends.
func (s *series) draw(x, y axis) string {
	var b strings.Builder
	pen := false
	for i, v := range s.y {
		if s.gaps && v == 0 {
			pen = false
			continue
		}
		letter := "L"
		if !pen {
			letter = "M"
		}
		fmt.Fprintf(&b, "%s%v %v", letter, x.at(sane(s.x[i])), y.at(sane(v)))
		if !pen && (i+1 == len(s.y) || s.gaps && s.y[i+1] == 0) {
			b.WriteString("h0")
		}
		pen = true
	}
	return b.String()
}

// overTime draws series that share their times: the phases behind, the values of each column under the pointer.
func (c *chart) overTime(all []*series, x, y axis, phases []Phase, write func(float64) string) {
	c.phases(phases, x)
	for _, s := range all {
		c.line(s, x, y)
	}
	if len(all) == 0 || len(all[0].x) == 0 {
		return
	}
	n := len(all[0].x)
	columns := min(n, mostHovers)
	before := 0.0
	for k := range columns {
		from, to := k*n/columns, (k+1)*n/columns
		end := sane(all[0].x[to-1])
		left, right := x.at(before), x.at(end)
		title := duration(end)
		if to-from > 1 {
			title = fmt.Sprintf("%s to %s, highest", duration(before), duration(end))
		}
		for _, s := range all {
			if part := (&series{y: s.y[from:to]}).most(); part > 0 || !s.gaps {
				title += "\n" + s.name + ": " + write(part)
			}
		}
		c.Hovers = append(c.Hovers, hover{left, max(right-left, 0), title})
		before = end
	}
}

// phases lays shades behind the plot. The steady phase stays clear: it is what the figures are of.
func (c *chart) phases(all []Phase, x axis) {
	const letter = 10 // width of one, at the largest size of the page
	const most = 24   // phases of a scenario
	for _, p := range all[:min(len(all), most)] {
		from, to := x.at(sane(p.From)), x.at(sane(p.To))
		if to <= from {
			continue
		}
		b := band{
			At: from, Width: to - from, Middle: (from + to) / 2, Name: p.Name, Shaded: p.Name != Steady,
			Title: fmt.Sprintf("%s, %s to %s", p.Name, duration(sane(p.From)), duration(sane(p.To))),
		}
		if float64(b.Width) < letter*float64(len([]rune(p.Name))) {
			b.Name = ""
		}
		c.Bands = append(c.Bands, b)
	}
}

// memoryUnit is the unit in which an axis up to most bytes is written.
func memoryUnit(most float64) (name string, bytes float64) {
	for _, u := range sizeUnits {
		if most >= u.bytes {
			return u.name, u.bytes
		}
	}
	return "B", 1
}

// spread is the least above 0 and the most of all values.
func spread(all []*series) (least, most float64) {
	least = math.Inf(1)
	for _, s := range all {
		for _, v := range s.y {
			if v > 0 {
				least, most = min(least, v), max(most, v)
			}
		}
	}
	return least, most
}

// PlotHeight is the height of the plot, for the template.
func (c *chart) PlotHeight() px { return c.Bottom - c.Top }

// Labels is where the texts at the notches of the upright axis end.
func (c *chart) Labels() px { return c.Left - 8 }
