package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
)

// column is how a figure is shown.
type column struct {
	figure int
	head   string
	worst  bool // of all rounds the highest value counts, not the median, and there is no ratio
}

// The two tables that are printed.
var (
	steady = []column{
		{figure: idleMemory, head: "idle: bytes a connection"},
		{figure: connectCPU, head: "connect: CPU, µs"},
		{figure: broadcastCPU, head: "broadcast: CPU a delivery, µs"},
		{figure: broadcastRate, head: "deliveries a second"},
		{figure: directCPU, head: "direct: CPU a message, µs"},
		{figure: directP99, head: "p99, ms"},
	}
	bursts = []column{
		{figure: burstRate, head: "burst: deliveries a second"},
		{figure: burstCPU, head: "CPU a delivery, µs"},
		{figure: burstP99, head: "p99, ms"},
		{figure: burstLost, head: "lost", worst: true},
		{figure: burstGone, head: "users cut off", worst: true},
	}
)

// printPeers writes the tables in Markdown: a row a server, the one that delivers most in a burst first.
// All has ours first.
func (b *bench) printPeers(w io.Writer, all []*contender) error {
	var s strings.Builder
	fmt.Fprintf(&s, "%d processors, Go %s on %s, %s sockets; medians of %d rounds, in brackets the median of the rounds' "+
		"ratios to %s. Direct: %s messages a second. Burst: %s messages to everyone within a second; “lost” and "+
		"“cut off” of the worst round.\n", runtime.NumCPU(), runtime.Version()[2:], runtime.GOARCH,
		number(b.peerUsers()), b.rounds, all[0].name, number(b.directRate()), number(burstPace))
	s.WriteString(b.table.noise())
	ours := all[0]
	all = slices.SortedStableFunc(slices.Values(all), func(x, y *contender) int {
		return cmp.Compare(median(y.known(burstRate)), median(x.known(burstRate)))
	})
	for _, columns := range [][]column{steady, bursts} {
		s.WriteString("\n| server |")
		for _, col := range columns {
			fmt.Fprintf(&s, " %s |", col.head)
		}
		s.WriteString("\n|---|" + strings.Repeat("---:|", len(columns)) + "\n")
		for _, c := range all {
			fmt.Fprintf(&s, "| %s |", c.name)
			for _, col := range columns {
				fmt.Fprintf(&s, " %s |", c.cell(col, ours))
			}
			s.WriteString("\n")
		}
	}
	_, err := io.WriteString(w, s.String())
	return err
}

// known is the values of a figure in the rounds that have it; without any it is one NaN, which sorts
// below all others.
func (c *contender) known(figure int) []float64 {
	var v []float64
	for _, round := range c.rounds {
		if !math.IsNaN(round[figure]) {
			v = append(v, round[figure])
		}
	}
	if v == nil {
		return []float64{math.NaN()}
	}
	return v
}

// cell is a figure of a contender with its ratio to ours, and why it is missing.
func (c *contender) cell(col column, ours *contender) string {
	known := c.known(col.figure)
	text := quantity(median(known), "")
	switch {
	case math.IsNaN(known[0]):
		text = "–"
	case col.worst:
		text = number(int(slices.Max(known)))
	case c != ours:
		var ratios []float64
		for i, round := range c.rounds {
			if r := round[col.figure] / ours.rounds[i][col.figure]; !math.IsNaN(r) {
				ratios = append(ratios, r)
			}
		}
		if ratios != nil {
			text += fmt.Sprintf(" (%s)", quantity(median(ratios), ""))
		}
	}
	failed, why := c.failures(col.figure)
	switch {
	case failed == 0:
		return text
	case failed == len(c.rounds):
		return "failed: " + why
	}
	return fmt.Sprintf("%s; failed in %d of %d rounds: %s", text, failed, len(c.rounds), why)
}

// failures counts the rounds that a contender has left at a figure, and says why it did the last time.
func (c *contender) failures(figure int) (n int, why string) {
	for i, err := range c.errs {
		if err != nil && slices.IndexFunc(c.rounds[i][:], math.IsNaN) == figure {
			n++
			why = strings.TrimPrefix(err.Error(), c.name+": ")
		}
	}
	return n, strings.NewReplacer("|", "/", "\n", " ").Replace(why)
}
