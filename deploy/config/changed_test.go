package config

import (
	"slices"
	"testing"
)

// Every field of Serve is found under the name of its setting, and no setting is without a field.
func TestFlagOf(t *testing.T) {
	var held, rows []string
	for _, f := range fields() {
		held = append(held, flagOf(f.Name))
	}
	for _, row := range newTable(new(Serve)).rows {
		rows = append(rows, row.name)
	}
	slices.Sort(held)
	slices.Sort(rows)
	if !slices.Equal(held, rows) {
		t.Errorf("fields %v\nare not the settings %v", held, rows)
	}
}

func TestChanged(t *testing.T) {
	for _, row := range []struct {
		args []string
		want []string
	}{
		{nil, nil},
		{[]string{"--rate", "20"}, nil},
		{[]string{"--rate", "21", "--origin", "https://a.example"}, []string{"origin", "rate"}},
		{[]string{"--proxy-protocol=on", "--trust-proxy", "10.0.0.1"}, []string{"trust-proxy", "proxy-protocol"}},
		{[]string{"--max-conns-per-ip", "7", "--log-level", "debug"}, []string{"max-conns-per-ip", "log-level"}},
	} {
		var before, after Serve
		if _, err := Parse(&before, nil, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(&after, row.args, nil); err != nil {
			t.Fatal(err)
		}
		if got := Changed(before, after); !slices.Equal(got, row.want) {
			t.Errorf("%v: %v, want %v", row.args, got, row.want)
		}
	}
}
