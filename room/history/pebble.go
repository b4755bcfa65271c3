package history

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// format is the version of the folder's layout.
	format = 1
	// firstSeq is the seq before the first.
	firstSeq = 1
	// block is how many seqs are given out between two ceilings on disk, and may be skipped after an unclean end.
	block = 1 << 20
	// restoredFile in the folder asks for a new epoch.
	restoredFile = "RESTORED"

	defaultDedup   = 5 * time.Minute
	defaultReserve = 64 << 20
)

// pebbleLog is the Log on disk.
//
// Locks are taken in the order commit, life, tails.mu, conv.mu; those of marks and trims are leaves.
type pebbleLog struct {
	dir    string
	conf   Config
	vol    volume
	log    *slog.Logger
	lock   *pebble.Lock
	epoch  string
	origin *origin // where it was moved from; nil: it was not

	tails *tails
	marks *marks
	trims *trims
	saves saves

	committed atomic.Uint64 // highest seq that Append has returned for
	closed    atomic.Bool
	broken    chan struct{} // has a token when the store can be written no more
	stop      context.CancelFunc
	done      sync.WaitGroup

	commit  sync.Mutex // guards what follows, and is held by whoever commits
	seq     uint64     // highest given out
	ceiling uint64     // highest that may be given out: it is on disk
	born    born       // of the newest message
	synced  uint64     // what was committed when a lazy store was synced last
	healed  time.Time  // when the store was opened again last
	dedup   *dedup
	batch   appendBatch

	life  sync.RWMutex // guards what follows: held for reading by who uses the store, for writing by who changes it
	store *store       // nil: could not be opened again, or closed
	cause error        // why it is nil
}

// Open opens or makes the log in the folder dir, which one process at a time may have. See Config for its zero
// values. The error may be ErrLocked, ErrFormat, or the disk's.
func Open(dir string, c Config) (Log, error) {
	v := volume{fs: vfs.Default, truncate: truncate, now: time.Now, memTable: memTableBytes, every: keepEvery}
	l, err := open(dir, c, v)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// truncate shortens a file and waits until the disk has it so.
func truncate(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return err
	}
	return f.Sync()
}

func open(dir string, c Config, v volume) (*pebbleLog, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	if err := v.fs.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := pebble.LockDirectory(dir, v.fs)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrLocked, dir, err)
	}
	l := &pebbleLog{
		dir: dir, conf: c, vol: v, log: c.Logger, lock: lock,
		tails: newTails(), marks: newMarks(), trims: newTrims(), broken: make(chan struct{}, 1),
	}
	if err := l.start(); err != nil {
		if l.store != nil {
			release(l.store)
		}
		release(lock)
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.done.Go(func() { l.keep(ctx) })
	l.done.Go(func() { l.trimAlways(ctx) })
	return l, nil
}

// complete fills in what zero stands for.
func (c Config) complete() (Config, error) {
	switch c.Durability {
	case "":
		c.Durability = DurabilityFsync
	case DurabilityOS, DurabilityFsync:
	default:
		return c, fmt.Errorf("history: a folder cannot have the durability %q", c.Durability)
	}
	if c.Dedup <= 0 {
		c.Dedup = defaultDedup
	}
	c.Dedup = max(c.Dedup, time.Second)
	if c.Reserve == 0 {
		c.Reserve = defaultReserve
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

// openStore opens Pebble.
func (l *pebbleLog) openStore() (*store, error) {
	return openStore(l.dir, l.vol, l.lock, l.conf.Durability == DurabilityOS, l.log, func() {
		select {
		case l.broken <- struct{}{}:
		default:
		}
	})
}

// start opens the store and reads what the log has to remember.
func (l *pebbleLog) start() (err error) {
	if l.store, err = l.openStore(); err != nil {
		return fmt.Errorf("history: %s: %w", l.dir, err)
	}
	if err := l.readFormat(); err != nil {
		return err
	}
	if err := l.readOrigin(); err != nil {
		return err
	}
	found, err := get(l.store.db, aboutCeiling, func(v []byte) error {
		if len(v) != 8 {
			return errRecord
		}
		l.ceiling = binary.BigEndian.Uint64(v)
		return nil
	})
	if err != nil || !found {
		return errors.Join(fmt.Errorf("%w: no ceiling in %s", ErrFormat, l.dir), err)
	}
	l.seq = l.ceiling
	l.committed.Store(l.seq)
	if err := l.renew(); err != nil {
		return err
	}
	l.dedup, err = newDedup(l.store.db, l.conf.Dedup, l.vol.now)
	return err
}

// readFormat reads format and epoch, or makes them in a new folder.
func (l *pebbleLog) readFormat() error {
	version := -1
	_, err := get(l.store.db, aboutFormat, func(v []byte) error {
		if len(v) == 1 {
			version = int(v[0])
		}
		return nil
	})
	if err != nil {
		return err
	}
	if version == -1 {
		return l.found()
	}
	if version != format {
		return fmt.Errorf("%w: %s has version %d, known is %d", ErrFormat, l.dir, version, format)
	}
	_, err = get(l.store.db, aboutEpoch, func(v []byte) error {
		l.epoch = string(v)
		return nil
	})
	return err
}

// found makes a new log, in a folder that has nothing else.
func (l *pebbleLog) found() error {
	it, err := l.store.db.NewIter(nil)
	if err != nil {
		return err
	}
	empty := !it.First()
	if err := it.Close(); err != nil {
		return err
	}
	if !empty {
		return fmt.Errorf("%w: %s is not of Throng", ErrFormat, l.dir)
	}
	l.epoch = newEpoch()
	b := l.store.db.NewBatch()
	defer release(b)
	err = errors.Join(
		b.Set(aboutFormat, []byte{format}, nil),
		b.Set(aboutEpoch, []byte(l.epoch), nil),
		b.Set(aboutCeiling, binary.BigEndian.AppendUint64(nil, firstSeq), nil),
	)
	if err != nil {
		return err
	}
	return l.store.commitForced(b)
}

// renew begins a new epoch, if the operator has asked for it.
func (l *pebbleLog) renew() error {
	name := l.vol.fs.PathJoin(l.dir, restoredFile)
	if _, err := l.vol.fs.Stat(name); err != nil {
		return nil
	}
	l.epoch = newEpoch()
	b := l.store.db.NewBatch()
	defer release(b)
	if err := b.Set(aboutEpoch, []byte(l.epoch), nil); err != nil {
		return err
	}
	if err := l.store.commitForced(b); err != nil {
		return err
	}
	return l.vol.fs.Remove(name)
}

// newEpoch is 80 random bits as 16 characters.
func newEpoch() string {
	var b [10]byte
	rand.Read(b[:]) // never fails
	return strings.ToLower(base32.HexEncoding.EncodeToString(b[:]))
}

// epochOf makes an epoch of a text, always the same one.
func epochOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return strings.ToLower(base32.HexEncoding.EncodeToString(sum[:10]))
}

// Epoch implements Log.
func (l *pebbleLog) Epoch() string { return l.epoch }

// Durability implements Log.
func (l *pebbleLog) Durability() string { return l.conf.Durability }

// use lets f work with the store, which is not exchanged meanwhile.
func (l *pebbleLog) use(f func(*store) error) error {
	l.life.RLock()
	defer l.life.RUnlock()
	if l.store == nil {
		return l.cause
	}
	return f(l.store)
}

// raise makes sure that n more seqs may be given out. l.commit is held.
func (l *pebbleLog) raise(s *store, n int) error {
	need := l.seq + uint64(n)
	if need <= l.ceiling {
		return nil
	}
	if err := l.writeCeiling(s, need+block); err != nil {
		return err
	}
	l.ceiling = need + block
	return nil
}

func (l *pebbleLog) writeCeiling(s *store, ceiling uint64) error {
	b := s.db.NewBatch()
	defer release(b)
	if err := b.Set(aboutCeiling, binary.BigEndian.AppendUint64(nil, ceiling), nil); err != nil {
		return err
	}
	return s.commitForced(b)
}

// finish writes what is pending, and that no seq was skipped.
func (l *pebbleLog) finish(s *store) error {
	for more := true; more; {
		var err error
		if more, err = l.marks.flush(s); err != nil {
			return err
		}
	}
	return l.writeCeiling(s, l.seq)
}

// Close implements Log.
func (l *pebbleLog) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	l.stop()
	l.done.Wait()
	l.commit.Lock()
	defer l.commit.Unlock()
	l.life.Lock()
	defer l.life.Unlock()
	var err error
	if l.store != nil {
		if l.store.fence.up() == nil {
			err = l.finish(l.store)
		}
		err = errors.Join(err, l.store.Close())
	}
	l.store, l.cause = nil, ErrClosed
	l.tails.forget()
	return errors.Join(err, l.lock.Close())
}
