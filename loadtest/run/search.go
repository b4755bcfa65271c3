package run

import (
	"context"
	"fmt"

	"throng/loadtest/report"
)

const (
	doublings = 20 // steps up at most
	halvings  = 4  // steps between the last good and the first bad rate
)

// search finds the highest rate at which all levels are kept: it doubles the rate until one breaks, and then halves the
// distance between the last rate that held and the first that did not.
func (r *run) search(ctx context.Context) error {
	found := &report.Capacity{}
	r.result.Capacity = found
	var good, bad float64
	for up, down := 0, 0; up < doublings && down < halvings; {
		step, err := r.step(ctx, nextRate(r.plan.Rate, good, bad))
		if err != nil {
			return err
		}
		found.Steps = append(found.Steps, step)
		if bad > 0 {
			down++
		} else {
			up++
		}
		if step.Kept {
			good, found.Knee = step.Rate, step.Rate
		} else {
			bad, found.Limit = step.Rate, broken(step)
		}
	}
	return nil
}

// nextRate is the rate to try when good held and bad did not; 0 means that there has been none yet.
func nextRate(first, good, bad float64) float64 {
	switch {
	case good == 0 && bad == 0:
		return first
	case bad == 0:
		return 2 * good
	}
	return (good + bad) / 2
}

// step tries one rate, and lets what it has sent arrive before it judges.
func (r *run) step(ctx context.Context, rate float64) (report.Step, error) {
	r.latency.absorb(r.news.takeMeasured())
	before, err := r.account(ctx)
	if err != nil {
		return report.Step{}, err
	}
	from := r.mark()
	if err := r.send(ctx, fmt.Sprintf("%.0f/s", rate), rate, r.plan.Step, true); err != nil {
		return report.Step{}, err
	}
	sent := r.mark()
	after, err := r.coolDown(ctx)
	if err != nil {
		return report.Step{}, err
	}
	to := r.mark()
	took := to.at - from.at
	measured := r.news.takeMeasured()
	part := &report.Result{Total: minus(after.Total, before.Total), Latency: measured.latencies()}
	part.Total.Sent = to.counts.Sent - from.counts.Sent
	part.Seconds = took
	part.Generator = r.generator(from, to)
	part.Series = r.stretch(from.at, to.at)
	r.latency.absorb(measured)
	step := report.Step{Rate: rate, P99: map[string]float64{}}
	step.Delivered = float64(sent.counts.Delivered-from.counts.Delivered) / r.plan.Step.Seconds()
	for metric, l := range part.Latency {
		step.P99[metric] = l.P99
	}
	step.Saturated = part.Generator.Saturated
	step.Kept = !step.Saturated
	for _, level := range r.plan.SLOs {
		v := level.Judge(part)
		step.Verdicts = append(step.Verdicts, v)
		step.Kept = step.Kept && v.Kept
	}
	return step, nil
}

// broken says what ended a step's good standing.
func broken(s report.Step) string {
	if s.Saturated {
		return "the load generator itself was saturated"
	}
	for _, v := range s.Verdicts {
		if !v.Kept {
			return v.SLO + " (found " + v.Found + ")"
		}
	}
	return ""
}

// stretch is a piece of the timeline, as the steady phase of a result.
func (r *run) stretch(from, to float64) (points []report.Point) {
	r.time.mu.Lock()
	defer r.time.mu.Unlock()
	for _, p := range r.time.series {
		if p.At > from && p.At <= to {
			p.Phase = report.Steady
			points = append(points, p)
		}
	}
	return points
}
