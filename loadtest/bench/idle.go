package main

import (
	"context"
	"fmt"
	"os"

	"throng/loadtest/process"
)

// held is what 15,000 connections cost a server that has nothing to do.
type held struct {
	each       float64 // resident bytes a connection
	goroutines int     // that it has more of
	threads    int     // that it has more of
}

// idle measures the memory of a waiting connection with its chat session, each round with a fresh
// server, against net/http and nbio that hold the socket and nothing else. Memory is what the kernel
// has resident for the process, after a garbage collection on both sides of the connecting.
func (b *bench) idle(ctx context.Context) error {
	users := 15_000 / b.scale
	var ours, reference, goroutines, threads []float64
	for range b.rounds {
		s, err := b.ours(ctx, true)
		if err != nil {
			return err
		}
		h, err := s.hold(ctx, job{Users: users})
		if err != nil {
			return err
		}
		ours = append(ours, h.each)
		goroutines, threads = append(goroutines, float64(h.goroutines)), append(threads, float64(h.threads))
		if s, err = b.standIn(ctx, "nbio", 1); err != nil {
			return err
		}
		if h, err = s.hold(ctx, job{Users: users}); err != nil {
			return err
		}
		reference = append(reference, h.each)
	}
	name := "Idle, " + number(users) + " sockets: "
	b.table.add(
		row{
			what: name + "resident memory a connection", unit: "B", against: "nbio without chat",
			ours: ours, reference: reference, limit: atMost(1536),
		},
		row{what: name + "goroutines more than without", ours: goroutines, limit: atMost(10)},
		row{what: name + "threads more than without", ours: threads},
	)
	return nil
}

// hold connects users to a server, as j says, and tells what they cost it. It ends the server.
func (s *side) hold(ctx context.Context, j job) (h held, err error) {
	defer s.close()
	memory, goroutines, threads, err := s.state(ctx)
	if err != nil {
		return h, err
	}
	j.Do = "connect"
	if _, err := s.do(j); err != nil {
		return h, err
	}
	fullMemory, fullGoroutines, fullThreads, err := s.state(ctx)
	h = held{
		each:       float64(fullMemory-memory) / float64(j.Users),
		goroutines: fullGoroutines - goroutines,
		threads:    fullThreads - threads,
	}
	fmt.Fprintf(os.Stderr, "%-10s %-8s %5.0f B each, %d MiB in all; goroutines %d to %d, threads %d to %d\n",
		"idle", s.name, h.each, fullMemory>>20, goroutines, fullGoroutines, threads, fullThreads)
	return h, err
}

// state is what a server has, once its memory has settled.
func (s *side) state(ctx context.Context) (memory, goroutines, threads int, err error) {
	if memory, err = s.settle(ctx); err != nil {
		return 0, 0, 0, err
	}
	if goroutines, err = s.goroutines(); err != nil {
		return 0, 0, 0, err
	}
	threads, err = process.Threads(s.server.Pid)
	return memory, goroutines, threads, err
}
