package run

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestScratch checks that a new run removes what killed runs have left, and nothing else.
func TestScratch(t *testing.T) {
	t.Parallel()
	within := t.TempDir()
	for _, folder := range []string{"throng-load-1/1/log", "throng-load-2", "throng-other/1"} {
		if err := os.MkdirAll(filepath.Join(within, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(within, "throng-load-file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := newScratch(within)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(first.folder(1), 0o700); err != nil {
		t.Fatal(err)
	}
	second, err := newScratch(within)
	if err != nil {
		t.Fatal(err)
	}
	both := []string{filepath.Base(first.path), filepath.Base(second.path)}
	has(t, within, append(both, "throng-load-file", "throng-other")...)
	second.close()
	// A killed run's lock is gone, and its folder is not.
	if err := first.lock.Close(); err != nil {
		t.Fatal(err)
	}
	sweep(within)
	has(t, within, "throng-load-file", "throng-other")
	if _, err := newScratch(filepath.Join(within, "nowhere")); err == nil {
		t.Error("a folder was made in one that is not there")
	}
}

// has checks what is in a folder.
func has(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("there is %q, want %q", got, want)
	}
}
