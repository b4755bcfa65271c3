package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"throng/deploy/config"
	"throng/room/cluster"
	"throng/room/history"
)

const (
	// meetWithin is how long NATS may take to answer.
	meetWithin = time.Minute
	// progressEvery is how often a move tells how far it is.
	progressEvery = 5 * time.Second
)

const logHelp = `Usage: throng log move [--setting value]...
       throng log host [--setting value]...

"move" takes the log of one server to a cluster, or back; "host" runs the NATS server of a node without the node, for that. Each
has a --help of its own.
`

// Log does what is to be done with a log while no server uses it: throng log move and log host.
func Log(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) > 0 && args[0] == "move":
		return logMove(ctx, args[1:], environ, stdout, stderr)
	case len(args) > 0 && args[0] == "host":
		return logHost(ctx, args[1:], environ, stdout, stderr)
	case len(args) > 0 && isHelp(args[0]):
		fmt.Fprint(stdout, logHelp)
		return Done
	}
	fmt.Fprintln(stderr, "throng: want log move or log host; throng log move --help tells more")
	return Usage
}

// logHost runs the NATS server of a node without the node.
func logHost(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	var settings config.LogHost
	warnings, code, ok := Parse(&settings, args, environ, stdout, stderr)
	if !ok {
		return code
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: settings.LogLevel}))
	for _, w := range warnings {
		logger.Warn(w)
	}
	err := cluster.Host(ctx, NATS(settings.Serve, logger), func(addr string) { logger.Info("NATS is listening, without a node", "addr", addr) })
	if err != nil {
		fmt.Fprintln(stderr, "throng:", err)
		return Failed
	}
	return Done
}

// NATS is a node's place on NATS, as its settings have it.
func NATS(settings config.Serve, logger *slog.Logger) cluster.Config {
	c := cluster.Config{
		URL: settings.Nats, Secret: settings.NatsSecret, Logger: logger, MaxMessage: settings.MaxMessage,
		Dir: filepath.Join(settings.Data, "nats"), Listen: settings.NatsListen, ClusterListen: settings.NatsCluster, Sync: settings.NatsSync,
	}
	for _, route := range settings.NatsRoutes {
		c.Routes = append(c.Routes, "nats://"+route)
	}
	return c
}

// logMove moves a log.
func logMove(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	var settings config.LogMove
	warnings, code, ok := Parse(&settings, args, environ, stdout, stderr)
	if !ok {
		return code
	}
	for _, w := range warnings {
		fmt.Fprintln(stderr, "throng:", w)
	}
	began := time.Now()
	moved, err := moveLog(ctx, settings, stderr)
	switch {
	case ctx.Err() != nil && err != nil:
		fmt.Fprintln(stderr, "throng: the move was stopped, and goes on when it is run again")
		return Failed
	case err != nil:
		fmt.Fprintln(stderr, "throng:", err)
		return Failed
	case moved.IsDone:
		fmt.Fprintln(stdout, "The log was moved there already; there is nothing to do.")
		return Done
	}
	rest := ""
	if moved.Resumed {
		rest = ", besides those that were there from before"
	}
	fmt.Fprintf(stdout, "Moved in %v: %d messages%s, %d claims, %d entries of direct conversations, %d of receipts.\n",
		time.Since(began).Round(time.Millisecond), moved.Messages, rest, moved.Claims, moved.Directs, moved.Marks)
	return Done
}

// moveLog opens both places and moves.
func moveLog(ctx context.Context, s config.LogMove, stderr io.Writer) (moved history.Moved, err error) {
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	v := visits{}
	defer v.close()
	from, err := v.place(ctx, s.From, logger)
	if err != nil {
		return moved, fmt.Errorf("--from: %w", err)
	}
	to, err := v.place(ctx, s.To, logger)
	if err != nil {
		return moved, fmt.Errorf("--to: %w", err)
	}
	if to.Conn != nil {
		meet, cancel := context.WithTimeout(ctx, meetWithin)
		defer cancel()
		if to.Replicas, err = v[len(v)-1].Replicas(meet); err != nil {
			return moved, fmt.Errorf("--to: %w", err)
		}
	}
	return history.Move(ctx, from, to, history.MoveConfig{InUse: v.inUse, Progress: progress(stderr), Logger: logger})
}

// visits are connections to the servers that a log is moved from or to, that of the target last.
type visits []*cluster.Visitor

// place is where a setting says that a log is.
func (v *visits) place(ctx context.Context, text string, logger *slog.Logger) (p history.Place, err error) {
	if !config.IsNATS(text) {
		return history.Place{Dir: text}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, meetWithin)
	defer cancel()
	visitor, err := cluster.Visit(ctx, text, logger)
	if err != nil {
		return p, err
	}
	*v = append(*v, visitor)
	return history.Place{Conn: visitor.Conn()}, nil
}

// inUse is that nodes are alive on the servers.
func (v visits) inUse(ctx context.Context) error {
	for _, one := range v {
		nodes, err := one.Nodes(ctx)
		if err != nil {
			return err
		}
		if len(nodes) > 0 {
			return errors.New("nodes are alive on " + one.Conn().ConnectedUrlRedacted() + ", stop them first: " + strings.Join(nodes, ", "))
		}
	}
	return nil
}

func (v visits) close() {
	for _, one := range v {
		one.Close()
	}
}

// progress tells now and then how far a move is.
func progress(stderr io.Writer) func(history.Moved) {
	last, then := time.Now(), 0
	return func(m history.Moved) {
		passed := time.Since(last)
		if passed < progressEvery {
			return
		}
		fmt.Fprintf(stderr, "throng: moved %d messages (%.0f a second), %d claims, %d entries of receipts\n",
			m.Messages, float64(m.Messages-then)/passed.Seconds(), m.Claims, m.Marks)
		last, then = time.Now(), m.Messages
	}
}
