package cluster

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// JetStream may have what it has, however much that is, and nearly all that is free: a quorum that had three quarters of its disk did
// not start again.
func TestSpace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "jetstream")
	empty, err := space(dir)
	if err != nil {
		t.Fatal(err)
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	const slack = 1 << 30 // others use the disk, too
	if free := int64(disk.Bavail) * disk.Bsize; empty < free-reserve-slack || empty > max(free-reserve, 1<<20)+slack {
		t.Errorf("%d bytes may be had of %d that are free", empty, free)
	}
	const had = 1 << 43 // far more than there is: holes take no room
	if err := os.MkdirAll(filepath.Join(dir, "streams", "S"), 0o700); err != nil {
		t.Fatal(err)
	}
	block := filepath.Join(dir, "streams", "S", "1.blk")
	if err := os.WriteFile(block, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(block, had); err != nil {
		t.Fatal(err)
	}
	full, err := space(dir)
	if err != nil {
		t.Fatal(err)
	}
	if more := full - empty; more < had-slack || more > had+slack {
		t.Errorf("%d bytes more with %d in the folder", more, int64(had))
	}
}

func TestSpaceOfNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := space(file); err == nil {
		t.Errorf("%d bytes may be had in a file", n)
	}
}
