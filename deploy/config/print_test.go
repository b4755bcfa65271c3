package config

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// TestDefault takes the printed file as the config file: it must be accepted, change nothing and leave nothing out.
func TestDefault(t *testing.T) {
	serve, load := defaults, loadDefaults
	serve.Config, load.Config = "throng.toml", "throng.toml"
	for name, want := range map[string]Command{"serve": &serve, "load": &load} {
		got, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := Default(&b, got); err != nil {
			t.Fatal(err)
		}
		file := write(t, b.String())
		if err := Check(file, got); err != nil {
			t.Fatal(err)
		}
		if warnings, err := Parse(got, []string{"--config", file}, nil); err != nil || len(warnings) > 0 {
			t.Fatalf("%s: error %v, warnings %q", name, err, warnings)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		table := newTable(got)
		for _, row := range table.rows {
			for _, part := range []string{"\n" + row.name + " = ", row.meaning, row.unit, row.flag() + ", ", table.env(&row) + ")\n"} {
				if !strings.Contains(b.String(), part) && row.name != "config" {
					t.Errorf("%s: %q is missing", row.name, part)
				}
			}
		}
	}
}

func TestNoFile(t *testing.T) {
	for _, c := range []Command{new(Worker), new(Doctor)} {
		want := "throng " + c.about().name + " reads no config file"
		for name, err := range map[string]error{"Default": Default(io.Discard, c), "Check": Check("throng.toml", c)} {
			if err == nil || err.Error() != want {
				t.Errorf("%s: got %v, want %s", name, err, want)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	for _, c := range commands() {
		var b strings.Builder
		if err := Usage(&b, c); err != nil {
			t.Fatal(err)
		}
		for _, row := range newTable(c).rows {
			line := "\n  " + row.flag() + " <" + row.unit + ">"
			if row.bare != "" {
				line = "\n  " + row.flag()
			}
			if row.def != "" {
				line += "  (default " + row.def + ")"
			}
			if line += "\n        " + row.meaning + "\n"; !strings.Contains(b.String(), line) {
				t.Errorf("%q is missing", line)
			}
		}
	}
}

// TestUsageExamples reads each example of the help as a shell would, and has the command take it.
func TestUsageExamples(t *testing.T) {
	for _, tt := range []struct {
		command string
		want    int // examples
	}{{"load", 6}, {"load worker", 1}, {"doctor", 2}, {"token", 2}, {"log move", 2}, {"log host", 1}} {
		c, err := Named(tt.command)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := Usage(&b, c); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			_, flags, ok := strings.Cut(line, "throng "+tt.command+" --")
			if !ok || !strings.HasPrefix(line, "  ") {
				continue
			}
			flags, _, _ = strings.Cut("--"+strings.TrimSpace(flags), "   ")
			args := strings.Fields(strings.ReplaceAll(flags, "'", ""))
			if warnings, err := Parse(c, args, []string{"THRONG_KEY=x"}); err != nil || len(warnings) > 0 {
				t.Errorf("%s: error %v, warnings %q", line, err, warnings)
			}
			tt.want--
		}
		if tt.want != 0 {
			t.Errorf("%s: %d examples more expected", tt.command, tt.want)
		}
	}
}

func TestPrintToBrokenPipe(t *testing.T) {
	for name, print := range map[string]func(io.Writer, Command) error{"Usage": Usage, "Default": Default} {
		for _, c := range []Command{new(Serve), new(Load)} {
			if err := print(brokenPipe{}, c); !errors.Is(err, errBroken) {
				t.Errorf("%s: error %v", name, err)
			}
		}
	}
}

var errBroken = errors.New("broken pipe")

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }
