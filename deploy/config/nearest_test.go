package config

import "testing"

func TestNearest(t *testing.T) {
	table := newTable(new(Serve))
	for name, want := range map[string]string{
		"rat": "rate", "burts": "burst", "bursts": "burst", "max-mesage": "max-message", "max_message": "max-message",
		"max-conns-per-ips": "max-conns-per-ip", "loglevel": "log-level",
		"": "", "natz": "nats", "api-kye": "api-key", "wasm": "",
	} {
		got := ""
		if row := table.nearest(name); row != nil {
			got = row.name
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestSlips(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "axc", 1}, {"abc", "ac", 1},
		{"abc", "acb", 1}, {"abc", "cab", 2}, {"kitten", "sitting", 3},
	} {
		if got := slips(tt.a, tt.b); got != tt.want {
			t.Errorf("%q, %q: got %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
