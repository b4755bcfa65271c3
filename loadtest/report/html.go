package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed page.html
var pageText string

// page is the template of the report. It escapes every text; nothing that comes from a Result is marked as safe.
var page = template.Must(template.New("page").Parse(pageText))

// How many rows the tables of the page show. The rest is in the JSON form.
const (
	pageAccounts = 20
	pageFaults   = 50
	pageServers  = 50
	pageReasons  = 20
	pageLevels   = 100
	pageSteps    = 100
	pageNotes    = 50
)

// WriteHTML writes the report to hand on: one page without scripts that needs no network, for the screen, a phone and
// paper. Its size does not grow with the length of the run beyond some hundred kilobytes a chart.
func WriteHTML(w io.Writer, r *Result) error {
	if err := page.Execute(w, view(r)); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// pageView is what the template is given: texts as they are read, in the order of the page.
type pageView struct {
	Title, Asked, When, Version string
	Outcome                     string // class of the headline
	Sign, Headline, Subline     string
	Also                        string // a second thing to be said as loud; empty: there is none
	Tiles                       []tile
	Levels                      table
	Notes                       []string
	Throughput                  []*chart
	Reasons                     table
	Latency                     table
	Distribution                *chart
	OverTime                    []*chart
	Costs                       []*chart
	Servers                     table
	Kinds                       table
	Conversations, Senders      table
	Faults                      table
	Capacity                    string // the sentence; empty: none was looked for
	Knee                        *chart
	Steps                       table
	Plan                        [][2]string
}

// tile is a key figure.
type tile struct {
	Name, Value, Note string
	Bad               bool
}

// table has its first column to the left and the others to the right, or all to the left when Words is set.
type table struct {
	Head  []string
	Rows  []tableRow
	Words bool
	More  string // what was left out
}

type tableRow struct {
	Cells []string
	Bad   bool
}

// add appends a row.
func (t *table) add(bad bool, cells ...string) { t.Rows = append(t.Rows, tableRow{cells, bad}) }

// leftOut says how many of all rows are not shown.
func (t *table) leftOut(all, most int) {
	if all > most {
		t.More = fmt.Sprintf("%s more in the JSON form of this report.", grouped(int64(all-most)))
	}
}

func view(r *Result) *pageView {
	p := newPlots(r)
	v := &pageView{
		Title: strings.TrimSpace("Load report: " + r.Plan.Scenario), Asked: asked(&r.Plan),
		When: r.Started.UTC().Format("2 January 2006, 15:04:05 UTC"), Version: r.Version,
		Headline: headline(r), Subline: subline(r),
		Tiles: tiles(r), Levels: levelTable(r), Notes: r.Notes[:min(len(r.Notes), pageNotes)],
		Throughput: p.throughput(), Reasons: reasonTable(&r.Connect),
		Latency: latencyTable(r), Distribution: p.distribution(), OverTime: p.latencies(),
		Costs: p.costs(), Servers: serverTable(r),
		Kinds:         kindTable(r),
		Conversations: accountTable(r.Conversations), Senders: accountTable(r.Senders), Faults: faultTable(r.Faults),
		Knee: p.knee(), Plan: planList(r),
	}
	switch outcomeOf(r) {
	case kept:
		v.Outcome, v.Sign = "good", "✓"
	case unjudged:
		v.Outcome, v.Sign = "plain", "i"
	case missed:
		v.Outcome, v.Sign = "bad", "✗"
	case partial:
		v.Outcome, v.Sign = "doubt", "!"
		if r.Generator.Saturated {
			v.Also = "The load generator was the bottleneck, too: " + strings.Join(r.Generator.Why, " ")
		}
	case saturated:
		v.Outcome, v.Sign = "doubt", "!"
	}
	if r.Capacity != nil {
		v.Capacity = knee(r.Capacity)
		v.Steps = stepTable(r.Capacity)
	}
	return v
}

// tiles are the key figures, at most eight.
func tiles(r *Result) []tile {
	c, t := &r.Connect, &r.Total
	all := []tile{{
		Name: "Users connected", Value: grouped(int64(c.Connected)), Bad: c.Failed+c.Dropped > 0,
		Note: fmt.Sprintf("of %s; %s failed, %s dropped", grouped(int64(c.Asked)), grouped(int64(c.Failed)), grouped(int64(c.Dropped))),
	}, {
		Name: "Connect rate", Value: inRate.write(roundTo(c.Rate)), Note: quantileNote(r, "connect"),
	}}
	if t.Expected > 0 {
		all = append(all, tile{
			Name: "Deliveries lost", Value: grouped(t.Lost), Bad: t.Lost > 0,
			Note: "of " + grouped(t.Expected) + " owed",
		}, tile{
			Name: "Out of place", Value: grouped(t.Duplicated + t.Reordered + t.Corrupted), Bad: t.Duplicated+t.Reordered+t.Corrupted > 0,
			Note: fmt.Sprintf("%s twice, %s reordered, %s corrupted", grouped(t.Duplicated), grouped(t.Reordered), grouped(t.Corrupted)),
		})
	}
	if x, missing := steadyRate(func(p *Point) float64 { return p.Delivered })(r); missing == "" && x > 0 {
		all = append(all, tile{Name: "Deliveries a second", Value: number(roundTo(x)), Note: "mean of the steady phase"})
	}
	for _, name := range []string{"broadcast", "direct", "room", "ack"} {
		if l, ok := r.Latency[name]; ok {
			all = append(all, tile{
				Name: name + " p99", Value: duration(l.P99),
				Note: fmt.Sprintf("median %s, longest %s", duration(l.P50), duration(l.Max)),
			})
			break
		}
	}
	if len(r.Servers) > 0 {
		all = append(all, serverTiles(r)...)
	}
	return all
}

// quantileNote is the tail of a latency in a few words, or nothing.
func quantileNote(r *Result, name string) string {
	l, ok := r.Latency[name]
	if !ok {
		return ""
	}
	return fmt.Sprintf("p99 %s, longest %s", duration(l.P99), duration(l.Max))
}

func serverTiles(r *Result) []tile {
	all := allServers(r)
	memory := tile{Name: "Server memory", Value: size(float64(all.Memory))}
	if all.PerUser > 0 {
		memory.Note = size(all.PerUser) + " a user"
	}
	cpu := tile{Name: "Server processors", Value: number(roundTo(all.CPU))}
	if all.PerMessage > 0 {
		cpu.Note = duration(all.PerMessage) + " a delivery"
	}
	return []tile{memory, cpu}
}

func levelTable(r *Result) table {
	t := table{Head: []string{"", "Service level", "Found"}, Words: true}
	for _, v := range r.SLOs[:min(len(r.SLOs), pageLevels)] {
		word := "✓ kept"
		if !v.Kept {
			word = "✗ missed"
		}
		t.add(!v.Kept, word, v.SLO, v.Found)
	}
	t.leftOut(len(r.SLOs), pageLevels)
	return t
}

func reasonTable(c *Connect) table {
	t := table{Head: []string{"Why connections failed or were dropped", "Times"}}
	reasons := reasonsOf(c)
	for _, why := range reasons[:min(len(reasons), pageReasons)] {
		t.add(false, plain(why, 200), grouped(int64(c.Reasons[why])))
	}
	t.leftOut(len(reasons), pageReasons)
	return t
}

func latencyTable(r *Result) table {
	t := table{Head: []string{"Latency", "Samples", "p50", "p90", "p99", "p99.9", "p99.99", "Longest", "What it is"}}
	for _, name := range LatencyMetrics {
		if l, ok := r.Latency[name]; ok {
			t.add(false, append(append([]string{name}, latencyCells(&l)...), latencyMeaning[name])...)
		}
	}
	return t
}

func serverTable(r *Result) table {
	t := table{Head: []string{"Process", "Processors", "Memory, at most", "Memory a user", "Processor time a delivery"}}
	known := func(x float64, write func(float64) string) string {
		if x == 0 {
			return "–"
		}
		return write(x)
	}
	for i := range r.Servers[:min(len(r.Servers), pageServers)] {
		s := &r.Servers[i]
		t.add(false, s.Name, number(roundTo(s.CPU)), size(float64(s.Memory)), known(s.PerUser, size), known(s.PerMessage, duration))
	}
	g := &r.Generator
	t.add(g.Saturated, "load generator", number(roundTo(g.CPU)), size(float64(g.Memory)), known(g.PerUser, size), "–")
	t.leftOut(len(r.Servers), pageServers)
	return t
}
