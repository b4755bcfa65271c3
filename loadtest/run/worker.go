package run

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"throng/loadtest"
	"throng/loadtest/doctor"
	"throng/loadtest/ledger"
	"throng/loadtest/process"
)

// restAbove is from how many expected deliveries a second on a worker's loop rests between its turns. Below, latencies
// are exact to less than a millisecond; above, the server would spend its time on waking the loop for every frame.
const (
	restAbove = 20_000
	rest      = 5 * time.Millisecond
)

// worker is one load process: its users, and the books about them.
type worker struct {
	wire    *wire
	key     string // what a coordinator must know; empty: nothing
	met     func() // called when it has shown that it does
	share   share
	mix     mix
	users   []user   // of From to To-1
	tokens  []string // that they show, each its own; none: they show nothing
	swarm   *loadtest.Swarm
	book    *ledger.Book
	sent    *ledger.Sent
	talk    *talk
	shared  shared
	meter   *meter
	stalled atomic.Int64    // when the last stall of the loop ended, on the run's clock
	known   bool            // the coordinator has said who it is
	life    context.Context // ends with the worker
	end     context.CancelFunc
	telling sync.WaitGroup
	coming  sync.WaitGroup // users who come back by themselves
	doors   chan struct{}  // has room for so many of them at once
}

// Work serves one coordinator over a stream until the stream ends, and then ends the users. The key is what the
// coordinator has to present; empty: nothing, for a stream that nobody else can reach.
func Work(in io.Reader, out io.Writer, key string) error { return work(in, out, key, func() {}) }

// work is [Work] that tells when the coordinator has said who it is.
func work(in io.Reader, out io.Writer, key string, met func()) error {
	ctx, cancel := context.WithCancel(context.Background())
	w := &worker{wire: newWire(in, out), key: key, met: met, meter: newMeter()}
	orders, ended := make(chan task), make(chan error, 1)
	go func() {
		defer close(orders)
		ended <- w.listen(ctx, orders)
	}()
	var failed error
	for t := range orders {
		if failed = w.answer(t); failed != nil {
			break
		}
	}
	cancel()
	w.close()
	if failed != nil {
		return failed
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// task is an order, and the context that ends when it is given up.
type task struct {
	order
	ctx  context.Context
	done context.CancelFunc
}

// listen reads orders until the stream or ctx ends. It is apart from the doing so that an order can be stopped, and so
// that the end of the stream ends the order at hand.
func (w *worker) listen(ctx context.Context, orders chan<- task) error {
	stop := func() {}
	for {
		var o order
		err := w.wire.receive(&o)
		if err != nil || o.Do == doStop {
			stop()
		}
		if err != nil {
			return err
		}
		if o.Do == doStop {
			continue
		}
		t := task{order: o}
		t.ctx, t.done = context.WithCancel(ctx)
		stop = t.done
		select {
		case orders <- t:
		case <-ctx.Done():
			t.done()
			return ctx.Err()
		}
	}
}

// answer carries an order out and says so. After an error the stream is of no use.
func (w *worker) answer(t task) error {
	defer t.done()
	if !w.known && t.Do != doHello {
		return errStranger
	}
	a, err := w.do(t.ctx, t.order)
	if err != nil && !errors.Is(err, context.Canceled) {
		a.Err = err.Error()
	}
	a.Did = t.Do
	if w.swarm != nil {
		w.tellNews()
	}
	if err := w.wire.send(a); err != nil {
		return err
	}
	if errors.Is(err, errStranger) {
		return err
	}
	return nil
}

var errStranger = errors.New("the coordinator does not know the key of this worker")

// do carries out one order. It returns early, with what there is, when ctx ends.
func (w *worker) do(ctx context.Context, o order) (a answer, err error) {
	if lacking := w.swarm == nil && o.Do != doHello && o.Do != doPrepare; lacking ||
		o.Do == doSend && o.Send == nil || o.Do == doSettle && o.Total == nil {
		return a, fmt.Errorf("order %q lacks what it needs: the versions of coordinator and worker differ", o.Do)
	}
	switch o.Do {
	case doHello:
		if w.key != "" && subtle.ConstantTimeCompare([]byte(o.Key), []byte(w.key)) != 1 {
			return a, errStranger
		}
		w.known = true
		w.met()
		a.Clock, a.Host = loadtest.Now(), hostID()
	case doPrepare:
		err = w.prepare(o.Share)
	case doTokens:
		err = w.takeTokens(o.Tokens)
	case doConnect:
		err = w.connectAll(ctx)
	case doSend:
		err = w.sendStage(ctx, *o.Send)
	case doStorm:
		err = w.storm(ctx)
	case doSent:
		report := w.sent.Report()
		a.Sent = &report
	case doSettle:
		var account ledger.Account
		if account, err = w.book.Settle(*o.Total, w.now()); err == nil {
			a.Account = &account
		}
	default:
		err = fmt.Errorf("unknown order %q: the versions of coordinator and worker differ", o.Do)
	}
	return a, err
}

// prepare makes ready for a share: the books, the loop and the reporter. It comes once.
func (w *worker) prepare(s *share) (err error) {
	if w.swarm != nil || s == nil {
		return errors.New("a worker takes one share")
	}
	if n := len(s.Addrs); n == 0 || s.Shape.Chats != 1 && s.Shape.Chats != n {
		return fmt.Errorf("%d servers for %d chats", n, s.Shape.Chats)
	}
	if c := doctor.Sources(s.Sources); c.Level == doctor.Fail {
		return errors.New(c.Found) // a worker on another machine is the first to look
	}
	w.share, w.mix = *s, s.mix()
	if w.sent, err = ledger.NewSent(s.Shape, s.From, s.To); err != nil {
		return err
	}
	books := ledger.Config{Run: s.Run, Shape: s.Shape, From: s.From, To: s.To, Kept: w.mix.v2, LateAfter: s.Late}
	if w.mix.churning {
		books.Spans = 8 * ledger.DefaultSpans // one for each talker whom a user misses while it is away
	}
	w.book, err = ledger.NewBook(books)
	if err != nil {
		return err
	}
	w.users = make([]user, s.To-s.From)
	for id := s.From; id < s.To; id++ {
		if w.mix.v2 {
			w.user(id).session = newSession(&s.Shape, id)
		}
		switch {
		case w.mix.deaf(id), w.mix.lazy(id) && !w.mix.v2:
			w.book.Excuse(id)
		case w.mix.lazy(id):
			w.book.Slow(id)
		}
	}
	conf := loadtest.Config{
		Addr: s.Addrs[0], TLS: s.TLS.config(), Sources: s.Sources, OnMessage: w.hear, OnClose: w.closed, OnStall: w.stall,
	}
	if w.mix.v2 {
		conf.Subprotocols, conf.OnMessage = []string{subprotocol}, w.hearV2
	}
	if s.deliveries() > restAbove {
		conf.Rest = rest
	}
	if w.swarm, err = loadtest.New(conf); err != nil {
		return err
	}
	w.talk = newTalk(w)
	w.life, w.end = context.WithCancel(context.Background())
	w.doors = make(chan struct{}, opening)
	w.telling.Go(w.tell)
	if w.mix.v2 {
		w.telling.Go(w.remind)
	}
	return nil
}

// close ends the users and the reporter.
func (w *worker) close() {
	if w.swarm == nil {
		return
	}
	w.end()
	w.telling.Wait()
	w.swarm.Close()
	w.coming.Wait()
}

// sendStage has the users talk for one stage, and live as the scenario has it meanwhile.
func (w *worker) sendStage(ctx context.Context, s stage) error {
	living, end := context.WithCancel(ctx)
	wait := w.live(living, ctx, s.Storms)
	err := w.talk.send(ctx, s)
	end()
	wait()
	return err
}

// tell sends news every second until the worker is closed.
func (w *worker) tell() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.tellNews()
		case <-w.life.Done():
			return
		}
	}
}

// tellNews sends what happened since the last time. Its errors show in the stream of orders.
func (w *worker) tellNews() {
	n := &news{At: w.now()}
	w.meter.read(n)
	found := w.book.Snapshot()
	n.Counts.Delivered, n.Counts.Late = found.Delivered, found.Late
	n.Counts.Duplicated, n.Counts.Reordered, n.Counts.Corrupted = found.Duplicated, found.Reordered, found.Corrupted
	n.Counts.Stalled = int64(w.swarm.Stalled())
	n.Counts.Turn = int64(w.swarm.Turn().Longest)
	n.Spread, _ = w.book.Drain(n.At)
	n.Stalled = w.stalled.Load() // after Drain, so that no piece is newer
	if cpu, err := process.CPUTime(os.Getpid()); err == nil {
		n.CPU = int64(cpu)
	}
	if memory, err := process.Resident(os.Getpid()); err == nil {
		n.Memory = int64(memory)
	}
	_ = w.wire.send(answer{News: n})
}

// now is the run's clock.
func (w *worker) now() int64 { return loadtest.Now() - w.share.Origin }

// hostID is the same for all processes of one boot of one machine, which share a clock (random(4), boot_id).
func hostID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// greeting is how long a stranger may hold a worker up. A coordinator that waits behind one waits longer: see [hand.meet].
const greeting = 5 * time.Second

// Listen serves coordinators that come over the network, one at a time, until ctx ends. The first line that it writes
// to log holds addr=HOST:PORT.
func Listen(ctx context.Context, addr, key string, log io.Writer) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "throng: load worker is listening addr=%s\n", listener.Addr())
	var current atomic.Pointer[net.Conn]
	defer context.AfterFunc(ctx, func() {
		_ = listener.Close()
		if conn := current.Load(); conn != nil {
			_ = (*conn).Close()
		}
	})()
	for {
		conn, err := listener.Accept()
		if err == nil {
			current.Store(&conn)
		}
		switch {
		case ctx.Err() != nil && err == nil:
			return conn.Close()
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		_ = conn.SetReadDeadline(time.Now().Add(greeting))
		met := func() { _ = conn.SetReadDeadline(time.Time{}) }
		if err := work(conn, conn, key, met); err != nil && ctx.Err() == nil {
			fmt.Fprintf(log, "throng: load worker: coordinator %v: %v\n", conn.RemoteAddr(), err)
		}
		_ = conn.Close()
	}
}
