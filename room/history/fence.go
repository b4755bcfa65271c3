package history

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// errFenced is what is written to a table behind a fence.
var errFenced = errors.New("history: the store is being closed after a failure")

// stuckFor is how long it counts that memory could not be written to a table, if it is not tried again.
const stuckFor = 3 * time.Second

// fence is the file system that Pebble sees. Pebble ends the process when it cannot write its write-ahead log (WAL) or
// its manifest, and so it never learns: the first error of that kind is kept, and from then on whatever it writes there
// disappears while it is told that all is well. Nothing that was on disk before can be harmed any more; the
// store is closed, and opened again behind a new fence. A table that cannot be written is an error that Pebble knows
// how to live with.
//
// A table that cannot be written is tried again without end, and whoever waits for it in Pebble waits as long. So when the store is
// being opened, or a commit waits, a fence goes up for tables too, and they disappear behind it. The store that was
// opened so is closed again; the commit is lost, as the WAL has not got it.
//
// Any goroutine may call its methods, but for mark and rollback, which belong to the committer.
type fence struct {
	vfs.FS
	dir      string
	truncate func(name string, size int64) error
	lazy     bool          // a WAL is synced only when forced
	retry    time.Duration // how long no new table is begun after one could not be written
	force    atomic.Bool   // sync even if lazy
	serving  atomic.Bool   // Pebble is open
	closing  chan struct{} // closed before Pebble is
	broken   func()        // called once, when the fence goes up; must not block

	failure atomic.Pointer[error] // why the fence is up
	lost    atomic.Bool           // something was kept from a WAL
	busy    atomic.Bool           // a commit is in Pebble
	stalled atomic.Bool           // and waits until memory was written to tables
	table   atomic.Pointer[fault] // the last table that could not be written
	flush   atomic.Pointer[fault] // the last attempt to write one from memory, if it failed

	mu  sync.Mutex // guards wal
	wal *fencedFile
}

// fault is something that failed, but may be tried again.
type fault struct {
	at  time.Time
	err error
}

// recent is a fault's error, if it is not longer ago than that. f may be nil.
func (f *fault) recent(age time.Duration) error {
	if f == nil || time.Since(f.at) > age {
		return nil
	}
	return f.err
}

// fail puts the fence up.
func (f *fence) fail(err error) {
	if f.failure.CompareAndSwap(nil, &err) {
		f.broken()
	}
}

// up is why the fence is up; nil: it is not.
func (f *fence) up() error {
	if p := f.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// What a file is for decides what happens when it cannot be written.
type fileKind int

const (
	vitalFile fileKind = iota // manifest, options, markers, folders
	walFile
	tableFile
)

func kindOf(name string) fileKind {
	switch filepath.Ext(name) {
	case ".log":
		return walFile
	case ".sst", ".blob":
		return tableFile
	}
	return vitalFile
}

// do carries out one change to the disk, or keeps it away.
func (f *fence) do(kind fileKind, change func() error) error {
	told := kind == tableFile && f.serving.Load()
	if f.up() == nil {
		err := change()
		if err == nil {
			return nil
		}
		if told {
			f.table.Store(&fault{time.Now(), err})
			return err
		}
		f.fail(err)
	} else if told && !f.busy.Load() {
		return errFenced
	}
	if kind == walFile {
		f.lost.Store(true)
	}
	return nil
}

// make opens a file for writing.
func (f *fence) make(kind fileKind, name string, open func() (vfs.File, error)) (vfs.File, error) {
	if kind == tableFile {
		f.pause()
	}
	file := &fencedFile{fence: f, kind: kind, name: name}
	err := f.do(kind, func() (err error) {
		file.File, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	if file.File == nil { // kept away
		file.File = vfs.NewMemFile(nil)
		return file, nil
	}
	if kind == walFile {
		f.mu.Lock()
		f.wal = file
		f.mu.Unlock()
	}
	return file, nil
}

// pause keeps Pebble from trying again at once, and without end, what the disk has no space for or a fence is in front of.
func (f *fence) pause() {
	if !f.serving.Load() || f.up() == nil && f.table.Load().recent(f.retry) == nil {
		return
	}
	tick := time.NewTicker(f.retry / 50)
	defer tick.Stop()
	for range 50 {
		if f.up() != nil && f.busy.Load() {
			return
		}
		select {
		case <-tick.C:
		case <-f.closing:
			return
		}
	}
}

// Create implements vfs.FS.
func (f *fence) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.make(kindOf(name), name, func() (vfs.File, error) { return f.FS.Create(name, category) })
}

// ReuseForWrite implements vfs.FS.
func (f *fence) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.make(kindOf(newname), newname, func() (vfs.File, error) { return f.FS.ReuseForWrite(oldname, newname, category) })
}

// OpenDir implements vfs.FS. A folder is opened to be synced.
func (f *fence) OpenDir(name string) (vfs.File, error) {
	return f.make(vitalFile, name, func() (vfs.File, error) { return f.FS.OpenDir(name) })
}

// Remove implements vfs.FS.
func (f *fence) Remove(name string) error {
	return f.tidy(func() error { return f.FS.Remove(name) })
}

// RemoveAll implements vfs.FS.
func (f *fence) RemoveAll(name string) error {
	return f.tidy(func() error { return f.FS.RemoveAll(name) })
}

// tidy removes something, which may fail: Pebble tries again another time.
func (f *fence) tidy(remove func() error) error {
	if f.up() != nil {
		return nil
	}
	return remove()
}

// Rename implements vfs.FS.
func (f *fence) Rename(oldname, newname string) error {
	return f.do(kindOf(newname), func() error { return f.FS.Rename(oldname, newname) })
}

// Link implements vfs.FS.
func (f *fence) Link(oldname, newname string) error {
	return f.do(kindOf(newname), func() error { return f.FS.Link(oldname, newname) })
}

// Unwrap implements vfs.FS.
func (f *fence) Unwrap() vfs.FS { return f.FS }

// flushed takes note of how it ended to write a table from memory.
func (f *fence) flushed(info pebble.FlushInfo) {
	failed := f.table.Load()
	if info.Err == nil || failed.recent(info.TotalDuration) == nil {
		failed = nil
	}
	f.flush.Store(failed)
}

// untidy takes note of an error in the background. A commit that waits for what has failed would wait for ever.
func (f *fence) untidy(err error) {
	if f.stalled.Load() {
		f.fail(err)
	}
}

// stuck is why memory cannot be written to tables. Pebble would soon let writers wait until it can, without end.
func (f *fence) stuck() error { return f.flush.Load().recent(stuckFor) }

// mark is a place in the WAL.
type mark struct {
	name   string
	offset int64
}

// mark is where the WAL ends at present.
func (f *fence) mark() mark {
	f.mu.Lock()
	defer f.mu.Unlock()
	return mark{name: f.wal.name, offset: f.wal.written.Load()}
}

// rollback takes out of the WAL on disk what was written behind a mark, so that it is not found when the store is opened
// again. The fence is up: nothing is written meanwhile.
func (f *fence) rollback(to mark) error {
	number, err := walNumber(to.name)
	if err != nil {
		return err
	}
	names, err := f.List(f.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if n, err := walNumber(name); err == nil && n > number {
			if err := f.FS.Remove(f.PathJoin(f.dir, name)); err != nil {
				return err
			}
		}
	}
	return errors.Join(f.truncate(to.name, to.offset), f.syncDir())
}

// syncDir waits until the disk has the folder's names as they are.
func (f *fence) syncDir() error {
	dir, err := f.FS.OpenDir(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// walNumber is the number in the name of a WAL's file. WALs are numbered in their order.
func walNumber(name string) (uint64, error) {
	stem, ok := strings.CutSuffix(filepath.Base(name), ".log")
	if !ok {
		return 0, fmt.Errorf("history: %s is no write-ahead log", filepath.Base(name))
	}
	return strconv.ParseUint(stem, 10, 64)
}

// fencedFile is a file that is written through a fence.
type fencedFile struct {
	vfs.File
	fence   *fence
	kind    fileKind
	name    string
	written atomic.Int64 // bytes
}

// Write implements vfs.File.
func (f *fencedFile) Write(p []byte) (int, error) {
	err := f.fence.do(f.kind, func() error {
		_, err := f.File.Write(p)
		return err
	})
	if err != nil {
		return 0, err
	}
	f.written.Add(int64(len(p)))
	return len(p), nil
}

// Sync implements vfs.File.
func (f *fencedFile) Sync() error { return f.sync(f.File.Sync) }

// SyncData implements vfs.File.
func (f *fencedFile) SyncData() error { return f.sync(f.File.SyncData) }

func (f *fencedFile) sync(sync func() error) error {
	if f.kind == walFile && f.fence.lazy && !f.fence.force.Load() && f.fence.up() == nil {
		return nil
	}
	return f.fence.do(f.kind, sync)
}

// SyncTo implements vfs.File.
func (f *fencedFile) SyncTo(length int64) (full bool, err error) {
	err = f.fence.do(f.kind, func() (err error) {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

// Close implements vfs.File. A WAL is on disk when it is closed, however lazily it was written: only the last
// one may have a torn end.
func (f *fencedFile) Close() error {
	if f.kind == walFile && f.fence.lazy {
		if err := f.fence.do(f.kind, f.File.SyncData); err != nil {
			return err
		}
	}
	if f.fence.up() != nil {
		f.File.Close()
		return nil
	}
	return f.fence.do(f.kind, f.File.Close)
}

// isFull is that a disk or a quota has no space left.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
