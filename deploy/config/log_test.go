package config

import (
	"strings"
	"testing"
)

func TestLogHost(t *testing.T) {
	for _, tt := range []struct{ args, err string }{
		{"--nats embedded --nats-listen :4222 --nats-secret s --data a --max-message 1MiB", ""},
		{"--data a", `--nats "" (default): want embedded, whose server is the one to run`},
		{"--nats embedded", `--nats-listen "" (default): want HOST:PORT, where the server is to be reached`},
		{"--nats embedded --data mem", `--data "mem" (flag): want the folder of a node`},
	} {
		var got LogHost
		_, err := Parse(&got, strings.Fields(tt.args), []string{"THRONG_MAX_CONNS=7"})
		switch {
		case tt.err != "" && (err == nil || err.Error() != tt.err):
			t.Errorf("%s: error %v; want %s", tt.args, err, tt.err)
		case tt.err == "" && (err != nil || got.Data != "a" || got.MaxConns != 7):
			t.Errorf("%s: %+v, %v", tt.args, got, err)
		}
	}
}

func TestLogMove(t *testing.T) {
	for _, tt := range []struct {
		args, environ string
		want          LogMove
		err           string
	}{
		{args: "--to nats://a:4222", want: LogMove{From: "throng-data", To: "nats://a:4222"}},
		{args: "--from nats://a:1,nats://b:2 --to data", want: LogMove{From: "nats://a:1,nats://b:2", To: "data"}},
		{environ: "THRONG_LOG_MOVE_FROM=a THRONG_LOG_MOVE_TO=b", want: LogMove{From: "a", To: "b"}},
		{err: `--to "" (default): want where to move the log`},
		{args: "--from a --to a", err: `--to "a" (flag): want another place than --from`},
		{args: "--from nats://u:hidden@ --to a", err: `--from (flag): want a folder other than mem, or nats://HOST:PORT,...`},
		{args: "--from nats://u:hidden@a --to nats://u:hidden@a", err: `--to (flag): want another place than --from`},
		{args: "--from mem --to a", err: `--from "mem" (flag): want a folder other than mem, or nats://HOST:PORT,...`},
	} {
		var got LogMove
		_, err := Parse(&got, strings.Fields(tt.args), strings.Fields(tt.environ))
		switch {
		case tt.err != "" && (err == nil || err.Error() != tt.err):
			t.Errorf("%s: error %v; want %s", tt.args, err, tt.err)
		case tt.err == "" && (err != nil || got != tt.want):
			t.Errorf("%s: %+v, %v; want %+v", tt.args, got, err, tt.want)
		}
	}
}
