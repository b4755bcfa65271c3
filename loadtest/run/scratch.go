package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// scratchName begins the names of the folders in which runs keep the data of their servers.
const scratchName = "throng-load-"

// scratch is a run's folder for the data of its servers. As long as the run lives it holds a lock on the folder (flock(2)),
// which the kernel takes away from one that is killed. So the next run knows what nobody needs any more.
type scratch struct {
	path string
	lock *os.File
}

// newScratch makes a folder within another one, and removes those that killed runs have left there.
func newScratch(within string) (*scratch, error) {
	sweep(within)
	// It gets its name only when it is locked, so that no other run takes it for one that was left.
	early, err := os.MkdirTemp(within, "."+scratchName)
	if err != nil {
		return nil, err
	}
	s := &scratch{path: filepath.Join(within, strings.TrimPrefix(filepath.Base(early), "."))}
	if s.lock, err = lockFolder(early); err == nil {
		err = os.Rename(early, s.path)
	}
	if err != nil {
		_ = s.lock.Close()
		return nil, errors.Join(err, os.Remove(early))
	}
	return s, nil
}

// folder is the path of a server's data, which the server makes itself.
func (s *scratch) folder(server int) string { return filepath.Join(s.path, strconv.Itoa(server)) }

// close removes the folder.
func (s *scratch) close() {
	_ = os.RemoveAll(s.path)
	_ = s.lock.Close()
}

// sweep removes the folders whose runs live no more. What cannot be opened or removed is another user's.
func sweep(within string) {
	entries, _ := os.ReadDir(within) // a folder that cannot be read has nothing to remove
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), scratchName) {
			continue
		}
		left := filepath.Join(within, e.Name())
		if lock, err := lockFolder(left); err == nil {
			_ = os.RemoveAll(left)
			_ = lock.Close()
		}
	}
}

// lockFolder locks a folder that nobody has locked. Closing the file unlocks it.
func lockFolder(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return f, nil
}
