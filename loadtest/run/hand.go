package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"time"

	"throng/loadtest"
	"throng/loadtest/process"
)

// hand is a worker as the coordinator sees it. Orders go through [hand.ask], one at a time; news arrive beside them.
type hand struct {
	name    string
	wire    *wire
	answers chan answer   // has room for one, since there is one order at a time
	gone    chan struct{} // closed when the worker says nothing any more
	err     error         // why; set before gone is closed
	lost    error         // it did not obey and is given up; ask's
	close   func()        // ends the worker and waits for it
	skew    int64         // what is added to this program's clock to get the worker's, nanoseconds
}

// obey is how long a worker may take to answer once it was told to stop.
const obey = 5 * time.Second

// errGone is the death of a worker.
var errGone = errors.New("ended in the middle of the run")

// newHand talks to a worker over a stream. Tell gets the worker's news, on a goroutine of the hand.
func newHand(name string, in io.Reader, out io.Writer, end func(), tell func(*news)) *hand {
	h := &hand{name: name, wire: newWire(in, out), answers: make(chan answer, 1), gone: make(chan struct{})}
	h.close = func() {
		end()
		<-h.gone
	}
	go h.listen(tell)
	return h
}

func (h *hand) listen(tell func(*news)) {
	defer close(h.gone)
	for {
		var a answer
		if err := h.wire.receive(&a); err != nil {
			h.err = fmt.Errorf("load worker %s %w", h.name, errGone)
			if !errors.Is(err, io.EOF) {
				h.err = fmt.Errorf("%w: %w", h.err, err)
			}
			return
		}
		if a.News != nil {
			tell(a.News)
		}
		if a.Did == "" {
			continue
		}
		select {
		case h.answers <- a:
		default: // an answer that nobody asked for
		}
	}
}

// ask gives an order and waits for its answer. When ctx ends the worker is told to stop; it then answers soon, or is
// given up.
func (h *hand) ask(ctx context.Context, o order) (answer, error) {
	if h.lost != nil {
		return answer{}, h.lost
	}
	if err := h.wire.send(o); err != nil {
		// The reader knows better why.
		select {
		case <-h.gone:
			return answer{}, h.err
		case <-time.After(time.Second):
			return answer{}, fmt.Errorf("load worker %s: %w", h.name, err)
		}
	}
	stopped := ctx.Done()
	var late <-chan time.Time
	for {
		var a answer
		select {
		case a = <-h.answers:
		case <-h.gone:
			select {
			case a = <-h.answers: // its last words
			default:
				return answer{}, h.err
			}
		case <-stopped:
			stopped, late = nil, time.After(obey)
			if h.wire.send(order{Do: doStop}) != nil || o.Do == doHello {
				return answer{}, ctx.Err()
			}
			continue
		case <-late:
			h.lost = fmt.Errorf("load worker %s does not answer", h.name)
			return answer{}, h.lost
		}
		if a.Did != o.Do {
			continue // of an order that was given up
		}
		if a.Err != "" {
			return a, fmt.Errorf("load worker %s: %s", h.name, a.Err)
		}
		return a, ctx.Err()
	}
}

// meet says hello, and measures the worker's clock unless it is on this machine, where all processes share one.
func (h *hand) meet(ctx context.Context, key, host string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	best := int64(math.MaxInt64)
	for range 8 {
		before := loadtest.Now()
		a, err := h.ask(ctx, order{Do: doHello, Key: key})
		if ctx.Err() != nil {
			return fmt.Errorf("load worker %s did not say hello: %w", h.name, ctx.Err())
		}
		if err != nil {
			return err
		}
		after := loadtest.Now()
		if a.Host == host {
			return nil
		}
		// The answer that took the least time says most (RFC 5905, section 10).
		if took := after - before; took < best {
			best, h.skew = took, a.Clock-(before+took/2)
		}
	}
	return nil
}

// spawn starts a worker process on this machine. The calling goroutine must be locked to its thread (see process).
func spawn(self, name string, tell func(*news)) (*hand, error) {
	cmd := process.Command(context.Background(), self, "load", "worker", "--listen=")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	h := newHand(name, out, in, nil, tell)
	h.close = func() {
		_ = in.Close() // the worker ends when its input does
		kill := time.AfterFunc(process.Grace, func() { _ = cmd.Process.Kill() })
		<-h.gone
		_ = cmd.Wait()
		kill.Stop()
	}
	return h, nil
}

// call reaches a worker on another machine.
func call(ctx context.Context, addr string, tell func(*news)) (*hand, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("load worker %s: %w", addr, err)
	}
	return newHand(addr, conn, conn, func() { _ = conn.Close() }, tell), nil
}
