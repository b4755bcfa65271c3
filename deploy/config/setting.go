package config

import (
	"fmt"
	"strings"
	"time"
)

// setting is one row of the table: all that flags, environment, file, help and default file know of a setting.
type setting struct {
	name string // the flag without its dashes, and the key in the file
	def  string // the default, written as a user would write it and read by the same code
	kind
	meaning string // what it does, and what zero or empty means where that is not plain
}

// flag, env and key are the name as each source spells it.
func (s *setting) flag() string { return "--" + s.name }

func (s *setting) key() string { return s.name }

func (s *setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

// rows is the table of settings. The texts are what the help and the default file print.
func rows(s *Serve) []setting {
	return []setting{
		{"config", "", path(&s.Config, "file", optional),
			"file of settings, such as \"throng config default\" prints; empty = none"},
		{"addr", ":8888", address(&s.Addr),
			"public listener: page, chat, echo; port 0 picks a free one"},
		{"admin", "127.0.0.1:8889", addressOrOff(&s.Admin),
			"private listener: /healthz, /readyz, /metrics, /api/, /debug/pprof/ and the admin page; \"off\" turns it off"},
		{"data", "throng-data", path(&s.Data, "folder or mem", required),
			"folder of the log; \"mem\" keeps all in memory and nothing survives"},
		{"durability", "fsync", choice(&s.Durability, "fsync", "os"),
			"what an ack means on one machine: fsync, or os (handed to the kernel: survives the process, not the power)"},
		{"max-message", "64KiB", size(&s.MaxMessage, 1, gib),
			"largest message after decompression; beyond: close 1009"},
		{"echo-max", "", sizeOrEmpty(&s.EchoMax, 0, gib),
			"largest message on /conn_ws; 0 turns the echo off; empty = as max-message"},
		{"max-conns", "0", count(&s.MaxConns, "sockets", 10_000_000, "0 = what the open-file limit allows"),
			"sockets; 0 = what the open-file limit allows, less a reserve; beyond: 503 with Retry-After"},
		{"max-conns-per-ip", "0", count(&s.MaxConnsPerIP, "sockets", 10_000_000, "0 = no limit"),
			"sockets from one address; 0 = no limit; beyond: 429"},
		{"queue", "1MiB", size(&s.Queue, kib, gib),
			"outbound bytes that may wait for one connection before the slow-reader policy acts"},
		{"ping", "25s", duration(&s.Ping, 10*time.Millisecond, time.Hour),
			"keep-alive interval; a connection silent for twice this is closed"},
		{"origin", "", origins(&s.Origin),
			"allowed Origin, may be given several times; \"*\" = any, empty = the page's own; without Origin (no browser): allowed"},
		{"compress", "off", offOn(&s.Compress),
			"permessage-deflate"},
		{"rate", "20", number(&s.Rate, "messages a second", 1_000_000, "0 = no limit"),
			"messages a second a connection; 0 = no limit; beyond: told to slow down, close 4029 when it goes on"},
		{"burst", "40", count(&s.Burst, "messages", 1_000_000, "0 only where rate is 0"),
			"messages that a connection may send at once before rate holds it"},
		{"drain", "10s", duration(&s.Drain, 0, time.Hour),
			"longest time that a stop waits for clients; 0 = it does not wait"},
		{"dev", "", path(&s.Dev, "folder", optional),
			"folder to serve the browser client from, for work on it; empty = the built-in client"},
		{"log-level", "info", level(&s.LogLevel),
			"least level that is logged: debug, info, warn, error"},
		{"log-format", "text", choice(&s.LogFormat, "text", "json"),
			"form of the log on standard error; json for machines"},
	}
}

// table is the rows over one Serve, and for each setting the value in use. Values go into the Serve by apply alone.
type table struct {
	serve  *Serve
	rows   []setting
	byName map[string]*setting
	used   map[string]given
}

// newTable lays the table over s and fills s with the defaults.
func newTable(s *Serve) *table {
	t := &table{serve: s, rows: rows(s), byName: map[string]*setting{}, used: map[string]given{}}
	for i := range t.rows {
		row := &t.rows[i]
		t.byName[row.name] = row
		if err := t.apply([]given{{row, row.def, row.flag(), "default"}}); err != nil {
			panic(err) // the table is wrong, not the user; every test meets it
		}
	}
	return t
}

// apply sets the values in order, so that the later wins, and stops at the first that cannot be used.
func (t *table) apply(sources ...[]given) error {
	for _, source := range sources {
		for _, g := range source {
			if !g.set(g.text) {
				return g.refuse(g.want)
			}
			t.used[g.name] = g
		}
	}
	return nil
}

// given is a value as a source gave it.
type given struct {
	*setting
	text  string
	spelt string // the setting's name as the source writes it: --rate, THRONG_RATE, rate
	place string // flag, environment, throng.toml:3, default
}

// refuse is the error about the value: which setting, where, and what would be right. A long text is cut.
func (g given) refuse(want string) error {
	return fmt.Errorf("%s %.80q (%s): want %s", g.spelt, g.text, g.place, want)
}

// String names the setting, its value and its place, for warnings.
func (g given) String() string {
	return fmt.Sprintf("%s %s (%s)", g.spelt, g.text, g.place)
}
