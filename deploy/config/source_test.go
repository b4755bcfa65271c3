package config

import (
	"strings"
	"testing"
)

// FuzzFile gives any text as the config file: it is taken, or refused in one line that names the file.
func FuzzFile(f *testing.F) {
	var whole strings.Builder
	if err := Default(&whole); err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		whole.String(), "", "rate", "rate = ", "rate = nan", "rate = 1\nrate = 2", "addr = \"\"\"\n:1\"\"\"", "[serve]\nrate = 1",
		"[[origin]]\na = 1", "origin = [\"*\", 1]", "origin = [[[]]]", "rate.x = 1", "ping = 07:32:00", "\"a\\nb\" = 1", "'' = 1",
		"origin = {a = {b = 1}}", "max-conns = 0xff", "rate = 1e999", "\xff\xfe", "a\x00", "# \r", "x = \"\\uD800\"",
		"a = \"\\\n\"", "\"a\\nb\" = 1\n\"a\\nb\" = 2", "[\"a\\nb\"]\n[\"a\\nb\"]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		table := newTable(new(Serve))
		values, err := table.fromTOML("throng.toml", text)
		if err == nil {
			err = table.apply(values)
		}
		if err == nil {
			err = table.settle()
		}
		if err != nil && (!strings.Contains(err.Error(), "throng.toml") || !isLine(err.Error())) {
			t.Errorf("error %q", err)
		}
	})
}
