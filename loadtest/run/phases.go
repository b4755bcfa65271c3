package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"throng/loadtest"
	"throng/loadtest/ledger"
	"throng/loadtest/process"
)

const (
	// lead is how far ahead of its begin a stage is announced, so that all workers begin together.
	lead = 200 * time.Millisecond
	// calm is how long no delivery must come until what is missing is believed to be lost.
	calm = 5 * time.Second
	// pause is kept between a storm and the sending before and after it. It exceeds the ledger's margins, within which
	// nothing is owed to who comes or goes.
	pause = 3 * time.Second
	// longestCoolDown bounds the waiting for what has not come.
	longestCoolDown = 5 * time.Minute
	// silence is how long a worker, which has news every second, may have none until it is given up.
	silence = 10 * time.Second
	// beats is a time in which every worker, which has news every second, has had some.
	beats = 1200 * time.Millisecond
	// stormEvery is how often everybody drops in the storm scenario; at least once.
	stormEvery = 30 * time.Second
)

// load is the run proper, up to the cool-down. The death of a server that the run has started ends it.
func (r *run) load(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, s := range r.servers {
		go endWith(ctx, s, cancel)
	}
	go r.mind(ctx, cancel)
	err := r.phases(ctx)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// endWith cancels when a server ends.
func endWith(ctx context.Context, s *process.Process, cancel context.CancelCauseFunc) {
	select {
	case <-s.Done():
		err := s.Err()
		if err == nil {
			err = errors.New("it stopped")
		}
		cancel(fmt.Errorf("server %s: %w", s.Addr, err))
	case <-ctx.Done():
	}
}

func (r *run) phases(ctx context.Context) error {
	r.enter("connect", 0)
	if _, err := r.all(ctx, func(int) order { return order{Do: doConnect} }); err != nil {
		return err
	}
	sum, reasons, _, _ := r.news.counts()
	if sum.Ever == 0 {
		return fmt.Errorf("nobody could connect: %s", mostly(reasons))
	}
	if err := r.send(ctx, "warm up", r.plan.rate(), r.plan.WarmUp, false); err != nil {
		return err
	}
	r.steady[0] = r.mark()
	defer func() { r.steady[1] = r.mark() }()
	switch {
	case r.plan.Search:
		return r.search(ctx)
	case r.plan.mix().storming && !r.plan.mix().v2:
		return r.storms(ctx)
	}
	return r.send(ctx, "steady", r.plan.rate(), r.plan.Duration, true)
}

// send has all workers send for one stage and returns when it is over.
func (r *run) send(ctx context.Context, phase string, rate float64, length time.Duration, measure bool) error {
	if length <= 0 {
		return nil
	}
	r.enter(phase, length+lead)
	from := loadtest.Now() - r.begin + int64(lead)
	s := stage{From: from, Until: from + int64(length), Rate: rate, Measure: measure}
	if r.plan.mix().v2 && measure && r.plan.mix().storming && !r.plan.Search {
		parts := r.stormParts()
		for i := 1; i < parts; i++ {
			s.Storms = append(s.Storms, from+int64(length)*int64(i)/int64(parts))
		}
	}
	if measure {
		r.news.measure(s)
	}
	sending, end := context.WithCancelCause(ctx)
	defer end(nil)
	go func() {
		if err := r.hold(sending, length+lead); err != nil {
			end(err)
		}
	}()
	_, err := r.all(sending, func(int) order { return order{Do: doSend, Send: &s} })
	if err != nil {
		return err
	}
	return r.alive()
}

// stormParts is into how many parts the steady phase falls.
func (r *run) stormParts() int { return max(2, int(r.plan.Duration/stormEvery)+1) }

// storms cuts the steady phase into parts, between which everybody drops and returns at once. So it is in the tutorial
// dialect, where what is said meanwhile would be lost; in version 2 the storms come in the middle of the sending.
func (r *run) storms(ctx context.Context) error {
	parts := r.stormParts()
	for i := range parts {
		if i > 0 {
			r.enter("storm", 0)
			if err := r.hold(ctx, pause); err != nil {
				return err
			}
			if _, err := r.all(ctx, func(int) order { return order{Do: doStorm} }); err != nil {
				return err
			}
			if err := r.hold(ctx, pause); err != nil {
				return err
			}
		}
		if err := r.send(ctx, "steady", r.plan.rate(), r.plan.Duration/time.Duration(parts), true); err != nil {
			return err
		}
	}
	return nil
}

// hold lets time pass.
func (r *run) hold(ctx context.Context, length time.Duration) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	over := time.After(length)
	for {
		select {
		case <-over:
			return r.alive()
		case <-tick.C:
			if err := r.alive(); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// alive is an error when no user is connected any more: the server has gone.
func (r *run) alive() error {
	sum, reasons, _, _ := r.news.counts()
	if sum.Connected == 0 && sum.Dropped > 0 && sum.Returning == 0 {
		return fmt.Errorf("the server dropped everybody: %s", mostly(reasons))
	}
	return nil
}

// coolDown waits until all that is owed has come and all that was said is acknowledged, or nothing has come any more for a
// while, and returns the account.
func (r *run) coolDown(ctx context.Context) (*ledger.Account, error) {
	r.enter("cool down", 0)
	if err := r.quiet(ctx); err != nil {
		return nil, err
	}
	account, err := r.account(ctx)
	was, _, _, _ := r.news.counts()
	for since := time.Now(); err == nil && (account.Total.Lost > 0 || was.Waiting > 0 || time.Since(since) < time.Second); {
		if err := r.hold(ctx, time.Second); err != nil {
			return account, err // what is missing now will not come
		}
		before := account.Total.Delivered
		if account, err = r.account(ctx); err != nil {
			break
		}
		is, _, _, _ := r.news.counts()
		if account.Total.Delivered > before || is.Waiting != was.Waiting || is.Returning+is.Reading > 0 {
			since = time.Now()
		}
		was = is
		if time.Since(since) > calm {
			break
		}
	}
	return account, err
}

// quiet waits until nothing is delivered any more. To reconcile holds the books, and what comes meanwhile would wait for the
// load generator.
func (r *run) quiet(ctx context.Context) error {
	for before := int64(-1); ; {
		sum, _, _, _ := r.news.counts()
		if sum.Delivered == before {
			return nil
		}
		before = sum.Delivered
		if err := r.hold(ctx, beats); err != nil {
			return err
		}
	}
}

// account has the workers reconcile what was sent so far with what has come.
func (r *run) account(ctx context.Context) (*ledger.Account, error) {
	sent, err := r.all(ctx, func(int) order { return order{Do: doSent} })
	if err != nil {
		return nil, err
	}
	total := sent[0].Sent
	for _, a := range sent[1:] {
		total.Merge(*a.Sent)
	}
	settled, err := r.all(ctx, func(int) order { return order{Do: doSettle, Total: total} })
	if err != nil {
		return nil, err
	}
	account := settled[0].Account
	for _, a := range settled[1:] {
		if err := account.Merge(*a.Account); err != nil {
			return nil, err
		}
	}
	return account, nil
}

// settle ends the run: nobody sends any more, and what can still come has come. After an error, then or before, the workers
// may be gone; then it returns what can be had at once, nil if nothing.
func (r *run) settle(ctx context.Context) *ledger.Account {
	defer r.enter("", 0)
	limit := longestCoolDown
	if r.result.Partial != "" {
		ctx, limit = context.WithoutCancel(ctx), 20*time.Second // what is under way may still come
	}
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	account, err := r.coolDown(waiting)
	if err == nil {
		return account
	}
	if r.result.Partial == "" {
		r.result.Partial = reason(ctx, err)
	}
	last, done := context.WithTimeout(context.Background(), 20*time.Second)
	defer done()
	if account, err = r.account(last); err != nil {
		r.result.Notes = append(r.result.Notes, "The deliveries could not be reconciled: "+err.Error()+".")
		return nil
	}
	return account
}

// mind ends the run when a worker says nothing any more, though its process or connection is there still, and when the
// servers let nobody in.
func (r *run) mind(ctx context.Context, cancel context.CancelCauseFunc) {
	r.news.listen()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var door door
	for {
		select {
		case now := <-tick.C:
			if sum, _, _, _ := r.news.counts(); door.isShut(sum, r.plan.Users, now) {
				cancel(fmt.Errorf("nobody got in for %v, with %d of %d users connected; %d attempts failed, mostly: %s",
					outside, sum.Connected, r.plan.Users, sum.Turned, mostly(r.news.turned())))
				return
			}
			if i := r.news.silent(); i >= 0 {
				cancel(fmt.Errorf("load worker %s has said nothing for %v", r.hands[i].name, silence))
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
