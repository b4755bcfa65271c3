package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// ServeAuto as [Load.Serve] starts as many servers as the open-file limit asks for.
const ServeAuto = -1

const day = 24 * time.Hour

// Load is the settings of one load run, each already checked against its bounds and against the others. It is a plain
// value: whoever has one owns it, its slices included. The defaults, bounds and meanings stand in the tables below; here
// is what the Go values mean.
type Load struct {
	Config       string        // the file that was read; empty: none
	URLs         []string      // ws://HOST:PORT or wss://HOST:PORT, of one scheme, the port always there; empty where Serve is not 0
	Serve        int           // servers to start first and stop after; 0: none, or ServeAuto
	CA           string        // PEM file of the authority to trust for wss; empty: the system's
	Insecure     bool          // whether any certificate is accepted
	JWTKey       string        // file of the key that signs a token for each user; empty: they show none
	JWTAudience  string        // that the tokens are for; empty: none is named
	JWTIssuer    string        // that the tokens are of; empty: none is named
	Users        int           // simulated users, at least 1
	Ramp         time.Duration // time over which the connects are spread; 0: as fast as it goes
	Source       []netip.Addr  // local addresses to connect from; empty: chosen by the tester
	Processes    int           // load processes on this machine; 0: as the open-file limit and the processors ask
	Workers      []string      // HOST:PORT of load workers on other machines
	Key          string        // the secret that they ask for; never empty where one of Workers is not on loopback
	Scenario     string        // idle, broadcast, direct, chat, churn, storm or slow
	Dialect      string        // v2 or tutorial
	Rate         float64       // messages a second in all; 0: none
	Size         int           // bytes of a message's text; never 0
	Talkers      int           // users who broadcast; at least 1, at most Users
	WarmUp       time.Duration // sending before what is measured
	Duration     time.Duration // what is measured; never 0
	Late         time.Duration // a delivery that took longer counts as late; never 0
	SLO          []string      // service levels as they were given, without space around them; not parsed
	FindCapacity bool          // whether to raise the rate, from Rate on, until a level is missed
	Step         time.Duration // length of one rate of FindCapacity; never 0
	Report       string        // file of the HTML report; empty: none
	JSON         string        // file of the results as JSON; empty: none, "-": standard output
	Quiet        bool          // whether to leave the live view out
	Pid          []int         // servers on this machine to watch
	Admin        []string      // http://HOST:PORT of private listeners to watch, the port always there
}

// Addrs returns the HOST:PORT of each of URLs, in a new slice, and whether they are spoken to over TLS (wss).
func (l *Load) Addrs() (addrs []string, secure bool) {
	for _, u := range l.URLs {
		scheme, addr, _ := strings.Cut(u, "://")
		addrs, secure = append(addrs, addr), scheme == "wss"
	}
	return addrs, secure
}

func (l *Load) about() about {
	return about{
		name:  "load",
		does:  loadDoes,
		more:  loadMore,
		apart: []string{"config", "rate", "admin", "jwt-key", "jwt-audience", "jwt-issuer"},
	}
}

// groups is the table of settings. The texts are what the help and the default file print.
func (l *Load) groups() []group {
	return []group{l.server(), l.users(), l.talk(), l.verdict(), l.output()}
}

func (l *Load) server() group {
	return group{"The server", []setting{
		{"url", "ws://127.0.0.1:8888", endpoints(&l.URLs, "ws", "wss"),
			"server(s) to load, may be given several times; the users are spread over them, and each is a chat of its own"},
		{"serve", "0", countOrAuto(&l.Serve, ServeAuto, "servers", 1000, "0 = none"),
			"servers to start on loopback first and stop after, in place of --url; auto = as the open-file limit asks; 0 = none"},
		{"ca", "", path(&l.CA, "file", optional),
			"PEM file of the authority that signed the certificate of a wss server; empty = the system's"},
		{"insecure", "false", truth(&l.Insecure),
			"accept any certificate of a wss server"},
		{"jwt-key", "", path(&l.JWTKey, "file", optional),
			"key that signs a token for each user of a server with --auth jwt, as \"throng token\" does; empty = they show none"},
		{"jwt-audience", "", word(&l.JWTAudience),
			"aud of the tokens; empty = none"},
		{"jwt-issuer", "", word(&l.JWTIssuer),
			"iss of the tokens; empty = none"},
		{"pid", "", processes(&l.Pid),
			"process of a server on this machine whose processor time and memory to watch, may be given several times"},
		{"admin", "", endpoints(&l.Admin, "http"),
			"private listener of a server whose /metrics to watch, may be given several times"},
	}}
}

func (l *Load) users() group {
	return group{"The users", []setting{
		{"users", "1000", count(&l.Users, "users", 10_000_000, ""),
			"simulated users, each a connection; spread over processes when the open-file limit is lower"},
		{"ramp", "10s", duration(&l.Ramp, 0, day),
			"time over which they connect; 0 = as fast as it goes"},
		{"source", "", sources(&l.Source),
			"local address to connect from, may be given several times; empty = many of 127.0.0.x, or the system's choice"},
		{"processes", "0", count(&l.Processes, "processes", 1000, "0 = as the open-file limit and the processors ask"),
			"load processes on this machine; 0 = as the open-file limit and the processors ask"},
		{"workers", "", peers(&l.Workers),
			"\"throng load worker\" on another machine that takes a share of the users, may be given several times"},
		{"key", "", key(&l.Key, 1),
			"secret of the workers, needed unless all are on loopback; best in THRONG_KEY, since all users of a machine see its flags"},
	}}
}

func (l *Load) talk() group {
	return group{"What they do", []setting{
		{"scenario", "chat", choice(&l.Scenario, "idle", "broadcast", "direct", "chat", "churn", "storm", "slow"),
			"who talks to whom; the foot of the help tells of each"},
		{"dialect", "v2", choice(&l.Dialect, "v2", "tutorial"),
			"what they speak; tutorial has no acknowledgements"},
		{"rate", "100/s", rate(&l.Rate, "messages", 10_000_000, "0 = none"),
			"messages a second of all users together, sent on time whatever the server does; 0 = none"},
		{"size", "200B", size(&l.Size, 1, gib),
			"bytes of a message's text; widened to what the accounting needs"},
		{"talkers", "64", count(&l.Talkers, "users", 10_000_000, ""),
			"users who speak to everyone; at most all"},
		{"warm-up", "2s", duration(&l.WarmUp, 0, day),
			"time of sending before the latencies count; what is sent then is accounted for like the rest"},
		{"duration", "30s", duration(&l.Duration, 100*time.Millisecond, 30*day),
			"time of sending whose latencies count"},
	}}
}

func (l *Load) verdict() group {
	return group{"The verdict", []setting{
		{"slo", "", levels(&l.SLO),
			"service level to hold, such as lost==0 or broadcast.p99<500ms, may be given several times; exit code 3 when missed"},
		{"late", "5s", duration(&l.Late, time.Millisecond, time.Hour),
			"a delivery that took longer counts as late"},
		{"find-capacity", "false", truth(&l.FindCapacity),
			"raise the rate step by step, from --rate on, until a service level is missed, and name the highest that held"},
		{"step", "10s", duration(&l.Step, time.Second, day),
			"length of one step of --find-capacity"},
	}}
}

func (l *Load) output() group {
	return group{"The output", []setting{
		{"report", "", path(&l.Report, "file", optional),
			"HTML report with plots, in one file that needs no other; empty = none"},
		{"json", "", path(&l.JSON, "file", optional),
			"results for machines, and for \"throng load compare\"; \"-\" = standard output, empty = none"},
		{"quiet", "false", truth(&l.Quiet),
			"no live view while it runs"},
		{"config", "", path(&l.Config, "file", optional),
			"file of settings, such as \"throng config default load\" prints; empty = none"},
	}}
}

// settle checks what no setting can know alone.
func (l *Load) settle(t *table) error {
	l.Talkers = min(l.Talkers, l.Users)
	for _, check := range []func(*table) error{l.settleServer, l.settleTokens, l.settleUsers, l.settleWorkers, l.settleOutput} {
		if err := check(t); err != nil {
			return err
		}
	}
	return nil
}

func (l *Load) settleServer(t *table) error {
	at := t.used["url"]
	switch {
	case l.Serve != 0 && at.bySomebody() && at.text != "":
		return t.used["serve"].refuse("0, since " + at.String() + " names the server")
	case l.Serve != 0:
		l.URLs = nil
	case len(l.URLs) == 0:
		return at.refuse(at.want + ", since --serve is 0")
	case slices.ContainsFunc(l.URLs, func(u string) bool { return isSecure(u) != isSecure(l.URLs[0]) }):
		return at.refuse("all of them ws, or all wss")
	case l.Insecure && l.CA != "":
		return t.used["insecure"].refuse("false, since --ca says which certificates to accept")
	}
	return nil
}

func (l *Load) settleTokens(t *table) error {
	switch {
	case l.Serve != 0 && l.JWTKey != "":
		return t.used["jwt-key"].refuse("nothing, since servers of --serve ask for no tokens")
	case l.JWTKey == "" && l.JWTAudience != "":
		return t.used["jwt-audience"].refuse("nothing, unless --jwt-key says what signs")
	case l.JWTKey == "" && l.JWTIssuer != "":
		return t.used["jwt-issuer"].refuse("nothing, unless --jwt-key says what signs")
	}
	return nil
}

func isSecure(u string) bool { return strings.HasPrefix(u, "wss:") }

// settleUsers sees to it that there are enough of them, and that they say something where that is needed.
func (l *Load) settleUsers(t *table) error {
	least, chats := 1, max(1, l.Serve, len(l.URLs))
	if l.Scenario == "direct" || l.Scenario == "chat" || l.Scenario == "churn" || l.Scenario == "storm" {
		least = 2
	}
	switch {
	case l.Users < least*chats:
		return t.used["users"].refuse(fmt.Sprintf("at least %d, since scenario %s needs %d for each server", least*chats, l.Scenario, least))
	case l.FindCapacity && l.Scenario == "idle":
		return t.used["find-capacity"].refuse("false, since nothing is sent in scenario idle")
	case l.FindCapacity && l.Rate == 0:
		return t.used["rate"].refuse("more than 0, since --find-capacity starts from it")
	}
	return nil
}

func (l *Load) settleWorkers(t *table) error {
	remote := slices.IndexFunc(l.Workers, isRemote)
	switch {
	case remote < 0:
		return nil
	case l.Key == "":
		return t.used["workers"].refuse("--key as well, since " + l.Workers[remote] + " is another machine")
	case l.Serve != 0:
		return t.used["serve"].refuse("0, since " + l.Workers[remote] + " cannot reach servers on loopback")
	}
	return nil
}

func isRemote(address string) bool { return !isLoopback(address) }

func (l *Load) settleOutput(t *table) error {
	switch {
	case l.Report == "-":
		return t.used["report"].refuse("a file, since only --json can go to standard output")
	case l.Report != "" && l.Report == l.JSON:
		return t.used["json"].refuse("another file than --report")
	}
	return nil
}

func (l *Load) doubts(t *table) (doubts []string) {
	addrs, secure := l.Addrs()
	const idle = "%v has no use: no server is spoken to over wss"
	if l.CA != "" && !secure {
		doubts = append(doubts, fmt.Sprintf(idle, t.used["ca"]))
	}
	if l.Insecure && !secure {
		doubts = append(doubts, fmt.Sprintf(idle, t.used["insecure"]))
	}
	if slices.ContainsFunc(l.Workers, isRemote) && slices.ContainsFunc(addrs, isLoopback) {
		doubts = append(doubts, fmt.Sprintf("%v is on loopback: each machine of --workers would load itself", t.used["url"]))
	}
	return doubts
}
