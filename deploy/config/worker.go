package config

// Worker is the settings of one load worker. It is a plain value.
type Worker struct {
	Listen string // HOST:PORT to wait for the coordinator on, port 0: any free one; empty: standard input and output
	Key    string // the secret that the coordinator has to know; never empty where Listen is not on loopback
}

func (w *Worker) about() about {
	return about{
		name: "load worker",
		does: `load worker [--setting value]...

Waits for a "throng load" on another machine and simulates a share of its users. The first line on standard error says
where it listens. The environment works as well (THRONG_KEY for --key), and flags win over it. It is the better place
for a secret, since all users of a machine see its flags.
`,
		more: `Example, on this machine and on the one that reports:
  THRONG_KEY=... throng load worker --listen :9000
  THRONG_KEY=... throng load --workers 192.0.2.7:9000 --url ws://192.0.2.1:8888

Exit codes: 0 done, 1 failed, 2 usage or config.
`,
	}
}

func (w *Worker) groups() []group {
	return []group{{"", []setting{
		{"listen", "127.0.0.1:0", addressOrEmpty(&w.Listen),
			"where to wait for \"throng load --workers\"; port 0 picks a free one; empty = standard input and output"},
		{"key", "", key(&w.Key, 1),
			"secret that \"throng load --key\" has to know; needed unless --listen is on loopback; empty = none"},
	}}}
}

func (w *Worker) settle(t *table) error {
	if w.Listen != "" && !isLoopback(w.Listen) && w.Key == "" {
		return t.used["listen"].refuse("--key as well, since other machines can reach this address")
	}
	return nil
}

func (w *Worker) doubts(*table) []string { return nil }
