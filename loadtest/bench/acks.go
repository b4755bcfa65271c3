package main

import "context"

const (
	ackRate = 40_000 // acks a second that are asked for
	flight  = 4      // messages that a sender has under way
)

// acks measures messages that are acknowledged once they are on disk (fsync), said by 1,000 users, each to its
// neighbour: as many as there can be, and at half the rate that is asked for. The reference is the same server with its log in memory.
func (b *bench) acks(ctx context.Context) error {
	users, half := 1_000/b.scale, ackRate/2/b.scale
	disk, memory, err := b.logs(ctx)
	if err != nil {
		return err
	}
	defer disk.close()
	defer memory.close()
	many := job{Do: "say", Count: b.seconds * ackRate / b.scale, Flight: flight}
	steady := job{Do: "say", Count: b.seconds * half, Rate: half}
	r, err := b.compare(job{Users: users, V2: true}, []turn{{disk, many}, {memory, many}, {disk, steady}, {memory, steady}})
	if err != nil {
		return err
	}
	name := "Acknowledged with fsync, direct messages of " + number(users) + " senders, "
	most, calm := name+number(flight)+" each under way: ", name+number(half)+" a second: "
	b.table.add(
		row{
			what: most + "acks", unit: "/s", against: "log in memory",
			ours: of(r[0], perSecond), reference: of(r[1], perSecond), limit: atLeast(ackRate),
		},
		row{
			what: most + "CPU a message", unit: "µs", against: "log in memory",
			ours: of(r[0], result.serverEach), reference: of(r[1], result.serverEach),
		},
		row{what: most + "CPU of the client a message", unit: "µs", ours: of(r[0], result.clientEach)},
		row{what: calm + "p50", unit: "ms", against: "log in memory", ours: of(r[2], p50), reference: of(r[3], p50)},
		row{
			what: calm + "p99", unit: "ms", against: "log in memory",
			ours: of(r[2], p99), reference: of(r[3], p99), limit: atMost(20),
		},
	)
	return nil
}

// log measures what the log on disk adds to the processor time of a message, at 20,000 direct messages a second.
func (b *bench) log(ctx context.Context) error {
	users, rate := 1_000/b.scale, 20_000/b.scale
	disk, memory, err := b.logs(ctx)
	if err != nil {
		return err
	}
	defer disk.close()
	defer memory.close()
	j := job{Do: "say", Count: b.seconds * rate, Rate: rate}
	r, err := b.compare(job{Users: users, V2: true}, []turn{{disk, j}, {memory, j}})
	if err != nil {
		return err
	}
	with, without := of(r[0], result.serverEach), of(r[1], result.serverEach)
	name := "Log with fsync, " + number(rate) + " direct messages a second: CPU a message"
	b.table.add(
		row{what: name, unit: "µs", against: "log in memory", ours: with, reference: without},
		row{what: name + ", more than in memory", unit: "µs", ours: less(with, without), limit: atMost(8)},
	)
	return nil
}

// less is by how much the values of the rounds are higher than those of a reference.
func less(v, reference []float64) []float64 {
	var d []float64
	for i := range v {
		d = append(d, v[i]-reference[i])
	}
	return d
}

// logs starts the server twice: with its log on disk, and in memory.
func (b *bench) logs(ctx context.Context) (disk, memory *side, err error) {
	if disk, err = b.durable(ctx, false); err != nil {
		return nil, nil, err
	}
	if memory, err = b.ours(ctx, false); err != nil {
		disk.close()
		return nil, nil, err
	}
	memory.name = "memory"
	return disk, memory, nil
}
