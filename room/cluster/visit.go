package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Visitor is a connection to the servers of a cluster by somebody who is no node of it. Any goroutine may use it.
type Visitor struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	pace pace
}

// Visit connects to servers, as in Config.URL but for Embedded, and waits for them until ctx ends. It changes nothing there.
func Visit(ctx context.Context, url string, logger *slog.Logger) (*Visitor, error) {
	return visit(ctx, Config{URL: url, Logger: logger})
}

func visit(ctx context.Context, config Config) (*Visitor, error) {
	c, err := prepare(config)
	if err != nil {
		return nil, err
	}
	v := &Visitor{pace: c.pace}
	if v.nc, err = c.connect(ctx, config.URL, "visitor", nats.ReconnectBufSize(-1)); err != nil {
		return nil, err
	}
	if v.js, err = jetstream.New(v.nc); err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

// Conn is the connection. It connects again for ever, until Close; who uses it must not close it.
func (v *Visitor) Conn() *nats.Conn { return v.nc }

// Close ends the connection.
func (v *Visitor) Close() { v.nc.Close() }

// Replicas is how many copies a cluster on these servers keeps: those of its directory, which is made if there is none, as the first
// node would.
func (v *Visitor) Replicas(ctx context.Context) (int, error) {
	s, err := openStore(ctx, v.js, v.pace.wait, 0)
	if err != nil {
		return 0, fmt.Errorf("cluster: %w", err)
	}
	return s.replicas, nil
}

// Nodes are the ids of the nodes that are alive. If there are leases it takes as long as one lasts, six seconds, to tell those of the
// living from those that nobody was left to remove; it stops at the first that is renewed. Nothing is changed.
func (v *Visitor) Nodes(ctx context.Context) ([]string, error) {
	s := &store{js: v.js, wait: v.pace.wait}
	first, err := v.leases(ctx, s)
	for began := time.Now(); err == nil && len(first) > 0 && time.Since(began) < v.pace.ttl; {
		if !pause(ctx, v.pace.beat) {
			return nil, ctx.Err()
		}
		var now map[string]uint64
		if now, err = v.leases(ctx, s); err != nil {
			break
		}
		var alive []string
		for node, rev := range now {
			if rev != first[node] {
				alive = append(alive, node)
			}
		}
		if len(alive) > 0 {
			slices.Sort(alive)
			return alive, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	return nil, nil
}

// leases are the revisions of those in the directory, by node.
func (v *Visitor) leases(ctx context.Context, s *store) (map[string]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*v.pace.wait)
	defer cancel()
	seen := map[string]uint64{}
	if s.stream == nil {
		stream, err := v.js.Stream(ctx, streamName)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return seen, nil // no node has ever been here, or the only server was started again since
		}
		if err != nil {
			return nil, err
		}
		s.stream = stream
	}
	for rev := uint64(1); ; {
		e, err := s.next(ctx, rev, nodePrefix+"*")
		if err != nil || e.rev == 0 {
			return seen, err
		}
		if e.value != "" {
			seen[e.subject[len(nodePrefix):]] = e.rev
		}
		rev = e.rev + 1
	}
}
