package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"throng/loadtest/process"
	"throng/loadtest/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSoak soaks the real server.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the server and starts processes for some seconds")
	}
	server, err := process.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("whole", func(t *testing.T) {
		whole(t, &soak{server: server, folder: t.TempDir(), length: 5 * time.Second, users: 60, rate: 100})
	})
	t.Run("interrupted", func(t *testing.T) {
		interrupted(t, &soak{server: server, folder: t.TempDir(), length: time.Hour, users: 60, rate: 100})
	})
	t.Run("no load", func(t *testing.T) {
		// No load may send so much.
		s := &soak{server: server, folder: t.TempDir(), length: time.Hour, users: 60, rate: 1e9}
		if f, err := s.run(t.Context()); f != nil || err == nil || !strings.Contains(err.Error(), "run 1: exit status 2: ") {
			t.Errorf("%v, %v", f, err)
		}
	})
}

// whole is a soak to its end. What grows in so short a time is no matter.
func whole(t *testing.T, s *soak) {
	f, err := s.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	users := 0
	for _, l := range f.loads {
		users += l.users
		if l.runs == 0 || !l.good() {
			t.Errorf("%v: %+v", l, l)
		}
	}
	for _, j := range f.judge() {
		if j.mean <= 0 || j.min > j.mean || j.mean > j.max || strings.Contains(j.verdict, "behind") {
			t.Errorf("%s: %+v", j.what, j)
		}
	}
	if f.before.connections != 0 || f.after.connections != 0 || f.after.accepted < float64(users) {
		t.Errorf("before %+v, after %+v", f.before, f.after)
	}
}

// interrupted ends everything at once, and says why.
func interrupted(t *testing.T, s *soak) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	s.out = said(func(line string) {
		if strings.HasPrefix(line, "server at ") {
			cancel(why)
		}
	})
	if f, err := s.run(ctx); f != nil || !errors.Is(err, context.Canceled) && !errors.Is(err, why) {
		t.Errorf("%v, %v", f, err)
	}
}

// said is called with each line.
type said func(string)

func (s said) Write(b []byte) (int, error) {
	s(string(b))
	return len(b), nil
}

func TestTake(t *testing.T) {
	l := &load{kind: kinds[0]}
	good := &report.Result{Total: report.Tally{Sent: 2, Expected: 6, Delivered: 6, Corrupted: 9}, Connect: report.Connect{Reasons: map[string]int{foreign: 9}}}
	if l.good() {
		t.Error("nothing was delivered")
	}
	l.take(good)
	l.take(good)
	if !l.good() || l.runs != 2 || l.total.Delivered != 12 || l.total.Corrupted != 0 || len(l.faults) > 0 {
		t.Errorf("%+v", l)
	}
	for _, bad := range []report.Tally{
		{Expected: 1, Lost: 1}, {Expected: 1, Delivered: 1, Duplicated: 1}, {Expected: 1, Delivered: 1, Reordered: 1}, {Expected: 1, Delivered: 1, Corrupted: 1},
	} {
		worse := *l
		worse.take(&report.Result{Total: bad, Generator: report.Generator{Saturated: true}, Faults: []report.Fault{{What: "lost"}}})
		if worse.good() || worse.saturated != 1 || len(worse.faults) != 2 {
			t.Errorf("%+v: %+v", bad, worse)
		}
	}
}

// TestPrint is the verdict of the whole.
func TestPrint(t *testing.T) {
	made := func(change func(*found)) *found {
		f := &found{
			before: sample{memory: 50 << 20, heap: 3 << 20, files: 25, goroutines: 26, log: 1},
			after:  sample{memory: 55 << 20, heap: 3 << 20, files: 30, goroutines: 30, log: 1},
			loads:  []*load{{kind: kinds[0], total: report.Tally{Expected: 1, Delivered: 1}}},
		}
		for i := range 100 {
			f.samples = append(f.samples, sample{
				at: time.Duration(i) * time.Minute, memory: 60 << 20, heap: 9 << 20, files: 125, goroutines: 26, connections: 100, log: 5 << 20,
			})
		}
		change(f)
		return f
	}
	each := func(change func(i float64, s *sample)) func(*found) {
		return func(f *found) {
			for i := range f.samples {
				change(float64(i), &f.samples[i])
			}
		}
	}
	for _, c := range []struct {
		name   string
		change func(*found)
		want   string // part of the table; what is bad has ** in it
	}{
		{"well", func(*found) {}, "| resident memory, MiB | 50 | 60 | 60 | 60 | 60 | 60 | 0 (+0.0 %) | 0 | 55 | flat |"},
		{"memory", each(func(i float64, s *sample) { s.memory += 100 * 1024 * i }), "| 5.9 (+8.9 %) | 0 | 55 | **grows** |"},
		{"memory falls", each(func(i float64, s *sample) { s.memory -= 100 * 1024 * i }), "| falls |"},
		{"warming up", each(func(i float64, s *sample) { s.memory -= max(0, 20-i) * mib }), "| resident memory, MiB | 50 | 60 |"},
		{"descriptors", each(func(i float64, s *sample) { s.files += i }), "| descriptors beyond connections | 25 | 45 | 124 | 45 | 124 | 84.5 | 60 (+71.0 %)"},
		{"descriptors of connections", each(func(i float64, s *sample) { s.files += i; s.connections += i }), "| descriptors beyond connections | 25 | 25 |"},
		{"goroutines", each(func(i float64, s *sample) { s.goroutines += i }), "| **grows** |"},
		{"goroutines left", func(f *found) { f.after.goroutines = 37 }, "| flat, **left behind** |"},
		{"descriptors left", func(f *found) { f.after.files = 36 }, "| flat, **left behind** |"},
		{"connections left", func(f *found) { f.after.connections = 1 }, "| **left behind** |"},
		{"lost", func(f *found) { f.loads[0].total.Lost = 1 }, "| **no** |"},
		{"short", func(f *found) { f.samples = f.samples[:2] }, "too short to tell"},
	} {
		var out strings.Builder
		good, err := made(c.change).print(&out)
		if text := out.String(); err != nil || !strings.Contains(text, c.want) || good == strings.Contains(text, "**") {
			t.Errorf("%s: %t, %v\n%s\nwant %q", c.name, good, err, text, c.want)
		}
	}
	if _, err := (&found{}).print(&strings.Builder{}); err == nil {
		t.Error("no samples, no error")
	}
}

func TestWarmUp(t *testing.T) {
	for _, c := range []struct {
		whole time.Duration
		want  time.Duration
	}{
		{0, 0}, {3 * time.Minute, 2 * time.Minute}, {9 * time.Minute, 6 * time.Minute}, {30 * time.Minute, keeps}, {time.Hour, keeps}, {2 * time.Hour, 24 * time.Minute},
	} {
		f := &found{}
		for at := time.Duration(0); at <= c.whole; at += time.Second {
			f.samples = append(f.samples, sample{at: at})
		}
		if got := f.warmUp(); got != int(c.want/time.Second) {
			t.Errorf("of %v: %d seconds", c.whole, got)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, args := range []string{"-for 1s", "-users 0", "-rate 0", "-rate -1", "-rate NaN", "-for x", "-server", "x"} {
		if err := run(t.Context(), strings.Fields(args), os.Stderr, &strings.Builder{}); err == nil || errors.Is(err, errBad) {
			t.Errorf("%s: %v", args, err)
		}
	}
}
