package report

import (
	"fmt"
	"strings"
)

// tallyTitles are the columns of a [Tally] on the page.
var tallyTitles = []string{
	"Sent", "Acked", "Expected", "Delivered", "Lost", "Duplicated", "Reordered", "Late", "Corrupted", "Excused",
}

func kindTable(r *Result) table {
	t := table{Head: append([]string{"Kind"}, tallyTitles...)}
	if r.Total == (Tally{}) {
		return t
	}
	for i := range r.Kinds {
		t.add(wrong(&r.Kinds[i].Tally), append([]string{r.Kinds[i].Name}, tallyCells(&r.Kinds[i].Tally)...)...)
	}
	t.add(wrong(&r.Total), append([]string{"all"}, tallyCells(&r.Total)...)...)
	return t
}

// wrong tells whether something is amiss with a tally; lateness is judged by the levels.
func wrong(t *Tally) bool { return t.Lost+t.Duplicated+t.Reordered+t.Corrupted > 0 }

func accountTable(all []Account) table {
	t := table{Head: append([]string{"Name"}, tallyTitles...)}
	for i := range all[:min(len(all), pageAccounts)] {
		t.add(false, append([]string{all[i].Name}, tallyCells(&all[i].Tally)...)...)
	}
	t.leftOut(len(all), pageAccounts)
	return t
}

func faultTable(all []Fault) table {
	t := table{Head: []string{"What", "Which", "Sender", "Recipient", "Conversation"}, Words: true}
	for i := range all[:min(len(all), pageFaults)] {
		f := &all[i]
		which := fmt.Sprintf("message %d", f.Number)
		if f.To > f.Number {
			which = fmt.Sprintf("messages %d to %d", f.Number, f.To)
		}
		t.add(false, f.What, which, f.Sender, f.Recipient, f.Conversation)
	}
	t.leftOut(len(all), pageFaults)
	return t
}

func stepTable(c *Capacity) table {
	t := table{Head: []string{"Messages a second", "Deliveries a second", "p99", "Levels"}, Words: true}
	for i := range c.Steps[:min(len(c.Steps), pageSteps)] {
		s := &c.Steps[i]
		var tails, levels []string
		for _, name := range LatencyMetrics {
			if x := s.P99[name]; x > 0 {
				tails = append(tails, name+" "+duration(x))
			}
		}
		for _, v := range s.Verdicts {
			if !v.Kept {
				levels = append(levels, fmt.Sprintf("✗ %s (%s)", v.SLO, v.Found))
			}
		}
		word := strings.Join(levels, ", ")
		switch {
		case s.Saturated:
			word = "! the load generator was saturated"
		case s.Kept:
			word = "✓ kept"
		}
		t.add(!s.Kept, number(roundTo(s.Rate)), number(roundTo(s.Delivered)), strings.Join(tails, ", "), word)
	}
	t.leftOut(len(c.Steps), pageSteps)
	return t
}

// planList is what was asked of the run, less what was left at nothing.
func planList(r *Result) [][2]string {
	p := &r.Plan
	list := [][2]string{{"Scenario", p.Scenario}, {"Dialect", p.Dialect}, {"Servers", strings.Join(p.URLs, ", ")}}
	add := func(name string, value float64, write func(float64) string) {
		if value != 0 {
			list = append(list, [2]string{name, write(value)})
		}
	}
	add("Servers started by the run", float64(p.Served), number)
	add("Separate chats", float64(p.Chats), number)
	add("Users", float64(p.Users), number)
	add("Load processes", float64(p.Workers), number)
	add("Messages a second", p.Rate, number)
	add("Message size", float64(p.Size), size)
	add("Ramp", p.Ramp, duration)
	add("Steady phase", p.Duration, duration)
	add("Late after", p.LateAfter, duration)
	add("Whole run", r.Seconds, duration)
	return list
}
