package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"throng/deploy/config"
	"throng/loadtest/report"
)

// results are the files that a load run was asked for. They are opened before the run, so that nobody waits for half a
// minute to hear that a folder is missing, under other names, so that an older result stays until there is a newer one.
type results struct {
	files []resultFile
	out   bool // JSON goes to standard output
}

type resultFile struct {
	target string
	temp   *os.File
	form   func(io.Writer, *report.Result) error
}

func openResults(s *config.Load) (*results, error) {
	r := &results{out: s.JSON == "-"}
	for _, f := range []struct {
		flag, target string
		form         func(io.Writer, *report.Result) error
	}{{"--report", s.Report, report.WriteHTML}, {"--json", s.JSON, report.WriteJSON}} {
		if f.target == "" || f.target == "-" {
			continue
		}
		if info, err := os.Stat(f.target); err == nil && info.IsDir() {
			r.discard()
			return nil, fmt.Errorf("%s %.80q: want a file, and this is a folder", f.flag, f.target)
		}
		temp, err := os.CreateTemp(filepath.Dir(f.target), ".throng-*")
		if err != nil {
			r.discard()
			return nil, fmt.Errorf("%s %.80q: want a file that can be written: %w", f.flag, f.target, err)
		}
		r.files = append(r.files, resultFile{f.target, temp, f.form})
	}
	return r, nil
}

// write writes the files and prints the summary.
func (r *results) write(result *report.Result, stdout io.Writer) (err error) {
	for _, f := range r.files {
		failed := errors.Join(f.form(f.temp, result), f.temp.Chmod(0o644), f.temp.Close())
		if failed == nil {
			failed = os.Rename(f.temp.Name(), f.target)
		}
		err = errors.Join(err, failed)
	}
	if r.out {
		return errors.Join(err, report.WriteJSON(stdout, result))
	}
	return errors.Join(err, report.WriteText(stdout, result))
}

// discard removes what was not written.
func (r *results) discard() {
	for _, f := range r.files {
		_ = f.temp.Close()
		_ = os.Remove(f.temp.Name()) // is gone once it was renamed
	}
}
