package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/term"

	"throng/deploy/config"
	"throng/loadtest/report"
	"throng/loadtest/run"
	"throng/room/auth"
)

// Load simulates users: throng load, load worker and load compare. The version goes into the result.
func Load(ctx context.Context, version string, args, environ []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) > 0 && args[0] == "worker":
		return worker(ctx, args[1:], environ, stdout, stderr)
	case len(args) > 0 && args[0] == "compare":
		return compare(args[1:], stdout, stderr)
	}
	var settings config.Load
	warnings, code, ok := Parse(&settings, args, environ, stdout, stderr)
	if !ok {
		return code
	}
	plan, err := loadPlan(&settings)
	if err != nil {
		fmt.Fprintln(stderr, "throng:", err)
		return Usage
	}
	for _, w := range warnings {
		fmt.Fprintln(stderr, "throng:", w)
	}
	files, err := openResults(&settings)
	if err != nil {
		fmt.Fprintln(stderr, "throng:", err)
		return Usage
	}
	defer files.discard()
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(stderr, "throng:", err)
		return Failed
	}
	// A terminal that goes away ends the run in order, and so does a pipe that nobody reads any more.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	// Servers and workers are killed when the thread that started them ends, so it must not end before this goroutine.
	runtime.LockOSThread()
	env := run.Env{Self: self, Version: version, Live: liveView(settings.Quiet, stderr)}
	result, err := run.Run(ctx, plan, env)
	env.Live.Close()
	if err == nil {
		err = files.write(result, stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "throng:", err)
		return Failed
	case result.Partial != "":
		return Failed
	case result.IsMissed():
		return Missed
	case result.IsSaturated():
		return Saturated
	}
	return Done
}

// loadPlan is the plan that the settings describe.
func loadPlan(s *config.Load) (run.Plan, error) {
	addrs, secure := s.Addrs()
	plan := run.Plan{
		Addrs: addrs, TLS: run.TLS{On: secure, Insecure: s.Insecure}, Serve: s.Serve, Users: s.Users, Scenario: s.Scenario,
		Dialect: s.Dialect, Rate: s.Rate, Size: s.Size, WarmUp: s.WarmUp, Duration: s.Duration, Ramp: s.Ramp, Late: s.Late,
		Talkers: s.Talkers, Sources: s.Source, Processes: s.Processes, Remote: s.Workers, Key: s.Key, Pids: s.Pid,
		Admins: s.Admin, Search: s.FindCapacity, Step: s.Step,
	}
	for _, text := range s.SLO {
		level, err := report.ParseSLO(text)
		if err != nil {
			return plan, fmt.Errorf("--slo: %w", err)
		}
		plan.SLOs = append(plan.SLOs, level)
	}
	var err error
	if s.CA != "" {
		if plan.TLS.CA, err = os.ReadFile(s.CA); err != nil {
			return plan, fmt.Errorf("--ca: %w", err)
		}
	}
	if s.JWTKey != "" {
		if plan.Token, err = tokens(s); err != nil {
			return plan, fmt.Errorf("--jwt-key: %w", err)
		}
	}
	return plan, nil
}

// tokenSpare is how much longer a token is valid than its run is meant to take: what is late is waited for, and a search for the
// capacity takes as long as it takes.
const tokenSpare = 24 * time.Hour

// tokens makes the tokens of users, which allow all but to be a moderator. They outlast the run.
func tokens(s *config.Load) (sign func(nick string) (string, error), err error) {
	signer, err := auth.ReadSigner(s.JWTKey)
	if err != nil {
		return nil, err
	}
	expires := time.Now().Add(s.Ramp + s.WarmUp + s.Duration + tokenSpare)
	return func(nick string) (string, error) {
		return signer.Sign(&auth.Claims{Subject: nick, Expires: expires}, s.JWTAudience, s.JWTIssuer)
	}, nil
}

// liveView shows on standard error how a load run goes.
func liveView(quiet bool, stderr io.Writer) *report.Live {
	if quiet {
		return report.NewLive(io.Discard, false, nil)
	}
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return report.NewLive(f, true, func() int {
			columns, _, _ := term.GetSize(int(f.Fd()))
			return columns
		})
	}
	return report.NewLive(stderr, false, nil)
}

// worker simulates a share of the users of a throng load, which reaches it over standard input or the network.
func worker(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	var settings config.Worker
	_, code, ok := Parse(&settings, args, environ, stdout, stderr)
	if !ok {
		return code
	}
	var err error
	if settings.Listen == "" {
		err = run.Work(os.Stdin, stdout, settings.Key)
	} else {
		err = run.Listen(ctx, settings.Listen, settings.Key, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "throng: load worker:", err)
		return Failed
	}
	return Done
}

const compareHelp = `Usage: throng load compare A.json B.json

Puts two results of "throng load --json" side by side, A the older and B the newer: what makes the comparison doubtful,
how the two loads differed, and each figure with the ratio of B to A. A figure is called better or worse where it differs
by more than two runs of the same do; whether that matters is yours to judge, so the exit code does not say it.

Exit codes: 0 compared, 1 failed, 2 usage, or a file that holds no result.
`

// compare shows two results beside each other.
func compare(args []string, stdout, stderr io.Writer) int {
	if slices.ContainsFunc(args, isHelp) {
		fmt.Fprint(stdout, compareHelp)
		return Done
	}
	if len(args) != 2 {
		fmt.Fprintln(stderr, "throng: want load compare A.json B.json, two results of throng load --json; throng load compare --help tells more")
		return Usage
	}
	var results [2]*report.Result
	for i, file := range args {
		var err error
		if results[i], err = report.Read(file); err != nil {
			fmt.Fprintln(stderr, "throng:", err)
			return Usage
		}
	}
	if err := report.WriteComparison(stdout, report.Compare(results[0], results[1])); err != nil {
		return Failed
	}
	return Done
}
