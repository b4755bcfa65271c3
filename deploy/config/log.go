package config

import "strings"

// LogMove is the settings of one move of a log. It is a plain value.
type LogMove struct {
	From string // where the log is: a folder, or URLs of NATS as in Serve.Nats
	To   string // where it is to be
}

func (m *LogMove) about() about {
	return about{
		name: "log move",
		does: `log move --from DIR or nats://HOST:PORT,... --to DIR or nats://HOST:PORT,...

Copies the log of a chat to a place that has none: from the folder that one server has (its --data) to NATS, for many
nodes, or back, or to another of the same kind. Every message keeps its order and its id, every claim its secret, and what
was received and read stays so. Numbers of messages become others and with them the epoch: clients find back by
themselves. The source is not changed; stop what uses it first. A move that was stopped, however, is finished by
running it again, and no server starts on the target before.
`,
		more: `Examples:
  throng log move --from throng-data --to nats://10.0.0.5:4222,nats://10.0.0.6:4222
  throng log move --from nats://127.0.0.1:4222 --to throng-data

Exit codes: 0 moved, now or earlier, 1 failed, 2 usage or config.
`,
	}
}

func (m *LogMove) groups() []group {
	return []group{{"", []setting{
		{"from", "throng-data", logPlace(&m.From), "where the log is: the folder of a server, or NATS"},
		{"to", "", logPlaceOrEmpty(&m.To), "where it is to be: a new folder, or NATS; there is no default"},
	}}}
}

func (m *LogMove) settle(t *table) error {
	switch m.To {
	case "":
		return t.used["to"].refuse("where to move the log")
	case m.From:
		return t.used["to"].refuse("another place than --from")
	}
	return nil
}

func (m *LogMove) doubts(*table) []string { return nil }

// LogHost is the settings of a node's NATS server that is run without the node: those of the node.
type LogHost struct{ Serve }

func (h *LogHost) about() about {
	return about{
		name: "log host",
		does: `log host --nats embedded --nats-listen HOST:PORT [--setting value]...

Runs the NATS server that a node carries inside, on the node's files, without the node: so that its log can be moved
while nobody chats. It takes the settings of the node, "throng serve", by the same flags, environment and file; give it
--nats-listen if the node has none. Where a quorum is wanted, run it on each of the machines. It runs until it is stopped.
`,
		more: `Example, the log of one server goes to a node of a cluster, which is started on it afterwards:
  throng log host --nats embedded --nats-listen 127.0.0.1:4222 --data node1     stop it with Ctrl-C after the move
  throng log move --from throng-data --to nats://127.0.0.1:4222                 in another terminal

Exit codes: 0 stopped, 1 failed, 2 usage or config.
`,
	}
}

func (h *LogHost) settle(t *table) error {
	switch {
	case h.Nats != "embedded":
		return t.used["nats"].refuse("embedded, whose server is the one to run")
	case h.Data == "mem":
		return t.used["data"].refuse("the folder of a node")
	case h.NatsListen == "":
		return t.used["nats-listen"].refuse("HOST:PORT, where the server is to be reached")
	}
	return h.Serve.settle(t)
}

// IsNATS tells whether a place of a log is URLs of NATS, and not a folder.
func IsNATS(place string) bool { return strings.Contains(place, "://") }

// logPlace is for where a log is. A URL may have a password.
func logPlace(to *string) kind {
	const unit = "folder or nats://HOST:PORT"
	folder, servers := path(to, "folder", required), natsURL(to)
	return kind{unit: unit, want: "a folder other than mem, or nats://HOST:PORT,...", secret: func(text string) bool {
		return IsNATS(text) && servers.secret(text)
	}, set: func(text string) bool {
		switch {
		case IsNATS(text):
			return servers.set(text)
		case text == "mem", text == "embedded":
			return false
		}
		return folder.set(text)
	}}
}

func logPlaceOrEmpty(to *string) kind {
	k := logPlace(to)
	set := k.set
	k.set = func(text string) bool {
		if text == "" {
			*to = ""
		}
		return text == "" || set(text)
	}
	return k
}
