package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"

	"throng/loadtest/process"
)

// The figures that a round finds of one server.
const (
	idleMemory    = iota // resident bytes a connection, above the empty server
	connectCPU           // microseconds a connection
	broadcastCPU         // microseconds a delivery
	broadcastRate        // deliveries a second
	directCPU            // microseconds a message
	directP99            // milliseconds
	burstRate            // deliveries a second
	burstCPU             // microseconds a delivery
	burstP99             // milliseconds
	burstLost            // deliveries that did not come
	burstGone            // users that the server disconnected
	allFigures
)

// figures is what a round found of one server: NaN where it did not get to.
type figures [allFigures]float64

// contender is one of the servers that are measured beside each other.
type contender struct {
	name   string
	start  func(context.Context) (*side, error)
	rounds []figures
	errs   []error // what went wrong in a round, or nil
}

// peerNames are the servers of the program loadtest/peers.
var peerNames = []string{"centrifuge", "gorilla", "gws", "nbio"}

// pings is how often all servers ping their clients here: so rarely that no wave of pings falls into a
// measurement.
const pings = "10m"

// besideOthers measures our server and the peers, each in a process of its own, with the same client
// and the same steps, and prints a table. A round takes one server after the other, and begins with the
// next one each time. What goes wrong with a server is a result, and ends only its round.
func (b *bench) besideOthers(ctx context.Context, program string, out io.Writer) error {
	all := []*contender{{name: "throng", start: func(ctx context.Context) (*side, error) {
		return b.ours(ctx, true, "--ping", pings)
	}}}
	for _, name := range peerNames {
		all = append(all, &contender{name: name, start: func(ctx context.Context) (*side, error) {
			p, err := process.StartAdmin(ctx, program, name,
				"--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--ping", pings)
			return newSide(ctx, name, p, err)
		}})
	}
	for round := range b.rounds {
		for i := range all {
			c := all[(i+round)%len(all)]
			found, err := b.trial(ctx, c)
			if ctx.Err() != nil {
				return errInterrupted
			}
			if err != nil {
				fmt.Fprintf(os.Stderr, "%-10s %v\n", c.name, err)
			}
			c.rounds, c.errs = append(c.rounds, found), append(c.errs, err)
		}
	}
	return b.printPeers(out, all)
}

// trial takes a fresh server through all measurements. The last is the one that may cost users.
func (b *bench) trial(ctx context.Context, c *contender) (f figures, err error) {
	for i := range f {
		f[i] = math.NaN()
	}
	s, err := c.start(ctx)
	if err != nil {
		return f, err
	}
	defer s.close()
	users := b.peerUsers()

	measure := func(j job) (result, error) {
		r, err := s.do(j)
		if err == nil {
			b.table.others = append(b.table.others, r.Others)
		}
		return r, err
	}

	empty, err := s.settle(ctx)
	if err != nil {
		return f, err
	}
	r, err := measure(job{Do: "connect", Users: users, Stamps: true})
	if err != nil {
		return f, err
	}
	f[connectCPU] = r.serverEach()
	full, err := s.settle(ctx)
	if err != nil {
		return f, err
	}
	f[idleMemory] = float64(full-empty) / float64(users)

	// The first round warms up: see compare.
	for range 2 {
		if r, err = measure(job{Do: "broadcast", Count: 20}); err != nil {
			return f, err
		}
	}
	f[broadcastCPU], f[broadcastRate] = r.serverEach(), perSecond(r)

	rate := b.directRate()
	if r, err = measure(job{Do: "direct", Count: b.seconds * rate, Rate: rate}); err != nil {
		return f, err
	}
	f[directCPU], f[directP99] = r.serverEach(), p99(r)

	if r, err = measure(job{Do: "burst", Count: burstPace, Rate: burstPace, Lossy: true}); err != nil {
		return f, err
	}
	if r.Count == 0 {
		return f, fmt.Errorf("burst: nothing was delivered, %d users were cut off", r.Gone)
	}
	f[burstRate], f[burstCPU], f[burstP99] = perSecond(r), r.serverEach(), p99(r)
	f[burstLost], f[burstGone] = float64(r.Missing), float64(r.Gone)
	return f, nil
}

// burstPace is how many messages a burst has in the one second that it lasts.
const burstPace = 200

func (b *bench) peerUsers() int  { return 10_000 / b.scale }
func (b *bench) directRate() int { return 20_000 / b.scale }
