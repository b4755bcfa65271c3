package run

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"throng/loadtest"
	"throng/loadtest/doctor"
	"throng/loadtest/ledger"
	"throng/loadtest/process"
	"throng/loadtest/report"
)

// Env is what a run uses of its surroundings.
type Env struct {
	Self    string       // path of the program, for servers and workers
	Version string       // goes into the result
	Live    *report.Live // is told how the run goes
}

// run is one load run as the coordinator sees it. Its fields belong to the goroutine of [Run], except for the timeline.
type run struct {
	plan    Plan
	env     Env
	id      uint32 // marks the messages and nicks of this run
	begin   int64  // the run's zero, on the clock of loadtest.Now
	result  *report.Result
	servers []*process.Process
	scratch *scratch // has their data; nil: there are none
	hands   []*hand
	news    *collector
	latency hists // of the measured stages that are over
	steady  [2]mark
	empty   int64 // resident bytes of the workers before the first user
	time    timeline
}

// Run does the load run that the plan asks for and returns what it found. When ctx ends, or a server or a worker dies,
// the result is partial and says so, and the error is nil; an error means that there is nothing to report. Nothing that
// Run has started is left when it returns. The calling goroutine must be locked to its thread (see package process).
func Run(ctx context.Context, plan Plan, env Env) (*report.Result, error) {
	r := &run{plan: plan, env: env, id: rand.Uint32(), begin: loadtest.Now(), latency: hists{}}
	r.result = &report.Result{Format: report.Format, Version: env.Version, Started: time.Now()}
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	watching, stop := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() { r.watch(watching) })
	err := r.load(ctx)
	if err != nil {
		r.result.Partial = reason(ctx, err)
		r.say(r.result.Partial + ": ending early")
	}
	account := r.settle(ctx)
	stop()
	watch.Wait()
	if sum, _, _, _ := r.news.counts(); err != nil && sum.Ever == 0 && ctx.Err() == nil {
		return nil, err
	}
	r.finish(account)
	return r.result, nil
}

// reason says why a run ended early.
func reason(ctx context.Context, err error) string {
	if ctx.Err() != nil {
		return "interrupted"
	}
	return err.Error()
}

// prepare makes everything ready up to the first user: machine, servers, dialect, workers.
func (r *run) prepare(ctx context.Context) error {
	machine, err := doctor.Look()
	if err != nil {
		return err
	}
	if r.plan.Serve == Auto {
		r.plan.Serve = doctor.Servers(machine, r.plan.Users)
	}
	if r.plan.Processes == 0 && len(r.plan.Remote) == 0 {
		r.plan.Processes = doctor.Workers(machine, r.plan.Users)
	}
	if err := r.preflight(machine); err != nil {
		return err
	}
	if err := r.serve(ctx); err != nil {
		return err
	}
	if err := r.plan.check(); err != nil {
		return err
	}
	for _, w := range r.time.watched {
		if err := w.look(); err != nil {
			return fmt.Errorf("cannot watch %s: %w", w.name, err)
		}
	}
	if err := r.agreeDialect(ctx); err != nil {
		return err
	}
	if r.plan.Search && len(r.plan.SLOs) == 0 {
		r.plan.SLOs = r.plan.usual()
	}
	return r.hire(ctx)
}

// preflight checks that this machine can do what is asked and says what it will do.
func (r *run) preflight(m doctor.Machine) error {
	if r.plan.Processes == 0 {
		return nil // all users are on other machines
	}
	here := r.plan.Users * r.plan.Processes / (r.plan.Processes + len(r.plan.Remote))
	plan := doctor.LoadPlan{
		Users: here, Workers: r.plan.Processes, Sources: len(r.plan.Sources),
		Targets: max(r.plan.Serve, len(r.plan.Addrs)), Loopback: r.plan.onLoopback(), TLS: r.plan.TLS.On, Served: r.plan.Serve,
	}
	if plan.Loopback && plan.Sources == 0 {
		plan.Sources = loadtest.DefaultSources
	}
	checks := doctor.Load(m, plan)
	if len(r.plan.Sources) > 0 {
		checks = append(checks, doctor.Sources(r.plan.Sources))
	}
	var failed []string
	for i, c := range checks {
		if i == 0 || c.Level != doctor.OK { // the first tells the plan
			var text strings.Builder
			doctor.Print(&text, []doctor.Check{c})
			for line := range strings.Lines(text.String()) {
				r.say(strings.TrimRight(line, "\n"))
			}
		}
		if c.Level == doctor.Fail {
			failed = append(failed, c.Name+": "+c.Found)
		}
	}
	if len(failed) > 0 {
		return errors.New("this machine cannot do it: " + strings.Join(failed, " | "))
	}
	return nil
}

// serve starts the servers that the plan asks for.
func (r *run) serve(ctx context.Context) error {
	if r.plan.Serve > 0 {
		var err error
		if r.scratch, err = newScratch(os.TempDir()); err != nil {
			return err
		}
	}
	nats, err := process.FreeAddr()
	if err != nil {
		return err
	}
	for i := range r.plan.Serve {
		// The limit of messages a second is for people; here the load's plan is the limit.
		args := []string{"serve", "--addr", "127.0.0.1:0", "--admin", "off", "--data", r.scratch.folder(i + 1), "--rate", "0", "--log-level", "warn"}
		switch {
		case r.plan.Serve == 1:
		case i == 0: // several are one chat, on the NATS of the first
			args = append(args, "--nats", "embedded", "--nats-listen", nats)
		default:
			args = append(args, "--nats", "nats://"+nats)
		}
		p, err := process.Start(context.WithoutCancel(ctx), r.env.Self, args...)
		if err != nil {
			return fmt.Errorf("server %d: %w", i+1, err)
		}
		r.servers = append(r.servers, p)
		r.plan.Addrs = append(r.plan.Addrs, p.Addr)
		r.time.watched = append(r.time.watched, watchPid(p.Addr, p.Pid))
	}
	if r.plan.Serve > 1 {
		r.plan.Chats = 1
	}
	for _, pid := range r.plan.Pids {
		r.time.watched = append(r.time.watched, watchPid(fmt.Sprintf("pid %d", pid), pid))
	}
	for _, url := range r.plan.Admins {
		r.time.watched = append(r.time.watched, watchAdmin(url))
	}
	return nil
}

// hire gets the workers and hands each its share.
func (r *run) hire(ctx context.Context) error {
	n := r.plan.Processes + len(r.plan.Remote)
	shares := r.plan.shares(n, r.id, r.begin)
	ranges := make([][2]int, n)
	for i, s := range shares {
		ranges[i] = [2]int{s.From, s.To}
	}
	merger, err := ledger.NewMerger(shares[0].Shape, ranges)
	if err != nil {
		return err
	}
	r.news = newCollector(n, merger)
	for i := range shares {
		h, err := r.hireOne(ctx, i)
		if err != nil {
			return err
		}
		r.hands = append(r.hands, h)
		if err := h.meet(ctx, r.plan.Key, hostID()); err != nil {
			return err
		}
		shares[i].Origin += h.skew
		if _, err := h.ask(ctx, order{Do: doPrepare, Share: &shares[i]}); err != nil {
			return err
		}
		if err := r.handTokens(ctx, h, &shares[i]); err != nil {
			return err
		}
	}
	r.point()
	r.empty = r.time.most
	for _, w := range r.time.watched {
		w.empty = w.memory
	}
	return nil
}

func (r *run) hireOne(ctx context.Context, i int) (*hand, error) {
	tell := func(n *news) { r.news.tell(i, n) }
	if i < r.plan.Processes {
		return spawn(r.env.Self, fmt.Sprint(i+1), tell)
	}
	return call(ctx, r.plan.Remote[i-r.plan.Processes], tell)
}

// all gives every worker an order at once and waits for all answers. It returns the first error when all have answered
// or died; a worker's death stops the others' order.
func (r *run) all(ctx context.Context, orderOf func(i int) order) ([]answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answers := make([]answer, len(r.hands))
	var group sync.WaitGroup
	for i, h := range r.hands {
		group.Go(func() {
			var err error
			if answers[i], err = h.ask(ctx, orderOf(i)); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return answers, context.Cause(ctx)
}

// close ends all that the run has started.
func (r *run) close() {
	var group sync.WaitGroup
	for _, h := range r.hands {
		group.Go(h.close)
	}
	group.Wait()
	for _, s := range r.servers {
		group.Go(func() { _ = s.Stop() })
	}
	group.Wait()
	if r.scratch != nil {
		r.scratch.close()
	}
}
