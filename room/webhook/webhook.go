package webhook

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Event is something that has happened. It is immutable.
type Event struct {
	Seq  uint64 // its place among all events; never 0
	ID   string // the same whenever it is posted
	User string // whose it is: one user's events are posted one after the other; "" is a user too
	Type string // one of a few
	Ts   int64  // ms since 1970
	Data []byte // JSON
}

// Source is where events are kept. Its methods are called by any goroutine and may wait.
type Source interface {
	// Scan gives events with a seq above after, in their order, of at most limit places. Up to next there are no others; behind it
	// there may be.
	Scan(after uint64, limit int) (events []Event, next uint64, err error)
	// End is the newest seq.
	End() (uint64, error)
	// Cursor is what Save was called with last, or somewhat before; 0: it never was.
	Cursor() (uint64, error)
	// Save stores, within seconds, up to where all is accepted. It does not wait.
	Save(cursor uint64)
}

// Config is what a Dispatcher is made of.
type Config struct {
	Source  Source                // required
	URL     string                // of the endpoint, http or https; required
	Secrets [][]byte              // each post is signed with each; at least one
	Timeout time.Duration         // of one attempt; 0: 10 s
	Keep    time.Duration         // how old an event may get; 0: 24 h
	Workers int                   // posts at a time; 0: 16
	Agent   string                // User-Agent; "": throng
	Logger  *slog.Logger          // nil: slog.Default()
	Metrics prometheus.Registerer // nil: none

	tls            *tls.Config   // nil: the system's roots, TLS 1.2 or newer
	poll           time.Duration // how often new events are looked for; 0: 200 ms
	shortest       time.Duration // bound of the first pause between two tries; 0: 1 s
	longest        time.Duration // of all; 0: 5 min
	longestRest    time.Duration // of the pause when nothing is accepted; 0: 30 s
	window, utmost int           // events whose texts, and whose places, are held; 0: 4,096 and 262,144
}

func (c *Config) setDefaults() {
	for _, d := range []struct {
		at *time.Duration
		is time.Duration
	}{
		{&c.Timeout, 10 * time.Second}, {&c.Keep, 24 * time.Hour}, {&c.poll, 200 * time.Millisecond},
		{&c.shortest, time.Second}, {&c.longest, 5 * time.Minute}, {&c.longestRest, 30 * time.Second},
	} {
		if *d.at == 0 {
			*d.at = d.is
		}
	}
	for _, n := range []struct {
		at *int
		is int
	}{{&c.Workers, 16}, {&c.window, 4096}, {&c.utmost, 1 << 18}} {
		if *n.at == 0 {
			*n.at = n.is
		}
	}
	if c.Agent == "" {
		c.Agent = "throng"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

const (
	// batch is how many places are read at once.
	batch = 256
	// maxBytes is how many bytes of events are held in memory, besides one batch.
	maxBytes = 16 << 20
	// saveEvery is how often the cursor is saved, and grumbleEvery how often it is logged, at most, that events are not accepted.
	saveEvery    = time.Second
	grumbleEvery = 10 * time.Second
	// readAgain is when a source is asked again that has failed.
	readAgain = time.Second
)

// Dispatcher posts the events of a source. Any goroutine may call its methods, but Dispatch by one at a time.
type Dispatcher struct {
	conf   Config
	client *http.Client
	stats  *metrics
	cursor atomic.Uint64
}

// New makes a Dispatcher, which does nothing before Dispatch.
func New(c Config) *Dispatcher {
	c.setDefaults()
	d := &Dispatcher{conf: c, client: newClient(&c)}
	d.stats = newMetrics(c.Metrics)
	return d
}

// Cursor is up to where all events are accepted, as far as this Dispatcher knows; 0: it does not know.
func (d *Dispatcher) Cursor() uint64 { return d.cursor.Load() }

// Look learns the cursor from the source, for who does not dispatch. Where there is none it begins at the end: what happened
// before there was a webhook is not posted.
func (d *Dispatcher) Look() error {
	end, err := d.conf.Source.End() // before the cursor: what happens between the two questions is not passed over
	if err != nil {
		return err
	}
	cursor, err := d.conf.Source.Cursor()
	if err != nil {
		return err
	}
	if cursor == 0 {
		cursor = max(end, 1)
		d.conf.Source.Save(cursor)
	}
	d.cursor.Store(min(cursor, max(end, 1))) // a log from a backup may end before it
	return nil
}

// Dispatch posts events until ctx ends. Posts that are under way then are given up, and those that were accepted
// all the same will be posted again.
func (d *Dispatcher) Dispatch(ctx context.Context) {
	for err := d.Look(); err != nil; err = d.Look() {
		d.conf.Logger.Warn("webhook: the events cannot be read", "err", err)
		select {
		case <-time.After(readAgain):
		case <-ctx.Done():
			return
		}
	}
	k := &desk{Dispatcher: d, read: d.Cursor(), saved: d.Cursor(), lanes: newLanes(), results: make(chan result, d.conf.Workers)}
	d.stats.dispatching.Set(1)
	defer d.stats.dispatching.Set(0)
	defer d.client.CloseIdleConnections()
	k.run(ctx)
}

// desk is the state of Dispatch. Its goroutine alone uses it, but for results.
type desk struct {
	*Dispatcher
	lanes    *lanes
	read     uint64    // up to where the source was read
	nextRead time.Time // not before
	isBehind bool      // the last read has found something
	flying   int       // posts under way
	flights  sync.WaitGroup
	results  chan result // has room for all of them
	strikes  int         // failures since something was accepted
	rest     time.Time   // until when nothing is tried, for that reason
	saved    uint64      // the cursor that was saved last
	saveAt   time.Time
	grumbled time.Time
	silent   int // failures that were not logged
}

func (k *desk) run(ctx context.Context) {
	defer k.end()
	tick := time.NewTicker(k.conf.poll)
	defer tick.Stop()
	for ctx.Err() == nil {
		now := time.Now()
		k.fill(now)
		k.start(ctx, now)
		k.note(now)
		if k.isBehind && k.mayRead(now) {
			continue
		}
		select {
		case r := <-k.results:
			k.judge(r)
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// end waits for the posts under way, which have been given up, and takes those into account that were accepted.
func (k *desk) end() {
	k.flights.Wait()
	close(k.results)
	for r := range k.results {
		if r.err == nil {
			k.judge(r)
		}
	}
	k.saveAt = time.Time{}
	k.note(time.Now())
}

// mayRead is that more events can be taken: while few wait, and else when nobody is there whose turn it could be.
func (k *desk) mayRead(now time.Time) bool {
	if now.Before(k.nextRead) {
		return false
	}
	waiting := k.lanes.undone
	return waiting < k.conf.window || !k.isFailing() && len(k.lanes.fresh) == 0 && waiting < k.conf.utmost
}

// isFailing is that nothing is accepted any more.
func (k *desk) isFailing() bool { return k.strikes >= k.conf.Workers }

// fill reads what is new.
func (k *desk) fill(now time.Time) {
	if k.isBehind = false; !k.mayRead(now) {
		return
	}
	events, next, err := k.conf.Source.Scan(k.read, batch)
	if err != nil {
		k.conf.Logger.Warn("webhook: the events cannot be read", "err", err)
		k.nextRead = now.Add(readAgain)
		return
	}
	for i := range events {
		k.lanes.add(&events[i], k.lanes.undone < k.conf.window && k.lanes.bytes < maxBytes)
	}
	if k.isBehind = next > k.read; !k.isBehind {
		k.nextRead = now.Add(k.conf.poll)
	}
	k.read = next
}

// start posts what can be posted now.
func (k *desk) start(ctx context.Context, now time.Time) {
	oldest := now.Add(-k.conf.Keep).UnixMilli()
	for {
		if k.flying >= k.conf.Workers || k.isFailing() && (k.flying > 0 || now.Before(k.rest)) {
			return
		}
		l := k.lanes.next(now)
		if l == nil {
			return
		}
		it := l.queue[0]
		if it.ts < oldest {
			k.grumble(now, "webhook: an event was not accepted in time and is dropped", it, nil)
			k.stats.done(it.kind, resultExpired)
			k.lanes.finish(l)
			continue
		}
		k.flying++
		k.flights.Go(func() { k.results <- k.try(ctx, l, it) })
	}
}

// judge takes the outcome of a post into account.
func (k *desk) judge(r result) {
	k.flying--
	l, it, now := r.lane, r.lane.queue[0], time.Now()
	switch {
	case r.isGone:
		k.stats.done(it.kind, resultGone)
		k.lanes.finish(l)
	case r.err == nil:
		k.strikes, k.rest = 0, time.Time{}
		k.stats.done(it.kind, resultAccepted)
		k.lanes.finish(l)
	default:
		k.stats.failures.WithLabelValues(r.reason).Inc()
		l.tries++
		k.strikes++
		if over := k.strikes - k.conf.Workers; over >= 0 {
			k.rest = now.Add(backOff(over, k.conf.shortest, k.conf.longestRest))
		}
		wait := backOff(l.tries-1, k.conf.shortest, k.conf.longest)
		if r.after > 0 {
			wait = min(r.after, k.conf.longest)
		}
		k.lanes.again(l, now.Add(wait))
		k.grumble(now, "webhook: an event was not accepted and will be posted again", it, r.err)
	}
}

// note moves the cursor, and saves it now and then.
func (k *desk) note(now time.Time) {
	cursor := k.lanes.cursor(k.read)
	k.cursor.Store(cursor)
	k.stats.inFlight.Set(float64(k.flying))
	if now.Before(k.saveAt) {
		return
	}
	k.saveAt = now.Add(saveEvery)
	if cursor > k.saved {
		k.saved = cursor
		k.conf.Source.Save(cursor)
	}
	backlog, age := k.lanes.undone, time.Duration(0)
	if first := k.lanes.first(); first != nil {
		age = now.Sub(time.UnixMilli(first.ts))
	}
	if end, err := k.conf.Source.End(); err == nil && end > k.read {
		backlog += int(end - k.read)
	}
	k.stats.backlog.Set(float64(backlog))
	k.stats.oldest.Set(max(age, 0).Seconds())
}

// grumble logs what goes wrong, and not too often.
func (k *desk) grumble(now time.Time, what string, it *item, err error) {
	k.silent++
	if now.Sub(k.grumbled) < grumbleEvery {
		return
	}
	k.conf.Logger.Warn(what, "type", it.kind, "seq", it.seq, "err", err, "waiting", k.lanes.undone, "times", k.silent)
	k.grumbled, k.silent = now, 0
}
