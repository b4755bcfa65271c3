package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// How many rows of each sort the summary shows, so that it fits on a screen. The rest is in the other forms.
const (
	textReasons = 3
	textServers = 3
	textFaults  = 10
	textLevels  = 6
	textNotes   = 4
	textColumns = 160 // of a line that holds names from elsewhere
)

// WriteText writes the summary that ends a run in the terminal: plain text of at most some 45 lines. What makes the
// figures worthless, an early end or a generator that was the bottleneck, comes first.
func WriteText(w io.Writer, r *Result) error {
	var t text
	t.top(r)
	t.connects(r)
	t.tally(r)
	t.latencies(r)
	t.costs(r)
	t.faults(r)
	t.levels(r)
	t.notes(r)
	_, err := io.WriteString(w, strings.Join(t.lines, "\n")+"\n")
	return err
}

// text gathers the lines of the summary.
type text struct{ lines []string }

func (t *text) line(format string, args ...any) {
	t.lines = append(t.lines, plain(fmt.Sprintf(format, args...), textColumns))
}

// gap is an empty line between two parts.
func (t *text) gap() { t.lines = append(t.lines, "") }

// more says how many rows were left out, if any.
func (t *text) more(all, most int, noun string) {
	if all > most {
		t.line("  and %s more", plural(int64(all-most), noun))
	}
}

func (t *text) top(r *Result) {
	if r.Partial != "" {
		t.line("!!! PARTIAL RUN: %s", r.Partial)
	}
	isMeasured := r.Capacity == nil // a search goes on until something breaks
	if r.Generator.Saturated && isMeasured {
		t.line("!!! THE LOAD GENERATOR WAS THE BOTTLENECK: its latencies are not the server's")
		for _, why := range r.Generator.Why[:min(len(r.Generator.Why), textReasons)] {
			t.line("    %s", why)
		}
	}
	if r.Partial != "" || r.Generator.Saturated && isMeasured {
		t.gap()
	}
	t.line("%s", asked(&r.Plan))
}

func (t *text) connects(r *Result) {
	c := &r.Connect
	t.line("connected %s of %s at %s/s, %s failed, %s dropped, %s returned", grouped(int64(c.Connected)),
		plural(int64(c.Asked), "user"), number(roundTo(c.Rate)), grouped(int64(c.Failed)), grouped(int64(c.Dropped)),
		grouped(int64(c.Again)))
	reasons := reasonsOf(c)
	for _, why := range reasons[:min(len(reasons), textReasons)] {
		t.line("  %s × %s", grouped(int64(c.Reasons[why])), why)
	}
	t.more(len(reasons), textReasons, "reason")
}

// reasonsOf are the reasons of failed and dropped connections, the most frequent first.
func reasonsOf(c *Connect) []string {
	return slices.SortedFunc(maps.Keys(c.Reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.Reasons[b], c.Reasons[a]), cmp.Compare(a, b))
	})
}

func (t *text) tally(r *Result) {
	if r.Total == (Tally{}) {
		return
	}
	t.gap()
	rows := [][]string{tallyHead}
	for i := range r.Kinds {
		rows = append(rows, append([]string{plain(r.Kinds[i].Name, 24)}, tallyCells(&r.Kinds[i].Tally)...))
	}
	rows = append(rows, append([]string{"all"}, tallyCells(&r.Total)...))
	t.lines = append(t.lines, columns(rows)...)
}

// tallyHead names the columns of a [Tally] in tables, and tallyCells are their values.
var tallyHead = []string{"", "sent", "acked", "expected", "delivered", "lost", "dup", "reord", "late", "corrupt", "excused"}

func tallyCells(t *Tally) []string {
	var cells []string
	for _, n := range []int64{
		t.Sent, t.Acked, t.Expected, t.Delivered, t.Lost, t.Duplicated, t.Reordered, t.Late, t.Corrupted, t.Excused,
	} {
		cells = append(cells, grouped(n))
	}
	return cells
}

// latencyHead and latencyCells are the same for a [Latency].
var latencyHead = []string{"latency", "count", "p50", "p90", "p99", "p99.9", "p99.99", "max"}

func latencyCells(l *Latency) []string {
	cells := []string{grouped(l.Count)}
	for _, x := range []float64{l.P50, l.P90, l.P99, l.P999, l.P9999, l.Max} {
		cells = append(cells, duration(x))
	}
	return cells
}

func (t *text) latencies(r *Result) {
	rows := [][]string{latencyHead}
	for _, name := range LatencyMetrics {
		if l, ok := r.Latency[name]; ok {
			rows = append(rows, append([]string{name}, latencyCells(&l)...))
		}
	}
	if len(rows) > 1 {
		t.gap()
		t.lines = append(t.lines, columns(rows)...)
	}
}

func (t *text) costs(r *Result) {
	t.gap()
	for i := range r.Servers[:min(len(r.Servers), textServers)] {
		t.line("%s", serverCost(&r.Servers[i]))
	}
	t.more(len(r.Servers), textServers, "server")
	if len(r.Servers) > 1 {
		all := allServers(r)
		t.line("%s", serverCost(&all))
	}
	g := &r.Generator
	line := fmt.Sprintf("load generator: %s processors, %s", number(roundTo(g.CPU)), size(float64(g.Memory)))
	if g.PerUser > 0 {
		line += fmt.Sprintf(" (%s a user)", size(g.PerUser))
	}
	if g.LateSends > 0 {
		line += ", " + plural(g.LateSends, "late send")
	}
	if g.Skipped > 0 {
		line += ", " + plural(g.Skipped, "message") + " not sent"
	}
	if g.Stalled > 0 {
		line += fmt.Sprintf(", stalled %s", duration(g.Stalled))
	}
	if g.Tainted > 0 {
		line += fmt.Sprintf(", %s left out of the latencies", plural(g.Tainted, "delivery"))
	}
	t.line("%s", line)
}

// allServers is all of them as if they were one.
func allServers(r *Result) Server {
	of := func(name string) float64 {
		m, _ := find(name)
		x, _ := m.of(r)
		return x
	}
	return Server{
		Name: "all servers", CPU: of("server.cpu"), Memory: int64(of("server.memory")), PerUser: of("server.per_user"),
		PerMessage: of("server.per_message"),
	}
}

func serverCost(s *Server) string {
	line := fmt.Sprintf("%s: %s processors, %s", s.Name, number(roundTo(s.CPU)), size(float64(s.Memory)))
	if s.PerUser > 0 {
		line += fmt.Sprintf(" (%s a user)", size(s.PerUser))
	}
	if s.PerMessage > 0 {
		line += fmt.Sprintf(", %s of processor a delivery", duration(s.PerMessage))
	}
	return line
}

func (t *text) faults(r *Result) {
	if len(r.Faults) == 0 {
		return
	}
	t.gap()
	for i := range r.Faults[:min(len(r.Faults), textFaults)] {
		t.line("%s: %s", r.Faults[i].What, sentence(&r.Faults[i]))
	}
	t.more(len(r.Faults), textFaults, "fault")
}

// levels shows what was missed before what was kept.
func (t *text) levels(r *Result) {
	if len(r.SLOs) > 0 {
		t.gap()
	}
	verdicts := missedLevels(r)
	for _, v := range r.SLOs {
		if v.Kept {
			verdicts = append(verdicts, v)
		}
	}
	var rows [][]string
	for _, v := range verdicts[:min(len(verdicts), textLevels)] {
		rows = append(rows, []string{mark(v.Kept) + " " + plain(v.SLO, 60), plain(v.Found, 60)})
	}
	t.lines = append(t.lines, columns(rows)...)
	t.more(len(verdicts), textLevels, "level")
	if c := r.Capacity; c != nil {
		t.gap()
		t.line("%s", knee(c))
	}
}

func mark(kept bool) string {
	if kept {
		return "✓"
	}
	return "✗"
}

// knee is the end of a search for the capacity, in one sentence.
func knee(c *Capacity) string {
	limit := c.Limit
	if limit == "" {
		limit = "nothing up to the highest rate that was tried"
	}
	if c.Knee == 0 {
		return fmt.Sprintf("capacity: below the lowest of %s; broken by %s", plural(int64(len(c.Steps)), "rate"), limit)
	}
	return fmt.Sprintf("capacity: %s messages/s; broken above it: %s", number(roundTo(c.Knee)), limit)
}

func (t *text) notes(r *Result) {
	if len(r.Notes) > 0 {
		t.gap()
	}
	for _, note := range r.Notes[:min(len(r.Notes), textNotes)] {
		t.line("note: %s", note)
	}
	t.more(len(r.Notes), textNotes, "note")
}
