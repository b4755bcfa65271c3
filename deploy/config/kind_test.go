package config

import (
	"reflect"
	"strings"
	"testing"
)

// texts are values at the edge of what a setting takes, and just beyond.
type texts struct{ good, bad []string }

// TestBounds tries them for each setting of each command.
func TestBounds(t *testing.T) {
	for name, of := range map[string]map[string]texts{
		"serve": serveTexts, "load": loadTexts, "load worker": workerTexts, "doctor": doctorTexts, "token": tokenTexts,
		"log move": logMoveTexts, "log host": serveTexts,
	} {
		c, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		table := newTable(c)
		for _, row := range table.rows {
			tt, ok := of[row.name]
			if !ok {
				t.Errorf("%s: --%s has no row here", name, row.name)
			}
			for _, text := range tt.good {
				if !row.set(text) {
					t.Errorf("%s: --%s refuses %q", name, row.name, text)
				}
			}
			for _, text := range tt.bad {
				if row.set(text) {
					t.Errorf("%s: --%s takes %q", name, row.name, text)
				}
			}
		}
	}
}

var serveTexts = map[string]texts{
	"config":           {[]string{"", "a.toml"}, []string{"a\x00b", "\xff"}},
	"addr":             {[]string{":0", ":65535", "localhost:1", "0.0.0.0:80", "[::1]:80", "[fe80::1%eth0]:1"}, []string{"", "8888", ":", ":65536", ":-1", ":http", "::1:80", "[x:y]:1", "http://h:1", "a b:1", "h/x:1"}},
	"admin":            {[]string{"off", ":0"}, []string{"", "on", "Off"}},
	"data":             {[]string{"mem", "/srv/throng data"}, []string{"", "a\tb"}},
	"durability":       {[]string{"fsync", "os"}, []string{"", "mem", "FSYNC"}},
	"keep-count":       {[]string{"0", "1000000000"}, []string{"", "-1", "1000000001"}},
	"keep-age":         {[]string{"0", "1h", "876000h"}, []string{"", "-1s", "30d", "876001h"}},
	"keep-bytes":       {[]string{"0", "1B", "1024GiB"}, []string{"", "-1", "1025GiB"}},
	"nats":             {[]string{"", "embedded", "nats://a", "nats://u:p@a:4222,tls://[::1]:4222"}, []string{"Embedded", "a:4222", "http://a", "nats://", "nats://a/b", "nats://a,", "nats://a?b"}},
	"nats-listen":      {[]string{"", ":0", "127.0.0.1:4222"}, []string{"4222", "nats://a:1"}},
	"nats-cluster":     {[]string{"", ":0", "127.0.0.1:6222"}, []string{"6222", "nats://a:1"}},
	"nats-routes":      {[]string{"", "a:1,b:2"}, []string{"a", ":1", "a:0", "nats://a:1"}},
	"nats-secret":      {[]string{"", "a b:c/d"}, []string{"\n", strings.Repeat("x", 257)}},
	"nats-sync":        {[]string{"0", "1s", "1h"}, []string{"", "-1s", "2h", "always"}},
	"tls-cert":         {[]string{"", "/etc/throng/cert.pem"}, []string{"a\x00b"}},
	"tls-key":          {[]string{"", "key.pem"}, []string{"a\nb"}},
	"acme-domain":      {[]string{"", "chat.example.com", "A.test,127.0.0.1"}, []string{"a/b", "https://a", "a:1", ".test", "a,", "*.test"}},
	"acme-email":       {[]string{"", "a@b.test"}, []string{"a\n"}},
	"acme-ca":          {[]string{"", "https://ca.test/dir", "https://[::1]:14000/dir"}, []string{"http://ca.test/dir", "ca.test", "https://", "https://u:p@ca.test/"}},
	"acme-ca-root":     {[]string{"", "root.pem"}, []string{"\x7f"}},
	"acme-dir":         {[]string{"", "/srv/acme"}, []string{"\t"}},
	"acme-http":        {[]string{"", ":80"}, []string{"80", "http://:80"}},
	"max-rooms":        {[]string{"1", "100000"}, []string{"", "0", "-1", "100001"}},
	"max-message":      {[]string{"1", "1B", "17MiB", "1GiB"}, []string{"", "0", "-1", "1.5MiB", "1073741825", "2GiB", "64K", "64kib", "64 KiB"}},
	"echo-max":         {[]string{"", "0", "0B", "17MiB"}, []string{"off", "-1", "1025MiB"}},
	"max-conns":        {[]string{"0", "10000000"}, []string{"", "-1", "10000001", "1e3", "all"}},
	"max-conns-per-ip": {[]string{"0", "10000000"}, []string{"", "-1", "10000001"}},
	"queue":            {[]string{"1KiB", "1GiB"}, []string{"", "0", "1023", "1025MiB"}},
	"ping":             {[]string{"10ms", "1h"}, []string{"", "0", "9ms", "61m", "-25s", "25"}},
	"origin":           {[]string{"", "*", "https://a", "http://a:1,*", "http://1.2.3.4", "http://[::1]:8080"}, []string{"a", "https://", "https://:1", "https://a/", "https://a?", "https://a#", "https://u@a", "https://a:", "https://a:65536", "https://*.a", "https://a,", "null", "//a", "https:a", "http://[::1", "http://a b", "http://a\nb"}},
	"api-key":          {[]string{"", "a b:c/d 01234567"}, []string{"\n", "x", "0123456789abcde", strings.Repeat("x", 257)}},
	"api-keys":         {[]string{"", "keys.toml"}, []string{"a\nb"}},
	"webhook-url":      {[]string{"", "http://a", "https://u:p@a:1/b?c"}, []string{"a", "ws://a", "http://", "https://a/#b", "http://a/\n"}},
	"webhook-secret":   {[]string{"", "0123456789abcdef", "whsec_MDEyMzQ1Njc4OWFiY2RlZg==, 0123456789abcdef"}, []string{"a", "whsec_MDEy", "whsec_0123456789abcdef!", "0123456789abcdef,"}},
	"webhook-events":   {[]string{"", "message", "message,connect,disconnect,moderation"}, []string{"all", "message,"}},
	"webhook-keep":     {[]string{"1m", "24h"}, []string{"", "0", "59s"}},
	"webhook-timeout":  {[]string{"100ms", "10m"}, []string{"", "0", "11m"}},
	"compress":         {[]string{"off", "on"}, []string{"", "true", "1"}},
	"rate":             {[]string{"0", "0.5", "1e6"}, []string{"", "-1", "NaN", "Inf", "1000001", "20/s"}},
	"burst":            {[]string{"1", "1000000"}, []string{"", "-1", "1000001", "1.5"}},
	"drain":            {[]string{"0", "1h"}, []string{"", "-1s", "2h"}},
	"dev":              {[]string{"", "web"}, []string{"a\nb"}},
	"log-level":        {[]string{"debug", "info", "warn", "error", "INFO"}, []string{"", "warning", "info+1"}},
	"log-format":       {[]string{"text", "json"}, []string{"", "xml"}},

	"auth":               {[]string{"none", "jwt"}, []string{"", "JWT", "basic"}},
	"jwt-key":            {[]string{"", "key.pem"}, []string{"a\nb"}},
	"jwks":               {[]string{"", "https://a/keys", "http://localhost:1/", "http://127.0.0.1/", "http://[::1]:80/"}, []string{"a", "http://a/", "https://", "ftp://a/", "file:///a", "http://127.0.0.1.a/"}},
	"jwt-audience":       {[]string{"", "chat"}, []string{"a\nb", strings.Repeat("x", 257)}},
	"jwt-issuer":         {[]string{"", "https://a"}, []string{"a\nb"}},
	"auth-cookie":        {[]string{"", "__Host-token"}, []string{"a b", "a=b", "a;"}},
	"max-conns-per-nick": {[]string{"1", "1000"}, []string{"", "0", "-1", "1001"}},
}

var loadTexts = map[string]texts{
	"config":        {[]string{"", "a.toml"}, []string{"a\x00b"}},
	"url":           {[]string{"", "ws://a", "WSS://A:1/", "ws://[::1]:8888,ws://1.2.3.4"}, []string{"a", "a:1", "http://a", "ws://a/x", "ws://a?", "ws://a#", "ws://u@a", "ws://a:", "ws://a:0", "ws://a:65536", "ws://", "ws://:1", "ws:/a", "ws://a,", "ws://a b", "ws://a//"}},
	"serve":         {[]string{"0", "1000", "auto"}, []string{"", "-1", "1001", "Auto", "all"}},
	"ca":            {[]string{"", "ca.pem"}, []string{"a\nb"}},
	"insecure":      {[]string{"true", "false"}, []string{"", "yes", "1", "on", "True"}},
	"jwt-key":       {[]string{"", "key.pem"}, []string{"a\nb"}},
	"jwt-audience":  {[]string{"", "chat"}, []string{"a\nb", strings.Repeat("x", 257)}},
	"jwt-issuer":    {[]string{"", "https://a"}, []string{"a\nb"}},
	"pid":           {[]string{"", "1", "2147483647,2"}, []string{"0", "-1", "2147483648", "a", "1,", "1.5"}},
	"admin":         {[]string{"", "http://a", "http://[::1]:1,http://b/"}, []string{"ws://a", "https://a", "http://a/metrics", "a:1", "off", "http://a:0"}},
	"users":         {[]string{"1", "10000000"}, []string{"", "0", "-1", "10000001", "1e3", "1.5"}},
	"ramp":          {[]string{"0", "24h"}, []string{"", "-1s", "25h", "10"}},
	"source":        {[]string{"", "127.0.0.2, 127.0.0.3", "fe80::1%eth0", "::1"}, []string{"a", "127.0.0.2:1", "0.0.0.0", "::", "224.0.0.1", "10.0.0.0/8", "127.0.0.2,"}},
	"processes":     {[]string{"0", "1000"}, []string{"", "-1", "1001", "auto"}},
	"workers":       {[]string{"", "a:1", "[::1]:65535,1.2.3.4:9"}, []string{"a", ":1", "a:0", "a:65536", "a:", "ws://a:1", "a:1,", "a:http"}},
	"key":           {[]string{"", "a b,c", strings.Repeat("x", 256)}, []string{"a\nb", "\xff", strings.Repeat("x", 257)}},
	"scenario":      {[]string{"idle", "broadcast", "direct", "chat", "churn", "storm", "slow"}, []string{"", "Chat", "burst"}},
	"dialect":       {[]string{"v2", "tutorial"}, []string{"", "v1"}},
	"rate":          {[]string{"0", "100", "100/s", "0.5/m", "600000000/m", "36000000000/h"}, []string{"", "/s", "-1", "100/", "100/d", "100 /s", "100/s/s", "NaN", "Inf/h", "10000001", "600000001/m"}},
	"size":          {[]string{"1", "200B", "1KiB", "1GiB"}, []string{"", "0", "200b", "1KB", "2GiB"}},
	"talkers":       {[]string{"1", "10000000"}, []string{"", "0", "10000001"}},
	"warm-up":       {[]string{"0", "24h"}, []string{"", "-1s", "25h"}},
	"duration":      {[]string{"100ms", "720h"}, []string{"", "0", "99ms", "721h", "30"}},
	"slo":           {[]string{"", "lost==0", "lost==0, direct.p99<50ms", "ü"}, []string{"lost==0,", ",", " ", "a\nb", "\xff"}},
	"late":          {[]string{"1ms", "1h"}, []string{"", "0", "2h"}},
	"find-capacity": {[]string{"true", "false"}, []string{"", "yes"}},
	"step":          {[]string{"1s", "24h"}, []string{"", "0", "999ms", "25h"}},
	"report":        {[]string{"", "a.html"}, []string{"a\nb"}},
	"json":          {[]string{"", "-", "a.json"}, []string{"a\nb"}},
	"quiet":         {[]string{"true", "false"}, []string{"", "quiet"}},
}

var workerTexts = map[string]texts{
	"listen": {[]string{"", ":0", "[::1]:9"}, []string{"off", "9", "a:b:1"}},
	"key":    {[]string{"", "x"}, []string{"a\nb"}},
}

var doctorTexts = map[string]texts{
	"url":   {[]string{"", "ws://a", "wss://b:1/"}, []string{"ws://a,ws://b", "a", "http://a", "ws://a/x"}},
	"conns": {[]string{"0", "10000000"}, []string{"", "-1", "10000001"}},
	"data":  {[]string{"mem", "a"}, []string{"", "a\nb"}},
	"idle":  {[]string{"0", "0s", "1h"}, []string{"", "-1s", "2h"}},

	"config":      {[]string{"", "a.toml"}, []string{"a\x00b"}},
	"tls-cert":    {[]string{"", "a.pem"}, []string{"a\nb"}},
	"tls-key":     {[]string{"", "a.pem"}, []string{"a\nb"}},
	"acme-domain": {[]string{"", "a", "a.b,C.d"}, []string{"a b", ".a"}},
	"jwt-key":     {[]string{"", "a.pem"}, []string{"a\nb"}},
	"api-keys":    {[]string{"", "a.toml"}, []string{"a\nb"}},
	"max-memory":  {[]string{"0", "64MiB", "1GiB"}, []string{"", "-1", "63MiB", "2TiB"}},
}

var tokenTexts = map[string]texts{
	"jwt-key":      {[]string{"", "key.pem"}, []string{"a\nb"}},
	"sub":          {[]string{"", "Zoë 🦊"}, []string{"a\n", strings.Repeat("x", 257)}},
	"ttl":          {[]string{"1s", "1h", "8760h"}, []string{"", "0", "-1s", "8761h"}},
	"moderator":    {[]string{"true", "false"}, []string{"", "yes"}},
	"join":         {[]string{"", "go", "go,team-*"}, []string{"a,", "a\nb", strings.Repeat("x", 257)}},
	"write":        {[]string{"", "go", "*"}, []string{",", "a\nb"}},
	"jwt-audience": {[]string{"", "chat"}, []string{"a\nb"}},
	"jwt-issuer":   {[]string{"", "https://house.test"}, []string{"a\nb"}},
}

var logMoveTexts = map[string]texts{
	"from": {[]string{"a", "nats://a", "nats://a:1,tls://u:p@b:2"}, []string{"", "mem", "embedded", "a\nb", "http://a", "nats://"}},
	"to":   {[]string{"", "a", "nats://a:4222"}, []string{"mem", "embedded", "a\nb", "nats://a/x", "nats://a,b"}},
}

// TestRefusedChangesNothing tells that a refused text leaves the value before it in place.
func TestRefusedChangesNothing(t *testing.T) {
	for name, texts := range map[string]map[string]string{
		"serve":  {"origin": "*"},
		"load":   {"source": "::1", "pid": "7", "rate": "60/m"},
		"doctor": {"url": "ws://a"},
	} {
		got, _ := Named(name)
		want, _ := Named(name)
		table, model := newTable(got), newTable(want)
		for row, text := range texts {
			if !table.byName[row].set(text) || !model.byName[row].set(text) {
				t.Fatalf("%s: --%s refuses %q", name, row, text)
			}
		}
		for _, row := range table.rows {
			if row.set("*,\x00") {
				t.Errorf("%s: --%s takes a NUL", name, row.name)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
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

// FuzzFlag gives any text to any flag of any command: it is taken, or refused in one line that names the flag, or the
// default that does not go with it.
func FuzzFlag(f *testing.F) {
	for i, c := range commands() {
		for j, row := range newTable(c).rows {
			f.Add(uint(i), uint(j), row.def)
		}
	}
	f.Add(uint(0), uint(11), "https://[::1]:80,*")
	f.Add(uint(0), uint(1), "[fe80::1%\n]:1")
	f.Add(uint(1), uint(0), "wss://[::1]:80,ws://%41")
	f.Fuzz(func(t *testing.T, i, j uint, text string) {
		c := commands()[i%uint(len(commands()))]
		rows := newTable(c).rows
		row := rows[j%uint(len(rows))]
		if row.name == "config" {
			return // it would open the file
		}
		_, err := Parse(c, []string{row.flag() + "=" + text}, nil)
		if err == nil {
			return
		}
		if line := err.Error(); !strings.Contains(line, row.flag()) && !strings.Contains(line, "(default)") || !isLine(line) {
			t.Errorf("%s %q: error %q", row.flag(), text, line)
		}
	})
}

// isLine tells whether an error can be printed as one line of sensible length.
func isLine(text string) bool { return !strings.ContainsAny(text, "\r\n") && len(text) < 1000 }
