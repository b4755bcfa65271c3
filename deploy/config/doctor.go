package config

import "time"

// Doctor is the settings of one look at a machine. It is a plain value.
type Doctor struct {
	Config     string        // the server's file that was read; empty: none
	URL        string        // ws://HOST:PORT or wss://HOST:PORT to try, the port always there; empty: none
	Conns      int           // connections that the machine should hold; 0: as many as it can
	Data       string        // folder of the log; "mem": none
	Idle       time.Duration // how long an idle connection through URL has to live; 0: not tried
	TLSCert    string        // PEM file; empty: none
	TLSKey     string        // PEM file of its key; empty: none
	ACMEDomain []string      // names that the server gets certificates for
	JWTKey     string        // file of the keys of tokens; empty: none
	APIKeys    string        // file of the keys of the API; empty: none
	MaxMemory  int           // bytes; 0: what GOMEMLIMIT or the control group says
	Secrets    []string      // the settings of Config that hold a secret
}

// IsTLS tells whether the server is to encrypt its public listener itself.
func (d *Doctor) IsTLS() bool { return d.TLSCert != "" || len(d.ACMEDomain) > 0 }

func (d *Doctor) about() about {
	return about{
		name:  "doctor",
		reads: new(Serve),
		does: `doctor [--setting value]...

Looks at what a server or a load run will meet on this machine, open-file limit, connection backlog, port range, memory
a socket, clock and data folder, at the certificate and the files of secrets that the server is given, and on the way to a
server, and prints what to change and how. It changes nothing itself. --config takes the server's file, of which the settings
below are read. The environment works as well (THRONG_CONNS for --conns), and flags win over it.
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
		{"config", "", path(&d.Config, "file", optional),
			"file of settings, as \"throng serve\" is given it; empty = none"},
		{"url", "", endpointOrEmpty(&d.URL, "ws", "wss"),
			"server to reach through whatever stands before it; empty = this machine alone"},
		{"conns", "0", count(&d.Conns, "connections", 10_000_000, "0 = as many as it can"),
			"connections that this machine should hold; 0 = as many as it can"},
		{"data", "throng-data", path(&d.Data, "folder or mem", required),
			"folder of the log, as \"throng serve\" is given it"},
		{"idle", "0s", duration(&d.Idle, 0, time.Hour),
			"how long a connection through --url has to live without a word; 0s = not tried"},
		{"tls-cert", "", path(&d.TLSCert, "file", optional),
			"PEM file of the certificate and those that vouch for it, as \"throng serve\" is given it; empty = none"},
		{"tls-key", "", path(&d.TLSKey, "file", optional),
			"PEM file of the certificate's private key"},
		{"acme-domain", "", domains(&d.ACMEDomain),
			"domain that the server gets certificates for, may be given several times; each connection then costs the memory of TLS"},
		{"jwt-key", "", path(&d.JWTKey, "file", optional),
			"file of the keys of tokens; empty = none"},
		{"api-keys", "", path(&d.APIKeys, "file", optional),
			"file of the keys for /api/; empty = none"},
		{"max-memory", "0", sizeOrZero(&d.MaxMemory, leastMemory, 1024*gib),
			"memory of the server's process; 0 = GOMEMLIMIT, or nine tenths of the control group's limit"},
	}}}
}

func (d *Doctor) settle(t *table) error {
	if d.Idle > 0 && d.URL == "" {
		return t.used["idle"].refuse("0s, since no --url says where to wait")
	}
	switch {
	case d.TLSCert != "" && d.TLSKey == "":
		return t.used["tls-cert"].refuse("--tls-key as well")
	case d.TLSKey != "" && d.TLSCert == "":
		return t.used["tls-key"].refuse("--tls-cert as well")
	}
	d.Secrets = t.secrets
	return nil
}

func (d *Doctor) doubts(*table) []string { return nil }
