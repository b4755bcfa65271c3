package ledger

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// settle settles all books.
func (m *model) settle(until int64) Account {
	var total SentReport
	for _, r := range m.reports {
		total.Merge(r)
	}
	total.Merge(total) // nothing counts twice
	var account Account
	for _, b := range m.books {
		a, err := b.Settle(carried(m.t, total), until)
		if err != nil {
			m.t.Fatal(err)
		}
		if err := account.Merge(carried(m.t, a)); err != nil {
			m.t.Fatal(err)
		}
	}
	return account
}

func (m *model) owed(p pair, until int64) bool {
	if m.excused[p.recipient] {
		return false
	}
	if m.kept || p.kind != Broadcast {
		return m.came(p, until)
	}
	second := m.times[p.stream][p.number-1] / int64(time.Second) * int64(time.Second)
	for _, s := range m.stays[p.recipient] {
		if s.to > until {
			s.to = forever
		}
		if s.from <= until && s.from <= second-int64(OwedBefore) && s.to >= second+int64(time.Second+OwedAfter) {
			return true
		}
	}
	return false
}

// came says whether a recipient had come before a message was sent, or at all where that is enough.
func (m *model) came(p pair, until int64) bool {
	stays := m.stays[p.recipient]
	if len(stays) == 0 || stays[0].from > until {
		return false
	}
	second := m.times[p.stream][p.number-1] / int64(time.Second) * int64(time.Second)
	return p.kind != Broadcast || stays[0].from <= second-int64(OwedBefore)
}

// judged is what the model makes of it all.
type judged struct {
	total         Tally
	kinds         [kinds]Tally
	conversations map[string]*Tally
	senders       map[string]*Tally
	lost          []pair
}

func (m *model) judge(until int64) judged {
	j := judged{conversations: map[string]*Tally{}, senders: map[string]*Tally{}}
	add := func(s stream, conversation string, t Tally) {
		j.total.add(t)
		j.kinds[s.kind].add(t)
		for name, rows := range map[string]map[string]*Tally{conversation: j.conversations, Nick(run, s.sender): j.senders} {
			if rows[name] == nil {
				rows[name] = &Tally{}
			}
			rows[name].add(t)
		}
	}
	for _, s := range m.streams {
		a := Account{Run: run, Shape: m.shape}
		for i, u := range m.recipients(s) {
			t := Tally{}
			if seen := m.tallies[pair{s, u, 0}]; seen != nil {
				t = *seen
			}
			for n := range m.known[s] {
				p := pair{s, u, uint32(n + 1)}
				switch {
				case m.arrivals[p] > 0:
				case m.owed(p, until):
					t.Lost++
					j.lost = append(j.lost, p)
				default:
					t.Excused++
				}
			}
			t.Expected = t.Delivered + t.Lost
			if i == 0 {
				t.Sent = int64(m.known[s])
			}
			name, _, _ := a.Names(Fault{Kind: s.kind, Slot: uint16(s.slot), Sender: s.sender, Recipient: u})
			add(s, name, t)
		}
	}
	for _, f := range m.faults {
		if f.What == Corrupted {
			j.total.Corrupted++
		}
	}
	return j
}

// check compares all that the books tell with the model.
func (m *model) check(until int64) {
	got, want := m.settle(until), m.judge(until)
	if got.Total != want.total || got.Kinds != want.kinds {
		m.t.Fatalf("settled %+v %+v\nwant    %+v %+v", got.Total, got.Kinds, want.total, want.kinds)
	}
	rows, wrong := got.Conversations(1000)
	m.compare("conversations", rows, wrong, want.conversations)
	rows, wrong = got.Senders(1000)
	m.compare("senders", rows, wrong, want.senders)

	var lost []pair
	var happened []Fault
	for _, f := range got.Faults {
		if f.What != Lost {
			happened = append(happened, f)
			continue
		}
		for n := f.Number; n <= f.To; n++ {
			lost = append(lost, pair{stream{f.Sender, f.Kind, int(f.Slot)}, f.Recipient, n})
		}
	}
	order := func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.recipient, b.recipient), cmp.Compare(a.kind, b.kind), cmp.Compare(a.slot, b.slot),
			cmp.Compare(a.number, b.number))
	}
	slices.SortFunc(want.lost, order)
	if !slices.Equal(lost, want.lost) {
		m.t.Fatalf("lost %+v\nwant %+v", lost, want.lost)
	}
	named := slices.Clone(m.faults)
	rank := map[What]int{Corrupted: 0, Duplicated: 1, Reordered: 2}
	slices.SortStableFunc(named, func(a, b Fault) int { return rank[a.What] - rank[b.What] })
	if !slices.Equal(happened, named) {
		m.t.Fatalf("faults %+v\nwant %+v", happened, named)
	}
	var now Tally
	for _, b := range m.books {
		now.add(b.Snapshot())
	}
	if w := want.total; now != (Tally{
		Delivered: w.Delivered, Duplicated: w.Duplicated, Reordered: w.Reordered, Late: w.Late, Corrupted: w.Corrupted,
	}) {
		m.t.Fatalf("snapshot %+v, want %+v", now, w)
	}
}

func (m *model) compare(what string, rows []Row, wrong int, want map[string]*Tally) {
	maps.DeleteFunc(want, func(_ string, t *Tally) bool { return !t.wrong() })
	got := map[string]*Tally{}
	for i, r := range rows {
		got[r.Name] = &r.Tally
		if i > 0 && worse(&rows[i-1].Tally, &r.Tally) > 0 {
			m.t.Fatalf("%s are not sorted: %+v", what, rows)
		}
	}
	equal := maps.EqualFunc(got, want, func(a, b *Tally) bool { return *a == *b })
	if !equal || wrong != len(want) || len(rows) != len(want) {
		m.t.Fatalf("%s: %d %+v, want %d", what, wrong, rows, len(want))
	}
}

func TestBookAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, 0)
		for range rapid.IntRange(5, 80).Draw(t, "steps") {
			m.step()
			if rapid.IntRange(0, 9).Draw(t, "settle") == 0 {
				m.check(rapid.Int64Range(0, m.now).Draw(t, "until"))
			}
		}
		m.check(m.now)
		for i := range m.books {
			m.tell(i)
		}
		m.check(m.now)
	})
}

// With room for a few spans only, some are written off. The sums stay exact, and what is not sure is told.
func TestBookOutOfRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, rapid.IntRange(1, 4).Draw(t, "spans"))
		for range rapid.IntRange(5, 80).Draw(t, "steps") {
			m.step()
		}
		for i := range m.books {
			m.tell(i)
		}
		got, want := m.settle(m.now), m.judge(m.now).total
		arrivals := want.Delivered + want.Duplicated
		var writtenOff int64
		for _, b := range m.books {
			held := 0
			for _, g := range b.gaps {
				held += len(g.missing)
				writtenOff += g.writtenOff
			}
			if held != b.held || held > b.spans {
				t.Fatalf("%d spans are held, %d are counted, %d are allowed", held, b.held, b.spans)
			}
		}
		switch {
		case got.Total.Delivered+got.Total.Lost != got.Total.Expected:
			t.Fatalf("expected is not delivered and lost: %+v", got.Total)
		case got.Total.Delivered+got.Total.Duplicated+got.Total.Unsure != arrivals:
			t.Fatalf("%+v: not %d arrivals", got.Total, arrivals)
		case got.Total.Expected+got.Total.Excused != want.Expected+want.Excused:
			t.Fatalf("%+v, want as many pairs as in %+v", got.Total, want)
		case writtenOff == 0 && got.Total != want:
			t.Fatalf("nothing was written off, yet %+v, want %+v", got.Total, want)
		case got.Total.Delivered > want.Delivered, got.Total.Delivered < want.Delivered-writtenOff:
			t.Fatalf("%+v, written off %d, want about %+v", got.Total, writtenOff, want)
		case got.Total.Duplicated > want.Duplicated, got.Total.Reordered > want.Reordered, got.WrittenOff > writtenOff:
			t.Fatalf("%+v, want at most %+v", got.Total, want)
		}
	})
}
