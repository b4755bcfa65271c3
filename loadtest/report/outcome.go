package report

import (
	"fmt"
	"strings"
)

// outcome is how a run ended, the gravest first: a run that was cut short or that measured itself says nothing about
// the levels.
type outcome int

const (
	partial   outcome = iota // it ended before its end
	saturated                // the load generator was the bottleneck
	missed                   // a level was missed
	kept                     // every level was kept
	unjudged                 // no levels were given
)

func outcomeOf(r *Result) outcome {
	switch {
	case r.Partial != "":
		return partial
	case r.Capacity != nil && r.Capacity.Knee > 0:
		return kept // of the rates that were tried, those above the knee had to miss
	case r.Capacity != nil, hasMissedCount(r):
		return missed
	case r.Generator.Saturated:
		return saturated
	case len(r.SLOs) == 0:
		return unjudged
	case len(missedLevels(r)) > 0:
		return missed
	}
	return kept
}

// missedLevels are those that were not kept.
func missedLevels(r *Result) []Verdict {
	var out []Verdict
	for _, v := range r.SLOs {
		if !v.Kept {
			out = append(out, v)
		}
	}
	return out
}

// hasMissedCount tells whether a level on a number of deliveries or connections was missed. Such a level says what it says
// also of a run that a slow load generator made.
func hasMissedCount(r *Result) bool {
	for _, v := range missedLevels(r) {
		s, err := ParseSLO(v.SLO)
		if err != nil {
			continue
		}
		if m, _ := find(s.Metric); m != nil && m.unit == inNumbers {
			return true
		}
	}
	return false
}

// IsMissed tells whether a service level was missed, or no rate of a capacity search kept them.
func (r *Result) IsMissed() bool { return outcomeOf(r) == missed }

// IsSaturated tells whether the run says nothing because the load generator was the bottleneck.
func (r *Result) IsSaturated() bool { return outcomeOf(r) == saturated }

// headline is the outcome in a few words.
func headline(r *Result) string {
	switch outcomeOf(r) {
	case partial:
		return "Partial run"
	case saturated:
		return "The load generator was the bottleneck"
	case missed:
		if r.Capacity != nil {
			return "No rate kept the service levels"
		}
		return fmt.Sprintf("%d of %s missed", len(missedLevels(r)), plural(int64(len(r.SLOs)), "service level"))
	case kept:
		if r.Capacity != nil {
			return fmt.Sprintf("Levels kept up to %s messages a second", grouped(int64(r.Capacity.Knee)))
		}
		return "Every service level kept"
	}
	if deliveredAll(r) {
		return "Every delivery accounted for"
	}
	return "Run complete"
}

// subline is the sentence that explains the headline.
func subline(r *Result) string {
	switch outcomeOf(r) {
	case partial:
		return "It ended before its end: " + r.Partial + ". The figures are true of what had happened by then."
	case saturated:
		return "The figures show the limits of the machine that made the load, not those of the server: " +
			strings.Join(r.Generator.Why, " ")
	case missed:
		var texts []string
		for _, v := range missedLevels(r) {
			texts = append(texts, v.SLO+" (found: "+v.Found+")")
		}
		return strings.Join(texts, ", ") + "."
	}
	t := &r.Total
	if t.Expected == 0 {
		return fmt.Sprintf("%s of %s connected; nothing was sent that had to be delivered.",
			grouped(int64(r.Connect.Connected)), plural(int64(r.Connect.Asked), "user"))
	}
	return fmt.Sprintf("Of %s owed to %s, %s came and %s were lost.", plural(t.Expected, "delivery"),
		plural(int64(r.Connect.Connected), "user"), grouped(t.Delivered), grouped(t.Lost))
}

// deliveredAll tells whether all that was owed came, once and in order.
func deliveredAll(r *Result) bool {
	t := &r.Total
	return t.Expected > 0 && t.Lost == 0 && t.Duplicated == 0 && t.Reordered == 0 && t.Corrupted == 0
}

// sentence is a fault as people say it: lost: message 3 to 5 of X to Y in all.
func sentence(f *Fault) string {
	which := fmt.Sprintf("message %d", f.Number)
	if f.To > f.Number {
		which = fmt.Sprintf("messages %d to %d", f.Number, f.To)
	}
	return fmt.Sprintf("%s of %s to %s in %s", which, f.Sender, f.Recipient, f.Conversation)
}

// asked is the plan in one sentence.
func asked(p *Plan) string {
	where := strings.Join(p.URLs, ", ")
	if p.Served > 0 {
		where = plural(int64(p.Served), "server") + " started here"
	}
	text := fmt.Sprintf("%s over %s: %s on %s", p.Scenario, p.Dialect, plural(int64(p.Users), "user"), where)
	if p.Chats > 1 {
		text += fmt.Sprintf(" (%d separate chats)", p.Chats)
	}
	if p.Rate > 0 {
		text += fmt.Sprintf(", %s messages/s of %s", number(p.Rate), size(float64(p.Size)))
	}
	return text + fmt.Sprintf(" for %s after a ramp of %s, %s", duration(p.Duration), duration(p.Ramp),
		plural(int64(p.Workers), "load process"))
}
