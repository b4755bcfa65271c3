package config

import (
	"reflect"
	"strings"
	"testing"
)

// TestBounds tries, for each setting, values at the edge of what it takes and just beyond.
func TestBounds(t *testing.T) {
	for name, tt := range map[string]struct{ good, bad []string }{
		"config":           {[]string{"", "a.toml"}, []string{"a\x00b", "\xff"}},
		"addr":             {[]string{":0", ":65535", "localhost:1", "0.0.0.0:80", "[::1]:80", "[fe80::1%eth0]:1"}, []string{"", "8888", ":", ":65536", ":-1", ":http", "::1:80", "[x:y]:1", "http://h:1", "a b:1", "h/x:1"}},
		"admin":            {[]string{"off", ":0"}, []string{"", "on", "Off"}},
		"data":             {[]string{"mem", "/srv/throng data"}, []string{"", "a\tb"}},
		"durability":       {[]string{"fsync", "os"}, []string{"", "mem", "FSYNC"}},
		"max-message":      {[]string{"1", "1B", "17MiB", "1GiB"}, []string{"", "0", "-1", "1.5MiB", "1073741825", "2GiB", "64K", "64kib", "64 KiB"}},
		"echo-max":         {[]string{"", "0", "0B", "17MiB"}, []string{"off", "-1", "1025MiB"}},
		"max-conns":        {[]string{"0", "10000000"}, []string{"", "-1", "10000001", "1e3", "all"}},
		"max-conns-per-ip": {[]string{"0", "10000000"}, []string{"", "-1", "10000001"}},
		"queue":            {[]string{"1KiB", "1GiB"}, []string{"", "0", "1023", "1025MiB"}},
		"ping":             {[]string{"10ms", "1h"}, []string{"", "0", "9ms", "61m", "-25s", "25"}},
		"origin":           {[]string{"", "*", "https://a", "http://a:1,*", "http://1.2.3.4", "http://[::1]:8080"}, []string{"a", "https://", "https://:1", "https://a/", "https://a?", "https://a#", "https://u@a", "https://a:", "https://a:65536", "https://*.a", "https://a,", "null", "//a", "https:a", "http://[::1", "http://a b", "http://a\nb"}},
		"compress":         {[]string{"off", "on"}, []string{"", "true", "1"}},
		"rate":             {[]string{"0", "0.5", "1e6"}, []string{"", "-1", "NaN", "Inf", "1000001", "20/s"}},
		"burst":            {[]string{"1", "1000000"}, []string{"", "-1", "1000001", "1.5"}},
		"drain":            {[]string{"0", "1h"}, []string{"", "-1s", "2h"}},
		"dev":              {[]string{"", "web"}, []string{"a\nb"}},
		"log-level":        {[]string{"debug", "info", "warn", "error", "INFO"}, []string{"", "warning", "info+1"}},
		"log-format":       {[]string{"text", "json"}, []string{"", "xml"}},
	} {
		row := newTable(new(Serve)).byName[name]
		for _, text := range tt.good {
			if !row.set(text) {
				t.Errorf("%s refuses %q", name, text)
			}
		}
		for _, text := range tt.bad {
			if row.set(text) {
				t.Errorf("%s takes %q", name, text)
			}
		}
	}
}

// TestRefusedChangesNothing tells that a refused text leaves the value before it in place.
func TestRefusedChangesNothing(t *testing.T) {
	var s Serve
	table := newTable(&s)
	if err := table.apply([]given{{setting: table.byName["origin"], text: "*"}}); err != nil {
		t.Fatal(err)
	}
	want := s
	for _, row := range table.rows {
		if row.set("*,\x00") {
			t.Errorf("%s takes a NUL", row.name)
		}
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "7": 7, "7B": 7, "64KiB": 65536, "1MiB": 1 << 20, "17MiB": 17 << 20, "2GiB": 2 << 30,
		"9223372036854775807": 1<<63 - 1, "8589934591GiB": 8589934591 << 30,
	} {
		if got, ok := parseSize(text); !ok || got != want {
			t.Errorf("%q: got %d, %t, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "B", "KiB", "-1", "+1", "1.5KiB", "1 KiB", "1KB", "1K", "1kib", "1KiBB", "0x10", "1_000",
		"9223372036854775808", "8589934592GiB"} {
		if got, ok := parseSize(text); ok {
			t.Errorf("%q: got %d, want a refusal", text, got)
		}
	}
}

func FuzzSize(f *testing.F) {
	for _, text := range []string{"0", "64KiB", "1MiB", "2GiB", "65536B", "8589934592GiB", "-1", "1.5MiB", "KiB", "١KiB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := parseSize(text)
		if !ok {
			return
		}
		if again, ok := parseSize(formatSize(n)); n < 0 || !ok || again != n {
			t.Errorf("%q is %d, written %q, read again %d, %t", text, n, formatSize(n), again, ok)
		}
	})
}

// FuzzFlag gives any text to any flag: it is taken, or refused in one line that names the flag.
func FuzzFlag(f *testing.F) {
	settings := rows(new(Serve))
	for i := range settings {
		f.Add(uint(i), settings[i].def)
	}
	f.Add(uint(11), "https://[::1]:80,*")
	f.Add(uint(1), "[fe80::1%\n]:1")
	f.Fuzz(func(t *testing.T, i uint, text string) {
		row := settings[i%uint(len(settings))]
		if row.name == "config" {
			return // it would open the file
		}
		_, _, err := Parse([]string{row.flag(), text}, nil)
		if err == nil {
			return
		}
		if line := err.Error(); !strings.HasPrefix(line, row.flag()) || !isLine(line) {
			t.Errorf("%s %q: error %q", row.flag(), text, line)
		}
	})
}

// isLine tells whether an error can be printed as one line of sensible length.
func isLine(text string) bool { return !strings.ContainsAny(text, "\r\n") && len(text) < 1000 }
