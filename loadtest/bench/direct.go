package main

import (
	"context"
	"math/rand/v2"
)

// direct measures 20,000 messages a second between random pairs of 5,000 users, sent on time
// whatever has arrived, against a relay of one thread: epoll_wait(2), read(2), write(2).
func (b *bench) direct(ctx context.Context) error {
	users, rate := 5_000/b.scale, 20_000/b.scale
	j := job{Do: "direct", Count: b.seconds * rate, Rate: rate}
	ours, err := b.ours(ctx, false)
	if err != nil {
		return err
	}
	defer ours.close()
	bare, err := b.standIn(ctx, "relay", 1)
	if err != nil {
		return err
	}
	defer bare.close()
	r, err := b.compare(job{Users: users, Stamps: true}, []turn{{ours, j}, {bare, j}})
	if err != nil {
		return err
	}
	name := "Direct, " + number(rate) + " messages a second among " + number(users) + " sockets: "
	b.table.add(
		row{
			what: name + "CPU a message", unit: "µs", against: "bare relay",
			ours: of(r[0], result.serverEach), reference: of(r[1], result.serverEach), limit: atMost(12),
		},
		row{what: name + "CPU of the client a message", unit: "µs", ours: of(r[0], result.clientEach)},
		row{
			what: name + "latency p50", unit: "ms", against: "bare relay",
			ours: of(r[0], p50), reference: of(r[1], p50),
		},
		row{
			what: name + "latency p99", unit: "ms", against: "bare relay",
			ours: of(r[0], p99), reference: of(r[1], p99), limit: atMost(20),
		},
	)
	return nil
}

// direct sends messages between random pairs of users at a steady rate.
func (c *crowd) direct(j job) (done, error) {
	target := c.swarm.Received() + uint64(j.Count)
	var text []byte
	err := c.pace(j, func(due int64) error {
		from, to := rand.IntN(len(c.users)), rand.IntN(len(c.users))
		text = appendMessage(text[:0], nick(from), nick(to), due)
		return c.users[from].Send(text)
	})
	if err != nil {
		return done{}, err
	}
	return c.await(j, target, j.Count)
}
