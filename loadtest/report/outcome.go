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

// headline is the outcome in a few words.
func headline(r *Result) string {
	switch outcomeOf(r) {
	case partial:
		return "Partial run"
	case saturated:
		return "The load generator was the bottleneck"
	case missed:
		return fmt.Sprintf("%d of %s missed", len(missedLevels(r)), plural(int64(len(r.SLOs)), "service level"))
	case kept:
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
