package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// MostFile is the largest file, in bytes, that [Read] takes. A run of a day writes about 40 MiB.
const MostFile = 64 << 20

// WriteJSON writes the result as one line of JSON, with [Format] as its format. Infinite and undefined numbers are an
// error; a run makes none.
func WriteJSON(w io.Writer, r *Result) error {
	out := *r
	out.Format = Format
	if err := json.NewEncoder(w).Encode(&out); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// Read reads a file that [WriteJSON] wrote. Its errors are one line that names the file and what is wrong with it.
func Read(file string) (*Result, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err // names the file itself
	}
	defer f.Close()
	r, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

func read(from io.Reader) (*Result, error) {
	data, err := io.ReadAll(io.LimitReader(from, MostFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MostFile {
		return nil, errors.New("larger than 64 MiB; want a result that throng load --json wrote")
	}
	// The format first, so that an older or a newer result is named as such and not by the first field that differs.
	var head struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, unreadable(err)
	}
	if head.Format == nil {
		return nil, errors.New(`no "format"; want a result that throng load --json wrote`)
	}
	if *head.Format != Format {
		return nil, fmt.Errorf("format %d; this program reads format %d", *head.Format, Format)
	}
	r := new(Result)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, unreadable(err)
	}
	return r, nil
}

// unreadable puts the place into the error, where there is one.
func unreadable(err error) error {
	at := int64(-1)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		at = kind.Offset
	}
	if at < 0 {
		return fmt.Errorf("not a result: %w", err)
	}
	return fmt.Errorf("not a result, at byte %d: %w", at, err)
}
