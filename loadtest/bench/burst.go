package main

import (
	"context"
	"time"

	"throng/loadtest"
)

// burst measures 100 messages a second to 10,000 sockets, sent on time whatever has arrived. A server
// that keeps up delivers no more than that, so for the most that it can do there are 200 a second for
// two seconds. The reference is one write(2) a message and socket, as fast as two threads can. That
// loop has no chance to keep up, so it gets fewer messages, all at once.
func (b *bench) burst(ctx context.Context) error {
	users := 10_000 / b.scale
	ours, err := b.ours(ctx, false)
	if err != nil {
		return err
	}
	defer ours.close()
	bare, err := b.standIn(ctx, "write", 2)
	if err != nil {
		return err
	}
	defer bare.close()
	r, err := b.compare(job{Users: users, Stamps: true}, []turn{
		{ours, job{Do: "burst", Count: 100 * b.seconds, Rate: 100}},
		{ours, job{Do: "burst", Count: 400, Rate: 200}},
		{bare, job{Do: "burst", Count: 20}},
	})
	if err != nil {
		return err
	}
	name := "Burst, 100 messages a second to " + number(users) + " sockets: "
	b.table.add(
		row{what: name + "deliveries", unit: "/s", ours: of(r[0], perSecond)},
		row{
			what: name + "deliveries, when 200 are sent", unit: "/s", against: "write(2), 2 threads",
			ours: of(r[1], perSecond), reference: of(r[2], perSecond), limit: ratioAtLeast(8),
		},
		row{
			what: name + "CPU a delivery", unit: "µs", against: "write(2), 2 threads",
			ours: of(r[0], result.serverEach), reference: of(r[2], result.serverEach),
		},
		row{what: name + "CPU of the client a delivery", unit: "µs", ours: of(r[0], result.clientEach)},
		row{what: name + "latency p50", unit: "ms", ours: of(r[0], p50)},
		row{what: name + "latency p99", unit: "ms", ours: of(r[0], p99)},
		row{what: name + "latency max", unit: "ms", ours: of(r[0], worst)},
		row{
			what: name + "latency p50, last second less first", unit: "ms", ours: of(r[0], growth),
			limit: atMost(100),
		},
	)
	return nil
}

func perSecond(r result) float64 { return float64(r.Count) / r.Elapsed.Seconds() }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func p50(r result) float64    { return milliseconds(r.All.P50) }
func p99(r result) float64    { return milliseconds(r.All.P99) }
func worst(r result) float64  { return milliseconds(r.All.Max) }
func growth(r result) float64 { return milliseconds(r.Last.P50 - r.First.P50) }

// burst sends messages from the first user at a steady rate, or all at once. In a lossy job the next
// user goes on when the server has disconnected the one who sends.
func (c *crowd) burst(j job) (done, error) {
	owed := j.Count * len(c.users)
	target := c.swarm.Received() + uint64(owed)
	from, text := 0, []byte(nil)
	err := c.pace(j, func(due int64) error {
		text = appendMessage(text[:0], nick(from), "", due)
		err := c.users[from].Send(text)
		for j.Lossy && err != nil && from < len(c.users)-1 {
			from++
			err = c.users[from].Send(text)
		}
		return err
	})
	if err != nil {
		return done{}, err
	}
	return c.await(j, target, owed)
}

// pace is an open loop: it calls send once for each message with the time at which that is due, as
// soon as that has come and the loop has noticed, which is within a millisecond if it has the
// processor. It never leaves a message out.
func (c *crowd) pace(j job, send func(due int64) error) error {
	begin, apart, seconds := loadtest.Now(), int64(0), 1
	if j.Rate > 0 {
		apart, seconds = int64(time.Second)/int64(j.Rate), (j.Count+j.Rate-1)/j.Rate
	}
	c.clock.reset(begin, seconds)
	for i := range j.Count {
		due := begin + int64(i)*apart
		for loadtest.Now() < due {
			time.Sleep(time.Millisecond)
		}
		if err := send(due); err != nil {
			return err
		}
	}
	return nil
}
