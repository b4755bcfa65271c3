package run

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"strconv"
	"sync"
	"time"

	"throng/loadtest"
	"throng/loadtest/ledger"
)

const (
	// opening is how many users of a worker are on the way to the server at once. More do not come in faster; they would
	// only wait in the queue of the server's socket.
	opening = 256
	// goodbye is how long a server may take to end a connection that its user has closed.
	goodbye = 10 * time.Second
)

// beforeAll is when who comes for the first time has joined, as the books have it: nobody speaks before all are there, so
// that everything is owed to it. On the run's clock, nanoseconds.
const beforeAll = -int64(ledger.OwedBefore + time.Second)

// user is one simulated user of a worker.
type user struct {
	mu    sync.Mutex // guards all below
	sock  *loadtest.User
	ended *loadtest.User // the socket that ended last, which may be sooner than connect can tell of it
	why   error          // why it has; nil: not known
	away  chan struct{}  // not nil: the user was told to leave; closed when its socket has ended
	awake bool           // a slow reader that reads all there is, since what is to be said has been said

	session *session // nil in the tutorial dialect; set before the user comes, and has rules of its own
}

// at is a user's socket, nil while it is not connected or is leaving.
func (u *user) at() *loadtest.User {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.away != nil {
		return nil
	}
	return u.sock
}

// connectAll brings all users in, each at its time within the ramp.
func (w *worker) connectAll(ctx context.Context) error {
	begin, n := time.Now(), w.share.To-w.share.From
	return w.each(ctx, func(id int) {
		at := w.share.Ramp * time.Duration(id-w.share.From) / time.Duration(n)
		if sleep(ctx, at-time.Since(begin)) == nil {
			w.meter.add(func(c *counts) { c.Asked++ })
			w.connect(ctx, id, "connect", time.Time{})
		}
	})
}

// storm cuts everybody off at once and brings all back as fast as it goes.
func (w *worker) storm(ctx context.Context) error {
	cut := time.Now()
	var dropped sync.Map
	for id := w.share.From; id < w.share.To; id++ {
		if away := w.depart(id, (*loadtest.User).Cut); away != nil {
			dropped.Store(id, away)
		}
	}
	return w.each(ctx, func(id int) {
		away, ok := dropped.Load(id)
		if !ok {
			return
		}
		if w.departed(ctx, id, away.(chan struct{})) == nil {
			w.connect(ctx, id, "return", cut)
		}
	})
}

// each does something for every user, for a limited number at once, and waits for the last.
func (w *worker) each(ctx context.Context, do func(id int)) error {
	slots := make(chan struct{}, opening)
	var group sync.WaitGroup
	defer group.Wait()
	for id := w.share.From; id < w.share.To; id++ {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		group.Go(func() {
			defer func() { <-slots }()
			do(id)
		})
	}
	return nil
}

// connect brings one user in, with a few attempts. Its latency is that of the attempt that succeeded, or counts from
// since, when the user comes back.
func (w *worker) connect(ctx context.Context, id int, metric string, since time.Time) {
	w.meter.add(func(c *counts) { c.Trying++ })
	defer w.meter.add(func(c *counts) { c.Trying-- })
	for again := newRetry(since, w.mix.v2); ; {
		began := time.Now()
		if !since.IsZero() {
			began = since
		}
		attempt, cancel := context.WithTimeout(ctx, connectLimit)
		sock, err := w.admit(attempt, id)
		cancel()
		if err == nil {
			w.meter.took(metric, time.Since(began))
			w.entered(id, sock, !since.IsZero())
			return
		}
		if ctx.Err() != nil {
			return
		}
		asked := time.Duration(0)
		if refused, ok := errors.AsType[*loadtest.RefusedError](err); ok {
			seconds, _ := strconv.Atoi(refused.RetryAfter)
			asked = time.Duration(seconds) * time.Second
			refused.RetryAfter = "" // so that all have the same reason, however long each is to wait
		}
		w.meter.turnAway(err)
		if wait, isOn := again.next(asked, time.Now()); !isOn || sleep(ctx, wait/2+rand.N(wait)) != nil {
			break
		}
	}
	w.meter.add(func(c *counts) { c.Failed++ })
	if !w.mix.v2 { // where what it misses now is lost to it
		w.book.Excuse(id)
	}
}

// admit makes one attempt: a connection, and in version 2 a welcome.
func (w *worker) admit(ctx context.Context, id int) (*loadtest.User, error) {
	if w.mix.v2 {
		return w.greet(ctx, id)
	}
	return w.swarm.Connect(ctx, id, w.path(id), w.options(id)...)
}

// entered notes that a user is in.
func (w *worker) entered(id int, sock *loadtest.User, again bool) {
	if !w.mix.v2 { // there the welcome is the moment
		at := w.now()
		if !again {
			at = beforeAll
		}
		w.book.Joined(id, at)
	}
	w.meter.add(func(c *counts) {
		c.Connected++
		if again {
			c.Again++
		} else {
			c.Ever++
		}
	})
	u := w.user(id)
	u.mu.Lock()
	u.sock, u.away = sock, nil
	over, why := u.ended == sock, u.why
	if u.session != nil {
		u.session.since = w.now()
		w.resend(u)
	}
	if w.mix.lazy(id) && !u.awake {
		sock.Pause()
	}
	u.mu.Unlock()
	if over {
		w.closed(sock, why)
	}
}

// closed is told by the swarm that a user's socket has ended.
func (w *worker) closed(sock *loadtest.User, why error) {
	u := w.user(sock.ID)
	u.mu.Lock()
	u.ended, u.why = sock, why
	if u.session != nil {
		w.stopReading(u.session)
		u.session.closed(sock, why)
	}
	known, away := u.sock == sock, u.away
	if known {
		u.sock = nil
	}
	if known && away != nil {
		close(away)
	}
	u.mu.Unlock()
	if !known {
		return // connect has not told of it yet, and will
	}
	w.meter.add(func(c *counts) {
		c.Connected--
		if away == nil {
			c.Dropped++
		}
	})
	if away == nil && why != nil {
		w.meter.blame(why)
	}
	if away == nil && w.mix.v2 {
		w.comeBack(sock.ID)
	}
}

// depart has a connected user go, by leaving or by being cut off. It returns what is closed when the user has gone, or
// nil if it was not there.
func (w *worker) depart(id int, how func(*loadtest.User)) chan struct{} {
	u := w.user(id)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.sock == nil || u.away != nil {
		return nil
	}
	u.away = make(chan struct{})
	w.book.Left(id, w.now())
	how(u.sock)
	return u.away
}

// departed waits until a user has gone, and cuts it off when that takes too long.
func (w *worker) departed(ctx context.Context, id int, away chan struct{}) error {
	for {
		select {
		case <-away:
			return nil
		case <-time.After(goodbye):
			u := w.user(id)
			u.mu.Lock()
			if u.sock != nil {
				u.sock.Cut()
			}
			u.mu.Unlock()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *worker) user(id int) *user { return &w.users[id-w.share.From] }

// path is where a user connects. Nicks of the ledger need no escaping, except that url takes nothing on trust.
func (w *worker) path(id int) string {
	return "/conn/ws/" + url.PathEscape(ledger.Nick(w.share.Run, id))
}

// sleep waits, or returns the error of ctx. A time in the past is none.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
