package run

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"throng/loadtest"
)

const (
	// stay and absence are how long a user of the churn scenario is there and away, on average.
	stay    = 5 * time.Second
	absence = 2 * time.Second
	// sip is how often a slow reader reads, and sipBuffer, in bytes, bounds what its socket takes meanwhile.
	sip       = 500 * time.Millisecond
	sipBuffer = 16 << 10
)

// passing says whether a user comes and goes: every tenth in the churn scenario.
func (m mix) passing(user int) bool { return m.churning && user%10 == 9 }

// lazy says whether a user does not keep reading: every twentieth in the slow scenario.
func (m mix) lazy(user int) bool { return m.slow && user%20 == 19 }

// deaf says whether a lazy user never reads at all.
func (m mix) deaf(user int) bool { return m.lazy(user) && user%100 == 99 }

// speaks says whether a user says anything in a scenario; of who comes and goes that is asked in version 2 alone, where what
// waits to be said is not lost. Whom the server cuts off for reading too slowly may have said what it did not read any more.
func (m mix) speaks(user int) bool { return !m.lazy(user) && (m.v2 || !m.passing(user)) }

// hears says whether a user is written to in private. Nobody owes a message to who does not read, or in the tutorial
// dialect to who comes and goes: see ledger.
func (m mix) hears(user int) bool {
	if m.v2 {
		return !m.deaf(user)
	}
	return !m.passing(user) && !m.lazy(user)
}

// options are those of a user's connection.
func (w *worker) options(id int) []loadtest.Option {
	options := []loadtest.Option{loadtest.WithAddr(w.share.Addrs[id%len(w.share.Addrs)])}
	if i := id - w.share.From; i < len(w.tokens) {
		options = append(options, showing(w.tokens[i]))
	}
	if w.mix.lazy(id) {
		options = append(options, loadtest.WithReceiveBuffer(sipBuffer))
	}
	return options
}

// live runs what the scenario has users do besides talking, until ctx ends. Wait waits for its end: who has left comes
// back before, unless the order ends.
func (w *worker) live(ctx, order context.Context, storms []int64) (wait func()) {
	var group sync.WaitGroup
	group.Go(func() {
		for _, at := range storms {
			if sleep(ctx, time.Duration(at-w.now())) == nil {
				_ = w.storm(order) // its only error is that of the order
			}
		}
	})
	for id := w.share.From; id < w.share.To; id++ {
		switch {
		case w.mix.passing(id):
			group.Go(func() { w.comeAndGo(ctx, order, id) })
		case w.mix.lazy(id) && !w.mix.deaf(id):
			group.Go(func() { w.sip(ctx, id) })
		}
	}
	return group.Wait
}

// comeAndGo is the life of a user of the churn scenario until ctx ends. At its end the user is there.
func (w *worker) comeAndGo(ctx, order context.Context, id int) {
	for sleep(ctx, spell(stay)) == nil {
		away := w.depart(id, func(u *loadtest.User) { _ = u.Leave() })
		if away == nil && w.mix.v2 {
			continue // dropped by the server, and on its way back by itself
		}
		if away == nil {
			return // dropped by the server, or never there
		}
		if w.departed(order, id, away) != nil {
			return
		}
		_ = sleep(ctx, spell(absence))
		w.connect(order, id, "return", time.Now())
	}
}

// spell is a time of an average length, distributed exponentially: whether somebody leaves does not depend on how long
// they have been there.
func spell(average time.Duration) time.Duration {
	return time.Duration(rand.ExpFloat64() * float64(average))
}

// sip has a slow reader read a little now and then, and in version 2 all that there is after the end of ctx, also when it is away
// just then, cut off as one who did not answer.
func (w *worker) sip(ctx context.Context, id int) {
	w.user(id).wake(false)
	for sleep(ctx, sip/2+rand.N(sip)) == nil {
		if u := w.user(id).at(); u != nil {
			u.Resume()
			u.Pause()
		}
	}
	if w.mix.v2 {
		w.user(id).wake(true)
	}
}

// wake has a slow reader read all there is, over this connection and later ones, or no longer.
func (u *user) wake(awake bool) {
	u.mu.Lock()
	u.awake = awake
	u.mu.Unlock()
	if sock := u.at(); sock != nil && awake {
		sock.Resume()
	}
}
