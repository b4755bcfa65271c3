package history

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

const (
	// cacheBytes is what Pebble may hold of its tables in memory.
	cacheBytes = 32 << 20
	// memTableBytes is when Pebble writes what is new from memory to a table, and goes on with another WAL.
	memTableBytes = 32 << 20
	// slowCommit is when a commit is worth a line in the operator's log.
	slowCommit = time.Second
)

// volume is the disk below a log.
type volume struct {
	fs       vfs.FS
	truncate func(name string, size int64) error // and sync
	now      func() time.Time
	memTable uint64        // bytes until what is new goes from memory to a table
	every    time.Duration // between two rounds of keep, and two attempts at what has failed
}

// store is an open Pebble behind its fence. Reading is for any goroutine; commit has one caller at a time.
type store struct {
	db    *pebble.DB
	fence *fence
	log   *slog.Logger
}

// openStore opens or makes a store in dir, whose lock is held. broken is called when it can be written no more.
func openStore(dir string, v volume, lock *pebble.Lock, lazy bool, log *slog.Logger, broken func()) (*store, error) {
	s, err := tryStore(dir, v, lock, lazy, log, broken)
	if lazy && err != nil && mend(dir, v, log) {
		return tryStore(dir, v, lock, lazy, log, broken)
	}
	return s, err
}

func tryStore(dir string, v volume, lock *pebble.Lock, lazy bool, log *slog.Logger, broken func()) (*store, error) {
	f := &fence{
		FS: v.fs, dir: dir, truncate: v.truncate, lazy: lazy, retry: v.every, closing: make(chan struct{}), broken: broken,
	}
	db, err := pebble.Open(dir, options(f, v.memTable, lock, log))
	if err != nil {
		return nil, err
	}
	s := &store{db: db, fence: f, log: log}
	if err := f.up(); err != nil {
		release(s)
		return nil, err
	}
	f.serving.Store(true)
	return s, nil
}

// options are Pebble's. What is not said here is its default.
func options(f *fence, memTable uint64, lock *pebble.Lock, log *slog.Logger) *pebble.Options {
	o := &pebble.Options{
		FS:                          f,
		Lock:                        lock,
		Logger:                      pebbleLogger{log, f},
		FormatMajorVersion:          pebble.FormatValueSeparation,
		CacheSize:                   cacheBytes,
		MemTableSize:                memTable,
		MemTableStopWritesThreshold: 4,
		L0StopWritesThreshold:       32,
		EventListener: &pebble.EventListener{
			FlushEnd:        f.flushed,
			WriteStallBegin: func(pebble.WriteStallBeginInfo) { f.stalled.Store(true) },
			WriteStallEnd:   func() { f.stalled.Store(false) },
			BackgroundError: func(err error) {
				log.Warn("the store could not be tidied", "error", err)
				f.untidy(err)
			},
			DataCorruption: func(info pebble.DataCorruptionInfo) { log.Error("damaged file", "info", info.String()) },
		},
	}
	if f.lazy {
		o.WALBytesPerSync = 1 << 20
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}

// mend cuts the last WAL where it is damaged, and tells whether it was. WALs that are written lazily may have holes after a
// loss of power, which Pebble takes for the damage of something that was synced.
func mend(dir string, v volume, log *slog.Logger) bool {
	logs, err := wal.Scan(wal.Dir{FS: v.fs, Dirname: dir})
	if err != nil || len(logs) == 0 {
		return false
	}
	r := logs[len(logs)-1].OpenForRead()
	defer release(r)
	for {
		_, at, err := r.NextRecord()
		if errors.Is(err, io.EOF) {
			return false
		}
		if err != nil {
			log.Warn("the newest messages were lost with the power", "file", v.fs.PathBase(at.PhysicalFile), "at", at.Physical)
			return v.truncate(at.PhysicalFile, at.Physical) == nil
		}
	}
}

// Close ends a store. Behind a fence nothing more is written.
func (s *store) Close() error {
	close(s.fence.closing)
	err := s.db.Close()
	if s.fence.up() != nil {
		return nil // what could not be written is known
	}
	return err
}

// commit writes a batch; with sync it is then as durable as the log promises. After an error nothing of it is on disk. The
// batch is the caller's again.
func (s *store) commit(b *pebble.Batch, sync bool) error {
	if err := s.refusal(); err != nil {
		return err
	}
	opts := pebble.NoSync
	if sync {
		opts = pebble.Sync
	}
	start, before := time.Now(), s.fence.mark()
	s.fence.busy.Store(true)
	err := s.db.Apply(b, opts)
	s.fence.busy.Store(false)
	if took := time.Since(start); took > slowCommit {
		s.log.Warn("the disk is slow", "commit", took)
	}
	if !s.fence.lost.Load() {
		return err
	}
	cause := s.fence.up()
	if err := s.fence.rollback(before); err != nil {
		s.log.Error("what was refused may be found stored after a restart", "error", err)
	}
	return down(cause)
}

// refusal is why a commit would fail at present; nil: nothing is known.
func (s *store) refusal() error {
	if err := s.fence.up(); err != nil {
		return down(err)
	}
	if err := s.fence.stuck(); err != nil {
		return down(err)
	}
	return nil
}

// commitForced is commit with a sync even where durability asks for none.
func (s *store) commitForced(b *pebble.Batch) error {
	s.fence.force.Store(true)
	defer s.fence.force.Store(false)
	return s.commit(b, true)
}

// down is the error of whoever wants to write behind a fence.
func down(cause error) error {
	if isFull(cause) {
		return fmt.Errorf("%w: %w", ErrSpace, cause)
	}
	return fmt.Errorf("%w: %w", ErrDown, cause)
}

// get reads one value and hands it to use, which must not keep it. found is false, and use not called, if there is none.
func get(r pebble.Reader, key []byte, use func(value []byte) error) (found bool, err error) {
	v, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer closer.Close()
	return true, use(v)
}

// release closes what has nothing to say by its end that matters.
func release(c io.Closer) { c.Close() }

// pebbleLogger passes on what Pebble has to say. Nothing that it says ends the process.
type pebbleLogger struct {
	log   *slog.Logger
	fence *fence
}

// Infof implements pebble.Logger.
func (l pebbleLogger) Infof(format string, args ...any) { l.log.Debug(fmt.Sprintf(format, args...)) }

// Errorf implements pebble.Logger.
func (l pebbleLogger) Errorf(format string, args ...any) { l.log.Warn(fmt.Sprintf(format, args...)) }

// Fatalf implements pebble.Logger. Pebble calls it when it cannot go on; what it does afterwards is kept from the disk.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	l.fence.fail(err)
	l.log.Error(err.Error())
}
