package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"throng/loadtest/process"
)

// patience is how long a client waits for what must come before it gives up.
const patience = time.Minute

// side is one side of a comparison: a server and the client process that uses it.
type side struct {
	name   string
	server *process.Process
	nodes  []*process.Process // further ones, that are one chat with the server and listen where it does
	client *client
	data   string // the server's folder, which goes with it; "": none
}

// ours starts the server under test, with further flags if there are any.
func (b *bench) ours(ctx context.Context, admin bool, flags ...string) (*side, error) {
	p, err := b.start(ctx, admin, "127.0.0.1:0", flags...)
	return newSide(ctx, "throng", p, err)
}

// start starts a server.
func (b *bench) start(ctx context.Context, admin bool, addr string, flags ...string) (*process.Process, error) {
	start, private := process.Start, "off"
	if admin || b.profiles != "" {
		start, private = process.StartAdmin, "127.0.0.1:0"
	}
	args := append([]string{"serve", "--addr", addr, "--admin", private,
		"--data", "mem", "--rate", "0", "--compress", "off"}, flags...)
	return start(ctx, b.server, args...)
}

// durable is ours with a log on disk, in a folder of its own, with further flags if there are any.
func (b *bench) durable(ctx context.Context, admin bool, flags ...string) (*side, error) {
	data, err := os.MkdirTemp(b.data, "throng-bench-")
	if err != nil {
		return nil, err
	}
	s, err := b.ours(ctx, admin, append([]string{"--data", data}, flags...)...)
	if err != nil {
		_ = os.RemoveAll(data)
		return nil, err
	}
	s.data = data
	return s, nil
}

// another is a further client of a side's server. The caller stops it before the side is closed.
func (s *side) another(ctx context.Context) (*side, error) {
	c, err := startClient(ctx)
	return &side{name: "beside", server: s.server, client: c}, err
}

// standIn starts a stand-in: write, relay (with so many threads) or nbio.
func (b *bench) standIn(ctx context.Context, kind string, threads int) (*side, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	start := process.Start
	if kind == "nbio" {
		start = process.StartAdmin
	}
	p, err := start(ctx, self, "stand-in", kind, strconv.Itoa(threads))
	return newSide(ctx, fmt.Sprintf("%s/%d", kind, threads), p, err)
}

func newSide(ctx context.Context, name string, p *process.Process, err error) (*side, error) {
	if err != nil {
		return nil, err
	}
	c, err := startClient(ctx)
	if err != nil {
		_ = p.Stop()
		return nil, err
	}
	return &side{name: name, server: p, client: c}, nil
}

// close ends all processes and passes on what the servers had to complain of.
func (s *side) close() {
	s.client.stop()
	if s.data != "" {
		defer func() { _ = os.RemoveAll(s.data) }()
	}
	for _, server := range append(s.nodes, s.server) { // the first has what the others need
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		for _, line := range server.Said() {
			if !strings.Contains(line, "level=INFO") && !strings.Contains(line, server.Addr) {
				fmt.Fprintln(os.Stderr, line)
			}
		}
	}
}

// do has the client do a job against the server.
func (s *side) do(j job) (result, error) {
	j.Addr, j.Servers, j.Timeout = s.server.Addr, []int{s.server.Pid}, patience
	for _, n := range s.nodes {
		j.Servers = append(j.Servers, n.Pid)
	}
	r, err := s.client.do(j)
	if err != nil {
		return r, fmt.Errorf("%s: %s: %w", s.name, j.Do, s.cause(err))
	}
	fmt.Fprintf(os.Stderr, "%-10s %-8s %8d in %6.2fs  server %6.2f µs  client %6.2f µs  others %2.0f %%", j.Do, s.name,
		r.Count, r.Elapsed.Seconds(), r.serverEach(), r.clientEach(), 100*r.Others)
	if r.All.Max > 0 {
		fmt.Fprintf(os.Stderr, "  p50 %.1f p99 %.1f max %.1f ms, p50 in the first second %.1f, in the last %.1f",
			p50(r), p99(r), worst(r), milliseconds(r.First.P50), milliseconds(r.Last.P50))
	}
	fmt.Fprintln(os.Stderr)
	return r, nil
}

// cause is how the server has ended, if it has and that is why the client could not do its job.
func (s *side) cause(err error) error {
	select {
	case <-s.server.Done():
		if s.server.Err() != nil {
			return s.server.Err()
		}
	case <-time.After(time.Second): // it may be about to
	}
	return err
}

// turn is one of the jobs that make up a round.
type turn struct {
	side *side
	job  job
}

// compare connects the users of all sides, as enter says, and has the turns taken, round by round. The
// first turn is ours, and the one that is profiled. The results are by turn and round.
func (b *bench) compare(enter job, turns []turn) ([][]result, error) {
	enter.Do = "connect"
	connected := map[*side]bool{}
	for _, t := range turns {
		if !connected[t.side] {
			if _, err := t.side.do(enter); err != nil {
				return nil, err
			}
			connected[t.side] = true
		}
	}
	return b.turns(turns)
}

// turns is compare for users who are connected.
func (b *bench) turns(turns []turn) ([][]result, error) {
	for _, t := range turns {
		// The first 16 segments or so on a connection are acknowledged at once, at the writer's
		// cost, and later ones when they are read (tcp(7), TCP_QUICKACK).
		if _, err := t.side.do(t.job); err != nil {
			return nil, err
		}
	}
	results := make([][]result, len(turns))
	for round := range b.rounds {
		for i, t := range turns {
			finish := func() error { return nil }
			if round == 0 && i == 0 {
				finish = b.profile(t.side, t.job)
			}
			found, err := t.side.do(t.job)
			if err != nil {
				return nil, err
			}
			if err := finish(); err != nil {
				return nil, err
			}
			results[i] = append(results[i], found)
			b.table.others = append(b.table.others, found.Others)
		}
	}
	return results, nil
}

// profile starts a CPU profile of about the length of a job, if profiles are wanted, and returns what
// waits for it.
func (b *bench) profile(s *side, j job) (finish func() error) {
	if b.profiles == "" {
		return func() error { return nil }
	}
	seconds := 2
	if j.Rate > 0 || j.Flight > 0 {
		seconds = b.seconds
	}
	done := make(chan error, 1)
	go func() {
		page, err := s.debug(fmt.Sprintf("profile?seconds=%d", seconds))
		if err == nil {
			err = os.WriteFile(filepath.Join(b.profiles, b.current+".pprof"), page, 0o644)
		}
		done <- err
	}()
	return func() error { return <-done }
}
