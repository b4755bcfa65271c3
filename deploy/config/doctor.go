package config

import "time"

// Doctor is the settings of one look at a machine. It is a plain value.
type Doctor struct {
	URL   string        // ws://HOST:PORT or wss://HOST:PORT to try, the port always there; empty: none
	Conns int           // connections that the machine should hold; 0: as many as it can
	Data  string        // folder of the log; "mem": none
	Idle  time.Duration // how long an idle connection through URL has to live; 0: not tried
}

func (d *Doctor) about() about {
	return about{
		name: "doctor",
		does: `doctor [--setting value]...

Looks at what a server or a load run will meet on this machine, open-file limit, connection backlog, port range, memory
a socket, clock and data folder, and on the way to a server, and prints what to change and how. It changes nothing
itself. The environment works as well (THRONG_CONNS for --conns), and flags win over it.
`,
		more: `Examples:
  throng doctor --conns 100000                               will this machine hold so many?
  throng doctor --url wss://chat.example.org --idle 2m       does the proxy let WebSockets through, and leave them alone?

Exit codes: 0 done, 1 failed, 2 usage or config.
`,
	}
}

func (d *Doctor) groups() []group {
	return []group{{"", []setting{
		{"url", "", endpointOrEmpty(&d.URL, "ws", "wss"),
			"server to reach through whatever stands before it; empty = this machine alone"},
		{"conns", "0", count(&d.Conns, "connections", 10_000_000, "0 = as many as it can"),
			"connections that this machine should hold; 0 = as many as it can"},
		{"data", "throng-data", path(&d.Data, "folder or mem", required),
			"folder of the log, as \"throng serve\" is given it"},
		{"idle", "0s", duration(&d.Idle, 0, time.Hour),
			"how long a connection through --url has to live without a word; 0s = not tried"},
	}}}
}

func (d *Doctor) settle(t *table) error {
	if d.Idle > 0 && d.URL == "" {
		return t.used["idle"].refuse("0s, since no --url says where to wait")
	}
	return nil
}

func (d *Doctor) doubts(*table) []string { return nil }
