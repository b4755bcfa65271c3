package run

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"throng/loadtest/ledger"
	"throng/loadtest/report"
)

// Above these the load generator itself is held to be the bottleneck.
const (
	mostLate    = 0.01 // share of the messages that were sent too late
	fewLate     = 20   // so many messages may be too late in a short run, unless they are a tenth
	mostStalled = 0.02 // share of the time in which workers stood still though they had work
	mostTainted = 0.01 // share of the deliveries whose latency is the generator's
)

// longTurn is from when on a turn of a worker's loop is worth a note.
const longTurn = 20 * time.Millisecond

// finish makes the result of all that was found. The account is nil if the workers could not give one.
func (r *run) finish(account *ledger.Account) {
	r.point()
	sum, reasons, _, _ := r.news.counts()
	res, p := r.result, &r.plan
	res.Seconds = r.since()
	res.Plan = report.Plan{
		Scenario: p.Scenario, Dialect: p.Dialect, URLs: p.urls(), Served: p.Serve, Chats: p.chats(), Users: p.Users,
		Workers: len(r.hands), Rate: p.rate(), Size: max(p.Size, ledger.MinSize), Duration: p.Duration.Seconds(),
		Ramp: p.Ramp.Seconds(), LateAfter: p.Late.Seconds(),
	}
	res.Phases, res.Series = r.time.phases, r.time.series
	res.Connect = report.Connect{
		Asked: sum.Asked, Connected: sum.Ever, Failed: sum.Failed, Again: sum.Again, Dropped: sum.Dropped, Reasons: reasons,
	}
	if took := res.Phases[0].To - res.Phases[0].From; took > 0 {
		res.Connect.Rate = float64(sum.Ever) / took
	}
	if account != nil {
		r.accounts(account, sum.Acked)
	} else {
		// What came is known all the same; what should have come is not.
		res.Total = report.Tally{
			Expected: sum.Delivered, Delivered: sum.Delivered, Duplicated: sum.Duplicated, Reordered: sum.Reordered,
			Late: sum.Late, Corrupted: sum.Corrupted,
		}
	}
	res.Total.Sent = sum.Sent
	for _, n := range sum.Acked {
		res.Total.Acked += n
	}
	r.latency.absorb(r.news.takeMeasured())
	res.Latency = r.latency.latencies()
	r.costs()
	r.notes(sum, account)
	if res.Capacity != nil {
		res.Plan.Duration = p.Step.Seconds() * float64(len(res.Capacity.Steps))
		return // each step was judged for itself
	}
	report.Judge(p.SLOs, res)
}

// accounts enters what the books say, with names.
func (r *run) accounts(a *ledger.Account, acked [len(metrics)]int64) {
	res := r.result
	res.Total = tally(a.Total)
	for kind, t := range a.Kinds {
		if t.Sent > 0 || t.Expected > 0 {
			sum := tally(t)
			sum.Acked = acked[kind]
			res.Kinds = append(res.Kinds, report.Account{Name: ledger.Kind(kind).String(), Tally: sum})
		}
	}
	rows := func(found []ledger.Row, wrong int, what string) (named []report.Account) {
		for _, row := range found {
			named = append(named, report.Account{Name: row.Name, Tally: tally(row.Tally)})
		}
		if wrong > len(found) {
			res.Notes = append(res.Notes, fmt.Sprintf("Of %d %s with something wrong the worst %d are listed.", wrong, what, len(found)))
		}
		return named
	}
	found, wrong := a.Conversations(report.MostAccounts)
	res.Conversations = rows(found, wrong, "conversations")
	found, wrong = a.Senders(report.MostAccounts)
	res.Senders = rows(found, wrong, "senders")
	for _, f := range a.Faults[:min(len(a.Faults), report.MostFaults)] {
		conversation, sender, recipient := a.Names(f)
		res.Faults = append(res.Faults, report.Fault{
			What: f.What.String(), Conversation: conversation, Sender: sender, Recipient: recipient, Number: f.Number, To: f.To,
		})
	}
}

// tally is the ledger's in the words of the report.
func tally(t ledger.Tally) report.Tally {
	return report.Tally{
		Sent: t.Sent, Expected: t.Expected, Delivered: t.Delivered, Lost: t.Lost, Duplicated: t.Duplicated,
		Reordered: t.Reordered, Late: t.Late, Corrupted: t.Corrupted, Excused: t.Excused,
	}
}

// minus is what has been added to a tally since before.
func minus(after, before ledger.Tally) report.Tally {
	a, b := tally(after), tally(before)
	return report.Tally{
		Expected: a.Expected - b.Expected, Delivered: a.Delivered - b.Delivered, Lost: a.Lost - b.Lost,
		Duplicated: a.Duplicated - b.Duplicated, Reordered: a.Reordered - b.Reordered, Late: a.Late - b.Late,
		Corrupted: a.Corrupted - b.Corrupted, Excused: a.Excused - b.Excused,
	}
}

// costs enters what servers and workers have used.
func (r *run) costs() {
	res, from, to := r.result, r.steady[0], r.steady[1]
	if to.at == 0 {
		to = r.mark() // the run ended early
	}
	if from.at == 0 {
		from = to
	}
	res.Generator = r.generator(from, r.mark()) // what came late tells most of the generator
	took, users := max(to.at-from.at, 1e-9), float64(from.counts.Connected)
	res.Generator.CPU = (to.cpu - from.cpu) / took
	res.Generator.Memory = r.time.most
	if users > 0 {
		res.Generator.PerUser = float64(from.memory-r.empty) / users
	}
	for i, w := range r.time.watched {
		s := report.Server{Name: w.name, Memory: w.most}
		if i < len(from.server) && i < len(to.server) {
			used := (to.server[i].cpu - from.server[i].cpu).Seconds()
			s.CPU = used / took
			share := float64(len(r.plan.Addrs)) // users and deliveries are the same for each server
			if users > 0 && w.empty > 0 {
				s.PerUser = float64(from.server[i].memory-w.empty) / (users / share)
			}
			if n := to.counts.Delivered - from.counts.Delivered; n > 0 {
				s.PerMessage = used / (float64(n) / share)
			}
		}
		res.Servers = append(res.Servers, s)
	}
}

// generator judges whether the workers themselves were the bottleneck between two moments.
func (r *run) generator(from, to mark) report.Generator {
	a, b := from.counts, to.counts
	g := report.Generator{
		LateSends: b.LateSends - a.LateSends, Skipped: b.Skipped - a.Skipped, Stalled: float64(b.Stalled-a.Stalled) / 1e9,
		Tainted: b.Tainted - a.Tainted,
	}
	sent, delivered := float64(b.Sent-a.Sent), float64(b.Delivered-a.Delivered)
	blame := func(is bool, format string, args ...any) {
		if is {
			g.Saturated, g.Why = true, append(g.Why, fmt.Sprintf(format, args...))
		}
	}
	blame(float64(g.LateSends) > mostLate*sent && (g.LateSends >= fewLate || float64(g.LateSends) > 10*mostLate*sent), "%d of %.0f messages went out more than 50 ms after their time.", g.LateSends, sent)
	meant := b.Sent - a.Sent + b.Unsent - a.Unsent + g.Skipped
	blame(float64(g.Skipped) > mostLate*float64(meant),
		"%d of %d messages were not sent: the time was over before the load processes came to them.", g.Skipped, meant)
	blame(g.Stalled > mostStalled*(to.at-from.at)*float64(len(r.hands)),
		"Load processes stood still for %.1f s in all though they had work: their processor was taken away.", g.Stalled)
	blame(float64(g.Tainted) > mostTainted*delivered,
		"%d of %.0f deliveries waited for the load generator; their latencies are left out.", g.Tainted, delivered)
	return g
}

// notes tells what a reader of the numbers should know.
func (r *run) notes(sum counts, account *ledger.Account) {
	note := func(is bool, format string, args ...any) {
		if is {
			r.result.Notes = append(r.result.Notes, fmt.Sprintf(format, args...))
		}
	}
	p := &r.plan
	note(p.chats() > 1, "The %d servers are separate chats: a message to everyone reaches the users of one server.", len(p.Addrs))
	note(p.Size < ledger.MinSize && p.rate() > 0, "A message has %d bytes, which its stamp needs, instead of %d.", ledger.MinSize, p.Size)
	note(sum.Unsent > 0, "%d messages could not be sent, since their senders were not connected or their sockets full.", sum.Unsent)
	note(sum.Refused > 0, "The server answered %d messages with words of its own: see the reasons.", sum.Refused)
	if p.mix().v2 {
		r.notesOfV2(sum, note)
	} else {
		note(p.mix().slow, "Every 20th user reads slowly and every 100th not at all; what they miss is excused.")
		note(p.mix().churning, "Every tenth user comes and goes; what was said while it was away is excused.")
	}
	turn := r.news.longestTurn()
	note(turn > longTurn, "The load generator took up to %v to read all sockets that were ready: so much of the latencies may be its own.",
		turn.Round(time.Millisecond))
	unclear := r.news.unclear()
	note(unclear > 0, "Of %d broadcasts it could not be told when the first and the last recipient had them.", unclear)
	if account != nil {
		note(account.WrittenOff > 0, "%d missing deliveries were written off before the end, to bound the memory of the books.", account.WrittenOff)
		note(account.Total.Unsure > 0, "%d deliveries came after they had been written off; each was late or a duplicate.", account.Total.Unsure)
	}
}

// notesOfV2 tells what became of what was kept for users, or by them.
func (r *run) notesOfV2(sum counts, note func(bool, string, ...any)) {
	p := &r.plan
	note(sum.Waiting > 0, "%d messages were never acknowledged; where one of them did not come either it counts as lost.", sum.Waiting)
	note(sum.Kept > 0, "%d deliveries waited for a user who was away or reads slowly; they are accounted for, and not in the latencies.", sum.Kept)
	note(sum.Paged > 0, "%d messages were read from the history, after %d gaps and after positions that were gone.", sum.Paged, sum.Gaps)
	note(sum.Holes > 0, "%d times the history did not go on where a user had got to, since the server keeps only so much: what is missing there counts as lost.", sum.Holes)
	note(p.mix().slow, "Every 20th user reads slowly, and is owed all in the end; every 100th not at all: what it misses is excused.")
	note(p.mix().churning, "Every tenth user comes and goes; what was said while it was away is owed to it.")
}

// mostly is the most frequent reason.
func mostly(reasons map[string]int) string {
	all := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(reasons[b]-reasons[a], strings.Compare(a, b))
	})
	if len(all) == 0 {
		return "no reason is known"
	}
	return all[0]
}
