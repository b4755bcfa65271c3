package run

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"

	"throng/loadtest"
	"throng/loadtest/ledger"
	"throng/loadtest/report"
)

// TestScenariosV2 runs each scenario in version 2 against the real server: everything comes, once and in order, whatever
// the users do.
func TestScenariosV2(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		plan  func(*Plan)
		check func(*testing.T, *report.Result)
	}{
		{"idle", func(p *Plan) { p.Users = 200 }, staysConnected},
		{"broadcast", func(p *Plan) { p.Processes, p.WarmUp = 2, 500*time.Millisecond }, reachesEverybody},
		{"direct", func(p *Plan) { p.Rate = 400 }, reachesOne},
		{"chat", func(p *Plan) { p.Rate, p.Users, p.Processes = 500, 200, 2 }, speaksInRooms},
		{"churn", func(p *Plan) { p.Duration, p.Users, p.Rate = 6*time.Second, 200, 200 }, missesNothing},
		{"storm", func(p *Plan) { p.Duration, p.Processes, p.Rate = 4*time.Second, 2, 500 }, weathersTheStorm},
		{"slow", func(p *Plan) { p.Users = 100 }, waitsForTheSlow},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := small(c.name)
			p.Dialect = "v2"
			c.plan(&p)
			res := begin(t, p).done()
			// What the tutorial dialect's checks know nothing of.
			acked := res.Total.Acked
			for i := range res.Kinds {
				if k := &res.Kinds[i]; k.Acked != k.Sent {
					t.Errorf("%s: %d acked of %d", k.Name, k.Acked, k.Sent)
				}
			}
			if acked != res.Total.Sent || res.Plan.Dialect != "v2" {
				t.Errorf("%d acked of %d over %s", acked, res.Total.Sent, res.Plan.Dialect)
			}
			if _, measured := res.Latency["ack"]; !measured && acked > 0 && res.Generator.Tainted == 0 {
				t.Error("no latency of acks")
			}
			res.Total.Acked = 0
			for i := range res.Kinds {
				res.Kinds[i].Acked = 0
			}
			innocent(t, res)
			if len(res.Connect.Reasons) > 0 || res.Connect.Connected != p.Users {
				t.Errorf("connections %+v", res.Connect)
			}
			c.check(t, res)
		})
	}
}

func speaksInRooms(t *testing.T, res *report.Result) {
	// Each worker drops the fraction of a message that is left of each kind.
	want := map[string]int64{"broadcast": 10, "direct": 340, "room": 150}
	for _, k := range res.Kinds {
		if k.Sent < want[k.Name]-2 || k.Sent > want[k.Name] {
			t.Errorf("%d sent of kind %s, want %d", k.Sent, k.Name, want[k.Name])
		}
		if k.Name == "room" && k.Expected != k.Sent*roomSize {
			t.Errorf("%d messages in rooms have %d recipients", k.Sent, k.Expected)
		}
	}
	if len(res.Kinds) != len(want) {
		t.Errorf("kinds %+v", res.Kinds)
	}
	if _, measured := res.Latency["room"]; !measured && res.Generator.Tainted == 0 {
		t.Errorf("latencies %+v", res.Latency)
	}
}

func missesNothing(t *testing.T, res *report.Result) {
	if res.Connect.Again == 0 || res.Total.Excused != 0 {
		t.Errorf("connections %+v, total %+v", res.Connect, res.Total)
	}
	noted(t, res, "is owed to it")
	noted(t, res, "waited for a user who was away")
}

func weathersTheStorm(t *testing.T, res *report.Result) {
	if res.Connect.Again != res.Plan.Users || res.Latency["return"].Count != int64(res.Plan.Users) || res.Total.Excused != 0 {
		t.Errorf("connections %+v, return %+v, total %+v", res.Connect, res.Latency["return"], res.Total)
	}
	if names := phases(res); !slices.Equal(names, []string{"connect", "steady", "cool down"}) {
		t.Errorf("phases %q", names)
	}
}

func waitsForTheSlow(t *testing.T, res *report.Result) {
	readers := int64(res.Plan.Users * 99 / 100)
	if res.Total.Expected != res.Total.Sent*readers || res.Total.Excused != res.Total.Sent {
		t.Errorf("total %+v with %d who read", res.Total, readers)
	}
	noted(t, res, "owed all in the end")
}

// TestLiesV2 has a proxy drop acks, and drop, repeat, swap and damage deliveries, or tell of a gap instead. An ack is asked
// for again, a gap is filled from the history, and of the rest the report names exactly what was done.
func TestLiesV2(t *testing.T) {
	t.Parallel()
	plan := small("broadcast", "the proxy")
	plan.Dialect, plan.Rate, plan.WarmUp, plan.Duration = "v2", 100, 3*time.Second, 4*time.Second
	shapeOf := plan // shape changes nothing, but the run changes its plan
	p := newProxy(t, &proxy{server: started(t).Addr, table: func(run uint32) map[delivery]lie {
		shape := shapeOf.shape(run)
		of := func(recipient, slot int, number uint32) delivery {
			return delivery{recipient, shape.Talker(0, slot), ledger.Broadcast, number}
		}
		return map[delivery]lie{
			of(ofAck, 0, 88): drop, of(ofAck, 1, 90): drop, of(ofAck, 1, 91): drop,
			of(3, 0, 90): drop, of(3, 0, 95): drop, of(30, 2, 93): drop,
			of(11, 2, 95): twice,
			of(20, 3, 86): swap,
			of(21, 3, 87): mangle,
			of(22, 1, 99): forge,
			of(23, 0, 92): gap, of(23, 0, 96): gap, of(24, 1, 92): gap,
		}
	}})
	plan.Addrs = []string{p.addr}
	res := begin(t, plan).done()
	run, told, left := p.lied()
	if left > 0 {
		t.Fatalf("%d lies could not be told, for want of messages", left)
	}
	account := ledger.Account{Run: run, Shape: shapeOf.shape(run)}
	want := report.Tally{Sent: res.Total.Sent, Acked: res.Total.Sent, Expected: res.Total.Sent * int64(plan.Users)}
	var faults, found []string
	broken := 0
	for d, l := range told {
		if d.recipient == ofAck || l == gap {
			continue
		}
		add(&want, consequence(l))
		if l == drop || l == swap {
			broken++ // the message after it names another one as the one before
		}
		faults = append(faults, named(&account, d, l, told)...)
	}
	want.Corrupted += int64(broken)
	want.Delivered = want.Expected - want.Lost
	if res.Total != want {
		t.Errorf("total %+v, want %+v", res.Total, want)
	}
	for _, f := range res.Faults {
		if text := fmt.Sprint(f); f.What != "corrupted" || slices.Contains(faults, text) {
			found = append(found, text)
		} else {
			broken--
		}
	}
	slices.Sort(found)
	slices.Sort(faults)
	if !slices.Equal(found, faults) || broken != 0 {
		t.Errorf("faults\n%q\nwant\n%q, %d more broken chains", found, faults, broken)
	}
	chains := 0
	for why, n := range res.Connect.Reasons {
		if regexp.MustCompile(`^broken chain: seq \d+ names \d+ as the one before, which was \d+$`).MatchString(why) {
			chains += n
		}
	}
	if chains != 4 {
		t.Errorf("reasons %v", res.Connect.Reasons)
	}
	noted(t, res, "read from the history, after 3 gaps")
}

// crew is a worker with all users of a run, who are connected to a server.
func crew(t *testing.T, server string, plan func(*Plan)) *worker {
	t.Helper()
	p := small("broadcast", server)
	p.Dialect = "v2"
	plan(&p)
	w := &worker{wire: newWire(nil, io.Discard), meter: newMeter()}
	if err := w.prepare(&p.shares(1, 7, loadtest.Now())[0]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	if err := w.connectAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.meter.counts.Connected != p.Users {
		t.Fatalf("%d connected of %d: %v", w.meter.counts.Connected, p.Users, w.meter.reasons)
	}
	return w
}

// speak has the crew say so many messages, waits until all are acknowledged, and returns how many were said.
func speak(t *testing.T, w *worker, count int) (said int64) {
	t.Helper()
	from, before := w.now(), w.sent.Count()
	if err := w.talk.send(t.Context(), stage{From: from, Until: from + int64(time.Second), Rate: float64(count)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all acks", func() bool {
		var n news
		w.meter.read(&n)
		return n.Counts.Waiting == 0
	})
	return w.sent.Count() - before
}

// account is what the crew's books say now.
func account(t *testing.T, w *worker) ledger.Account {
	t.Helper()
	a, err := w.book.Settle(w.sent.Report(), w.now())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestPositionGone has a user away for longer than the server brings it what it missed: it reads the history, and what is
// not even there is lost.
func TestPositionGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		keep   string // --keep-count
		missed int
		isKept bool
	}{
		{"more than is brought", "0", 1300, true},
		{"more than is kept", "100", 400, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := crew(t, started(t, "--keep-count", c.keep).Addr, func(p *Plan) { p.Users, p.Talkers = 30, 15 })
			come := w.now()
			eventually(t, "a time from which on broadcasts are owed", func() bool { return w.now() > come+int64(3*time.Second) })
			speak(t, w, 10)
			const who = 7 // says nothing: the talkers have even numbers
			away := w.depart(who, (*loadtest.User).Cut)
			if err := w.departed(t.Context(), who, away); err != nil {
				t.Fatal(err)
			}
			missed := speak(t, w, c.missed)
			w.connect(t.Context(), who, "return", time.Now())
			speak(t, w, 10)
			var n news
			eventually(t, "all that is kept", func() bool {
				w.meter.read(&n)
				lost := account(t, w).Total.Lost
				return n.Counts.Paged >= 100 && (lost == 0 || !c.isKept && lost+n.Counts.Paged <= missed+10)
			})
			a := account(t, w)
			if a.Total.Duplicated+a.Total.Reordered+a.Total.Corrupted > 0 || n.Counts.Returning+n.Counts.Dropped > 0 {
				t.Errorf("total %+v, counts %+v, reasons %v", a.Total, n.Counts, n.Reasons)
			}
			if c.isKept {
				return
			}
			if a.Total.Lost == 0 || a.Total.Lost+n.Counts.Paged < missed {
				t.Errorf("%d lost and %d paged of %d", a.Total.Lost, n.Counts.Paged, missed)
			}
			for _, f := range a.Faults {
				if f.What != ledger.Lost || f.Recipient != who {
					t.Errorf("fault %+v", f)
				}
			}
		})
	}
}

// TestServerRestart kills the server in the middle of a chat and starts it again: all users come back by themselves, and
// nothing is lost.
func TestServerRestart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := started(t, "--data", data)
	p := small("chat", server.Addr)
	p.Dialect, p.Users, p.Rate, p.Duration, p.Processes = "v2", 60, 200, 8*time.Second, 2
	r := begin(t, p)
	r.enters("steady")
	kill(t, server.Pid, syscall.SIGKILL)
	<-server.Done()
	started(t, "--data", data, "--addr", server.Addr)
	res := r.done()
	if a := res.Total; a.Lost+a.Duplicated+a.Reordered+a.Corrupted+a.Excused != 0 || a.Acked != a.Sent {
		t.Errorf("total %+v, faults %+v, reasons %v", a, res.Faults, res.Connect.Reasons)
	}
	if res.Connect.Dropped != p.Users || res.Connect.Again != p.Users || res.Connect.Failed != 0 {
		t.Errorf("connections %+v", res.Connect)
	}
}
