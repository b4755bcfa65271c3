package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// defaults is what CLI users are promised when they set nothing.
var defaults = Serve{
	Addr: ":8888", Admin: "127.0.0.1:8889", Data: "throng-data", Durability: "fsync", NatsSync: time.Second,
	Webhook: Webhook{WebhookEvents: webhookEvents, WebhookKeep: 24 * time.Hour, WebhookTimeout: 10 * time.Second},
	KeepAge: 720 * time.Hour, KeepBytes: 256 * mib, MaxRooms: 100,
	MaxMessage: 64 * kib, EchoMax: 64 * kib, Queue: mib, Ping: 25 * time.Second,
	Rate: 20, Burst: 40, Drain: 10 * time.Second, LogLevel: slog.LevelInfo, LogFormat: "text", Observe: Observe{TraceSample: 0.001},
	Access: Access{Auth: "none", AuthCookie: "throng_token", MaxConnsPerNick: 10},
	Limits: Limits{ConnectBurst: 100, ByteBurst: mib},
}

// write puts text into a file named throng.toml, makes its folder the working directory and returns the name.
func write(t *testing.T, text string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("throng.toml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "throng.toml"
}

func TestServe(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		environ    []string
		args       []string
		want       func(*Serve)
	}{
		{name: "nothing set", want: func(*Serve) {}},
		{name: "file", file: "addr = \":1\"\nrate = 2.5\nmax-conns = 7\nping = \"1m\"",
			want: func(s *Serve) { s.Addr, s.Rate, s.MaxConns, s.Ping = ":1", 2.5, 7, time.Minute }},
		{name: "environment", environ: []string{"THRONG_MAX_CONNS_PER_IP=3", "THRONG_LOG_LEVEL=DEBUG", "HOME=/"},
			want: func(s *Serve) { s.MaxConnsPerIP, s.LogLevel = 3, slog.LevelDebug }},
		{name: "flags", args: []string{"--admin", "off", "-data=mem", "--compress=on", "--log-format", "json", "--dev", "web"},
			want: func(s *Serve) { s.Admin, s.Data, s.Compress, s.LogFormat, s.Dev = "", "mem", true, "json", "web" }},
		{name: "cluster", args: []string{"--nats", "embedded", "--nats-listen", ":4222", "--nats-cluster", "10.0.0.1:6222",
			"--nats-routes", "10.0.0.2:6222,10.0.0.3:6222", "--nats-sync", "0"}, environ: []string{"THRONG_NATS_SECRET=se cret"},
			want: func(s *Serve) {
				s.NatsSecret = "se cret"
				s.Nats, s.NatsListen, s.NatsCluster, s.NatsSync = "embedded", ":4222", "10.0.0.1:6222", 0
				s.NatsRoutes = []string{"10.0.0.2:6222", "10.0.0.3:6222"}
			}},
		{name: "cluster elsewhere", args: []string{"--nats", "nats://a:4222,tls://user:pass@b"},
			want: func(s *Serve) { s.Nats = "nats://a:4222,tls://user:pass@b" }},
		{name: "tokens", args: []string{"--auth", "jwt", "--jwt-key=key.pem", "--jwt-audience=chat", "--jwt-issuer", "https://id", "--auth-cookie="},
			want: func(s *Serve) {
				s.Auth, s.JWTKey, s.JWTAudience, s.JWTIssuer, s.AuthCookie = "jwt", "key.pem", "chat", "https://id", ""
			}},
		{name: "tokens, JWKS", args: []string{"--auth", "jwt", "--jwks=http://127.0.0.1:1/keys", "--max-conns-per-nick=3"},
			want: func(s *Serve) {
				s.Auth, s.JWKS, s.MaxConnsPerNick = "jwt", "http://127.0.0.1:1/keys", 3
			}},
		{name: "environment over file", file: "burst = 1", environ: []string{"THRONG_BURST=2"},
			want: func(s *Serve) { s.Burst = 2 }},
		{name: "flag over environment", file: "burst = 1", environ: []string{"THRONG_BURST=2"}, args: []string{"--burst=3"},
			want: func(s *Serve) { s.Burst = 3 }},
		{name: "last flag", args: []string{"--drain=1s", "--drain=0"}, want: func(s *Serve) { s.Drain = 0 }},
		{name: "echo follows max-message", args: []string{"--max-message=1MiB"},
			want: func(s *Serve) { s.MaxMessage, s.EchoMax = mib, mib }},
		{name: "echo off", args: []string{"--echo-max=0"}, want: func(s *Serve) { s.EchoMax = 0 }},
		{name: "echo off in file", file: "echo-max = 0", want: func(s *Serve) { s.EchoMax = 0 }},
		{name: "echo on again", file: "echo-max = 0", environ: []string{"THRONG_ECHO_MAX="}, want: func(*Serve) {}},
		{name: "no limits", args: []string{"--rate=0", "--burst=0"}, want: func(s *Serve) { s.Rate, s.Burst = 0, 0 }},
		{name: "origin by flag", environ: []string{"THRONG_ORIGIN=http://x"},
			args: []string{"--origin", "https://Chat.Example:443", "--origin=http://[::1]:80"},
			want: func(s *Serve) { s.Origin = []string{"https://chat.example", "http://[::1]"} }},
		{name: "origin by environment", environ: []string{"THRONG_ORIGIN=https://a, https://b:8443"},
			want: func(s *Serve) { s.Origin = []string{"https://a", "https://b:8443"} }},
		{name: "origin by file, list", file: `origin = ["https://a", "app://b"]`,
			want: func(s *Serve) { s.Origin = []string{"https://a", "app://b"} }},
		{name: "origin by file, text", file: `origin = "*"`, want: func(s *Serve) { s.Origin = []string{"*"} }},
		{name: "proxies", file: `trust-proxy = ["10.1.2.3/8", "::1"]`, args: []string{"--proxy-protocol=on"},
			want: func(s *Serve) {
				s.TrustProxy, s.ProxyProtocol = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}, true
			}},
		{name: "origin taken back", file: `origin = "*"`, args: []string{"--origin="}, want: func(*Serve) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := defaults
			tt.want(&want)
			if tt.file != "" {
				want.Config = write(t, tt.file)
				tt.environ = append(tt.environ, "THRONG_CONFIG="+want.Config)
			}
			var got Serve
			warnings, err := Parse(&got, tt.args, tt.environ)
			if err != nil || len(warnings) > 0 {
				t.Fatalf("error %v, warnings %q", err, warnings)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestServeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		environ    []string
		args       []string
		want       string
	}{
		{name: "value of a flag", args: []string{"--rate", "abc"},
			want: `--rate "abc" (flag): want a number of messages a second up to 1000000, 0 = no limit`},
		{name: "value of the environment", environ: []string{"THRONG_MAX_MESSAGE=64KB"},
			want: `THRONG_MAX_MESSAGE "64KB" (environment): want a size from 1B to 1GiB, such as 64KiB`},
		{name: "value of the file", file: "# one\naddr = \":1\"\n\nping = \"25\"",
			want: `ping "25" (throng.toml:4): want a time from 10ms to 1h0m0s, such as 10s`},
		{name: "bad value though overridden", file: "burst = -1", args: []string{"--burst=1"},
			want: `burst "-1" (throng.toml:1): want a number of messages up to 1000000, 0 only where rate is 0`},
		{name: "type of the file", file: "compress = true", want: `compress "true" (throng.toml:1): want off or on`},
		{name: "list for one value", file: `addr = [":1"]`,
			want: `addr "[:1]" (throng.toml:1): want one value and no list: HOST:PORT, such as :8888 or 127.0.0.1:8888`},
		{name: "list of other things", file: `origin = [1]`,
			want: `origin "[1]" (throng.toml:1): want * or SCHEME://HOST[:PORT] without a path, several joined by commas`},
		{name: "auth without keys", args: []string{"--auth=jwt"}, want: `--auth "jwt" (flag): want --jwt-key or --jwks as well, where the keys are`},
		{name: "keys without auth", args: []string{"--jwt-key=k"}, want: `--jwt-key "k" (flag): want nothing, unless --auth is jwt`},
		{name: "keys in two places", args: []string{"--auth=jwt", "--jwt-key=k", "--jwks=https://a/"},
			want: `--jwks (flag): want nothing, since --jwt-key has the keys`},
		{name: "keys that others can change", args: []string{"--auth=jwt", "--jwks=http://example.com/"},
			want: `--jwks (flag): want https://HOST/PATH, or http:// on this machine`},
		{name: "cookie", args: []string{"--auth-cookie=a b"}, want: `--auth-cookie "a b" (flag): want the name of a cookie`},
		{name: "list of one for one value", file: "rate = [1]", want: `rate "[1]" (throng.toml:1): want one value and no list: a number of messages a second up to 1000000, 0 = no limit`},
		{name: "key spelt wrong", file: "\nmax-mesage = 1", want: `"max-mesage" (throng.toml:2): no such setting; did you mean max-message?`},
		{name: "nats without a scheme", args: []string{"--nats", "10.0.0.1:4222"},
			want: `--nats (flag): want embedded or nats://HOST:PORT,...`},
		{name: "nats with a password", args: []string{"--nats", "nats://u:hidden@"}, want: `--nats (flag): want embedded or nats://HOST:PORT,...`},
		{name: "otlp with a password", args: []string{"--otlp", "http://u:hidden@a"}, want: `--otlp (flag): want http://HOST:PORT/PATH or https://HOST/PATH`},
		{name: "routes alone", args: []string{"--nats", "embedded", "--nats-routes", "a:1"},
			want: `--nats-routes "a:1" (flag): want nothing, unless --nats-cluster is set`},
		{name: "listener without embedded", args: []string{"--nats", "nats://a", "--nats-listen", ":1"},
			want: `--nats-listen ":1" (flag): want nothing, unless --nats is embedded`},
		{name: "listener for all", args: []string{"--nats", "embedded", "--nats-listen", ":4222"},
			want: `--nats-listen ":4222" (flag): want --nats-secret as well, since other machines can reach this address`},
		{name: "routes for all", args: []string{"--nats", "embedded", "--nats-cluster", "10.0.0.1:6222"},
			want: `--nats-cluster "10.0.0.1:6222" (flag): want --nats-secret as well, since other machines can reach this address`},
		{name: "routes missing", args: []string{"--nats", "embedded", "--nats-cluster", "127.0.0.1:6222"},
			want: `--nats-cluster "127.0.0.1:6222" (flag): want --nats-routes as well, where the other nodes are`},
		{name: "embedded without a folder", args: []string{"--nats", "embedded", "--data", "mem"},
			want: `--data "mem" (flag): want a folder, since --nats is embedded`},
		{name: "secret alone", args: []string{"--nats-secret", "abc"}, want: `--nats-secret (flag): want nothing, unless --nats is set`},
		{name: "key unknown", file: "wasm = \"embedded\"", want: `"wasm" (throng.toml:1): no such setting; "throng serve --help" lists all`},
		{name: "key in a table", file: "\n[serve]\nrate = 1", want: `"serve" (throng.toml:2): no such setting; "throng serve --help" lists all`},
		{name: "key with a dot", file: "serve.rate = 1", want: `"serve.rate" (throng.toml): no such setting; "throng serve --help" lists all`},
		{name: "file in a file", file: `config = "other.toml"`, want: `config "other.toml" (throng.toml:1): want no such key, since a file cannot name another`},
		{name: "no TOML", file: "rate = 1\nburst", want: `throng.toml:2: unexpected EOF; expected key separator '='; want TOML, such as addr = ":8888"`},
		{name: "key twice", file: "rate = 1\nrate = 2", want: `throng.toml:2: Key 'rate' has already been defined.; want TOML, such as addr = ":8888"`},
		{name: "long file", file: strings.Repeat("# long\n", maxFile/7+1),
			want: `THRONG_CONFIG "throng.toml" (environment): want a readable TOML file: longer than 64KiB`},
		{name: "no file", args: []string{"--config=missing.toml"},
			want: `--config "missing.toml" (flag): want a readable TOML file: no such file or directory`},
		{name: "folder for a file", args: []string{"--config=."}, want: `--config "." (flag): want a readable TOML file: is a directory`},
		{name: "flag spelt wrong", args: []string{"--burts=1"}, want: `"--burts" (flag): no such setting; did you mean --burst?`},
		{name: "flag unknown", args: []string{"--no-such-thing", "x"}, want: `"--no-such-thing" (flag): no such setting; "throng serve --help" lists all`},
		{name: "flag that is none", args: []string{"---=", "x"}, want: `"---" (flag): no such setting; "throng serve --help" lists all`},
		{name: "flag without value", args: []string{"--addr", ":1", "--durability"}, want: `--durability without a value (flag): want fsync or os`},
		{name: "argument", args: []string{"--addr", ":1", "now", "--rate=1"}, want: `argument "now": want flags alone, such as --addr :8888`},
		{name: "dashes alone", args: []string{"--", "--rate=1"}, want: `argument "--": want flags alone, such as --addr :8888`},
		{name: "no burst", args: []string{"--burst=0"}, want: `--burst "0" (flag): want at least 1 message, since --rate sets a limit`},
		{name: "a proxy's name", args: []string{"--trust-proxy", "10.0.0.0/8", "--trust-proxy=proxy.test"},
			want: `--trust-proxy "10.0.0.0/8,proxy.test" (flag): want a network or IP address, such as 10.0.0.0/8 or 192.0.2.7, several joined by commas`},
		{name: "a network too small", args: []string{"--trust-proxy", "10.0.0.0/33"},
			want: `--trust-proxy "10.0.0.0/33" (flag): want a network or IP address, such as 10.0.0.0/8 or 192.0.2.7, several joined by commas`},
		{name: "proxy protocol of nobody", args: []string{"--proxy-protocol=on"},
			want: `--proxy-protocol "on" (flag): want --trust-proxy as well, which proxies there are`},
		{name: "long value", args: []string{"--log-format", strings.Repeat("x", 999)},
			want: `--log-format "` + strings.Repeat("x", 80) + `" (flag): want text or json`},
		{name: "line break", args: []string{"--data", "a\nb"}, want: `--data "a\nb" (flag): want a folder or mem`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.file != "" {
				tt.environ = append(tt.environ, "THRONG_CONFIG="+write(t, tt.file))
			}
			warnings, err := Parse(new(Serve), tt.args, tt.environ)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %v", err, tt.want)
			}
			if warnings != nil {
				t.Errorf("beside the error: %q", warnings)
			}
		})
	}
}

func TestServeWarns(t *testing.T) {
	got, err := Parse(new(Serve), []string{"--queue=32KiB"}, []string{"THRONG_PORT=tcp://10.0.0.1:8888", "THRONG_MAX_CONN=5", "THRONG_rate=x"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`ignored "THRONG_PORT" (environment): no such setting; "throng serve --help" lists all`,
		`ignored "THRONG_MAX_CONN" (environment): no such setting; did you mean THRONG_MAX_CONNS?`,
		`ignored "THRONG_rate" (environment): no such setting; did you mean THRONG_RATE?`,
		`--queue 32KiB (flag) is less than --max-message 64KiB (default): one large message can make a reader count as slow`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestParseHelp(t *testing.T) {
	for _, arg := range []string{"-h", "-help", "--help"} {
		if _, err := Parse(new(Serve), []string{"--rate=1", arg}, nil); !errors.Is(err, ErrHelp) {
			t.Errorf("%s: error %v, want ErrHelp", arg, err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Setenv("THRONG_RATE", "unusable")
	if err := Check(write(t, "rate = 1"), new(Serve)); err != nil {
		t.Errorf("good file: %v", err)
	}
	for file, want := range map[string]string{
		"":          `config check "" (argument): want the path of a TOML file`,
		"none.toml": `config check "none.toml" (argument): want a readable TOML file: no such file or directory`,
		"a\nb":      `config check "a\nb" (argument): want a file`,
	} {
		if err := Check(file, new(Serve)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", file, err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "x.toml")
	if err := os.WriteFile(file, []byte("burst = 0"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := `burst "0" (` + file + `:1): want at least 1 message, since --rate sets a limit`
	if err := Check(file, new(Serve)); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestLaterWins checks the order of the sources against the simplest model: the last one that names the setting.
func TestLaterWins(t *testing.T) {
	file := write(t, "")
	rapid.Check(t, func(t *rapid.T) {
		want := 40
		text := rapid.SampledFrom([]string{"", "1", "2", "3"})
		source := func(label string) string {
			s := text.Draw(t, label)
			if s != "" {
				want = int(s[0] - '0')
			}
			return s
		}
		var line string
		environ, args := []string{"THRONG_CONFIG=" + file}, []string(nil)
		if s := source("file"); s != "" {
			line = "burst = " + s
		}
		if s := source("environment"); s != "" {
			environ = append(environ, "THRONG_BURST="+s)
		}
		if s := source("flag"); s != "" {
			args = append(args, "--burst", s)
		}
		if err := os.WriteFile(file, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		var got Serve
		_, err := Parse(&got, args, environ)
		if err != nil || got.Burst != want {
			t.Fatalf("burst %d, error %v, want %d", got.Burst, err, want)
		}
	})
}
