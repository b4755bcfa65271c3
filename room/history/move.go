package history

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/nats-io/nats.go"
)

const (
	// moveBatch and moveBytes bound what is moved at a time.
	moveBatch = 1000
	moveBytes = 4 << 20
	// moveWorkers is how many claims are saved, or seqs looked for, at once.
	moveWorkers = 64
	// moveKnown is of how many seqs it is remembered what they have become.
	moveKnown = 64 << 10
)

// Errors of Move that a caller may tell apart with errors.Is.
var (
	// ErrTaken is that the target has something else than a move of this source that was not finished.
	ErrTaken = errors.New("history: the target is not empty")
	// ErrChanged is that the source is not as it was when the move began.
	ErrChanged = errors.New("history: the source was changed since the move began")
)

// Place is where a log is.
type Place struct {
	Dir      string     // the folder, if Conn is nil
	Conn     *nats.Conn // a connection to the servers, as OpenStream wants it; it stays the caller's
	Replicas int        // of a log that is made on servers, as in StreamConfig
}

// MoveConfig says how to move.
type MoveConfig struct {
	// InUse tells whether anybody but the move uses a log: it is asked in the beginning and before the end. nil: nobody does.
	InUse func(context.Context) error
	// Progress is told now and then what has been moved by now, by the goroutine that called Move; nil: nobody is.
	Progress func(Moved)
	// Logger is told what operators should know; nil: slog.Default().
	Logger *slog.Logger
}

// Moved is what a move has done.
type Moved struct {
	IsDone  bool // an earlier one had done everything
	Resumed bool // an earlier one had moved messages, which are not counted

	Messages, Claims, Directs, Marks int
}

// Move copies a log to a place that has none: all messages in their order, with their ids, and claims, lists of direct conversations
// and marks. Seqs become others, and so the target has an epoch of its own; marks become what they were at. It keeps all that the
// source has: retention is for whoever opens the target. The source is not changed, but must not be in use, and is not used while it is
// moved: a folder is locked, servers are looked at with InUse.
//
// Until it has returned without an error the target can be opened by another Move alone; all else gives ErrUnfinished. After an error,
// or the end of the process, whenever it comes, the next Move from the same source goes on: where is read from the target, which has at
// any time the first so many messages. The error may be ErrLocked, ErrFormat, ErrTaken, ErrChanged, ErrUnfinished, that there is no
// log, ctx's or the place's.
func Move(ctx context.Context, from, to Place, c MoveConfig) (Moved, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.InUse == nil {
		c.InUse = func(context.Context) error { return nil }
	}
	if c.Progress == nil {
		c.Progress = func(Moved) {}
	}
	if err := c.InUse(ctx); err != nil {
		return Moved{}, err
	}
	source, err := from.walk(ctx, c.Logger)
	if err != nil {
		return Moved{}, err
	}
	target, err := to.open(ctx, c.Logger)
	if err != nil {
		return Moved{}, errors.Join(err, source.close())
	}
	done, err := move(ctx, source, target, c)
	return done, errors.Join(err, target.Close(), source.close())
}

// walk opens the place as a source.
func (p Place) walk(ctx context.Context, log *slog.Logger) (walker, error) {
	if p.Conn != nil {
		return walkServers(ctx, p.Conn, log)
	}
	return walkFolder(p.Dir, disk(), log)
}

// open opens the place as a target.
func (p Place) open(ctx context.Context, log *slog.Logger) (target, error) {
	c := Config{Logger: log, moving: true}
	if p.Conn != nil {
		s, err := OpenStream(ctx, p.Conn, StreamConfig{Config: c, Replicas: p.Replicas})
		if err != nil {
			return nil, err
		}
		return filledServers{s}, nil
	}
	l, err := open(p.Dir, c, disk())
	if err != nil {
		return nil, err
	}
	return filledFolder{l}, nil
}

// disk is the volume of a log that is no test's.
func disk() volume {
	return volume{fs: vfs.Default, truncate: truncate, now: time.Now, memTable: memTableBytes, every: keepEvery}
}

// target is a log that another is moved into. Its Append is not used.
type target interface {
	Log

	// begun is what the log knows of a move into it, and note replaces that, durably.
	begun() *origin
	note(ctx context.Context, o origin) error

	// isEmpty is that the log has nothing and never had.
	isEmpty(ctx context.Context) (bool, error)

	// newest is the message with the highest seq of all.
	newest(ctx context.Context) (Message, bool, error)

	// fill stores messages behind the newest, whose seq is last, 0: there is none, and sets their Seq. After an error the first
	// ones may be stored, and no others ever.
	fill(ctx context.Context, batch []*Entry, last uint64) error

	// clear forgets all claims, direct conversations and marks.
	clear(ctx context.Context) error

	// list adds direct conversations.
	list(ctx context.Context, all []listed) error

	// flush stores what Mark has raised.
	flush(ctx context.Context) error
}

// listed is a direct conversation in a claim's list.
type listed struct {
	claim uint64
	Direct
}
