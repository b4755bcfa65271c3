package main

import (
	"context"
	"path/filepath"
	"strconv"

	"throng/loadtest/process"
)

// nodesOfOne is how many nodes are one chat.
const nodesOfOne = 3

// cluster measures several nodes that are one chat, on one embedded NATS server and one replica, beside one node alone: a message to
// all of 10,000 users, and acks as in acks, of messages to whoever may be on another node.
func (b *bench) cluster(ctx context.Context) error {
	users := 10_000 / b.scale
	several, alone, err := b.chats(ctx)
	if err != nil {
		return err
	}
	defer several.close()
	defer alone.close()
	all := job{Do: "broadcast", Count: 20}
	r, err := b.compare(job{Users: users}, []turn{{several, all}, {alone, all}})
	if err != nil {
		return err
	}
	name := "One chat of " + strconv.Itoa(nodesOfOne) + " nodes, "
	b.table.add(row{
		what: name + "broadcast to " + number(users) + " sockets: CPU of all a delivery", unit: "µs", against: "one node",
		ours: of(r[0], result.serverEach), reference: of(r[1], result.serverEach), limit: ratioAtMost(1.25),
	})
	return b.clusterAcks(ctx, name)
}

// clusterAcks measures direct messages between neighbours that are acknowledged.
func (b *bench) clusterAcks(ctx context.Context, name string) error {
	several, alone, err := b.chats(ctx)
	if err != nil {
		return err
	}
	defer several.close()
	defer alone.close()
	users, half := 1_000/b.scale, ackRate/2/b.scale
	many := job{Do: "say", Count: b.seconds * ackRate / b.scale, Flight: flight}
	steady := job{Do: "say", Count: b.seconds * half, Rate: half}
	r, err := b.compare(job{Users: users, V2: true}, []turn{{several, many}, {alone, many}, {several, steady}, {alone, steady}})
	if err != nil {
		return err
	}
	name += "direct messages of " + number(users) + " senders, "
	most, calm := name+number(flight)+" each under way: ", name+number(half)+" a second: "
	b.table.add(
		row{
			what: most + "acks", unit: "/s", against: "one node",
			ours: of(r[0], perSecond), reference: of(r[1], perSecond), limit: atLeast(ackRate),
		},
		row{
			what: most + "CPU of all a message", unit: "µs", against: "one node",
			ours: of(r[0], result.serverEach), reference: of(r[1], result.serverEach),
		},
		row{what: calm + "p50", unit: "ms", against: "one node", ours: of(r[2], p50), reference: of(r[3], p50)},
		row{
			what: calm + "p99", unit: "ms", against: "one node",
			ours: of(r[2], p99), reference: of(r[3], p99), limit: atMost(50),
		},
	)
	return nil
}

// chats starts a chat of several nodes, and one of one.
func (b *bench) chats(ctx context.Context) (several, alone *side, err error) {
	if several, err = b.together(ctx); err != nil {
		return nil, nil, err
	}
	if alone, err = b.durable(ctx, false, "--durability", "os"); err != nil {
		several.close()
		return nil, nil, err
	}
	alone.name = "alone"
	return several, alone, nil
}

// together starts several nodes that are one chat and share an address; the kernel spreads the connections.
func (b *bench) together(ctx context.Context) (*side, error) {
	nats, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	s, err := b.durable(ctx, false, "--nats", "embedded", "--nats-listen", nats)
	if err != nil {
		return nil, err
	}
	s.name = "cluster"
	for i := 1; i < nodesOfOne; i++ {
		p, err := b.start(ctx, false, s.server.Addr, "--data", filepath.Join(s.data, "node"+strconv.Itoa(i)), "--nats", "nats://"+nats)
		if err != nil {
			s.close()
			return nil, err
		}
		s.nodes = append(s.nodes, p)
	}
	return s, nil
}
