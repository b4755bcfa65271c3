package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// TestDefault takes the printed file as the config file: it must be accepted, change nothing and leave nothing out.
func TestDefault(t *testing.T) {
	var b strings.Builder
	if err := Default(&b); err != nil {
		t.Fatal(err)
	}
	file := write(t, b.String())
	if err := Check(file); err != nil {
		t.Fatal(err)
	}
	got, warnings, err := Parse([]string{"--config", file}, nil)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("error %v, warnings %q", err, warnings)
	}
	want := defaults
	want.Config = file
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, row := range rows(new(Serve))[1:] {
		for _, part := range []string{"\n" + row.name + " = ", row.meaning, row.unit, row.flag() + ", ", row.env() + ")\n"} {
			if !strings.Contains(b.String(), part) {
				t.Errorf("%s: %q is missing", row.name, part)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	var b strings.Builder
	if err := Usage(&b); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows(new(Serve)) {
		line := "\n  " + row.flag() + " <" + row.unit + ">"
		if row.def != "" {
			line += "  (default " + row.def + ")"
		}
		if line += "\n        " + row.meaning + "\n"; !strings.Contains(b.String(), line) {
			t.Errorf("%q is missing", line)
		}
	}
}

func TestPrintToBrokenPipe(t *testing.T) {
	for name, print := range map[string]func() error{
		"Usage":   func() error { return Usage(brokenPipe{}) },
		"Default": func() error { return Default(brokenPipe{}) },
	} {
		if err := print(); !errors.Is(err, errBroken) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

var errBroken = errors.New("broken pipe")

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }
