package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// loadDefaults is what CLI users are promised when they set nothing.
var loadDefaults = Load{
	URLs: []string{"ws://127.0.0.1:8888"}, Users: 1000, Ramp: 10 * time.Second, Scenario: "chat", Dialect: "v2",
	Rate: 100, Size: 200, Talkers: 64, WarmUp: 2 * time.Second, Duration: 30 * time.Second, Late: 5 * time.Second,
	Step: 10 * time.Second,
}

func TestLoad(t *testing.T) {
	for _, tt := range []struct {
		name, file, args, environ string
		want                      func(*Load)
	}{
		{name: "nothing set", want: func(*Load) {}},
		{name: "file", file: "users = 5\nrate = 60\nslo = [\"lost==0\", \"late==0\"]\nfind-capacity = true\nquiet = \"true\"\npid = 7\nserve = \"auto\"",
			want: func(l *Load) {
				l.Users, l.Talkers, l.Rate, l.SLO, l.FindCapacity, l.Quiet = 5, 5, 60, []string{"lost==0", "late==0"}, true, true
				l.Pid, l.Serve, l.URLs = []int{7}, ServeAuto, nil
			}},
		{name: "plain variables", environ: "THRONG_USERS=100 THRONG_WARM_UP=0 THRONG_FIND_CAPACITY=true",
			want: func(l *Load) { l.Users, l.WarmUp, l.FindCapacity = 100, 0, true }},
		{name: "own variables win", environ: "THRONG_LOAD_USERS=300 THRONG_USERS=100 THRONG_LOAD_RATE=7/s THRONG_LOAD_ADMIN=http://a:1",
			want: func(l *Load) { l.Users, l.Rate, l.Admin = 300, 7, []string{"http://a:1"} }},
		{name: "the server's variables are not ours", environ: "THRONG_RATE=5 THRONG_ADMIN=off THRONG_CONFIG=none.toml THRONG_ADDR=:1 THRONG_DOCTOR_CONNS=x THRONG_JWT_KEY=public.pem",
			want: func(*Load) {}},
		{name: "environment over file", file: "users = 5", environ: "THRONG_USERS=100", want: func(l *Load) { l.Users = 100 }},
		{name: "flag over environment", environ: "THRONG_LOAD_USERS=5", args: "--users 100", want: func(l *Load) { l.Users = 100 }},
		{name: "bare flag at the end", args: "--users 100 --find-capacity", want: func(l *Load) { l.Users, l.FindCapacity = 100, true }},
		{name: "bare flag before a flag", args: "--find-capacity --users 100", want: func(l *Load) { l.Users, l.FindCapacity = 100, true }},
		{name: "bare flag with a value", args: "--find-capacity=true --quiet true", want: func(l *Load) { l.FindCapacity, l.Quiet = true, true }},
		{name: "bare flag taken back", environ: "THRONG_QUIET=true THRONG_INSECURE=true", args: "--quiet=false --insecure false", want: func(*Load) {}},
		{name: "several servers", args: "--url WS://Host/,ws://[::1]:1 --url ws://b:80", want: func(l *Load) {
			l.URLs = []string{"ws://host:80", "ws://[::1]:1", "ws://b:80"}
		}},
		{name: "wss", args: "--url wss://a --ca ca.pem", want: func(l *Load) { l.URLs, l.CA = []string{"wss://a:443"}, "ca.pem" }},
		{name: "wss, any certificate", args: "--insecure --url wss://a:1", want: func(l *Load) { l.URLs, l.Insecure = []string{"wss://a:1"}, true }},
		{name: "tokens", args: "--jwt-key private.pem --jwt-audience chat", environ: "THRONG_LOAD_JWT_ISSUER=here", want: func(l *Load) {
			l.JWTKey, l.JWTAudience, l.JWTIssuer = "private.pem", "chat", "here"
		}},
		{name: "servers of its own", args: "--serve 3", want: func(l *Load) { l.Serve, l.URLs = 3, nil }},
		{name: "url taken back", environ: "THRONG_URL=ws://a", args: "--serve auto --url=", want: func(l *Load) { l.Serve, l.URLs = ServeAuto, nil }},
		{name: "one user", args: "--users 1 --scenario broadcast", want: func(l *Load) { l.Users, l.Talkers, l.Scenario = 1, 1, "broadcast" }},
		{name: "silent", args: "--rate 0", want: func(l *Load) { l.Rate = 0 }},
		{name: "lists", args: "--pid 1 --pid 2 --source ::1 --slo lost==0 --slo=direct.p99<50ms --admin http://a", want: func(l *Load) {
			l.Pid, l.Source = []int{1, 2}, []netip.Addr{netip.IPv6Loopback()}
			l.SLO, l.Admin = []string{"lost==0", "direct.p99<50ms"}, []string{"http://a:80"}
		}},
		{name: "workers on loopback", args: "--workers localhost:1,127.3.2.1:2", want: func(l *Load) { l.Workers = []string{"localhost:1", "127.3.2.1:2"} }},
		{name: "workers elsewhere", args: "--workers b:1 --url ws://a", environ: "THRONG_KEY=secret", want: func(l *Load) {
			l.Workers, l.Key, l.URLs = []string{"b:1"}, "secret", []string{"ws://a:80"}
		}},
		{name: "output", args: "--json - --report a.html --processes 2 --size 1KiB", want: func(l *Load) {
			l.JSON, l.Report, l.Processes, l.Size = "-", "a.html", 2, kib
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := loadDefaults
			tt.want(&want)
			if tt.file != "" {
				want.Config = write(t, tt.file)
				tt.environ += " THRONG_LOAD_CONFIG=" + want.Config
			}
			check(t, new(Load), &want, tt.args, tt.environ, "")
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, tt := range []struct{ name, file, args, environ, want string }{
		{name: "value of a bare flag", args: "--quiet no", want: `--quiet "no" (flag): want true or false`},
		{name: "value of a variable", environ: "THRONG_LOAD_RATE=fast", want: `THRONG_LOAD_RATE "fast" (environment): want a number of messages a second up to 10000000, such as 100/s or 6000/m, 0 = none`},
		{name: "no users", args: "--users 0", want: `--users "0" (flag): want a number of users from 1 to 10000000`},
		{name: "unknown scenario", args: "--scenario rave", want: `--scenario "rave" (flag): want idle, broadcast, direct, chat, churn, storm or slow`},
		{name: "truth for another setting", file: "report = true", want: `report "true" (throng.toml:1): want a file`},
		{name: "number for a truth", file: "quiet = 1", want: `quiet "1" (throng.toml:1): want true or false`},
		{name: "no TOML", file: "users", want: `throng.toml:1: unexpected EOF; expected key separator '='; want TOML, such as url = "ws://127.0.0.1:8888"`},
		{name: "key of serve", file: "burst = 1", want: `"burst" (throng.toml:1): no such setting; "throng load --help" lists all`},
		{name: "flag spelt wrong", args: "--user 5", want: `"--user" (flag): no such setting; did you mean --users?`},
		{name: "argument", args: "compare", want: `argument "compare": want flags alone, such as --url ws://127.0.0.1:8888`},
		{name: "two schemes", args: "--url ws://a,wss://b", want: `--url "ws://a,wss://b" (flag): want all of them ws, or all wss`},
		{name: "no server", args: "--url=", want: `--url "" (flag): want ws://HOST[:PORT] or wss://HOST[:PORT] without a path, several joined by commas, since --serve is 0`},
		{name: "two kinds of servers", args: "--serve auto", environ: "THRONG_URL=ws://a", want: `--serve "auto" (flag): want 0, since THRONG_URL ws://a (environment) names the server`},
		{name: "default url given", args: "--serve 1 --url ws://127.0.0.1:8888", want: `--serve "1" (flag): want 0, since --url ws://127.0.0.1:8888 (flag) names the server`},
		{name: "trust of two kinds", args: "--url wss://a --insecure --ca a.pem", want: `--insecure "true" (flag): want false, since --ca says which certificates to accept`},
		{name: "tokens for servers of its own", args: "--serve 1 --jwt-key k", want: `--jwt-key "k" (flag): want nothing, since servers of --serve ask for no tokens`},
		{name: "audience without a key", args: "--jwt-audience chat", want: `--jwt-audience "chat" (flag): want nothing, unless --jwt-key says what signs`},
		{name: "issuer without a key", args: "--jwt-issuer here", want: `--jwt-issuer "here" (flag): want nothing, unless --jwt-key says what signs`},
		{name: "alone in direct", args: "--users 1 --scenario direct", want: `--users "1" (flag): want at least 2, since scenario direct needs 2 for each server`},
		{name: "alone in churn", args: "--users 1 --scenario churn", want: `--users "1" (flag): want at least 2, since scenario churn needs 2 for each server`},
		{name: "alone in storm", args: "--users 1 --scenario storm", want: `--users "1" (flag): want at least 2, since scenario storm needs 2 for each server`},
		{name: "alone in chat", file: "users = 3\nserve = 2", want: `users "3" (throng.toml:1): want at least 4, since scenario chat needs 2 for each server`},
		{name: "server without users", args: "--users 1 --scenario idle --url ws://a,ws://b", want: `--users "1" (flag): want at least 2, since scenario idle needs 1 for each server`},
		{name: "capacity of nothing", args: "--find-capacity --scenario idle", want: `--find-capacity "true" (flag): want false, since nothing is sent in scenario idle`},
		{name: "capacity from nothing", args: "--find-capacity --rate 0", want: `--rate "0" (flag): want more than 0, since --find-capacity starts from it`},
		{name: "worker without a secret", args: "--workers 127.0.0.1:1,b:2", want: `--workers "127.0.0.1:1,b:2" (flag): want --key as well, since b:2 is another machine`},
		{name: "servers out of reach", args: "--workers b:2 --key x --serve 1", want: `--serve "1" (flag): want 0, since b:2 cannot reach servers on loopback`},
		{name: "secret is not shown", environ: "THRONG_KEY=hush\x01", want: `THRONG_KEY (environment): want at most 256 letters, digits and signs`},
		{name: "secret is not shown, file", file: "key = [\"hush\"]", want: `key (throng.toml:1): want one value and no list: at most 256 letters, digits and signs`},
		{name: "report to standard output", args: "--report -", want: `--report "-" (flag): want a file, since only --json can go to standard output`},
		{name: "one file for two", args: "--report a --json a", want: `--json "a" (flag): want another file than --report`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.file != "" {
				tt.environ += " THRONG_LOAD_CONFIG=" + write(t, tt.file)
			}
			check(t, new(Load), nil, tt.args, tt.environ, tt.want)
		})
	}
}

func TestLoadWarns(t *testing.T) {
	for _, tt := range []struct {
		args, environ string
		want          []string
	}{
		{environ: "THRONG_LOAD_RAT=1 THRONG_USRES=1 THRONG_LOAD_BURST=1", want: []string{
			`ignored "THRONG_LOAD_RAT" (environment): no such setting; did you mean THRONG_LOAD_RATE?`,
			`ignored "THRONG_USRES" (environment): no such setting; did you mean THRONG_USERS?`,
			`ignored "THRONG_LOAD_BURST" (environment): no such setting; "throng load --help" lists all`,
		}},
		{args: "--ca a.pem", want: []string{`--ca a.pem (flag) has no use: no server is spoken to over wss`}},
		{args: "--insecure --serve 1", want: []string{`--insecure true (flag) has no use: no server is spoken to over wss`}},
		{args: "--workers b:1 --key x", want: []string{
			`--url ws://127.0.0.1:8888 (default) is on loopback: each machine of --workers would load itself`}},
	} {
		got, err := Parse(new(Load), strings.Fields(tt.args), strings.Fields(tt.environ))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %s: error %v\ngot  %q\nwant %q", tt.args, tt.environ, err, got, tt.want)
		}
	}
}

func TestLoadAddrs(t *testing.T) {
	for _, tt := range []struct {
		urls   []string
		want   []string
		secure bool
	}{
		{nil, nil, false},
		{[]string{"ws://a:1", "ws://[::1]:80"}, []string{"a:1", "[::1]:80"}, false},
		{[]string{"wss://a:443"}, []string{"a:443"}, true},
	} {
		if got, secure := (&Load{URLs: tt.urls}).Addrs(); !reflect.DeepEqual(got, tt.want) || secure != tt.secure {
			t.Errorf("%q: got %q, %t", tt.urls, got, secure)
		}
	}
}
