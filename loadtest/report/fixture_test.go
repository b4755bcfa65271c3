package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// rich is a result with something in every field, the same at each call.
func rich() *Result {
	rng := rand.New(rand.NewPCG(1, 2))
	r := &Result{
		Format: Format, Version: "1.0.0", Started: time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC), Seconds: 58.3,
		Plan: Plan{
			Scenario: "chat", Dialect: "v2", URLs: []string{"ws://127.0.0.1:40001", "ws://127.0.0.1:40002"}, Served: 2, Chats: 2,
			Users: 15000, Workers: 2, Rate: 250, Size: 200, Duration: 30, Ramp: 10, LateAfter: 5,
		},
		Phases: []Phase{{"connect", 0, 12}, {"warm up", 12, 15}, {"steady", 15, 45}, {"cool down", 45, 50}},
		Connect: Connect{
			Asked: 15000, Connected: 14997, Failed: 3, Rate: 1248.5, Again: 12, Dropped: 2,
			Reasons: map[string]int{
				"dial tcp 127.0.0.1:40001: connect: connection refused": 3, "read: connection reset by peer": 1, "<script>alert(1)</script>\x1b[31m": 1,
			},
		},
		Generator: Generator{LateSends: 4, Stalled: 0.13, Tainted: 211, CPU: 0.71, Memory: 214 << 20, PerUser: 913},
		Servers: []Server{
			{Name: "server 1", CPU: 0.62, Memory: 188 << 20, PerUser: 6144, PerMessage: 7.1e-7},
			{Name: "server 2", CPU: 0.58, Memory: 181 << 20, PerUser: 6020, PerMessage: 7.3e-7},
		},
		Notes: []string{"The two servers are separate chats: a user hears only the 7,500 of the own one."},
		Capacity: &Capacity{Knee: 2000, Limit: "direct.p99<50ms", Steps: []Step{
			stepAt(500, .004, .031, true), stepAt(1000, .005, .043, true), stepAt(2000, .012, .090, true),
			stepAt(4000, .180, 1.2, false), stepAt(3000, .061, .41, false),
		}},
	}
	r.Kinds = []Account{
		{"broadcast", Tally{300, 300, 2249100, 2249096, 4, 1, 2, 0, 0, 3}},
		{"direct", Tally{6600, 6600, 6600, 6600, 0, 0, 0, 0, 0, 0}},
		{"room", Tally{600, 600, 59400, 59400, 0, 0, 0, 3, 0, 0}},
	}
	r.Total = Tally{7500, 7500, 2315100, 2315096, 4, 1, 2, 3, 0, 3}
	r.Conversations = []Account{{"all of server 1", r.Kinds[0].Tally}, {`room "<b>tea</b>"`, Tally{Sent: 3, Expected: 297, Delivered: 297, Late: 3}}}
	r.Senders = []Account{{"u000017", Tally{41, 41, 41, 41, 0, 1, 2, 0, 0, 0}}}
	r.Faults = []Fault{
		{"lost", "all of server 1", "u000017", "u001234", 3, 5},
		{"lost", "all of server 1", "u000017", "u000099", 7, 7},
		{"duplicated", "all of server 1", "u000017", "<img src=x onerror=alert(1)>", 9, 9},
		{"reordered", "all of server 1", "u000021", "u000022", 11, 11},
		{"reordered", "all of server 1", "u000021", "u000023", 11, 11},
	}
	r.Latency = map[string]Latency{}
	for name, l := range latencies() {
		l.Curve = slices.Clone(l.Curve)
		r.Latency[name] = l
	}
	for s := 1; s <= 50; s++ {
		r.Series = append(r.Series, second(rng, s))
	}
	levels := []SLO{}
	for _, text := range []string{"lost==0", "broadcast.p99<500ms", "direct.p99 < 50ms", "server.memory<2GiB"} {
		s, err := ParseSLO(text)
		if err != nil {
			panic(err)
		}
		levels = append(levels, s)
	}
	Judge(levels, r)
	return r
}

// middle are the latencies about which those of the rich result lie, in seconds.
var middle = map[string]float64{"connect": .0021, "return": .0042, "ack": .0016, "direct": .0024, "room": .0031, "broadcast": .014, "first": .0023, "last": .038}

// latencies are made once: they take most of the time.
var latencies = sync.OnceValue(func() map[string]Latency {
	rng := rand.New(rand.NewPCG(1, 2))
	all := map[string]Latency{}
	for _, name := range LatencyMetrics {
		h := NewHistogram()
		for range 20000 {
			Record(h, time.Duration(middle[name]*math.Exp(rng.NormFloat64()*.6)*1e9))
		}
		all[name] = LatencyOf(h)
	}
	return all
})

func stepAt(rate, direct, broadcast float64, kept bool) Step {
	return Step{
		Rate: rate, Delivered: rate * 308, P99: map[string]float64{"direct": direct, "broadcast": broadcast}, Kept: kept,
		Verdicts: []Verdict{{"direct.p99<50ms", kept, duration(direct)}},
	}
}

// second is one second of the rich result: users come for 12 s, and messages go from the 13th to the 45th.
func second(rng *rand.Rand, s int) Point {
	p := Point{At: float64(s), Phase: "connect", Connected: min(s*1250, 14997), ServerCPU: .9, ClientCPU: .8}
	p.ServerMem = int64(60+min(s, 12)*25) << 20
	p.ClientMem = int64(40+min(s, 12)*14) << 20
	if s > 6 {
		p.Failed = 3
	}
	names := []string{"connect"}
	switch {
	case s > 45:
		p.Phase, p.ServerCPU, p.ClientCPU, p.Duplicated, p.Reordered = "cool down", .02, .05, 1, 2
		return p
	case s > 15:
		p.Phase = "steady"
	case s > 12:
		p.Phase = "warm up"
	}
	if s > 12 {
		p.Sent = 250 + math.Round(rng.NormFloat64()*4)
		p.Delivered = math.Round(p.Sent * 308)
		p.ServerCPU, p.ClientCPU = 1.2+rng.Float64()*.1, .7+rng.Float64()*.1
		names = LatencyMetrics[2:]
	}
	if s == 31 {
		p.Stalled = .13
	}
	if s > 33 {
		p.Duplicated, p.Reordered = 1, 2
	}
	p.P50, p.P99, p.Max = map[string]float64{}, map[string]float64{}, map[string]float64{}
	for _, name := range names {
		p.P50[name] = middle[name] * (1 + rng.Float64()*.1)
		p.P99[name] = middle[name] * (4 + rng.Float64())
		p.Max[name] = middle[name] * (9 + 6*rng.Float64())
	}
	return p
}

// cut is a result of a run that was ended while its users were still connecting.
func cut() *Result {
	return &Result{
		Format: Format, Version: "1.0.0", Started: time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC), Seconds: 2.4,
		Partial: "interrupted while 3,120 of 100,000 users were connected",
		Plan: Plan{
			Scenario: "idle", Dialect: "v2", URLs: []string{"ws://192.0.2.1:8888"}, Chats: 1, Users: 100000, Workers: 4, Duration: 30, Ramp: 60,
		},
		Phases:    []Phase{{"connect", 0, 2.4}},
		Connect:   Connect{Asked: 100000, Connected: 3120, Rate: 1300},
		Latency:   map[string]Latency{},
		Generator: Generator{Saturated: true, Why: []string{"Worker 2 had no processor for 1.2 s."}, CPU: 1.9, Memory: 91 << 20, Stalled: 1.2},
		Series:    []Point{{At: 1, Phase: "connect", Connected: 1300, ClientCPU: 1.9, ClientMem: 60 << 20}, {At: 2, Phase: "connect", Connected: 2700, ClientCPU: 1.9, ClientMem: 91 << 20}},
	}
}

// day is a run of 24 hours with one second that stands out.
func day() *Result {
	r := rich()
	r.Series = r.Series[:0]
	for s := range 86400 {
		r.Series = append(r.Series, Point{
			At: float64(s + 1), Phase: Steady, Connected: 15000, Sent: 100, Delivered: 1.5e6,
			P50: map[string]float64{"direct": .001}, P99: map[string]float64{"direct": .002}, Max: map[string]float64{"direct": .003},
		})
	}
	odd := &r.Series[54321]
	odd.Max["direct"], odd.Delivered = 8.5, 0
	r.Phases = []Phase{{Steady, 0, 86400}}
	for i := range 200 {
		r.Faults = append(r.Faults, Fault{"lost", fmt.Sprintf("room %d", i), "a", "b", 1, 1})
	}
	return r
}
