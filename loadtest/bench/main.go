package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"throng/loadtest/process"
)

// A child is killed when the thread that started it ends, so the main goroutine keeps the main thread.
func init() { runtime.LockOSThread() }

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "client":
		err = runClient(os.Stdin, os.Stdout)
	case len(os.Args) == 4 && os.Args[1] == "stand-in":
		err = runStandIn(os.Args[2], os.Args[3])
	default:
		err = run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// runStandIn is the child process of standIn.
func runStandIn(kind, threads string) error {
	n, err := strconv.Atoi(threads)
	if err != nil {
		return err
	}
	if kind == "nbio" {
		return runHolder(os.Stderr)
	}
	return runBare(kind, n, os.Stderr)
}

// bench is one run of the program.
type bench struct {
	server   string // path of the server's binary
	rounds   int
	scale    int    // numbers of sockets, and the rate of direct messages, are divided by it
	seconds  int    // how long a round sends at a rate
	profiles string // folder for CPU profiles of the server, or ""
	data     string // folder in which servers get theirs, or "": the system's for temporary files
	current  string // the measurement under way
	table    table
}

// measurements in the order in which they are made.
var measurements = []struct {
	name string
	do   func(*bench, context.Context) error
}{
	{"connect", (*bench).connect},
	{"idle", (*bench).idle},
	{"tls", (*bench).tls},
	{"broadcast", (*bench).broadcast},
	{"burst", (*bench).burst},
	{"direct", (*bench).direct},
	{"acks", (*bench).acks},
	{"log", (*bench).log},
	{"history", (*bench).history},
	{"conversations", (*bench).conversations},
	{"recover", (*bench).comeback},
	{"cluster", (*bench).cluster},
}

func run() error {
	b := &bench{}
	chosen, peers, err := b.flags()
	if err != nil {
		return err
	}
	if err := enoughFiles(15_000/b.scale + 100); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if b.server == "" {
		dir, err := os.MkdirTemp("", "throng-bench-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if b.server, err = process.Build(ctx, dir); err != nil {
			return err
		}
	}
	if peers != "" {
		return b.besideOthers(ctx, peers, os.Stdout)
	}
	for _, m := range measurements {
		if !slices.Contains(chosen, m.name) {
			continue
		}
		b.current = m.name
		if err := m.do(b, ctx); err != nil {
			if ctx.Err() != nil {
				err = errInterrupted
			}
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return b.table.print(os.Stdout, b.rounds)
}

var errInterrupted = errors.New("interrupted")

// flags reads the command line: besides what b holds, the measurements to make, or the program of the
// peers to measure instead.
func (b *bench) flags() (chosen []string, peers string, err error) {
	var names []string
	for _, m := range measurements {
		names = append(names, m.name)
	}
	only := flag.String("only", strings.Join(names, ","), "measure these, comma separated")
	flag.StringVar(&peers, "peers", "", "measure the servers of this program, loadtest/peers, beside ours instead")
	flag.IntVar(&b.rounds, "rounds", 5, "rounds of each measurement, of which the median counts")
	flag.IntVar(&b.seconds, "seconds", 5, "length of the rounds that send at a rate")
	flag.IntVar(&b.scale, "scale", 1, "divide the numbers of sockets by this, for a quick trial")
	flag.StringVar(&b.server, "server", "", "measure this binary instead of building one")
	flag.StringVar(&b.data, "data", "", "folder in which the server stores, on the disk to measure; the default is that for temporary files")
	flag.StringVar(&b.profiles, "pprof", "", "write a CPU profile of the server's first round of each measurement into this folder")
	flag.Parse()
	chosen = strings.Split(*only, ",")
	for _, name := range chosen {
		if !slices.Contains(names, name) {
			return nil, "", fmt.Errorf("-only %s: there are %s", name, strings.Join(names, ", "))
		}
	}
	if min(b.rounds, b.seconds, b.scale) < 1 || b.scale > 100 || flag.NArg() > 0 {
		return nil, "", errors.New("-rounds, -seconds and -scale begin at 1, -scale ends at 100, and there are no arguments")
	}
	return chosen, peers, nil
}

// enoughFiles checks the open-file limit, which the children have too. The Go runtime has raised it
// as far as it may.
func enoughFiles(need int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Cur < uint64(need) {
		return fmt.Errorf("the open-file limit is %d and must be %d: see ulimit -n, or use -scale", limit.Cur, need)
	}
	return nil
}
