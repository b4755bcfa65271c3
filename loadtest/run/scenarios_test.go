package run

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"throng/loadtest/report"
)

// TestScenarios runs each scenario against the real server, which loses nothing.
func TestScenarios(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		plan  func(*Plan)
		check func(*testing.T, *report.Result)
	}{
		{"idle", func(p *Plan) { p.Users = 200 }, staysConnected},
		{"broadcast", func(p *Plan) { p.Processes, p.WarmUp = 2, 500*time.Millisecond }, reachesEverybody},
		{"direct", func(p *Plan) { p.Rate = 400 }, reachesOne},
		{"chat", func(p *Plan) { p.Rate, p.Users = 500, 100 }, mixesKinds},
		{"churn", func(p *Plan) { p.Duration, p.Users = 6*time.Second, 200 }, comesBack},
		{"storm", func(p *Plan) { p.Processes = 2 }, allComeBack},
		{"slow", func(p *Plan) { p.Users = 100 }, excusesTheSlow},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := small(c.name)
			c.plan(&p)
			res := begin(t, p).done()
			innocent(t, res)
			if res.Connect.Asked != p.Users || res.Connect.Connected != p.Users {
				t.Errorf("connections %+v, want %d", res.Connect, p.Users)
			}
			if res.Plan.Scenario != c.name || res.Plan.Served != 1 || res.Plan.Workers != p.Processes || len(res.Servers) != 1 {
				t.Errorf("plan %+v, servers %+v", res.Plan, res.Servers)
			}
			// Who was cut off may be back before the server has seen its end: the nick is in use, and it tries again.
			maps.DeleteFunc(res.Connect.Reasons, func(why string, _ int) bool {
				return c.name == "storm" && strings.Contains(why, "409 Conflict")
			})
			if c.name != "slow" && len(res.Connect.Reasons) > 0 {
				t.Errorf("reasons %v", res.Connect.Reasons)
			}
			c.check(t, res)
		})
	}
}

func staysConnected(t *testing.T, res *report.Result) {
	if res.Total != (report.Tally{}) || len(res.Kinds) != 0 {
		t.Errorf("something was said: %+v", res.Total)
	}
	steady := 0
	for _, p := range res.Series {
		if p.Phase == "steady" && p.Connected == res.Plan.Users {
			steady++
		}
	}
	if steady == 0 || res.Series[len(res.Series)-1].Connected != res.Plan.Users {
		t.Errorf("not all stayed connected: %+v", res.Series)
	}
	if res.Latency["connect"].Count != int64(res.Plan.Users) {
		t.Errorf("latency of connecting %+v", res.Latency["connect"])
	}
}

// reachesEverybody checks a broadcast run: everyone has each message, the sender included.
func reachesEverybody(t *testing.T, res *report.Result) {
	const sent = 74 // of 75: two workers with 12 and a half messages each while they warm up
	if res.Total.Sent != sent || res.Total.Expected != sent*int64(res.Plan.Users) {
		t.Errorf("total %+v, want %d sent to %d", res.Total, sent, res.Plan.Users)
	}
	tally := res.Total
	if len(res.Kinds) != 1 || res.Kinds[0].Name != "broadcast" || res.Kinds[0].Tally != tally {
		t.Errorf("kinds %+v of %+v", res.Kinds, tally)
	}
	// The busier the machine, the more samples are left out; none comes from nowhere.
	measured := int64(res.Plan.Rate * res.Plan.Duration)
	all, first, last := res.Latency["broadcast"], res.Latency["first"], res.Latency["last"]
	if all.Count > measured*int64(res.Plan.Users) || first.Count > measured || first.Count != last.Count {
		t.Errorf("%d, %d and %d latencies of %d messages", all.Count, first.Count, last.Count, measured)
	}
	if res.Generator.Tainted == 0 && (all.Count != measured*int64(res.Plan.Users) || first.Count != measured) {
		t.Errorf("%d and %d latencies of %d messages, none left out", all.Count, first.Count, measured)
	}
	if first.Max > last.Max || last.Max > all.Max*1.01 {
		t.Errorf("first %v, last %v, all %v", first.Max, last.Max, all.Max)
	}
	if names := phases(res); !slices.Equal(names, []string{"connect", "warm up", "steady", "cool down"}) {
		t.Errorf("phases %q", names)
	}
}

func phases(res *report.Result) (names []string) {
	for _, p := range res.Phases {
		names = append(names, p.Name)
	}
	return names
}

func reachesOne(t *testing.T, res *report.Result) {
	if res.Total.Sent != 400 || res.Total.Expected != 400 || len(res.Kinds) != 1 || res.Kinds[0].Name != "direct" {
		t.Errorf("total %+v, kinds %+v", res.Total, res.Kinds)
	}
	if _, spoken := res.Latency["broadcast"]; spoken {
		t.Error("latencies of broadcasts")
	}
}

func mixesKinds(t *testing.T, res *report.Result) {
	if len(res.Kinds) != 2 || res.Kinds[0].Sent != 10 || res.Kinds[1].Sent != 490 || res.Total.Sent != 500 {
		t.Errorf("kinds %+v", res.Kinds)
	}
	if want := int64(10*res.Plan.Users + 490); res.Total.Expected != want {
		t.Errorf("total %+v, want %d expected", res.Total, want)
	}
}

func comesBack(t *testing.T, res *report.Result) {
	if res.Connect.Again == 0 || res.Latency["return"].Count != int64(res.Connect.Again) {
		t.Errorf("connections %+v, return %+v", res.Connect, res.Latency["return"])
	}
	if last := res.Series[len(res.Series)-1]; last.Connected != res.Plan.Users {
		t.Errorf("%d users at the end", last.Connected)
	}
	noted(t, res, "comes and goes")
}

func allComeBack(t *testing.T, res *report.Result) {
	if res.Connect.Again != res.Plan.Users || res.Latency["return"].Count != int64(res.Plan.Users) {
		t.Errorf("connections %+v, return %+v", res.Connect, res.Latency["return"])
	}
	if names := phases(res); !slices.Equal(names, []string{"connect", "steady", "storm", "steady", "cool down"}) {
		t.Errorf("phases %q", names)
	}
	if res.Total.Excused != 0 || res.Total.Sent == 0 {
		t.Errorf("total %+v: a storm is not to cost anything", res.Total)
	}
}

func excusesTheSlow(t *testing.T, res *report.Result) {
	fast := int64(res.Plan.Users * 19 / 20)
	if res.Total.Expected < res.Total.Sent*fast || res.Total.Expected+res.Total.Excused != res.Total.Sent*int64(res.Plan.Users) {
		t.Errorf("total %+v with %d fast users", res.Total, fast)
	}
	if res.Total.Excused < res.Total.Sent {
		t.Errorf("total %+v: one user never reads", res.Total)
	}
	noted(t, res, "reads slowly")
}

// noted checks that a note has these words.
func noted(t *testing.T, res *report.Result, words string) {
	t.Helper()
	if !slices.ContainsFunc(res.Notes, func(n string) bool { return strings.Contains(n, words) }) {
		t.Errorf("notes %q, none with %q", res.Notes, words)
	}
}

// TestTwoServers checks that servers of others are separate chats, each with its share of the users, and that those of the run's
// own are nodes of one.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	for _, chats := range []int{1, 2} {
		t.Run(fmt.Sprint(chats, " chats"), func(t *testing.T) {
			t.Parallel()
			p := small("broadcast")
			p.Serve, p.Processes, p.Users = 2, 2, 30
			if chats == 2 {
				p.Serve, p.Addrs = 0, []string{started(t).Addr, started(t).Addr}
			}
			res := begin(t, p).done()
			innocent(t, res)
			if res.Plan.Chats != chats || len(res.Plan.URLs) != 2 || len(res.Servers) != p.Serve {
				t.Errorf("plan %+v, servers %+v", res.Plan, res.Servers)
			}
			// Each worker sends whole messages, and drops the fraction of one that is left.
			if each := int64(30 / chats); res.Total.Sent < 49 || res.Total.Sent > 50 || res.Total.Expected != res.Total.Sent*each {
				t.Errorf("total %+v, want 50 messages to %d users each", res.Total, each)
			}
			if chats > 1 {
				noted(t, res, "separate chats")
			}
		})
	}
}

// TestWatchedServers checks what is found out of servers that the run has not started.
func TestWatchedServers(t *testing.T) {
	t.Parallel()
	server := started(t)
	p := small("broadcast", server.Addr)
	p.Dialect, p.Size = "v2", 1
	p.Pids, p.Admins = []int{server.Pid}, []string{"http://" + server.Admin}
	res := begin(t, p).done()
	innocent(t, res)
	if len(res.Servers) != 2 {
		t.Fatalf("servers %+v", res.Servers)
	}
	for _, s := range res.Servers {
		if s.Memory < 1<<20 || s.CPU < 0 {
			t.Errorf("server %+v", s)
		}
	}
	noted(t, res, "instead of 1")
	if res.Plan.Dialect == "tutorial" {
		noted(t, res, "does not speak v2")
	}
}
