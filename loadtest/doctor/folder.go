package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of the look at a data folder.
const (
	folderTime = 5 * time.Second // for all of it: a network file system may hang for ever
	syncTime   = time.Second     // for the appends
	appends    = 16
	appendSize = 4 << 10
	slowSync   = 20 * time.Millisecond // above it every ack is felt
	littleRoom = 1 << 30               // bytes
)

// DataFolder says whether a folder is fit for the log: it is there or can be made, can be written, keeps what it is
// given, and how fast. It appends to a file without a name for about a second at most and leaves nothing behind, not even a
// folder that it made. "mem" is always fine. It returns within five seconds; where the file system hangs, a goroutine
// stays behind until it no longer does.
func DataFolder(dir string) Check {
	c := Check{Name: "data-folder"}
	if dir == "mem" {
		c.Found = "mem: nothing survives a restart"
		return c
	}
	result := make(chan Check, 1)
	go func() { result <- lookAtFolder(c, dir) }()
	late := time.NewTimer(folderTime)
	defer late.Stop()
	select {
	case c = <-result:
		return c
	case <-late.C:
		c.Level = Fail
		c.Found = fmt.Sprintf("%s: no answer from the file system in %v", dir, folderTime)
		c.Advice = "findmnt --target " + quoted(dir)
		return c
	}
}

func lookAtFolder(c Check, dir string) Check {
	made, err := makeFolder(dir)
	defer func() {
		for _, d := range slices.Backward(made) {
			_ = os.Remove(d) // does nothing when somebody else has put something there meanwhile
		}
	}()
	if err != nil {
		return c.folderFailed(dir, err)
	}
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return c.folderFailed(dir, &fs.PathError{Op: "statfs", Path: dir, Err: err})
	}
	appended, err := appendTime(dir)
	if err != nil {
		return c.folderFailed(dir, err)
	}
	free := int(min(stat.Bavail, 1<<40)) * int(stat.Bsize)
	kind := fileSystems[stat.Type]
	return c.judgeFolder(dir, kind, free, appended, len(made) > 0)
}

// fileSystem is a kind of file system, and what is wrong with it for a log.
type fileSystem struct{ name, trouble string }

const (
	inMemory = "is memory: nothing survives a reboot"
	inLayers = "goes with the container: mount a volume there"
	onWire   = "is on the network: slow, and not all keep what they acknowledge"
)

var fileSystems = map[int64]fileSystem{
	unix.TMPFS_MAGIC:           {"tmpfs", inMemory},
	unix.RAMFS_MAGIC:           {"ramfs", inMemory},
	unix.OVERLAYFS_SUPER_MAGIC: {"overlay", inLayers},
	unix.NFS_SUPER_MAGIC:       {"nfs", onWire},
	unix.SMB_SUPER_MAGIC:       {"smb", onWire},
	unix.SMB2_SUPER_MAGIC:      {"smb", onWire},
	unix.CIFS_SUPER_MAGIC:      {"cifs", onWire},
	unix.CEPH_SUPER_MAGIC:      {"ceph", onWire},
	unix.V9FS_MAGIC:            {"9p", onWire},
	unix.FUSE_SUPER_MAGIC:      {"fuse", "is a program's (FUSE): slow, and not all keep what they acknowledge"},
	unix.EXT4_SUPER_MAGIC:      {"ext4", ""},
	unix.XFS_SUPER_MAGIC:       {"xfs", ""},
	unix.BTRFS_SUPER_MAGIC:     {"btrfs", ""},
	unix.F2FS_SUPER_MAGIC:      {"f2fs", ""},
	0x2fc12fc1:                 {"zfs", ""}, // not in the kernel's own list
}

// judgeFolder fills in the check of a folder that could be written.
func (c Check) judgeFolder(dir string, kind fileSystem, free int, median time.Duration, isNew bool) Check {
	state := "writable"
	if isNew {
		state = "can be made"
	}
	name := kind.name
	if name == "" {
		name = "an unknown file system"
	}
	c.Found = fmt.Sprintf("%s: %s, %s on %s, %v to append %s durably (median)", dir, state, size(free)+" free", name,
		median.Round(time.Microsecond), size(appendSize))
	if kind.trouble != "" {
		c.Level = Warn
		c.Found += "; it " + kind.trouble
		c.Advice = "throng --data /var/lib/throng   # or another folder on a local disk"
	}
	if free < littleRoom {
		c.Level = Warn
		c.Found += "; little room"
		c.Advice = lines(c.Advice, "du -xh --max-depth 1 "+quoted(dir)+"   # make room, or choose another disk with --data")
	}
	if median > slowSync {
		c.Level = Warn
		c.Found += "; slow, and every ack waits for it"
		c.Advice = lines(c.Advice, "throng --durability os   # if a message may be lost with the power, else a faster disk")
	}
	return c
}

// folderFailed fills in the check of a folder that cannot be used.
func (c Check) folderFailed(dir string, err error) Check {
	c.Level, c.Found = Fail, err.Error()
	switch {
	case errors.Is(err, fs.ErrPermission):
		c.Advice = fmt.Sprintf("install -d -o throng -m 700 %s   # as root; throng is the user that serves", quoted(dir))
	case errors.Is(err, unix.EROFS):
		c.Advice = fmt.Sprintf("mount -o remount,rw \"$(findmnt -no TARGET --target %s)\"   # or choose another folder with --data", quoted(dir))
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		c.Advice = fmt.Sprintf("df -h %s; df -i %s   # make room", quoted(dir), quoted(dir))
	default:
		c.Advice = "throng --data FOLDER   # a folder on a local disk, or mem"
	}
	return c
}

// makeFolder makes a folder with all that lead to it, and returns those that it made, outermost first.
func makeFolder(dir string) (made []string, err error) {
	var missing []string
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err == nil && !info.IsDir() {
			return nil, &fs.PathError{Op: "use", Path: d, Err: unix.ENOTDIR}
		}
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || filepath.Dir(d) == d {
			return nil, err
		}
		missing = append(missing, d)
	}
	for _, d := range slices.Backward(missing) {
		if err := os.Mkdir(d, 0o700); err != nil {
			return made, err
		}
		made = append(made, d)
	}
	return made, nil
}

// appendTime is the median time of appending 4 KiB to a file and having it on disk.
func appendTime(dir string) (time.Duration, error) {
	file, err := os.CreateTemp(dir, ".throng-doctor-")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		return 0, err
	}
	block := make([]byte, appendSize)
	var took []time.Duration
	for begin := time.Now(); len(took) < appends && (len(took) == 0 || time.Since(begin) < syncTime); {
		start := time.Now()
		if _, err := file.Write(block); err != nil {
			return 0, err
		}
		if err := unix.Fdatasync(int(file.Fd())); err != nil {
			return 0, &fs.PathError{Op: "fdatasync", Path: dir, Err: err}
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
