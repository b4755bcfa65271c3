package config

// Health is the settings of one look at a running server. It is a plain value.
type Health struct {
	Admin string // private listener of the server, host:port; empty: it has none
}

func (h *Health) about() about {
	return about{
		name: "health",
		does: `health [--setting value]...

Asks the private listener of the server on this machine whether it is ready (/readyz), and prints what it says. It is for
containers and scripts. The environment works as well (THRONG_ADMIN for --admin), and flags win over it.
`,
		more: `Exit codes: 0 ready, 1 not ready or not there, 2 usage or config.
`,
	}
}

func (h *Health) groups() []group {
	return []group{{"", []setting{
		{"admin", "127.0.0.1:8889", addressOrOff(&h.Admin),
			"private listener of the server, as \"throng serve\" is given it; without a host: on this machine"},
	}}}
}

func (h *Health) settle(t *table) error {
	if h.Admin == "" {
		return t.used["admin"].refuse("where the server has its private listener")
	}
	return nil
}

func (h *Health) doubts(*table) []string { return nil }
