package report

import "time"

// Format is the version of the JSON form of [Result]. It changes when a reader of the older form would be misled.
const Format = 1

// Result is all that a load run found out: what --json writes, what the HTML report shows and what compare reads.
// It is a plain value. Counts are exact over all worker processes. Latencies are in seconds, on the clock of the run,
// and count from the moment at which the message was meant to be sent (open loop).
type Result struct {
	Format  int       `json:"format"`            // [Format]
	Version string    `json:"version"`           // of the program that measured
	Started time.Time `json:"started"`           // wall clock
	Seconds float64   `json:"seconds"`           // wall time of the whole run
	Partial string    `json:"partial,omitempty"` // why the run ended before its end; empty: it did not
	Plan    Plan      `json:"plan"`
	Phases  []Phase   `json:"phases"` // in order, for marks on the time axis
	Connect Connect   `json:"connect"`
	Total   Tally     `json:"total"` // of all kinds
	Kinds   []Account `json:"kinds"` // one for each kind of conversation in use: broadcast, direct, room
	// Conversations and Senders are those with something wrong, worst first, at most [MostAccounts] of each.
	Conversations []Account `json:"conversations,omitempty"`
	Senders       []Account `json:"senders,omitempty"`
	// Faults names single deliveries that went wrong, at most [MostFaults]; Total has the exact numbers.
	Faults []Fault `json:"faults,omitempty"`
	// Latency is by metric: connect, return, ack, direct, room, broadcast (each delivery), first and last (recipient of a
	// broadcast). A metric without samples is absent.
	Latency   map[string]Latency `json:"latency"`
	Generator Generator          `json:"generator"`
	Servers   []Server           `json:"servers,omitempty"`  // those that could be looked at
	Series    []Point            `json:"series"`             // one a second
	SLOs      []Verdict          `json:"slos,omitempty"`     // one for each level that was asked for
	Capacity  *Capacity          `json:"capacity,omitempty"` // of --find-capacity
	Notes     []string           `json:"notes,omitempty"`    // what the reader should know, one sentence each
}

// What a [Result] lists at most.
const (
	MostAccounts = 100  // rows of [Result.Conversations] and of [Result.Senders]
	MostFaults   = 4000 // rows of [Result.Faults]
)

// Plan is what was asked of the run, after defaults.
type Plan struct {
	Scenario  string   `json:"scenario"`   // its name, as --scenario has it
	Dialect   string   `json:"dialect"`    // that was spoken: v2 or tutorial
	URLs      []string `json:"urls"`       // of the servers
	Served    int      `json:"served"`     // servers that the run started itself; 0: none
	Chats     int      `json:"chats"`      // separate chats over which the users are spread
	Users     int      `json:"users"`      // in all chats
	Workers   int      `json:"workers"`    // load processes
	Rate      float64  `json:"rate"`       // messages a second in all; 0: nobody talked
	Size      int      `json:"size"`       // bytes of a message's text
	Duration  float64  `json:"duration"`   // seconds of the steady phase
	Ramp      float64  `json:"ramp"`       // seconds of the connect phase
	LateAfter float64  `json:"late_after"` // seconds after which a delivery counts as late
}

// Phase is a stretch of the run: connect, warm up, steady, cool down.
type Phase struct {
	Name string  `json:"name"` // as above
	From float64 `json:"from"` // seconds since the start of the run
	To   float64 `json:"to"`   // likewise
}

// Connect is what became of the sockets.
type Connect struct {
	Asked     int     `json:"asked"`     // users
	Connected int     `json:"connected"` // of these, at the first attempt or a later one
	Failed    int     `json:"failed"`    // of these, at every attempt
	Rate      float64 `json:"rate"`      // connected a second while connecting
	// Again counts returns of users whom the scenario made leave, and Dropped users whom the server, or the network,
	// ended without being asked to.
	Again   int `json:"again"`
	Dropped int `json:"dropped"`
	// Reasons says why, for the failed and the dropped: the words of the error, and how many.
	Reasons map[string]int `json:"reasons,omitempty"`
}

// Tally counts messages, and deliveries: pairs of a message and one of its recipients.
// Expected = Delivered + Lost always holds.
type Tally struct {
	Sent       int64 `json:"sent"`       // messages
	Acked      int64 `json:"acked"`      // messages that the server acknowledged; 0 in the tutorial dialect, which has no acks
	Expected   int64 `json:"expected"`   // deliveries that were owed
	Delivered  int64 `json:"delivered"`  // that came, once or more
	Lost       int64 `json:"lost"`       // that never came
	Duplicated int64 `json:"duplicated"` // copies beyond the first
	Reordered  int64 `json:"reordered"`  // that came after a later one of the same sender in the same conversation
	Late       int64 `json:"late"`       // that came, but later than Plan.LateAfter
	Corrupted  int64 `json:"corrupted"`  // frames that nobody of this run sent so
	Excused    int64 `json:"excused"`    // that did not come and were not owed: the recipient was away, or would not read
}

// Account is the tally of one conversation, sender or kind of conversation.
type Account struct {
	Name string `json:"name"` // of which
	Tally
}

// Fault is one delivery that went wrong. Number counts the messages of a sender in a conversation from 1; To is the
// last of a run of lost messages and equals Number elsewhere.
type Fault struct {
	What         string `json:"what"`         // lost, duplicated, reordered, corrupted
	Conversation string `json:"conversation"` // as in Result.Conversations
	Sender       string `json:"sender"`       // a nick; "" where that is not known
	Recipient    string `json:"recipient"`    // a nick
	Number       uint32 `json:"number"`
	To           uint32 `json:"to"`
}

// Latency is a distribution, in seconds. P999 is of 99.9 %, P9999 of 99.99 %.
type Latency struct {
	Count int64   `json:"count"` // of samples, never 0
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99.9"`
	P9999 float64 `json:"p99.99"`
	Max   float64 `json:"max"`
	// Curve is the distribution for a plot: pairs of a fraction (0 to 1) and the latency at it, rising.
	Curve [][2]float64 `json:"curve,omitempty"`
}

// Generator says whether the load generator itself was the bottleneck.
type Generator struct {
	Saturated bool     `json:"saturated"`     // it was
	Why       []string `json:"why,omitempty"` // one sentence each
	// LateSends are messages that went out more than 50 ms after their time.
	LateSends int64 `json:"late_sends"`
	// Skipped are messages to which it had not come when the time of sending was over.
	Skipped int64 `json:"skipped,omitempty"`
	// Stalled is how long, in seconds summed over the workers, a worker did nothing though it had work: its processor
	// was taken away. Deliveries that waited meanwhile are in Tainted and not in the latencies.
	Stalled float64 `json:"stalled"`
	Tainted int64   `json:"tainted"`  // deliveries
	CPU     float64 `json:"cpu"`      // processors busy on average in the steady phase, all workers
	Memory  int64   `json:"memory"`   // resident bytes, all workers, at most
	PerUser float64 `json:"per_user"` // resident bytes a connected user, above the empty workers
}

// Server is one server process as far as it could be seen (--serve, --pid, --admin).
type Server struct {
	Name       string  `json:"name"`        // its address, or what --pid or --admin named
	CPU        float64 `json:"cpu"`         // processors busy on average in the steady phase
	Memory     int64   `json:"memory"`      // resident bytes, at most
	PerUser    float64 `json:"per_user"`    // resident bytes a connected user, above the empty server; 0: not known
	PerMessage float64 `json:"per_message"` // processor seconds a delivery in the steady phase; 0: not known
}

// Point is one second of the run. Rates are a second; latencies are of that second, 0 without samples.
type Point struct {
	At         float64            `json:"at"`            // seconds since the start of the run, at the end of the second
	Phase      string             `json:"phase"`         // its name
	Connected  int                `json:"connected"`     // users, at that time
	Failed     int                `json:"failed"`        // so far
	Sent       float64            `json:"sent"`          // messages a second
	Delivered  float64            `json:"delivered"`     // deliveries a second
	P50        map[string]float64 `json:"p50,omitempty"` // seconds, by metric, as in Result.Latency
	P99        map[string]float64 `json:"p99,omitempty"`
	Max        map[string]float64 `json:"max,omitempty"`
	ServerCPU  float64            `json:"server_cpu"` // processors, all servers; 0: none could be looked at
	ServerMem  int64              `json:"server_mem"` // resident bytes, all servers; 0 likewise
	ClientCPU  float64            `json:"client_cpu"` // processors, all workers
	ClientMem  int64              `json:"client_mem"` // resident bytes, all workers
	Stalled    float64            `json:"stalled"`    // seconds, all workers
	Duplicated int64              `json:"duplicated"` // so far
	Reordered  int64              `json:"reordered"`  // so far
}

// Verdict is one service level and whether it was kept.
type Verdict struct {
	SLO  string `json:"slo"` // as it was given
	Kept bool   `json:"kept"`
	// Found is the value as text with its unit, or why there is none (a level on a metric without samples is missed).
	Found string `json:"found"`
}

// Capacity is the end of --find-capacity: the highest rate at which all levels were kept.
type Capacity struct {
	Knee  float64 `json:"knee"`  // messages a second; 0: not even the first step
	Limit string  `json:"limit"` // what broke above it: a level, or that the generator was saturated; empty: nothing did
	Steps []Step  `json:"steps"` // in the order in which they were tried
}

// Step is one rate that was tried.
type Step struct {
	Rate      float64            `json:"rate"`      // messages a second
	Delivered float64            `json:"delivered"` // deliveries a second
	P99       map[string]float64 `json:"p99"`       // seconds, by metric, as in Result.Latency
	Verdicts  []Verdict          `json:"verdicts"`  // one for each level
	Saturated bool               `json:"saturated"` // the generator was the bottleneck
	Kept      bool               `json:"kept"`      // all levels were, and the generator kept up
}
