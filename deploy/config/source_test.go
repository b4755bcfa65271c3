package config

import (
	"strings"
	"testing"
)

// FuzzFile gives any text as the config file: it is taken, or refused in one line that names the file, or the default
// that does not go with it.
func FuzzFile(f *testing.F) {
	for _, c := range []Command{new(Serve), new(Load)} {
		var whole strings.Builder
		if err := Default(&whole, c); err != nil {
			f.Fatal(err)
		}
		f.Add(whole.String())
	}
	for _, text := range []string{
		"", "rate", "rate = ", "rate = nan", "rate = 1\nrate = 2", "addr = \"\"\"\n:1\"\"\"", "[serve]\nrate = 1",
		"[[origin]]\na = 1", "origin = [\"*\", 1]", "origin = [[[]]]", "rate.x = 1", "ping = 07:32:00", "\"a\\nb\" = 1", "'' = 1",
		"origin = {a = {b = 1}}", "max-conns = 0xff", "rate = 1e999", "\xff\xfe", "a\x00", "# \r", "x = \"\\uD800\"",
		"a = \"\\\n\"", "\"a\\nb\" = 1\n\"a\\nb\" = 2", "[\"a\\nb\"]\n[\"a\\nb\"]",
		"quiet = true", "quiet = [true]", "pid = 1", "workers = \"a:1\"", "serve = 600", "url = []",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range []Command{new(Serve), new(Load)} {
			table := newTable(c)
			values, err := table.fromTOML("throng.toml", text)
			if err == nil {
				err = table.read(values)
			}
			if err == nil {
				continue
			}
			if line := err.Error(); !strings.Contains(line, "throng.toml") && !strings.Contains(line, "(default)") || !isLine(line) {
				t.Errorf("error %q", line)
			}
		}
	})
}
