package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxSource is how long a file or an answer with keys may be, in bytes.
const maxSource = 1 << 20

// file is keys in a file. The goroutine of a Verifier alone uses it once it is made.
type file struct {
	path string
	last os.FileInfo // of the file when it was read last
}

// read gives the keys. The file may be replaced, or changed in its place.
func (f *file) read(context.Context) (keys, error) {
	in, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if f.last, err = in.Stat(); err != nil {
		return nil, err
	}
	text, err := readSource(in)
	if err != nil {
		return nil, fmt.Errorf("keys for tokens in %s: %w", f.path, err)
	}
	all, err := parseKeys(text, false)
	if err != nil {
		return nil, fmt.Errorf("keys for tokens in %s: %w", f.path, err)
	}
	return all, nil
}

// readSource reads a file that has keys.
func readSource(in io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxSource+1))
	if err == nil && len(text) > maxSource {
		err = errors.New("it is too large")
	}
	return text, err
}

// isDue reports whether the file is another than that which was read.
func (f *file) isDue() bool {
	now, err := os.Stat(f.path)
	return err == nil && (f.last == nil || !os.SameFile(now, f.last) || now.Size() != f.last.Size() || !now.ModTime().Equal(f.last.ModTime()))
}
