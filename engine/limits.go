package engine

import (
	"golang.org/x/sys/unix"
)

const (
	// reservedFiles are descriptors kept for the listener, the log, the pollers, lingering refusals and the like.
	reservedFiles = 128
	// maxLingering bounds the refused clients that are listened to at once; beyond it they are closed at once.
	maxLingering = 64
)

// openFileLimit is how many files this process may open. The Go runtime has raised the soft limit to the hard one.
func openFileLimit() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1024 // the least that a Linux system gives
	}
	return int(min(limit.Cur, 1<<30))
}
