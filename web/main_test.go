package web_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"throng/web"
)

// workshop is a folder for what all tests share; TestMain takes it away.
var workshop string

func TestMain(m *testing.M) {
	var err error
	if workshop, err = os.MkdirTemp("", "throng-web-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	closeBrowser()
	err = os.RemoveAll(workshop)
	if code == 0 {
		err = errors.Join(err, goleak.Find())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// site is the handler of the compiled-in page; to make it is work, and tests only read it.
var site = sync.OnceValue(web.Handler)

// program builds throng, once, and returns its path.
var program = sync.OnceValues(func() (string, error) {
	if err := lookAtSources(); err != nil {
		return "", err
	}
	path := filepath.Join(workshop, "throng")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".")
	build.Dir = ".."
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, output)
	}
	return path, nil
})

// lookAtSources makes the result of the tests depend on the sources of the whole
// program: go test remembers what a test read itself, and repeats a result from its
// cache as long as that is unchanged; what a compiler read does not count.
func lookAtSources() error {
	return filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != ".." {
			return fs.SkipDir
		}
		return err
	})
}

// absent skips a test that needs something which is not installed. Where CI is
// set, nothing may be missing, so there the test fails.
func absent(t *testing.T, what, install string) {
	t.Helper()
	reason := fmt.Sprintf("needs %s; install it with: %s", what, install)
	if os.Getenv("CI") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}
