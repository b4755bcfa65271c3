package ledger

import (
	"slices"
	"time"

	"pgregory.net/rapid"
)

// The model keeps every pair of a message and a recipient in maps and judges each by the rules as they are written. The
// books must come to the same, whatever happens, at any time.

type stream struct {
	sender int
	kind   Kind
	slot   int
}

type pair struct {
	stream
	recipient int
	number    uint32
}

type model struct {
	t       *rapid.T
	shape   Shape
	bounds  []int // the users of worker i are [bounds[i], bounds[i+1])
	books   []*Book
	sent    []*Sent
	reports []SentReport // the last one of each worker
	known   map[stream]int
	now     int64

	times    map[stream][]int64 // when each number was sent
	arrivals map[pair]int
	highest  map[pair]uint32 // by pair with number 0
	tallies  map[pair]*Tally // by pair with number 0: duplicated, reordered, late, delivered
	faults   []Fault         // in order, but for the lost
	stays    map[int][]stay
	excused  map[int]bool
	kept     bool // see Config
	streams  []stream
}

const lateAfter = 500 * time.Millisecond

func newModel(t *rapid.T, spans int) *model {
	m := &model{
		t: t, shape: anyShape(t, 12), known: map[stream]int{}, times: map[stream][]int64{}, arrivals: map[pair]int{},
		highest: map[pair]uint32{}, tallies: map[pair]*Tally{}, stays: map[int][]stay{}, excused: map[int]bool{},
	}
	m.kept = rapid.Bool().Draw(t, "kept")
	m.bounds = []int{0, m.shape.Users}
	for range rapid.IntRange(0, 2).Draw(t, "cuts") {
		m.bounds = append(m.bounds, rapid.IntRange(0, m.shape.Users).Draw(t, "cut"))
	}
	slices.Sort(m.bounds)
	for i := range len(m.bounds) - 1 {
		b, err := NewBook(Config{
			Run: run, Shape: m.shape, From: m.bounds[i], To: m.bounds[i+1], Kept: m.kept, LateAfter: lateAfter, Spans: spans,
		})
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewSent(m.shape, m.bounds[i], m.bounds[i+1])
		if err != nil {
			t.Fatal(err)
		}
		m.books, m.sent, m.reports = append(m.books, b), append(m.sent, s), append(m.reports, SentReport{})
	}
	for chat := range m.shape.Chats {
		for slot := range m.shape.TalkerSlots(chat) {
			m.streams = append(m.streams, stream{m.shape.Talker(chat, slot), Broadcast, slot})
		}
	}
	for u := range m.shape.Users {
		for j := range m.shape.ContactSlots(m.shape.Chat(u)) {
			m.streams = append(m.streams, stream{u, Direct, j})
		}
	}
	for room := range m.shape.Rooms() {
		for j := range m.shape.RoomTalkerSlots(room) {
			m.streams = append(m.streams, stream{m.shape.RoomTalker(room, j), Room, m.shape.RoomSlot(m.side(room), j)})
		}
	}
	return m
}

// side is the side on which a room is.
func (m *model) side(room int) int {
	return room / (m.shape.Rooms() / m.shape.Chats / RoomsEach) % RoomsEach
}

func (m *model) worker(user int) int {
	for i := range m.books {
		if user < m.bounds[i+1] {
			return i
		}
	}
	panic("no such user")
}

func (m *model) user() int { return rapid.IntRange(0, m.shape.Users-1).Draw(m.t, "user") }

func (m *model) recipients(s stream) (users []int) {
	if s.kind == Direct {
		return []int{m.shape.Contact(s.sender, s.slot)}
	}
	if s.kind == Room {
		room, _ := m.shape.RoomOf(s.sender, s.slot)
		for u := range m.shape.Users {
			if m.shape.Room(u, m.side(room)) == room {
				users = append(users, u)
			}
		}
		return users
	}
	chat := m.shape.Chat(s.sender)
	for p := range m.shape.Size(chat) {
		users = append(users, m.shape.User(chat, p))
	}
	return users
}

// step does one thing.
func (m *model) step() {
	m.now += rapid.SampledFrom([]int64{1, 2, int64(100 * time.Millisecond), int64(time.Second), int64(5 * time.Second)}).Draw(m.t, "passes")
	actions := []func(){m.join, m.leave, m.corrupt, m.report, m.excuse}
	if len(m.streams) > 0 {
		actions = append(actions, m.send, m.send, m.send, m.deliver, m.deliver, m.deliver, m.deliver, m.undo)
	}
	actions[rapid.IntRange(0, len(actions)-1).Draw(m.t, "action")]()
}

// stream is one of a few, so that much happens to them.
func (m *model) stream() stream {
	few := slices.Concat(m.streams[:min(len(m.streams), 3)], m.streams[max(len(m.streams)-2, 0):])
	return rapid.SampledFrom(few).Draw(m.t, "stream")
}

// send sends a few messages of a stream, and brings each to some of its recipients.
func (m *model) send() {
	s := m.stream()
	least := rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(m.t, "trouble")
	for range rapid.IntRange(1, 8).Draw(m.t, "messages") {
		m.times[s] = append(m.times[s], m.now)
		if n := m.sent[m.worker(s.sender)].Next(s.sender, s.kind, s.slot, m.now); int(n) != len(m.times[s]) {
			m.t.Fatalf("%+v: number %d, want %d", s, n, len(m.times[s]))
		}
		for _, u := range m.recipients(s) {
			if rapid.IntRange(0, 2).Draw(m.t, "arrives") >= least {
				m.arrive(s, u, uint32(len(m.times[s])))
			}
		}
	}
}

// undo takes back a number that was given out for nothing.
func (m *model) undo() {
	s := m.stream()
	sent := m.sent[m.worker(s.sender)]
	sent.Next(s.sender, s.kind, s.slot, m.now)
	sent.Undo(s.sender, s.kind, s.slot)
}

// deliver brings any message to one of its recipients, in the first place or again.
func (m *model) deliver() {
	s := m.stream()
	if len(m.times[s]) == 0 {
		return
	}
	u := rapid.SampledFrom(m.recipients(s)).Draw(m.t, "recipient")
	m.arrive(s, u, uint32(rapid.IntRange(1, len(m.times[s])).Draw(m.t, "number")))
}

func (m *model) arrive(s stream, user int, number uint32) {
	m.now++
	stamp := Stamp{
		Run: run, Kind: s.kind, Slot: uint16(s.slot), Sender: uint32(s.sender), Number: number,
		At: m.times[s][number-1], Tardy: number%3 == 0, Waited: number%5 == 0, Again: number%7 == 0,
	}
	kept := stamp.Waited
	if n := len(m.stays[user]); m.kept && n > 0 {
		kept = kept || stamp.At < m.stays[user][n-1].from
	}
	out := m.books[m.worker(user)].Received(user, stamp.Append(nil, 0), []byte(Nick(run, s.sender)), m.now)
	if out.What != Corrupted && (out.Kind != s.kind || out.Kept != kept || out.Tardy != stamp.Tardy || out.Latency != m.now-stamp.At) {
		m.t.Fatalf("%+v of %+v", out, stamp)
	}

	line := pair{s, user, 0}
	p := pair{s, user, number}
	tally := m.tallies[line]
	if tally == nil {
		tally = &Tally{}
		m.tallies[line] = tally
	}
	what := Delivered
	switch {
	case m.arrivals[p] > 0:
		what = Duplicated
		tally.Duplicated++
	case number < m.highest[line] && !stamp.Again:
		what = Reordered
		tally.Reordered++
	}
	m.arrivals[p]++
	m.highest[line] = max(m.highest[line], number)
	if what != Duplicated {
		tally.Delivered++
		if out.Latency > int64(lateAfter) && !stamp.Tardy && !kept {
			tally.Late++
		}
	}
	if what != Delivered {
		m.faults = append(m.faults, Fault{
			What: what, Kind: s.kind, Slot: uint16(s.slot), Sender: s.sender, Recipient: user, Number: number, To: number,
			At: m.now,
		})
	}
	if out.What != what && out.What != Unsure {
		m.t.Fatalf("%+v to %d, number %d: %v, want %v", s, user, number, out.What, what)
	}
}

func (m *model) corrupt() {
	user := m.user()
	if len(m.streams) == 0 || rapid.Bool().Draw(m.t, "unstamped") {
		m.books[m.worker(user)].Unstamped(user, m.now)
		m.faults = append(m.faults, Fault{What: Corrupted, Sender: -1, Recipient: user, At: m.now, Why: ErrNone.Error()})
		return
	}
	s := m.stream()
	user = rapid.SampledFrom(m.recipients(s)).Draw(m.t, "recipient")
	stamp := Stamp{Run: run, Kind: s.kind, Slot: uint16(s.slot), Sender: uint32(s.sender), Number: 1}
	from := Nick(run, s.sender)
	var why error
	switch rapid.IntRange(0, 5).Draw(m.t, "how") {
	case 0:
		stamp.Run, why = run+1, ErrRun
	case 1:
		stamp.Slot, why = 1000, ErrStream
	case 2:
		stamp.Sender, why = uint32(s.sender+1), ErrStream
	case 3:
		stamp.Kind, why = kinds, ErrStream
	case 4:
		from, why = Nick(run, s.sender+1), ErrFrom
	case 5:
		stamp.Number, why = 0, ErrNumber
	}
	out := m.books[m.worker(user)].Received(user, stamp.Append(nil, 0), []byte(from), m.now)
	if out.What != Corrupted || out.Why != why {
		m.t.Fatalf("%+v, want %v", out, why)
	}
	m.faults = append(m.faults, Fault{
		What: Corrupted, Kind: stamp.Kind, Slot: stamp.Slot, Sender: int(stamp.Sender), Recipient: user,
		Number: stamp.Number, To: stamp.Number, At: m.now, Why: why.Error(),
	})
}

func (m *model) join() {
	user := m.user()
	m.books[m.worker(user)].Joined(user, m.now)
	if s := m.stays[user]; len(s) == 0 || s[len(s)-1].to != forever {
		m.stays[user] = append(s, stay{m.now, forever})
	}
}

func (m *model) leave() {
	user := m.user()
	m.books[m.worker(user)].Left(user, m.now)
	if s := m.stays[user]; len(s) > 0 && s[len(s)-1].to == forever {
		s[len(s)-1].to = m.now
	}
}

func (m *model) excuse() {
	if rapid.IntRange(0, 5).Draw(m.t, "really") == 0 {
		user := m.user()
		m.books[m.worker(user)].Excuse(user)
		m.excused[user] = true
	}
}

// report has a worker tell what it has sent so far.
func (m *model) report() {
	m.tell(rapid.IntRange(0, len(m.books)-1).Draw(m.t, "worker"))
}

func (m *model) tell(i int) {
	m.reports[i] = carried(m.t, m.sent[i].Report())
	for _, s := range m.streams {
		if m.worker(s.sender) == i {
			m.known[s] = len(m.times[s])
		}
	}
}
