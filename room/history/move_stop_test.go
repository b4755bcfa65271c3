package history

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// errStop is a move that was stopped.
var errStop = errors.New("stopped")

// stopped is a target whose move is stopped after so many steps, of which the last may have been done all the same.
type stopped struct {
	target
	left   *int
	isLate bool
}

func (s stopped) step(f func() error) error {
	*s.left--
	switch {
	case *s.left > 0:
		return f()
	case *s.left == 0 && s.isLate:
		return errors.Join(errStop, f())
	}
	return errStop
}

func (s stopped) note(ctx context.Context, o origin) error {
	return s.step(func() error { return s.target.note(ctx, o) })
}

func (s stopped) clear(ctx context.Context) error {
	return s.step(func() error { return s.target.clear(ctx) })
}

func (s stopped) list(ctx context.Context, all []listed) error {
	return s.step(func() error { return s.target.list(ctx, all) })
}

func (s stopped) flush(ctx context.Context) error {
	return s.step(func() error { return s.target.flush(ctx) })
}

// fill stores one message a step, so that a batch may be stored in part.
func (s stopped) fill(ctx context.Context, batch []*Entry, last uint64) error {
	for i := range batch {
		if err := s.step(func() error { return s.target.fill(ctx, batch[i:i+1], last) }); err != nil {
			return err
		}
		last = batch[i].Seq
	}
	return nil
}

// A move that is stopped anywhere is finished by the next; until then nobody else can open the target.
func TestMoveStopped(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, at *clock) {
		older := inRAM{vfs.NewMem(), at.now}
		use(t, older, Config{}, func(l Log) { live(t, l, at, 12, "a") })
		mustMove(t, older, from)
		use(t, from, Config{}, func(l Log) { live(t, l, at, 12, "b") }) // its ids are of two logs
		before := contentsOf(t, from)
		r := rng(1)
		for stops := 0; ; stops++ {
			left, isLate := 1+r.IntN(8), r.IntN(2) == 0 // each time it gets a little further
			_, err := moveOnce(t, from, to, func(l target) target { return stopped{l, &left, isLate} })
			if err == nil {
				t.Logf("stopped %d times", stops)
				break
			}
			if !errors.Is(err, errStop) || stops > 500 {
				t.Fatal(stops, err)
			}
			l, err := to.fill()
			if err != nil {
				t.Fatal(err)
			}
			begun := l.begun()
			release(l)
			if begun == nil || begun.Done {
				continue // before the first step, or after the last
			}
			if _, err := to.log(Config{}); !errors.Is(err, ErrUnfinished) {
				t.Fatalf("the target opens: %v", err)
			}
		}
		before.want(t, to)
	})
}

// Wherever a move is stopped, before a step or behind it, the next one finishes it.
func TestMoveStoppedAnywhere(t *testing.T) {
	for name, to := range media {
		t.Run(name, func(t *testing.T) {
			at := newClock()
			older, from := inRAM{vfs.NewMem(), at.now}, inRAM{vfs.NewMem(), at.now}
			use(t, older, Config{}, func(l Log) { live(t, l, at, 6, "a") })
			mustMove(t, older, from)
			use(t, from, Config{}, func(l Log) { live(t, l, at, 6, "b") })
			before := contentsOf(t, from)
			steps := 0
			for err := errStop; err != nil; steps++ {
				for _, isLate := range []bool{false, true} {
					left, on := steps+1, to(t, at.now)
					if _, err = moveOnce(t, from, on, func(l target) target { return stopped{l, &left, isLate} }); err != nil && !errors.Is(err, errStop) {
						t.Fatal(err)
					}
					mustMove(t, from, on)
					before.want(t, on)
				}
			}
			if steps < 12+6 {
				t.Errorf("%d steps", steps)
			}
		})
	}
}

// restarting is a target of which a server goes away in the middle, and comes back.
type restarting struct {
	target
	fills *int
	stop  func()
	start func()
}

func (r restarting) fill(ctx context.Context, batch []*Entry, last uint64) error {
	*r.fills++
	switch *r.fills {
	case 3:
		r.stop()
	case 6:
		r.start()
	}
	for i := 0; i < len(batch); i += 50 {
		part := batch[i:min(i+50, len(batch))]
		if err := r.target.fill(ctx, part, last); err != nil {
			return err
		}
		last = part[len(part)-1].Seq
	}
	return nil
}

// One of three servers ends and comes back while they are filled: the move waits for the others, and stores nothing twice.
func TestMoveQuorum(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers take their time")
	}
	clock := newClock()
	from := inRAM{vfs.NewMem(), clock.now}
	use(t, from, Config{Durability: DurabilityOS}, func(l Log) {
		live(t, l, clock, 100, "a")
		var batch []*Entry
		for i := range 8 * moveBatch {
			batch = append(batch, say("all", 1, fmt.Sprint("cid", i), fmt.Sprint(i)))
		}
		must(t, l, batch...)
	})
	in, restart := three(t)
	nc := connect(t, in[0])
	var s *Stream
	for s == nil { // the servers have to find each other
		var err error
		s, err = openStream(t.Context(), nc, StreamConfig{Config: Config{Logger: quiet, moving: true}, Replicas: 3}, clock.now)
		if err != nil && pause(t.Context(), 100*time.Millisecond) != nil {
			t.Fatal(err)
		}
	}
	w, err := from.walk()
	if err != nil {
		t.Fatal(err)
	}
	fills := 0
	to := restarting{filledServers{s}, &fills, func() { stopServer(in[1]) }, func() { restart(1) }}
	done, err := move(t.Context(), w, to, MoveConfig{InUse: func(context.Context) error { return nil }, Progress: func(Moved) {}})
	if err := errors.Join(err, to.Close(), w.close()); err != nil || fills < 7 {
		t.Fatalf("%+v, %d batches, %v", done, fills, err)
	}
	contentsOf(t, from).want(t, onNATS{t, nc, clock.now})
}
