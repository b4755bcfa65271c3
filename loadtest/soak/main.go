package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"throng/loadtest/process"
)

// A child is killed when the thread that started it ends, so the main goroutine keeps the main thread.
func init() { runtime.LockOSThread() }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		stop()
		os.Exit(1)
	}
}

// errBad is the verdict of a soak after which not all is well. The tables say why.
var errBad = errors.New("something grows, was left behind or was lost: see the tables")

// run is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s := &soak{out: stderr}
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&s.length, "for", time.Hour, "how long it takes")
	flags.IntVar(&s.users, "users", 1500, "users of all loads together")
	flags.Float64Var(&s.rate, "rate", 200, "messages a second of all loads together")
	flags.StringVar(&s.server, "server", "", "use this binary instead of building one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.length < 5*time.Second || s.users < 1 || s.users > 1_000_000 || !(s.rate > 0 && s.rate <= 100_000) || flags.NArg() > 0 {
		return errors.New("-for begins at 5s, -users at 1 and -rate above 0, they end at a million and 100,000, and there are no arguments")
	}
	folder, err := os.MkdirTemp("", "throng-soak-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	s.folder = folder
	if s.server == "" {
		if s.server, err = process.Build(ctx, folder); err != nil {
			return err
		}
	}
	f, err := s.run(ctx)
	if err != nil {
		return err
	}
	good, err := f.print(stdout)
	if err == nil && !good {
		err = errBad
	}
	return err
}
