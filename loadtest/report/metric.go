package report

// unit is what a figure is counted in, and so how it is read and written.
type unit int

const (
	inNumbers unit = iota // as it is
	inParts               // a part of a whole, 0 to 1
	inRate                // a second
	inTime                // time
	inBytes               // memory
	inTruth               // 0 or 1
)

// write is a value with its unit.
func (u unit) write(x float64) string {
	switch u {
	case inParts:
		return percent(x)
	case inRate:
		return number(x) + "/s"
	case inTime:
		return duration(x)
	case inBytes:
		return size(x)
	case inTruth:
		if x == 0 {
			return "no"
		}
		return "yes"
	default:
		return number(x)
	}
}

// Which of two values of a figure is the better one.
const (
	lowerIsBetter  = -1
	neither        = 0
	higherIsBetter = 1
)

// metric is one figure of a result.
type metric struct {
	name   string
	unit   unit
	better int
	noise  float64 // part by which two runs of the same may differ; 0: not at all
	// of finds the figure, or tells why there is none.
	of func(*Result) (value float64, missing string)
}

// LatencyMetrics are the names that [Result.Latency] and the maps of a [Point] may have, in the order in which they
// are shown, and what each measures.
var LatencyMetrics = [...]string{"connect", "return", "ack", "direct", "room", "broadcast", "first", "last"}

// latencyMeaning explains a latency where its name does not.
var latencyMeaning = map[string]string{
	"connect":   "from the first SYN to the answered handshake, in v2 to the welcome",
	"return":    "from being cut off, or wanting back in, until the user is there again",
	"ack":       "until the sender has the server's acknowledgement",
	"direct":    "until the one recipient has it",
	"room":      "each delivery in a room",
	"broadcast": "each delivery to everyone",
	"first":     "until the first recipient has a broadcast",
	"last":      "until the last recipient has a broadcast",
}

// latencyTitle names a latency where there is room.
var latencyTitle = map[string]string{
	"connect": "Connect", "return": "Return", "ack": "Acknowledgement", "direct": "Direct message", "room": "Room delivery",
	"broadcast": "Broadcast delivery", "first": "Broadcast, first recipient", "last": "Broadcast, last recipient",
}

// quantiles are the figures of a latency, and by how much each may differ between two runs of the same: the further out
// in the tail, the fewer samples it stands on.
var quantiles = []struct {
	name  string
	noise float64
	of    func(Latency) float64
}{
	{"mean", 0.1, func(l Latency) float64 { return l.Mean }},
	{"p50", 0.1, func(l Latency) float64 { return l.P50 }},
	{"p90", 0.1, func(l Latency) float64 { return l.P90 }},
	{"p95", 0.1, func(l Latency) float64 { return l.P95 }},
	{"p99", 0.15, func(l Latency) float64 { return l.P99 }},
	{"p99.9", 0.25, func(l Latency) float64 { return l.P999 }},
	{"p99.99", 0.5, func(l Latency) float64 { return l.P9999 }},
	{"max", 0.5, func(l Latency) float64 { return l.Max }},
}

// metrics are all figures, in the order of the help text.
var metrics = func() []metric {
	all := append(deliveries(), sockets()...)
	for _, name := range LatencyMetrics {
		for _, q := range quantiles {
			all = append(all, metric{name + "." + q.name, inTime, lowerIsBetter, q.noise, func(r *Result) (float64, string) {
				l, ok := r.Latency[name]
				if !ok || l.Count == 0 {
					return 0, "no samples of " + name
				}
				return q.of(l), ""
			}})
		}
	}
	return append(all, costs()...)
}()

// deliveries are the figures of the tally. Where nothing was owed although messages were to be sent they say nothing,
// not even that nothing was lost.
func deliveries() []metric {
	owed := func(of func(*Tally) int64, part bool) func(*Result) (float64, string) {
		return func(r *Result) (float64, string) {
			if r.Total.Expected == 0 && r.Plan.Rate > 0 {
				return 0, "no deliveries were owed"
			}
			value := float64(of(&r.Total))
			if part && value > 0 {
				value /= float64(r.Total.Expected)
			}
			return value, ""
		}
	}
	var all []metric
	for _, wrong := range []struct {
		name string
		of   func(*Tally) int64
	}{
		{"lost", func(t *Tally) int64 { return t.Lost }},
		{"duplicated", func(t *Tally) int64 { return t.Duplicated }},
		{"reordered", func(t *Tally) int64 { return t.Reordered }},
		{"late", func(t *Tally) int64 { return t.Late }},
		{"corrupted", func(t *Tally) int64 { return t.Corrupted }},
	} {
		all = append(all,
			metric{wrong.name, inNumbers, lowerIsBetter, 0, owed(wrong.of, false)},
			metric{wrong.name + ".ratio", inParts, lowerIsBetter, 0, owed(wrong.of, true)})
	}
	return append(all,
		metric{"sent", inNumbers, neither, 0.01, always(func(r *Result) float64 { return float64(r.Total.Sent) })},
		metric{"sent.rate", inRate, higherIsBetter, 0.02, steadyRate(func(p *Point) float64 { return p.Sent })},
		metric{"acked", inNumbers, neither, 0.01, acked(false)},
		metric{"acked.ratio", inParts, higherIsBetter, 0, acked(true)},
		metric{"expected", inNumbers, neither, 0.01, always(func(r *Result) float64 { return float64(r.Total.Expected) })},
		metric{"delivered", inNumbers, neither, 0.01, always(func(r *Result) float64 { return float64(r.Total.Delivered) })},
		metric{"delivered.rate", inRate, higherIsBetter, 0.02, steadyRate(func(p *Point) float64 { return p.Delivered })},
		metric{"excused", inNumbers, neither, 0, always(func(r *Result) float64 { return float64(r.Total.Excused) })},
	)
}

func always(of func(*Result) float64) func(*Result) (float64, string) {
	return func(r *Result) (float64, string) { return of(r), "" }
}

func acked(part bool) func(*Result) (float64, string) {
	return func(r *Result) (float64, string) {
		switch {
		case r.Plan.Dialect == "tutorial":
			return 0, "the tutorial dialect has no acks"
		case r.Total.Sent == 0:
			return 0, "nothing was sent"
		case part:
			return float64(r.Total.Acked) / float64(r.Total.Sent), ""
		}
		return float64(r.Total.Acked), ""
	}
}

// Steady is the name of the phase that rates and processors are measured in, as [Phase.Name] and [Point.Phase].
const Steady = "steady"

// steadyRate is the mean over the seconds of the steady phase.
func steadyRate(of func(*Point) float64) func(*Result) (float64, string) {
	return func(r *Result) (float64, string) {
		sum, n := 0.0, 0
		for i := range r.Series {
			if r.Series[i].Phase == Steady {
				sum += of(&r.Series[i])
				n++
			}
		}
		if n == 0 {
			return 0, "no second of a steady phase"
		}
		return sum / float64(n), ""
	}
}

// sockets are the figures of the connections.
func sockets() []metric {
	of := func(of func(*Connect) float64, whole func(*Connect) int) func(*Result) (float64, string) {
		return func(r *Result) (float64, string) {
			if r.Connect.Asked == 0 {
				return 0, "no connections were asked for"
			}
			value := of(&r.Connect)
			if whole == nil {
				return value, ""
			}
			n := whole(&r.Connect)
			if n == 0 {
				return 0, "nobody was connected"
			}
			return value / float64(n), ""
		}
	}
	connected := func(c *Connect) float64 { return float64(c.Connected) }
	failed := func(c *Connect) float64 { return float64(c.Failed) }
	dropped := func(c *Connect) float64 { return float64(c.Dropped) }
	asked := func(c *Connect) int { return c.Asked }
	held := func(c *Connect) int { return c.Connected }
	return []metric{
		{"connected", inNumbers, higherIsBetter, 0, of(connected, nil)},
		{"connected.ratio", inParts, higherIsBetter, 0, of(connected, asked)},
		{"failed", inNumbers, lowerIsBetter, 0, of(failed, nil)},
		{"failed.ratio", inParts, lowerIsBetter, 0, of(failed, asked)},
		{"dropped", inNumbers, lowerIsBetter, 0, of(dropped, nil)},
		{"dropped.ratio", inParts, lowerIsBetter, 0, of(dropped, held)},
		{"connect.rate", inRate, higherIsBetter, 0.1, of(func(c *Connect) float64 { return c.Rate }, nil)},
	}
}

// costs are the figures of the server processes and of the load generator.
func costs() []metric {
	return []metric{
		{"server.cpu", inNumbers, lowerIsBetter, 0.1, servers(addUp, func(s *Server) float64 { return s.CPU })},
		{"server.memory", inBytes, lowerIsBetter, 0.1, servers(addUp, func(s *Server) float64 { return float64(s.Memory) })},
		{"server.per_user", inBytes, lowerIsBetter, 0.1, servers(mean, func(s *Server) float64 { return s.PerUser })},
		{"server.per_message", inTime, lowerIsBetter, 0.1, servers(mean, func(s *Server) float64 { return s.PerMessage })},
		{"generator.saturated", inTruth, lowerIsBetter, 0, always(func(r *Result) float64 {
			if r.Generator.Saturated {
				return 1
			}
			return 0
		})},
		{"generator.skipped", inNumbers, lowerIsBetter, 0.5, always(func(r *Result) float64 { return float64(r.Generator.Skipped) })},
		{"generator.late_sends", inNumbers, lowerIsBetter, 0.5, always(func(r *Result) float64 { return float64(r.Generator.LateSends) })},
		{"generator.tainted", inNumbers, lowerIsBetter, 0.5, always(func(r *Result) float64 { return float64(r.Generator.Tainted) })},
		{"generator.stalled", inTime, lowerIsBetter, 0.5, always(func(r *Result) float64 { return r.Generator.Stalled })},
		{"generator.cpu", inNumbers, neither, 0.1, always(func(r *Result) float64 { return r.Generator.CPU })},
		{"generator.memory", inBytes, neither, 0.1, always(func(r *Result) float64 { return float64(r.Generator.Memory) })},
	}
}

// How the figures of several servers become one.
const (
	addUp = iota
	mean  // of those that are known, which have about as many users each
)

func servers(how int, of func(*Server) float64) func(*Result) (float64, string) {
	return func(r *Result) (float64, string) {
		if len(r.Servers) == 0 {
			return 0, "no server was watched"
		}
		value, known := 0.0, 0.0
		for i := range r.Servers {
			if x := of(&r.Servers[i]); x > 0 {
				value += x
				known++
			}
		}
		switch {
		case how == addUp:
			return value, ""
		case known == 0:
			return 0, "not known of any server"
		}
		return value / known, ""
	}
}

// find is the metric of a name. Without one, it tells which was likely meant.
func find(name string) (*metric, string) {
	hint := `"throng load --help" lists all`
	least := max(1, len(name)/4) + 1
	for i := range metrics {
		if metrics[i].name == name {
			return &metrics[i], ""
		}
		if d := slips(name, metrics[i].name); d < least {
			least, hint = d, "did you mean "+metrics[i].name+"?"
		}
	}
	return nil, hint
}
