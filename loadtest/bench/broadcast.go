package main

import "context"

// broadcast measures one message to 10,000 sockets, the next when all have it, against a loop of
// write(2) over as many sockets.
func (b *bench) broadcast(ctx context.Context) error {
	users, j := 10_000/b.scale, job{Do: "broadcast", Count: 20}
	ours, err := b.ours(ctx, false)
	if err != nil {
		return err
	}
	defer ours.close()
	bare, err := b.standIn(ctx, "write", 1)
	if err != nil {
		return err
	}
	defer bare.close()
	r, err := b.compare(job{Users: users}, []turn{{ours, j}, {bare, j}})
	if err != nil {
		return err
	}
	b.table.add(row{
		what: "Broadcast to " + number(users) + " sockets: CPU a delivery", unit: "µs", against: "write(2)",
		ours: of(r[0], result.serverEach), reference: of(r[1], result.serverEach),
		limit: ratioAtMost(1.15),
	})
	return nil
}

// broadcast sends one message after another from the first user.
func (c *crowd) broadcast(j job) (d done, err error) {
	var text []byte
	for range j.Count {
		target := c.swarm.Received() + uint64(len(c.users))
		text = appendMessage(text[:0], nick(0), "", 0)
		if err := c.users[0].Send(text); err != nil {
			return d, err
		}
		if d, err = c.await(j, target, len(c.users)); err != nil {
			return d, err
		}
	}
	d.count = j.Count * len(c.users)
	return d, nil
}
