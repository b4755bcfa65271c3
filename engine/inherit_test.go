package engine

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// inherited is what a process started now would have: the descriptors above the standard three that exec does not close.
func inherited(t *testing.T) map[int]string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	had := map[int]string{}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if fd > 2 && err == nil && flags&unix.FD_CLOEXEC == 0 { // an error: the folder itself, which is closed by now
			had[fd], _ = os.Readlink("/proc/self/fd/" + entry.Name())
		}
	}
	return had
}

// The process that follows at a hand-over was given all that was open: with 15,000 connections it had 5,000 files left.
func TestNothingIsInherited(t *testing.T) {
	before := inherited(t)
	s := serve(t, Config{})
	for range 5 {
		s.join()
	}
	for fd, what := range inherited(t) {
		if _, old := before[fd]; !old {
			t.Errorf("descriptor %d, %s, would be had by a child", fd, what)
		}
	}
}
