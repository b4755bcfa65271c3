package config

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Serve is the settings of one server, each already checked against its bounds. It is a plain value: whoever has
// one owns it, Origin included. The defaults, bounds and meanings stand in the table below; here is what the Go
// values mean.
type Serve struct {
	Config        string        // the file that was read; empty: none
	Addr          string        // public listener, host:port; port 0: any free one
	Admin         string        // private listener, host:port; empty: turned off
	Data          string        // folder of the log; "mem": memory alone
	Durability    string        // what an ack means: "fsync" or "os"
	KeepCount     int           // messages kept of each conversation; 0: no bound
	KeepAge       time.Duration // how long a message is kept; 0: no bound
	KeepBytes     int           // bytes kept of each conversation; 0: no bound
	Nats          string        // "embedded", or URLs of NATS servers, comma separated; empty: no cluster
	NatsListen    string        // embedded: listener for other nodes and tools, host:port; empty: none
	NatsCluster   string        // embedded: listener for the routes between nodes, host:port; empty: none
	NatsRoutes    []string      // embedded: where other nodes listen for routes, host:port
	NatsSecret    string        // password of the user throng on NATS; never empty where one of the listeners is not on loopback
	NatsSync      time.Duration // embedded: how often what is stored is synced; 0: before each ack
	MaxRooms      int           // rooms that one connection may have joined; never 0
	MaxMessage    int           // bytes, after decompression; never 0
	EchoMax       int           // bytes; 0: no echo socket. Equal to MaxMessage where nobody set it
	MaxConns      int           // sockets; 0: what the open-file limit allows, less a reserve
	MaxConnsPerIP int           // sockets from one address, of IPv6 from one /64; 0: no limit
	Queue         int           // bytes that may wait for one connection; never 0
	Ping          time.Duration // keep-alive interval; never 0
	Origin        []string      // as browsers write them, or "*" for any; empty: the page's own origin alone
	Compress      bool          // whether permessage-deflate is offered
	Rate          float64       // messages a second of one user; 0: no limit
	Burst         int           // messages; at least 1 unless Rate is 0
	APIKey        string        // of the API, good for all of it; empty: none
	APIKeys       string        // file of more keys, TOML; empty: none
	TLSCert       string        // PEM file; empty: no TLS, unless there is an ACMEDomain
	TLSKey        string        // PEM file of its key
	ACMEDomain    []string      // names to get certificates for
	ACMEEmail     string        // empty: none
	ACMECa        string        // URL; empty: Let's Encrypt
	ACMECaRoot    string        // PEM file; empty: the system's
	ACMEDir       string        // never empty where there is an ACMEDomain
	ACMEHttp      string        // listener, host:port; empty: none
	Drain         time.Duration // longest time that a stop waits for clients; 0: it does not wait
	Dev           string        // folder to serve the browser client from; empty: the built-in one
	LogLevel      slog.Level    // least level that is logged
	LogFormat     string        // "text" or "json"

	Limits
	Observe
	Access
	Webhook
}

// serveName is the one command whose name the environment variables leave out.
const serveName = "serve"

func (s *Serve) about() about {
	return about{
		name: serveName,
		does: `[serve] [--setting value]...

Runs the chat server. Each setting has three ways in, and the later wins: a key in the TOML file of --config, the
environment (THRONG_MAX_MESSAGE for --max-message), the flag. A value that cannot be used ends the program with
exit code 2.
`,
		more: `"throng config default" prints a file of these settings, "throng config check" tests one. "throng --version" prints the version.
`,
	}
}

// groups is the table of settings. The texts are what the help and the default file print.
func (s *Serve) groups() []group {
	return []group{{"", slices.Concat([]setting{
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
		{"keep-count", "0", count(&s.KeepCount, "messages", 1_000_000_000, "0 = no bound"),
			"messages kept of each conversation, the newest; 0 = no bound"},
		{"keep-age", "720h", duration(&s.KeepAge, 0, 100*365*day),
			"how long a message is kept; 0 = no bound"},
		{"keep-bytes", "256MiB", size(&s.KeepBytes, 0, 1024*gib),
			"bytes kept of each conversation, the newest messages; 0 = no bound; with --data mem 4MiB at most"},
	}, s.onNATS(), s.onTLS(), s.onAPI(), s.onAuth(), s.onWebhook(), s.onObserve(), []setting{
		{"max-message", "64KiB", size(&s.MaxMessage, 1, gib),
			"largest message after decompression; beyond: close 1009"},
		{"echo-max", "", sizeOrEmpty(&s.EchoMax, 0, gib),
			"largest message on /conn_ws; 0 turns the echo off; empty = as max-message"},
	}, s.onLimits(), []setting{
		{"queue", "1MiB", size(&s.Queue, kib, gib),
			"outbound bytes that may wait for one connection before the slow-reader policy acts"},
		{"ping", "25s", duration(&s.Ping, 10*time.Millisecond, time.Hour),
			"keep-alive interval; a connection silent for twice this is closed"},
		{"origin", "", origins(&s.Origin),
			"allowed Origin, may be given several times; \"*\" = any, empty = the page's own; without Origin (no browser): allowed"},
		{"compress", "off", offOn(&s.Compress),
			"permessage-deflate"},
		{"rate", "20", number(&s.Rate, "messages a second", 1_000_000, "0 = no limit"),
			"messages a second of one user, on all connections together; 0 = no limit; beyond: told to slow down, close 4029 when it goes on"},
		{"burst", "40", count(&s.Burst, "messages", 1_000_000, "0 only where rate is 0"),
			"messages that a user may send at once before rate holds it"},
		{"drain", "10s", duration(&s.Drain, 0, time.Hour),
			"longest time that a stop waits for clients; 0 = it does not wait"},
		{"dev", "", path(&s.Dev, "folder", optional),
			"folder to serve the browser client from, for work on it; empty = the built-in client"},
		{"log-level", "info", level(&s.LogLevel),
			"least level that is logged: debug, info, warn, error"},
		{"log-format", "text", choice(&s.LogFormat, "text", "json"),
			"form of the log on standard error; json for machines"},
	})}}
}

// onNATS is what makes a server one node of several.
func (s *Serve) onNATS() []setting {
	return []setting{
		{"nats", "", natsURL(&s.Nats),
			"cluster: \"embedded\" carries a NATS server inside, nats://HOST:PORT,... uses those; empty = alone, with its own log"},
		{"nats-listen", "", addressOrEmpty(&s.NatsListen),
			"embedded NATS: listener for other nodes and tools; empty = nobody but this node"},
		{"nats-cluster", "", addressOrEmpty(&s.NatsCluster),
			"embedded NATS: listener for routes from other nodes, which share the storing; empty = none"},
		{"nats-routes", "", peers(&s.NatsRoutes),
			"embedded NATS: where the other nodes listen for routes, comma separated; three nodes or more store with a quorum"},
		{"nats-secret", "", key(&s.NatsSecret, 1),
			"password of the user throng on NATS, the same for all nodes; needed unless the listeners of embedded NATS are on loopback; " +
				"best in THRONG_NATS_SECRET, since all users of a machine see its flags"},
		{"nats-sync", "1s", duration(&s.NatsSync, 0, time.Hour),
			"embedded NATS: how often what is stored is synced to the disk; 0 = before each ack"},
	}
}

func (s *Serve) settle(t *table) error {
	if s.EchoMax == asMaxMessage {
		s.EchoMax = s.MaxMessage
	}
	for name, isSet := range map[string]bool{
		"nats-listen": s.NatsListen != "", "nats-cluster": s.NatsCluster != "", "nats-routes": len(s.NatsRoutes) > 0,
	} {
		if isSet && s.Nats != "embedded" {
			return t.used[name].refuse("nothing, unless --nats is embedded")
		}
	}
	if s.NatsSecret != "" && s.Nats == "" {
		return t.used["nats-secret"].refuse("nothing, unless --nats is set")
	}
	for name, address := range map[string]string{"nats-listen": s.NatsListen, "nats-cluster": s.NatsCluster} {
		if address != "" && !isLoopback(address) && s.NatsSecret == "" {
			return t.used[name].refuse("--nats-secret as well, since other machines can reach this address")
		}
	}
	switch {
	case len(s.NatsRoutes) > 0 && s.NatsCluster == "":
		return t.used["nats-routes"].refuse("nothing, unless --nats-cluster is set")
	case len(s.NatsRoutes) == 0 && s.NatsCluster != "":
		return t.used["nats-cluster"].refuse("--nats-routes as well, where the other nodes are")
	case s.Nats == "embedded" && s.Data == "mem":
		return t.used["data"].refuse("a folder, since --nats is embedded")
	}
	if s.Rate > 0 && s.Burst == 0 {
		return t.used["burst"].refuse("at least 1 message, since --rate sets a limit")
	}
	return cmp.Or(s.settleTLS(t), s.settleLimits(t), s.settleAuth(t), s.settleWebhook(t))
}

func (s *Serve) doubts(t *table) []string {
	doubts := s.doubtWebhook(t)
	if s.Queue < s.MaxMessage {
		doubts = append(doubts, fmt.Sprintf("%v is less than %v: one large message can make a reader count as slow",
			t.used["queue"], t.used["max-message"]))
	}
	return doubts
}
