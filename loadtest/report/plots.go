package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// colour is the class of each metric's line, the same in every chart.
var colour = map[string]string{
	"broadcast": "c1", "direct": "c2", "ack": "c3", "last": "c4", "first": "c5", "room": "c6", "connect": "c7",
}

// plots draws the charts of one result. All charts over time share their axis.
type plots struct {
	r     *Result
	at    []float64
	x     axis
	marks []notch
	form  string // of the marks
}

func newPlots(r *Result) *plots {
	p := &plots{r: r}
	end := 0.0
	for i := range r.Series {
		p.at = append(p.at, r.Series[i].At)
		end = max(end, sane(r.Series[i].At))
	}
	p.x, p.marks, p.form = clock(end, plotLeft, plotRight)
	return p
}

// gather is one figure of every second.
func (p *plots) gather(class, name string, gaps bool, of func(*Point) float64) *series {
	s := &series{class: class, name: name, gaps: gaps, x: p.at}
	for i := range p.r.Series {
		s.y = append(s.y, of(&p.r.Series[i]))
	}
	return s
}

// chart draws figures of every second on a linear axis; nil without any.
func (p *plots) chart(title, y string, unit float64, write func(float64) string, all ...*series) *chart {
	if len(p.at) == 0 {
		return nil
	}
	c := newChart(title, y, p.timeName())
	most := 0.0
	for _, s := range all {
		most = max(most, s.most())
	}
	ya, marks := linear(most, unit, plotBottom, plotTop)
	c.XNotches, c.YNotches = p.marks, marks
	c.overTime(all, p.x, ya, p.r.Phases, write)
	return c
}

func (p *plots) timeName() string { return "time since the start, " + p.form }

// throughput are the charts of messages and users over time.
func (p *plots) throughput() []*chart {
	users := []*series{p.gather("c1", "connected", false, func(q *Point) float64 { return float64(q.Connected) })}
	if failed := p.gather("bad", "failed so far", false, func(q *Point) float64 { return float64(q.Failed) }); failed.most() > 0 {
		users = append(users, failed)
	}
	charts := []*chart{p.chart("Connected users", "users", 1, number, users...)}
	sent := p.gather("c1", "sent", false, func(q *Point) float64 { return q.Sent })
	delivered := p.gather("c1", "delivered", false, func(q *Point) float64 { return q.Delivered })
	if sent.most()+delivered.most() > 0 {
		charts = append(charts,
			p.chart("Messages sent", "messages a second", 1, inRate.write, sent),
			p.chart("Deliveries", "deliveries a second", 1, inRate.write, delivered))
	}
	wrong := []*series{
		p.gather("c1", "duplicated", false, func(q *Point) float64 { return float64(q.Duplicated) }),
		p.gather("c2", "reordered", false, func(q *Point) float64 { return float64(q.Reordered) }),
	}
	if wrong[0].most()+wrong[1].most() > 0 {
		charts = append(charts, p.chart("Copies and wrong order, so far", "deliveries", 1, number, wrong...))
	}
	return present(charts)
}

// costs are the charts of what the server and the generator took.
func (p *plots) costs() []*chart {
	processors := []*series{p.gather("c2", "load generator", false, func(q *Point) float64 { return q.ClientCPU })}
	memory := []*series{p.gather("c2", "load generator", false, func(q *Point) float64 { return float64(q.ClientMem) })}
	server := p.gather("c1", "server", false, func(q *Point) float64 { return float64(q.ServerMem) })
	if server.most() > 0 {
		processors = append([]*series{p.gather("c1", "server", false, func(q *Point) float64 { return q.ServerCPU })}, processors...)
		memory = append([]*series{server}, memory...)
	}
	name, unit := memoryUnit(max(server.most(), memory[len(memory)-1].most()))
	charts := []*chart{
		p.chart("Processors busy", "processors", 1, number, processors...),
		p.chart("Resident memory", name, unit, size, memory...),
	}
	stalled := p.gather("bad", "stalled", false, func(q *Point) float64 { return q.Stalled })
	if stalled.most() > 0 {
		charts = append(charts, p.chart("Load generator without a processor", "seconds a second", 1, duration, stalled))
	}
	return present(charts)
}

// latencies are the charts of each latency over time, on one axis, so that they can be compared by eye.
func (p *plots) latencies() []*chart {
	var shown []string
	sets := map[string][]*series{}
	var every []*series
	for _, name := range LatencyMetrics {
		set := []*series{
			p.gather("s3", "longest", true, func(q *Point) float64 { return q.Max[name] }),
			p.gather("s2", "p99", true, func(q *Point) float64 { return q.P99[name] }),
			p.gather("s1", "p50", true, func(q *Point) float64 { return q.P50[name] }),
		}
		if set[0].most()+set[1].most()+set[2].most() > 0 {
			shown = append(shown, name)
			sets[name] = set
			every = append(every, set...)
		}
	}
	least, most := spread(every)
	var charts []*chart
	for _, name := range shown {
		c := newChart(latencyTitle[name], "latency, log scale", p.timeName())
		y, marks := logarithmic(least, most, plotBottom, plotTop)
		c.XNotches, c.YNotches = p.marks, marks
		c.overTime(sets[name], p.x, y, p.r.Phases, duration)
		charts = append(charts, c)
	}
	return charts
}

// distribution is the chart of all latencies by quantile; nil without any.
func (p *plots) distribution() *chart {
	var all []*series
	right := 0.0
	for _, name := range LatencyMetrics {
		l, ok := p.r.Latency[name]
		if !ok || len(l.Curve) == 0 {
			continue
		}
		s := &series{class: colour[name], name: name, gaps: true}
		for _, q := range l.Curve {
			s.x, s.y = append(s.x, nine(q[0], l.Count)), append(s.y, q[1])
		}
		right = max(right, s.x[len(s.x)-1])
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil
	}
	c := newChart("Distribution", "latency, log scale", "share of the samples that took at most this long")
	least, most := spread(all)
	x, xMarks := nines(right, plotLeft, plotRight)
	y, yMarks := logarithmic(least, most, plotBottom, plotTop)
	c.XNotches, c.YNotches = xMarks, yMarks
	for _, s := range all {
		c.line(s, x, y)
		for i := range s.x {
			share := percent(1 - math.Pow(10, -s.x[i]))
			if i == len(s.x)-1 {
				share = "all"
			}
			c.Dots = append(c.Dots, dot{
				Class: s.class + " faint", X: x.at(s.x[i]), Y: y.at(sane(s.y[i])),
				Title: fmt.Sprintf("%s: %s within %s", s.name, share, duration(s.y[i])),
			})
		}
	}
	return c
}

// knee is the chart of a search for the capacity: how long the slowest hundredth took at each rate.
func (p *plots) knee() *chart {
	k := p.r.Capacity
	if k == nil || len(k.Steps) == 0 {
		return nil
	}
	var all []*series
	right := k.Knee
	for _, name := range LatencyMetrics {
		s := &series{class: colour[name], name: name + " p99", gaps: true}
		for i := range k.Steps {
			s.x, s.y = append(s.x, k.Steps[i].Rate), append(s.y, k.Steps[i].P99[name])
			right = max(right, sane(k.Steps[i].Rate))
		}
		if s.most() > 0 && name != "connect" {
			all = append(all, s)
		}
	}
	if len(all) == 0 {
		return nil
	}
	c := newChart("Latency by rate", "p99, log scale", "messages a second")
	least, most := spread(all)
	x, xMarks := linear(right, 1, plotLeft, plotRight)
	y, yMarks := logarithmic(least, most, plotBottom, plotTop)
	c.XNotches, c.YNotches = xMarks, yMarks
	if k.Knee > 0 {
		c.Rules = []notch{{x.at(k.Knee), "knee"}}
	}
	for _, s := range all {
		sortByX(s)
		c.line(s, x, y)
	}
	for i := range k.Steps {
		st := &k.Steps[i]
		for _, name := range LatencyMetrics {
			if v := st.P99[name]; v > 0 && name != "connect" {
				c.Dots = append(c.Dots, dot{
					Class: colour[name], X: x.at(sane(st.Rate)), Y: y.at(sane(v)), Hollow: !st.Kept,
					Title: fmt.Sprintf("%s messages/s: %s p99 %s, levels %s", number(st.Rate), name, duration(v), keptWord(st)),
				})
			}
		}
	}
	return c
}

func keptWord(s *Step) string {
	switch {
	case s.Saturated:
		return "not judged, the load generator was saturated"
	case s.Kept:
		return "kept"
	}
	return "missed"
}

// sortByX brings the steps of a search, which goes back and forth, into the order of their rates.
func sortByX(s *series) {
	order := make([]int, len(s.x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.x[a], s.x[b]) })
	x, y := make([]float64, 0, len(order)), make([]float64, 0, len(order))
	for _, i := range order {
		x, y = append(x, s.x[i]), append(y, s.y[i])
	}
	s.x, s.y = x, y
}

// present are the charts that have something to show.
func present(all []*chart) []*chart {
	return slices.DeleteFunc(all, func(c *chart) bool { return c == nil })
}
