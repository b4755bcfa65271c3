package history

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// machine drives a log and its model with the same random steps.
type machine struct {
	top   *testing.T
	log   Log
	model *model
	at    *clock
	fs    *vfs.MemFS // Pebble's
	other *Stream    // a Stream's: another node's
	epoch string
}

var (
	convs  = rapid.SampledFrom([]string{"all", "r/go", direct(1, 2), direct(1, 3)})
	claims = rapid.Uint64Range(1, 4)
	nicks  = rapid.Uint64Range(1, 9) // claims that may be saved and dropped
	cids   = rapid.SampledFrom([]string{"", "", "a", "b", "c"})
)

// Append appends a batch and looks at what has become of each entry.
func (m *machine) Append(t *rapid.T) {
	n := rapid.IntRange(1, 12).Draw(t, "entries")
	var batch []*Entry
	var asked []Entry
	for i := range n {
		e := say(convs.Draw(t, "conv"), claims.Draw(t, "claim"), cids.Draw(t, "cid"), fmt.Sprint(m.model.highest, i))
		if e.Conv[0] == 'd' { // the claims of the two are in its name
			e.Claim, e.Peer = uint64(e.Conv[17]-'0'), uint64(e.Conv[34]-'0')
			if rapid.Bool().Draw(t, "the other way") {
				e.Claim, e.Peer = e.Peer, e.Claim
			}
			e.From, e.To = fmt.Sprint("nick ", e.Claim), fmt.Sprint("nick ", e.Peer)
		}
		batch, asked = append(batch, e), append(asked, *e)
	}
	if err := m.log.Append(batch); err != nil {
		t.Fatal(err)
	}
	for i, e := range batch {
		m.appended(t, asked[i], e)
	}
	m.model.tidy(m.at.now())
}

func (m *machine) appended(t *rapid.T, asked Entry, e *Entry) {
	id := dedupID{asked.Claim, asked.Cid}
	before, known := m.model.known[id]
	age := m.at.now().Sub(before.at)
	switch {
	case e.Known && !known:
		t.Fatalf("%+v is not known", e)
	case !e.Known && known && age < m.model.conf.Dedup:
		t.Fatalf("%+v is known since %v", e, age)
	case e.Known:
		got, want := e.Message, before.msg
		if isStream(m.log) && got.Body == nil { // retention has removed it
			got.Conv, got.Ts = want.Conv, want.Ts
		}
		if got.Conv != want.Conv || got.Seq != want.Seq || got.Mid != want.Mid || got.Ts != want.Ts {
			t.Fatalf("known as %+v; want %+v", got, want)
		}
		return
	}
	c := m.model.conv(asked.Conv)
	if isStream(m.log) {
		e.Prev = c.last // Append does not know it, but Read does
	}
	if e.Seq <= m.model.highest || e.Prev != c.last || e.Ts != m.at.now().UnixMilli() {
		t.Fatalf("%+v behind %d, prev %d", e, m.model.highest, c.last)
	}
	if _, again := m.model.mids[e.Mid]; again || !isStream(m.log) && midTimeOf(e.Mid) != born(e.Ts) {
		t.Fatalf("id %s", e.Mid)
	}
	m.model.highest, c.last = e.Seq, e.Seq
	c.stored = append(c.stored, e.Message)
	c.bytes += m.model.weigh(e.Message)
	m.model.mids[e.Mid] = e.Message
	if asked.Cid != "" {
		m.model.known[id] = modelFirst{e.Message, m.at.now()}
	}
	if e.Peer != 0 {
		m.direct(e.Claim, Direct{e.Conv, e.Peer, e.To})
		m.direct(e.Peer, Direct{e.Conv, e.Claim, e.From})
	}
}

func (m *machine) direct(claim uint64, d Direct) {
	if m.model.directs[claim] == nil {
		m.model.directs[claim] = map[string]Direct{}
	}
	if _, known := m.model.directs[claim][d.Conv]; !known {
		m.model.directs[claim][d.Conv] = d
	}
}

// Read asks for some part of a conversation.
func (m *machine) Read(t *rapid.T) {
	m.trim()
	name := convs.Draw(t, "conv")
	c := m.model.conv(name)
	around := rapid.Custom(func(t *rapid.T) uint64 {
		if rapid.Bool().Draw(t, "none") || len(c.stored) == 0 {
			return 0
		}
		seq := c.stored[rapid.IntRange(0, len(c.stored)-1).Draw(t, "place")].Seq
		return seq + uint64(rapid.IntRange(-1, 1).Draw(t, "beside"))
	})
	after, before, limit := around.Draw(t, "after"), around.Draw(t, "before"), rapid.IntRange(1, 20).Draw(t, "limit")
	var want []Message
	for _, msg := range c.stored {
		if msg.Seq > after && (before == 0 || msg.Seq < before) {
			want = append(want, msg)
		}
	}
	wantMore := len(want) > limit
	switch {
	case wantMore && after > 0:
		want = want[:limit]
	case wantMore:
		want = want[len(want)-limit:]
	}
	got, more, err := m.log.Read(name, after, before, limit)
	if err != nil || more != wantMore || !equalAll(got, want) {
		t.Fatalf("Read(%s, %d, %d, %d) = %v, %v, %v; want %v, %v", name, after, before, limit, got, more, err, want, wantMore)
	}
}

// Claim saves or drops one.
func (m *machine) Claim(t *rapid.T) {
	id := nicks.Draw(t, "id")
	if m.model.dropped[id] {
		t.Skip("gone for ever")
	}
	c := Claim{
		ID: id, Nick: "Nick", Key: []string{"x", "y"}[id%2], Secret: []byte{1}, Made: int64(id * 7 % 3),
	}
	if minutes := rapid.IntRange(0, 20).Draw(t, "away"); minutes > 0 {
		c.Away = m.at.now().Add(-time.Duration(minutes) * time.Minute).UnixMilli()
	}
	var err error
	if rapid.IntRange(0, 3).Draw(t, "drop") == 0 {
		err = m.log.DropClaim(c.ID)
		m.model.drop(c.ID)
		m.model.dropped[c.ID] = true
	} else {
		err = m.log.SaveClaim(c)
		m.model.claims[c.ID] = c
		m.model.tidy(m.at.now())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Mark raises marks.
func (m *machine) Mark(t *rapid.T) {
	id := markID{nicks.Draw(t, "claim"), convs.Draw(t, "conv")}
	if m.model.dropped[id.claim] {
		t.Skip("gone for ever")
	}
	n := rapid.Uint64Range(0, 9)
	by := Marks{n.Draw(t, "sent"), n.Draw(t, "recv"), n.Draw(t, "read")}
	m.log.Mark(id.claim, id.conv, by)
	m.model.marks[id] = m.model.marks[id].raised(by)
}

// Wait lets time pass.
func (m *machine) Wait(t *rapid.T) {
	m.at.advance(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
}

// Restart closes the log and opens it, or lets the power go.
func (m *machine) Restart(t *rapid.T) {
	l, ok := m.log.(*pebbleLog)
	if !ok {
		t.Skip("in memory")
	}
	clean := rapid.Bool().Draw(t, "clean")
	if !clean {
		if err := l.tidy(); err != nil { // what was marked is promised for soon
			t.Fatal(err)
		}
		percent := 100 // of what was not synced is kept: a killed process loses nothing
		if m.model.conf.Durability == DurabilityFsync {
			percent = rapid.IntRange(0, 100).Draw(t, "percent")
		}
		m.fs = m.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng(m.model.highest)})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	m.open(t)
	if m.log.Epoch() != m.epoch {
		t.Fatal("another epoch")
	}
	m.trim() // the power may have undone it
}

// Forget takes everything out of memory that is on disk.
func (m *machine) Forget(t *rapid.T) {
	switch l := m.log.(type) {
	case *pebbleLog:
		l.commit.Lock()
		l.tails.forget()
		l.commit.Unlock()
	case *Stream:
		l.tails.forget()
	default:
		t.Skip("in memory")
	}
}

func (m *machine) open(t *rapid.T) {
	l, err := open("data", m.model.conf, ram(m.fs, m.at.now))
	if err != nil {
		t.Fatal(err)
	}
	hasTrimmed(l)
	m.log = l
}

// trim brings both sides to what is to be kept.
func (m *machine) trim() {
	m.model.trim(m.at.now())
	m.model.lapse(m.at.now())
	trimNow(m.top, m.log)
	if l, ok := m.log.(*Stream); ok {
		m.hears(l, m.other)
	}
}

// Check compares everything that can be asked for.
func (m *machine) Check(t *rapid.T) {
	m.trim()
	for name := range m.model.convs {
		c := m.model.conv(name)
		want := Head{Last: c.last, Trimmed: c.trimmed}
		if !isStream(m.log) {
			want.Count, want.Bytes = int64(len(c.stored)), c.bytes
		}
		if len(c.stored) > 0 && !isStream(m.log) {
			want.First = c.stored[0].Seq
		}
		if got, err := m.log.Head(name); err != nil || got != want {
			t.Fatalf("Head(%s) = %+v, %v; want %+v", name, got, err, want)
		}
	}
	for mid, want := range m.model.mids {
		wantFound := want.Seq > m.model.conv(want.Conv).trimmed
		if got, found, err := m.log.Find(mid); err != nil || found != wantFound || found && !equal(got, want) {
			t.Fatalf("Find(%s) = %+v, %v, %v; want %+v, %v", mid, got, found, err, want, wantFound)
		}
	}
	for id := range uint64(10) {
		want, wantFound := m.model.claims[id]
		if got, found, err := m.log.ClaimByID(id); err != nil || found != wantFound || !reflect.DeepEqual(got, want) {
			t.Fatalf("ClaimByID(%d) = %+v, %v, %v; want %+v", id, got, found, err, want)
		}
	}
	for id := range uint64(5) {
		got, floor, err := m.log.Directs(id)
		if floor != m.model.floor {
			t.Fatalf("the floor is %d; want %d", floor, m.model.floor)
		}
		if isStream(m.log) { // it may have one that nothing was stored in, because the first message was known
			got = slices.DeleteFunc(got, func(d Direct) bool { return m.model.conv(d.Conv).last == 0 })
		}
		if want := m.model.directs[id]; err != nil || len(got) != len(want) && !m.model.dropped[id] {
			t.Fatalf("Directs(%d) = %v, %v; want %v", id, got, err, want)
		}
		for _, d := range got {
			if want := m.model.directs[id][d.Conv]; d != want {
				t.Fatalf("Directs(%d) has %v; want %v", id, d, want)
			}
		}
	}
	for id, want := range m.model.marks {
		if got, err := m.log.Marks(id.claim, id.conv); err != nil || got != want {
			t.Fatalf("Marks(%v) = %+v, %v; want %+v", id, got, err, want)
		}
	}
	m.scan(t)
	for _, key := range []string{"x", "y"} {
		var want Claim
		for _, c := range m.model.claims {
			if c.Key == key && (c.Made > want.Made || c.Made == want.Made && c.ID > want.ID) {
				want = c
			}
		}
		if got, found, err := m.log.ClaimByNick(key); err != nil || found != (want.ID != 0) || !reflect.DeepEqual(got, want) {
			t.Fatalf("ClaimByNick(%s) = %+v, %v, %v; want %+v", key, got, found, err, want)
		}
	}
}

// scan reads everything in one order, from somewhere on.
func (m *machine) scan(t *rapid.T) {
	after, limit := rapid.Uint64Range(0, m.model.highest).Draw(t, "scan after"), rapid.IntRange(1, 20).Draw(t, "scan limit")
	var want, got []Message
	for _, c := range m.model.convs {
		for _, msg := range c.stored {
			if msg.Seq > after {
				want = append(want, msg)
			}
		}
	}
	slices.SortFunc(want, func(a, b Message) int { return cmp.Compare(a.Seq, b.Seq) })
	for at := after; ; {
		msgs, next, err := m.log.Scan(at, limit)
		if err != nil || len(msgs) > limit || next < at {
			t.Fatalf("Scan(%d, %d) = %d messages, %d, %v", at, limit, len(msgs), next, err)
		}
		if got = append(got, msgs...); next == at {
			break
		}
		at = next
	}
	if isStream(m.log) {
		for i := range want {
			want[i].Prev = 0
		}
	}
	if !equalAll(got, want) {
		t.Fatalf("Scan from %d on gives %v; want %v", after, got, want)
	}
	if _, newest, err := m.log.Scan(after, 0); err != nil || newest < m.model.highest {
		t.Fatalf("the newest seq is %d, %v; want %d", newest, err, m.model.highest)
	}
}

func TestAgainstModel(t *testing.T) {
	for _, durability := range []string{DurabilityMem, DurabilityOS, DurabilityFsync, "stream"} {
		t.Run(durability, func(top *testing.T) {
			rapid.Check(top, func(t *rapid.T) {
				conf := Config{
					Durability: durability, Dedup: time.Minute, Logger: quiet,
					KeepCount: rapid.SampledFrom([]int{-1, 5, 30}).Draw(t, "count"),
					KeepBytes: rapid.SampledFrom([]int64{-1, 600}).Draw(t, "bytes"),
				}
				conf.KeepAge = rapid.SampledFrom([]time.Duration{0, 2 * time.Minute, 12 * time.Minute}).Draw(t, "age")
				m := &machine{top: top, model: newModel(conf), at: newClock()}
				switch durability {
				case DurabilityMem:
					m.log, m.model.forgets = newMemory(conf, m.at.now), true
				case "stream":
					m.model.isStream = true
					defer m.onServer(t)()
				default:
					m.fs = vfs.NewCrashableMem()
					m.open(t)
				}
				m.epoch = m.log.Epoch()
				defer func() { release(m.log) }()
				t.Repeat(map[string]func(*rapid.T){
					"append": m.Append, "append again": m.Append, "read": m.Read, "claim": m.Claim, "mark": m.Mark,
					"wait": m.Wait, "erase": m.Erase, "other": m.Other, "restart": m.Restart, "forget": m.Forget, "check": m.Check,
				})
				m.Check(t)
			})
		})
	}
}
