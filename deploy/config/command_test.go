package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNamed(t *testing.T) {
	for name, want := range map[string]Command{
		"serve": new(Serve), "load": new(Load), "load worker": new(Worker), "doctor": new(Doctor), "token": new(Token), "log move": new(LogMove),
		"log host": new(LogHost),
	} {
		if got, err := Named(name); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, error %v", name, got, err)
		}
	}
	const want = `unknown command "lod": want serve, load, load worker, doctor, health, token, log move or log host`
	if _, err := Named("lod"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestSharedNames tells a new setting that has the name of one of serve's to say whether it means the same. Those that
// do not have no plain variable.
func TestSharedNames(t *testing.T) {
	same := []string{"doctor data", "doctor config", "doctor tls-cert", "doctor tls-key", "doctor acme-domain", "doctor jwt-key",
		"doctor api-keys", "doctor max-memory", "health admin", "token jwt-key", "token jwt-audience", "token jwt-issuer"}
	serve := newTable(new(Serve))
	for _, c := range commands()[1:] {
		table := newTable(c)
		if table.name == "log host" {
			continue // all are serve's
		}
		for _, row := range table.rows {
			_, shared := serve.byName[row.name]
			if !shared || slices.Contains(same, table.name+" "+row.name) {
				continue
			}
			if !slices.Contains(table.apart, row.name) {
				t.Errorf("--%s of %s is the name of a setting of serve, and not in apart", row.name, table.name)
			}
			if plain := serve.env(&row); slices.Contains(table.variables(&row), plain) {
				t.Errorf("%s is taken for %s and for serve", plain, table.name)
			}
		}
	}
}

func TestWorker(t *testing.T) {
	for _, tt := range []struct {
		args, environ string
		want          Worker
		err           string
	}{
		{want: Worker{Listen: "127.0.0.1:0"}},
		{args: "--listen=", want: Worker{}},
		{args: "--listen [::1]:9", want: Worker{Listen: "[::1]:9"}},
		{args: "--listen localhost:9", want: Worker{Listen: "localhost:9"}},
		{args: "--listen :9 --key a", want: Worker{Listen: ":9", Key: "a"}},
		{args: "--listen :9", environ: "THRONG_KEY=a", want: Worker{Listen: ":9", Key: "a"}},
		{environ: "THRONG_LOAD_WORKER_KEY=b THRONG_KEY=a", want: Worker{Listen: "127.0.0.1:0", Key: "b"}},
		{environ: "THRONG_LOAD_KEY=b THRONG_USERS=7 THRONG_ADDR=:1", want: Worker{Listen: "127.0.0.1:0"}},
		{args: "--listen :9", err: `--listen ":9" (flag): want --key as well, since other machines can reach this address`},
		{args: "--listen 10.0.0.1:9", err: `--listen "10.0.0.1:9" (flag): want --key as well, since other machines can reach this address`},
		{args: "--config x", err: `"--config" (flag): no such setting; "throng load worker --help" lists all`},
		{args: "now", err: `argument "now": want flags alone, such as --listen 127.0.0.1:0`},
	} {
		var got Worker
		check(t, &got, &tt.want, tt.args, tt.environ, tt.err)
	}
}

func TestDoctor(t *testing.T) {
	for _, tt := range []struct {
		args, environ string
		want          Doctor
		err           string
	}{
		{want: Doctor{Data: "throng-data"}},
		{args: "--url wss://A --idle 2m --conns 5", want: Doctor{URL: "wss://a:443", Conns: 5, Data: "throng-data", Idle: 2 * time.Minute}},
		{environ: "THRONG_DATA=mem THRONG_URL=ws://a THRONG_DOCTOR_URL=ws://b:1", want: Doctor{URL: "ws://b:1", Data: "mem"}},
		{args: "--tls-cert a --tls-key b --acme-domain c --max-memory 1GiB --api-keys d", environ: "THRONG_JWT_KEY=e",
			want: Doctor{Data: "throng-data", TLSCert: "a", TLSKey: "b", ACMEDomain: []string{"c"}, MaxMemory: 1 << 30, APIKeys: "d", JWTKey: "e"}},
		{args: "--tls-cert a", err: `--tls-cert "a" (flag): want --tls-key as well`},
		{args: "--tls-key a", err: `--tls-key "a" (flag): want --tls-cert as well`},
		{args: "--idle 1s", err: `--idle "1s" (flag): want 0s, since no --url says where to wait`},
		{args: "--url a", err: `--url "a" (flag): want ws://HOST[:PORT] or wss://HOST[:PORT] without a path`},
		{args: "--con 1", err: `"--con" (flag): no such setting; "throng doctor --help" lists all`},
		{args: "--cons 1", err: `"--cons" (flag): no such setting; did you mean --conns?`},
	} {
		var got Doctor
		check(t, &got, &tt.want, tt.args, tt.environ, tt.err)
	}
}

// TestDoctorConfig gives the doctor a server's file: it takes what it looks at, passes over the rest, and notes what is secret.
func TestDoctorConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "throng.toml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("addr = \":443\"\ndata = \"/a\"\ntls-cert = \"b\"\ntls-key = \"c\"\nnats-secret = \"\"\napi-key = \"d\"\norigin = [\"https://e\"]\nmax-memory = \"2GiB\"\n")
	check(t, new(Doctor), &Doctor{Config: file, Data: "/f", TLSCert: "b", TLSKey: "c", MaxMemory: 2 << 30, Secrets: []string{"api-key"}},
		"--config "+file+" --data /f", "", "")
	for nats, isSecret := range map[string]bool{"embedded": false, "nats://a,nats://b:4222": false, "nats://a,nats://u:p@b": true} {
		want := &Doctor{Config: file, Data: "throng-data"}
		if isSecret {
			want.Secrets = []string{"nats"}
		}
		write("otlp = \"http://a/v1/traces\"\nnats = \"" + nats + "\"\n")
		check(t, new(Doctor), want, "--config "+file, "", "")
	}
	write("adr = 1\n")
	check(t, new(Doctor), nil, "--config "+file, "", `"adr" (`+file+`:1): no such setting; did you mean addr?`)
	write("tls-cert = true\n")
	check(t, new(Doctor), nil, "--config "+file, "", `tls-cert "true" (`+file+`:1): want a file`)
}

// check has got take the arguments and the environment, which must end in the error, or in want and no warning.
func check(t *testing.T, got, want Command, args, environ, wantErr string) {
	t.Helper()
	warnings, err := Parse(got, strings.Fields(args), strings.Fields(environ))
	if wantErr != "" {
		if err == nil || err.Error() != wantErr {
			t.Errorf("%s %s:\ngot  %v\nwant %s", args, environ, err, wantErr)
		}
		return
	}
	if err != nil || len(warnings) > 0 {
		t.Errorf("%s %s: error %v, warnings %q", args, environ, err, warnings)
	} else if !reflect.DeepEqual(got, want) {
		t.Errorf("%s %s:\ngot  %+v\nwant %+v", args, environ, got, want)
	}
}
