package history

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// badDisk is a disk that fails when fault says so. Like a real one it may have written a part.
type badDisk struct {
	vfs.FS
	fault atomic.Pointer[func(op, name string) error]
	avail atomic.Uint64 // bytes that it says are left
}

func newBadDisk(fs vfs.FS) *badDisk {
	d := &badDisk{FS: fs}
	d.avail.Store(1 << 40)
	d.heal()
	return d
}

func (d *badDisk) breakAt(fault func(op, name string) error) { d.fault.Store(&fault) }

func (d *badDisk) heal() { d.breakAt(func(string, string) error { return nil }) }

func (d *badDisk) ask(op, name string) error { return (*d.fault.Load())(op, name) }

func (d *badDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.avail.Load()}, nil
}

func (d *badDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := d.ask("create", name); err != nil {
		return nil, err
	}
	f, err := d.FS.Create(name, c)
	return &badFile{f, d, name}, err
}

func (d *badDisk) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := d.ask("create", newname); err != nil {
		return nil, err
	}
	f, err := d.FS.ReuseForWrite(oldname, newname, c)
	return &badFile{f, d, newname}, err
}

type badFile struct {
	vfs.File
	disk *badDisk
	name string
}

func (f *badFile) Write(p []byte) (int, error) {
	if err := f.disk.ask("write", f.name); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, err
	}
	return f.File.Write(p)
}

func (f *badFile) Sync() error {
	if err := f.disk.ask("sync", f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *badFile) SyncData() error { return f.Sync() }

// failing is a fault of one kind of operation on one kind of file.
func failing(op, part string, err error) func(string, string) error {
	return func(o, name string) error {
		if o == op && (strings.Contains(name, part) || strings.Contains(name, probeFile)) {
			return err
		}
		return nil
	}
}

// wantAll checks that exactly those entries are stored that were acknowledged.
func wantAll(t *testing.T, l Log, acked []string) {
	t.Helper()
	msgs, more, err := l.Read("all", 1, 0, 1<<20)
	if want := strings.Join(acked, " "); err != nil || more || texts(msgs) != want {
		t.Fatalf("%d messages are stored, %v, %d were acknowledged", len(msgs), err, len(acked))
	}
	var last uint64
	for _, m := range msgs {
		if m.Prev != last || m.Seq <= last {
			t.Fatalf("seq %d, prev %d behind %d", m.Seq, m.Prev, last)
		}
		last = m.Seq
	}
}

func TestBrokenDisk(t *testing.T) {
	cases := []struct {
		name  string
		fault func(op, name string) error
		want  error
	}{
		{"WAL full", failing("write", ".log", syscall.ENOSPC), ErrSpace},
		{"WAL not written", failing("write", ".log", syscall.EIO), ErrDown},
		{"WAL not synced", failing("sync", ".log", syscall.EIO), ErrDown},
		{"no new WAL", failing("create", ".log", syscall.ENOSPC), ErrSpace},
		{"manifest not written", failing("write", "MANIFEST", syscall.EIO), ErrDown},
		{"manifest not synced", failing("sync", "MANIFEST", syscall.EIO), ErrDown},
		{"table full", failing("write", ".sst", syscall.ENOSPC), ErrSpace},
		{"no new table", failing("create", ".sst", syscall.EIO), ErrDown},
	}
	for _, durability := range []string{DurabilityFsync, DurabilityOS} {
		for _, test := range cases {
			t.Run(durability+" "+test.name, func(t *testing.T) { brokenDisk(t, durability, 500, test.fault, test.want) })
			// Batches that do not fit into memory go another way through Pebble.
			t.Run(durability+" "+test.name+", large batches", func(t *testing.T) {
				brokenDisk(t, durability, 20_000, test.fault, test.want)
			})
		}
	}
}

func brokenDisk(t *testing.T, durability string, size int, fault func(op, name string) error, want error) {
	mem := vfs.NewCrashableMem()
	disk := newBadDisk(mem)
	l := onBadDisk(t, disk, durability)
	stored := fill(t, l, nil, size, 3)
	disk.breakAt(fault)
	stored, err := fillUntilError(l, stored, size, 200, func() {
		for l.store.fence.table.Load() != nil && l.store.fence.stuck() == nil {
			runtime.Gosched() // it is noticed before memory is full
		}
	})
	if !errors.Is(err, want) {
		t.Errorf("Append: %v; want %v", err, want)
	}
	wantAll(t, l, stored)
	// Whoever is killed now finds nothing that was refused.
	then := onRAM(t, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng(1)}), Config{Durability: durability}, time.Now)
	wantAll(t, then, stored)
	release(then)

	disk.heal()
	healed(t, l)
	wantAll(t, l, stored)
	stored = fill(t, l, stored, size, 30)
	wantAll(t, l, stored)
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	l = onBadDisk(t, disk, durability)
	wantAll(t, l, stored)
}

func onBadDisk(t *testing.T, disk *badDisk, durability string) *pebbleLog {
	v := ram(disk, time.Now)
	v.truncate = func(name string, size int64) error { return shorten(disk.FS, name, size) }
	v.memTable = 64 << 10
	l, err := open("data", Config{Durability: durability, Logger: quiet}, v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { release(l) })
	return l
}

// healed waits until the log can be written again.
func healed(t *testing.T, l *pebbleLog) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); l.Healthy() != nil; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal(l.Healthy())
		}
	}
}

// fill appends n batches of five messages of some size, and gives the texts of all that is stored.
func fill(t *testing.T, l Log, stored []string, size, n int) []string {
	t.Helper()
	stored, err := fillUntilError(l, stored, size, n, func() {})
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func fillUntilError(l Log, stored []string, size, n int, before func()) ([]string, error) {
	for range n {
		before()
		var batch []*Entry
		var added []string
		for range 5 {
			text := fmt.Sprintf("%d-%s", len(stored)+len(added), strings.Repeat("x", size))
			batch, added = append(batch, say("all", 1, "", text)), append(added, text)
		}
		if err := l.Append(batch); err != nil {
			return stored, err
		}
		stored = append(stored, added...)
	}
	return stored, nil
}

// Memory is full before anybody notices that tables cannot be written: Append does not wait for the disk.
func TestMemoryIsFull(t *testing.T) {
	for _, test := range []struct {
		fault func(op, name string) error
		want  error
	}{
		{failing("write", ".sst", syscall.ENOSPC), ErrSpace},
		{failing("create", ".sst", syscall.EIO), ErrDown},
	} {
		for _, size := range []int{500, 20_000} {
			disk := newBadDisk(vfs.NewMem())
			l := onBadDisk(t, disk, DurabilityFsync)
			stored := fill(t, l, nil, size, 3)
			disk.breakAt(test.fault)
			stored, err := fillUntilError(l, stored, size, 1000, func() { l.store.fence.flush.Store(nil) })
			if !errors.Is(err, test.want) {
				t.Errorf("Append: %v; want %v", err, test.want)
			}
			disk.heal()
			healed(t, l)
			wantAll(t, l, stored)
			stored = fill(t, l, stored, size, 3)
			release(l)
			wantAll(t, onBadDisk(t, disk, DurabilityFsync), stored)
		}
	}
}

// A real disk, whose files are cut by the operating system.
func TestBrokenRealDisk(t *testing.T) {
	dir, disk := t.TempDir(), newBadDisk(vfs.Default)
	v := volume{fs: disk, now: time.Now, memTable: 1 << 20, every: 5 * time.Millisecond, truncate: truncate}
	conf := Config{Logger: quiet}
	l, err := open(dir, conf, v)
	if err != nil {
		t.Fatal(err)
	}
	defer release(l)
	stored := fill(t, l, nil, 500, 3)
	disk.breakAt(failing("write", ".log", syscall.ENOSPC))
	if _, err := fillUntilError(l, stored, 500, 1, func() {}); !errors.Is(err, ErrSpace) {
		t.Errorf("Append: %v", err)
	}
	disk.heal()
	healed(t, l)
	stored = fill(t, l, stored, 500, 3)
	wantAll(t, l, stored)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer release(again)
	wantAll(t, again, stored)
}

func TestNoSpaceLeft(t *testing.T) {
	disk := newBadDisk(vfs.NewMem())
	l := onBadDisk(t, disk, DurabilityFsync)
	stored := fill(t, l, nil, 500, 3)
	disk.avail.Store(defaultReserve + 100)
	if err := l.Healthy(); err != nil {
		t.Errorf("just enough: %v", err)
	}
	refused := say("all", 1, "cid", strings.Repeat("x", 200))
	for range 3 {
		if err := l.Append([]*Entry{refused}); !errors.Is(err, ErrSpace) {
			t.Errorf("Append: %v", err)
		}
		if err := l.SaveClaim(Claim{ID: 1, Nick: strings.Repeat("x", 200)}); !errors.Is(err, ErrSpace) {
			t.Errorf("SaveClaim: %v", err)
		}
	}
	disk.avail.Store(defaultReserve)
	if err := l.Healthy(); !errors.Is(err, ErrSpace) {
		t.Errorf("Healthy: %v", err)
	}
	wantAll(t, l, stored)
	disk.avail.Store(1 << 40)
	must(t, l, refused)
	if refused.Known {
		t.Error("what was refused is known")
	}
	stored = append(stored, strings.Trim(string(refused.Body), `"`))
	stored = fill(t, l, stored, 500, 3)
	wantAll(t, l, stored)
	if err := l.Healthy(); err != nil {
		t.Errorf("Healthy: %v", err)
	}
}

// As long as nothing can be written at all, the log is not opened again, and what is stored is read.
func TestReadOnlyDisk(t *testing.T) {
	disk := newBadDisk(vfs.NewMem())
	l := onBadDisk(t, disk, DurabilityFsync)
	stored := fill(t, l, nil, 500, 3)
	disk.breakAt(func(string, string) error { return syscall.EIO })
	for range 3 {
		if err := l.Append([]*Entry{say("all", 1, "", "x")}); !errors.Is(err, ErrDown) {
			t.Errorf("Append: %v", err)
		}
		l.tails.forget()
		wantAll(t, l, stored)
	}
	if err := l.probe(); !errors.Is(err, syscall.EIO) {
		t.Errorf("probe: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	disk.heal()
	wantAll(t, onBadDisk(t, disk, DurabilityFsync), stored)
}

// A disk that seems to work again and does not: everything fails, and nothing hangs.
func TestCannotReopen(t *testing.T) {
	disk := newBadDisk(vfs.NewMem())
	l := onBadDisk(t, disk, DurabilityFsync)
	stored := fill(t, l, nil, 500, 3)
	disk.breakAt(func(_, name string) error {
		if strings.Contains(name, probeFile) {
			return nil
		}
		return syscall.EIO
	})
	if err := l.Append([]*Entry{say("all", 1, "", "x")}); !errors.Is(err, ErrDown) {
		t.Errorf("Append: %v", err)
	}
	for l.use(func(*store) error { return nil }) == nil {
		runtime.Gosched() // until it was tried to open it again
	}
	_, _, read := l.Read("all", 0, 0, 1)
	for i, err := range []error{l.Append([]*Entry{say("all", 1, "", "x")}), l.Healthy(), l.SaveClaim(Claim{ID: 1}), read} {
		if !errors.Is(err, ErrDown) {
			t.Errorf("%d: %v", i, err)
		}
	}
	disk.heal()
	healed(t, l)
	wantAll(t, l, stored)
}
