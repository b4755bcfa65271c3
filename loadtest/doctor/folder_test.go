package doctor

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listing is all that is below a folder.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

func TestDataFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	tests := []struct{ name, dir, found, advice string }{
		{"mem", "mem", "nothing survives a restart", ""},
		{"there", dir, "writable, ", ""},
		{"can be made", filepath.Join(dir, "a/b/c"), "can be made, ", ""},
		{"a file", file, "not a directory", "throng --data FOLDER"},
		{"below a file", filepath.Join(file, "a"), "not a directory", "throng --data FOLDER"},
		{"where nobody may", "/proc/throng-data", "", "throng --data FOLDER"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := DataFolder(test.dir)
			sane(t, []Check{c})
			if !strings.Contains(c.Found, test.found) || !strings.Contains(c.Advice, test.advice) {
				t.Errorf("found %+v\n want %+v", c, test)
			}
			if after := listing(t, dir); after != before {
				t.Errorf("left behind:\n%s", after)
			}
		})
	}
}

// TestDataFolderRelative makes the folder that throng makes by default.
func TestDataFolderRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	if c := DataFolder("throng-data"); c.Level == Fail || !strings.Contains(c.Found, "throng-data: can be made") {
		t.Errorf("found %+v", c)
	}
	if left := listing(t, "."); left != "." {
		t.Errorf("left behind:\n%s", left)
	}
}

func TestJudgeFolder(t *testing.T) {
	const roomy = 100 << 30
	tests := []struct {
		name   string
		kind   int64
		free   int
		median time.Duration
		level  Level
		found  string
		advice string
	}{
		{"fine", unix.EXT4_SUPER_MAGIC, roomy, 310 * time.Microsecond, OK,
			"data: writable, 100.0 GiB free on ext4, 310µs to append 4.0 KiB durably (median)", ""},
		{"unknown", 42, roomy, time.Millisecond, OK, "on an unknown file system", ""},
		{"memory", unix.TMPFS_MAGIC, roomy, time.Microsecond, Warn, "it is memory: nothing survives a reboot", "throng --data "},
		{"layers", unix.OVERLAYFS_SUPER_MAGIC, roomy, time.Millisecond, Warn, "goes with the container", "throng --data "},
		{"network", unix.NFS_SUPER_MAGIC, roomy, time.Millisecond, Warn, "on nfs, 1ms", "throng --data "},
		{"full", unix.XFS_SUPER_MAGIC, 1 << 29, time.Millisecond, Warn, "512.0 MiB free on xfs", "du -xh --max-depth 1 'data'"},
		{"slow", unix.EXT4_SUPER_MAGIC, roomy, 35 * time.Millisecond, Warn, "slow, and every ack waits for it", "throng --durability os"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := Check{Name: "data-folder"}.judgeFolder("data", fileSystems[test.kind], test.free, test.median, false)
			sane(t, []Check{c})
			if c.Level != test.level || !strings.Contains(c.Found, test.found) || !strings.Contains(c.Advice, test.advice) {
				t.Errorf("found %+v\n want %+v", c, test)
			}
		})
	}
}

func TestFolderFailed(t *testing.T) {
	for errno, advice := range map[unix.Errno]string{
		unix.EACCES: "install -d -o throng -m 700 '/a b'",
		unix.EROFS:  "mount -o remount,rw",
		unix.ENOSPC: "df -h '/a b'",
		unix.EIO:    "throng --data FOLDER",
	} {
		c := Check{Name: "data-folder"}.folderFailed("/a b", &fs.PathError{Op: "open", Path: "/a b", Err: errno})
		sane(t, []Check{c})
		if c.Level != Fail || !strings.Contains(c.Advice, advice) {
			t.Errorf("%v: found %+v, want %q", errno, c, advice)
		}
	}
}
