package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"throng/loadtest/process"
)

// soak is one run of the program. Its fields do not change while it runs.
type soak struct {
	server string        // path of the server's binary, which is the load tester's too
	folder string        // for the server's data and the results; empty, and removed by who made it
	length time.Duration // of the whole, but for what the loads' last runs take longer
	users  int           // of all loads together
	rate   float64       // messages a second of all loads together
	out    io.Writer     // gets a line now and then; nil: nobody does
}

// each is how long a load's run sends.
func (s *soak) each() time.Duration { return between(time.Second, s.length/10, time.Minute) }

// every is how far the samples are apart.
func (s *soak) every() time.Duration {
	return between(100*time.Millisecond, s.length/200, 5*time.Second)
}

// kept is how long the server keeps messages: longer than a run takes, so that nothing is gone before who was away has read it.
func (s *soak) kept() time.Duration {
	return between(30*time.Second, max(s.length/10, 3*s.each()), 10*time.Minute)
}

// most is how many messages of a conversation the server keeps. Everyone's, which has a twenty-fifth of all, goes on for minutes until
// there are more.
func (s *soak) most() int { return int(min(max(1000, 10*s.rate), 1_000_000)) }

// between is d, or the bound beyond which it is.
func between(least, d, most time.Duration) time.Duration { return max(least, min(d, most)) }

// found is what a soak found.
type found struct {
	before, after sample // of a server without users
	samples       []sample
	loads         []*load
}

// run starts the server, loads it until the time is over, and looks on. Everything that it started has ended when it returns.
func (s *soak) run(ctx context.Context) (f *found, err error) {
	server, err := process.StartAdmin(ctx, s.server, "serve", "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0",
		"--data", filepath.Join(s.folder, "data"), "--rate", "0", "--keep-count", strconv.Itoa(s.most()), "--keep-age", s.kept().String())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	s.say("server at %s, its private listener at http://%s/", server.Addr, server.Admin)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var watch sync.WaitGroup
	defer watch.Wait()
	watch.Go(func() {
		select {
		case <-server.Done():
			cancel(errors.New("the server has ended"))
		case <-ctx.Done():
		}
	})
	defer cancel(nil)

	f = &found{}
	if f.before, err = rest(ctx, server.Admin, math.Inf(1)); err != nil {
		return nil, err
	}
	if err := s.busy(ctx, cancel, server, f); err != nil {
		return nil, err
	}
	f.after, err = rest(ctx, server.Admin, f.before.goroutines+few)
	return f, err
}

// busy has the loads at the server until the time is over and their last runs have ended, and samples meanwhile. When something
// fails it gives everything up, with that as the cause of ctx.
func (s *soak) busy(ctx context.Context, fail context.CancelCauseFunc, server *process.Process, f *found) error {
	over := make(chan struct{})
	var group sync.WaitGroup
	for i, k := range kinds {
		l := &load{kind: k, users: max(fewUsers, int(float64(s.users)*k.users))}
		f.loads = append(f.loads, l)
		first := s.each() * time.Duration(i+1) / time.Duration(len(kinds))
		group.Go(func() {
			if err := l.keep(ctx, s, server.Addr, max(first, time.Second), over); err != nil {
				fail(err)
			}
		})
	}
	err := s.watch(ctx, server.Admin, f)
	if err != nil {
		fail(err)
	}
	close(over)
	group.Wait()
	return context.Cause(ctx)
}

// watch samples until the time is over.
func (s *soak) watch(ctx context.Context, admin string, f *found) error {
	begin := time.Now()
	tick := time.NewTicker(s.every())
	defer tick.Stop()
	said := begin
	for time.Since(begin) < s.length {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		at := time.Since(begin)
		now, err := look(ctx, admin)
		if err != nil {
			return err
		}
		now.at = at
		f.samples = append(f.samples, now)
		if time.Since(said) >= 30*time.Second {
			said = time.Now()
			s.say("%6s  %5.0f connections, %.1f MiB resident, %.1f MiB heap, %.0f descriptors, %.0f goroutines, %.1f MiB log",
				at.Round(time.Second), now.connections, now.memory/mib, now.heap/mib, now.files, now.goroutines, now.log/mib)
		}
	}
	return nil
}

// say tells people how it goes.
func (s *soak) say(format string, args ...any) {
	if s.out != nil {
		fmt.Fprintf(s.out, format+"\n", args...)
	}
}
