package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"throng/loadtest/ledger"
	"throng/loadtest/process"
	"throng/loadtest/report"
)

// kind is one of the loads that stand side by side: a scenario in a dialect, with its shares of all users and of all messages.
type kind struct {
	scenario, dialect string
	users, rate       float64
	size              string // of a message's text
}

// kinds are the loads. What slow says goes to everyone, so it says little. All together say enough that the log's store fills what
// it buffers, 64 MiB, before the verdict begins, and not more than those who read slowly get through.
var kinds = []kind{
	{"chat", "v2", 0.35, 0.40, "1KiB"},
	{"churn", "v2", 0.25, 0.30, "1KiB"},
	{"churn", "tutorial", 0.20, 0.28, "1KiB"},
	{"slow", "v2", 0.10, 0.01, "4KiB"},
	{"slow", "tutorial", 0.10, 0.01, "4KiB"},
}

func (k kind) String() string { return k.scenario + ", " + k.dialect }

// Exit codes of "throng load" that leave counts; with others there is no result.
const (
	missed    = 3 // a level was missed: something was lost
	saturated = 4 // the generator was the bottleneck
)

// fewUsers is how many users a load has at least; the slow one has one who reads slowly then.
const fewUsers = 20

// load is one kind's runs. The goroutine of its run alone uses it until that ends.
type load struct {
	kind
	users     int
	runs      int
	saturated int          // runs that say that the generator was the bottleneck
	total     report.Tally // Corrupted without the messages of other runs
	faults    []string     // what is known of what went wrong, for people
}

// command is a run's, of so many seconds of sending, whose result goes into a file.
func (l *load) command(s *soak, addr string, length time.Duration, file string) []string {
	rate := strconv.FormatFloat(s.rate*l.rate, 'f', 3, 64)
	return []string{
		"load", "--url", "ws://" + addr, "--scenario", l.scenario, "--dialect", l.dialect, "--users", strconv.Itoa(l.users),
		"--rate", rate + "/s", "--size", l.size, "--ramp", (length / 10).String(), "--warm-up", "0s", "--duration", length.String(),
		"--processes", "1", "--quiet", "--json", file, "--slo", "lost==0", "--slo", "duplicated==0", "--slo", "reordered==0",
	}
}

// keep runs the load again and again, for each each time but for first the first time, until the time is over; the last run is not
// cut short. Its error is a run that had no result.
func (l *load) keep(ctx context.Context, s *soak, addr string, first time.Duration, over <-chan struct{}) error {
	file := filepath.Join(s.folder, l.scenario+"-"+l.dialect+".json")
	for length := first; ; length = s.each() {
		if err := l.once(ctx, s, addr, length, file); err != nil {
			return fmt.Errorf("load %v, run %d: %w", l, l.runs+1, err)
		}
		select {
		case <-over:
			return nil
		default:
		}
	}
}

// once is one run.
func (l *load) once(ctx context.Context, s *soak, addr string, length time.Duration, file string) error {
	cmd := process.Command(ctx, s.server, l.command(s, addr, length, file)...)
	var said bytes.Buffer // a run that is quiet says little more than why it failed
	cmd.Stderr = &said
	err := cmd.Run()
	ended, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && !ok, ok && ended.ExitCode() != missed && ended.ExitCode() != saturated:
		why := strings.TrimSpace(said.String())
		if r, err := report.Read(file); err == nil && r.Partial != "" {
			why = r.Partial
		}
		return fmt.Errorf("%w: %s", err, why)
	}
	r, err := report.Read(file)
	if err != nil {
		return err
	}
	l.take(r)
	return os.Remove(file)
}

// foreign is the reason that a run gives for each message of another run.
var foreign = "a corrupted message: " + ledger.ErrRun.Error()

// take adds the result of a run.
func (l *load) take(r *report.Result) {
	l.runs++
	if r.Generator.Saturated {
		l.saturated++
	}
	t := r.Total
	// The reasons are read a little later than the account is made: more of the others may have come by then.
	t.Corrupted = max(0, t.Corrupted-int64(r.Connect.Reasons[foreign]))
	l.total.Sent += t.Sent
	l.total.Expected += t.Expected
	l.total.Delivered += t.Delivered
	l.total.Lost += t.Lost
	l.total.Duplicated += t.Duplicated
	l.total.Reordered += t.Reordered
	l.total.Corrupted += t.Corrupted
	if t.Lost+t.Duplicated+t.Reordered+t.Corrupted == 0 {
		return
	}
	l.faults = append(l.faults, fmt.Sprintf("%v, run %d: lost %d, duplicated %d, reordered %d, corrupted %d; reasons: %v; %s",
		l, l.runs, t.Lost, t.Duplicated, t.Reordered, t.Corrupted, r.Connect.Reasons, strings.Join(r.Notes, " ")))
	for _, f := range r.Faults[:min(3, len(r.Faults))] {
		l.faults = append(l.faults, fmt.Sprintf("  %s: messages %d to %d of %s to %s in %s",
			f.What, f.Number, f.To, f.Sender, f.Recipient, f.Conversation))
	}
}

// good says whether nothing went wrong with any delivery, and there were some.
func (l *load) good() bool {
	t := l.total
	return t.Expected > 0 && t.Lost+t.Duplicated+t.Reordered+t.Corrupted == 0
}
