package run

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"throng/loadtest/ledger"
	"throng/loadtest/report"
)

// TestLies has a proxy drop, repeat, swap, damage and delay certain messages: the report names exactly those.
func TestLies(t *testing.T) {
	t.Parallel()
	broadcast, direct := small("broadcast"), small("direct")
	// What is broadcast in the first seconds after a user has come is not owed to it: the lies begin at each talker's
	// message 86, more than two seconds after.
	broadcast.Rate, broadcast.WarmUp, broadcast.Duration = 100, 3*time.Second, 4*time.Second
	direct.Rate, direct.Users, direct.Duration = 400, 8, 2*time.Second // 25 messages a stream
	cases := []struct {
		name    string
		plan    Plan
		workers int
		table   func(ledger.Shape) map[delivery]lie
	}{
		{"broadcast", broadcast, 1, lieToAll},
		{"broadcast, two workers", broadcast, 2, lieToAll},
		{"direct", direct, 1, lieToOne},
		{"direct, two workers", direct, 2, lieToOne},
		{"honest broadcast", small("broadcast"), 2, nil},
		{"honest direct", direct, 1, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			plan := c.plan
			plan.Serve, plan.Addrs, plan.Processes, plan.Late = 0, []string{"the proxy"}, c.workers, 3*time.Second
			lies := &proxy{server: started(t).Addr, late: plan.Late + 500*time.Millisecond}
			if c.table != nil {
				shapeOf := plan // shape changes nothing, but the run changes its plan
				lies.table = func(run uint32) map[delivery]lie { return c.table(shapeOf.shape(run)) }
			}
			p := newProxy(t, lies)
			plan.Addrs = []string{p.addr}
			res := begin(t, plan).done()
			run, told, left := p.lied()
			if left > 0 {
				t.Fatalf("%d lies could not be told, for want of messages", left)
			}
			if c.table == nil {
				innocent(t, res)
			}
			checkLies(t, res, run, plan, told)
		})
	}
}

// lieToAll is a table for 4 talkers to 40 users.
func lieToAll(shape ledger.Shape) map[delivery]lie {
	to := func(recipient, slot int, number uint32) delivery {
		return delivery{recipient, shape.Talker(0, slot), ledger.Broadcast, number}
	}
	return map[delivery]lie{
		to(3, 0, 90): drop, to(3, 0, 91): drop, // one run
		to(3, 0, 93): drop, to(30, 0, 93): drop,
		to(7, 1, 88):  drop,
		to(11, 2, 95): twice, to(shape.Talker(0, 0), 0, 97): twice,
		to(20, 3, 86): swap, to(20, 3, 89): swap,
		to(21, 3, 87): mangle,
		to(22, 1, 99): forge,
		to(39, 2, 98): tarry,
	}
}

// lieToOne is a table for 8 users with 4 contacts each.
func lieToOne(shape ledger.Shape) map[delivery]lie {
	from := func(sender, slot int, number uint32) delivery {
		return delivery{shape.Contact(sender, slot), sender, ledger.Direct, number}
	}
	return map[delivery]lie{
		from(0, 0, 1): drop, // the first of all
		from(1, 1, 2): drop, from(1, 1, 3): drop, from(1, 1, 5): drop,
		from(2, 3, 2): twice, from(2, 3, 4): twice,
		from(4, 0, 3): swap,
		from(5, 2, 4): mangle,
		from(6, 1, 5): forge,
		from(7, 3, 2): tarry,
	}
}

// checkLies compares a result with the lies that were told.
func checkLies(t *testing.T, res *report.Result, run uint32, plan Plan, told map[delivery]lie) {
	t.Helper()
	account := ledger.Account{Run: run, Shape: plan.shape(run)}
	want := report.Tally{Sent: res.Total.Sent, Expected: res.Total.Sent}
	if plan.Scenario == "broadcast" {
		want.Expected *= int64(plan.Users)
	}
	conversations, senders := map[string]report.Tally{}, map[string]report.Tally{}
	var faults []string
	for d, l := range told {
		wrong := consequence(l)
		add(&want, wrong)
		wrong.Corrupted = 0 // has no conversation and no sender
		conversation, sender, _ := account.Names(ledger.Fault{Kind: d.kind, Sender: d.sender, Recipient: d.recipient})
		for of, sums := range map[string]map[string]report.Tally{conversation: conversations, sender: senders} {
			sum := sums[of]
			add(&sum, wrong)
			sums[of] = sum
		}
		faults = append(faults, named(&account, d, l, told)...)
	}
	want.Delivered = want.Expected - want.Lost
	if res.Total != want {
		t.Errorf("total %+v, want %+v", res.Total, want)
	}
	var found []string
	for _, f := range res.Faults {
		found = append(found, fmt.Sprint(f))
	}
	slices.Sort(found)
	slices.Sort(faults)
	if !slices.Equal(found, faults) {
		t.Errorf("faults\n%q\nwant\n%q", found, faults)
	}
	if got := wrongs(res.Conversations); !maps.Equal(got, conversations) {
		t.Errorf("conversations %+v, want %+v", got, conversations)
	}
	if got := wrongs(res.Senders); !maps.Equal(got, senders) {
		t.Errorf("senders %+v, want %+v", got, senders)
	}
}

// consequence is what one lie adds to a tally.
func consequence(l lie) (t report.Tally) {
	switch l {
	case drop:
		t.Lost = 1
	case twice:
		t.Duplicated = 1
	case swap:
		t.Reordered = 1
	case mangle, forge:
		t.Lost, t.Corrupted = 1, 1
	case tarry:
		t.Reordered, t.Late = 1, 1
	}
	return t
}

// add adds what went wrong.
func add(sum *report.Tally, t report.Tally) {
	sum.Lost += t.Lost
	sum.Duplicated += t.Duplicated
	sum.Reordered += t.Reordered
	sum.Late += t.Late
	sum.Corrupted += t.Corrupted
}

// named is the faults that a lie is to be reported as.
func named(a *ledger.Account, d delivery, l lie, told map[delivery]lie) (faults []string) {
	conversation, sender, recipient := a.Names(ledger.Fault{Kind: d.kind, Sender: d.sender, Recipient: d.recipient})
	fault := func(what string, to uint32) string {
		return fmt.Sprint(report.Fault{
			What: what, Conversation: conversation, Sender: sender, Recipient: recipient, Number: d.number, To: to,
		})
	}
	switch l {
	case twice:
		return []string{fault("duplicated", d.number)}
	case swap, tarry:
		return []string{fault("reordered", d.number)}
	case mangle:
		faults = append(faults, fmt.Sprint(report.Fault{What: "corrupted", Recipient: recipient}))
	case forge:
		faults = append(faults, fault("corrupted", d.number))
	}
	// Lost is told in runs, each by its first.
	lost := func(number uint32) bool {
		d := d
		d.number = number
		return consequence(told[d]).Lost > 0
	}
	if lost(d.number - 1) {
		return faults
	}
	to := d.number
	for lost(to + 1) {
		to++
	}
	return append(faults, fault("lost", to))
}

// wrongs is what went wrong by name.
func wrongs(rows []report.Account) map[string]report.Tally {
	found := map[string]report.Tally{}
	for _, row := range rows {
		var t report.Tally
		add(&t, row.Tally)
		found[row.Name] = t
	}
	return found
}
