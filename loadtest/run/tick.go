package run

import (
	"context"
	"sync"
	"time"

	"throng/loadtest"
	"throng/loadtest/report"
)

// timeline is what is written down once a second while the run goes on.
type timeline struct {
	mu      sync.Mutex // guards all below, and the live view
	phase   string
	began   float64 // when the phase began, seconds since the begin of the run
	ends    float64 // when it will end; 0: not known
	watched []*watched
	series  []report.Point
	phases  []report.Phase
	turned  int // attempts to come in that had failed when the phase began

	last counts  // at the last point
	at   float64 // when that was, seconds since the begin
	srv  float64 // processor seconds of the servers then
	most int64   // resident bytes of all workers at most
}

// mark is what had been used up at one moment.
type mark struct {
	at     float64
	counts counts
	cpu    float64 // processor seconds of the workers
	memory int64   // their resident bytes
	server []usage // of each watched server
}

type usage struct {
	cpu    time.Duration
	memory int64
}

// watch adds a point to the timeline every second until ctx ends. It runs on a goroutine of its own.
func (r *run) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.point()
		}
	}
}

// point writes down what happened since the last one.
func (r *run) point() {
	sum, _, _, memory := r.news.counts()
	turned := r.news.turned()
	recent, rate := r.news.takeRecent(), r.news.rate(loadtest.Now()-r.begin)
	t := &r.time
	t.mu.Lock()
	defer t.mu.Unlock()
	now := r.since()
	took := now - t.at
	p := report.Point{
		At: now, Phase: t.phase, Connected: sum.Connected, Failed: sum.Failed,
		Sent: rate.sent, Delivered: rate.delivered,
		P50: map[string]float64{}, P99: map[string]float64{}, Max: map[string]float64{},
		ClientCPU: rate.cpu, ClientMem: memory,
		Stalled: float64(sum.Stalled-t.last.Stalled) / 1e9, Duplicated: sum.Duplicated, Reordered: sum.Reordered,
	}
	for metric, l := range recent.latencies() {
		p.P50[metric], p.P99[metric], p.Max[metric] = l.P50, l.P99, l.Max
	}
	var server float64
	for _, w := range t.watched {
		_ = w.look()
		server += w.cpu.Seconds()
		p.ServerMem += w.memory
	}
	p.ServerCPU = (server - t.srv) / took
	t.last, t.at, t.srv, t.most = sum, now, server, max(t.most, memory)
	t.series = append(t.series, p)
	r.env.Live.Phase(t.progress(now, sum, turned, r.plan.Users))
	r.env.Live.Update(p)
}

// progress is how far the phase is.
func (t *timeline) progress(now float64, sum counts, turned map[string]int, users int) report.Progress {
	p := report.Progress{At: now, Phase: t.phase, Done: now - t.began, What: "s", Turned: sum.Turned - t.turned, Why: mostly(turned)}
	switch {
	case t.phase == "connect":
		p.Done, p.Of, p.What = float64(sum.Ever+sum.Failed), float64(users), "users"
	case t.ends > 0:
		p.Of = t.ends - t.began
	}
	return p
}

// say shows a line of text.
func (r *run) say(line string) {
	r.time.mu.Lock()
	defer r.time.mu.Unlock()
	r.env.Live.Say(line)
}

// mark looks at what has been used up.
func (r *run) mark() mark {
	sum, _, cpu, memory := r.news.counts()
	r.time.mu.Lock()
	defer r.time.mu.Unlock()
	m := mark{at: r.since(), counts: sum, cpu: float64(cpu) / 1e9, memory: memory}
	for _, w := range r.time.watched {
		_ = w.look()
		m.server = append(m.server, usage{w.cpu, w.memory})
	}
	return m
}

// since is the time on the run's clock in seconds.
func (r *run) since() float64 { return float64(loadtest.Now()-r.begin) / 1e9 }

// enter begins a phase, which takes so long if that is known, and ends the one before; the empty name ends the last.
func (r *run) enter(phase string, takes time.Duration) {
	sum, _, _, _ := r.news.counts()
	t := &r.time
	t.mu.Lock()
	defer t.mu.Unlock()
	now := r.since()
	if n := len(t.phases); n > 0 && t.phase != "" {
		t.phases[n-1].To = now
	}
	t.phase, t.began, t.ends, t.turned = phase, now, 0, sum.Turned
	if takes > 0 {
		t.ends = now + takes.Seconds()
	}
	if phase != "" {
		t.phases = append(t.phases, report.Phase{Name: phase, From: now})
		r.env.Live.Phase(report.Progress{At: now, Phase: phase})
	}
}
