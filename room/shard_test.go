package room

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"throng/room/event"
)

// model is a shard whose letters are opened one by one, without its goroutine, beside the plainest chat that does the
// same: what is said is written down at once for everybody who is in.
type model struct {
	shard *shard
	said  int
	all   []*guest
	in    []*guest
	nicks map[string]*guest
}

// guest is a session with what it should have got.
type guest struct {
	*Session
	peer       *fakePeer
	hasEntered bool
	hasLeft    bool
	broadcasts []string
	directs    []string
	notices    int
}

func newModel(crowd int) *model {
	m := &model{nicks: map[string]*guest{}}
	h := &Hub{config: Config{Wire: fakeWire{}, Shards: 1}, seed: maphash.MakeSeed(), rulings: newRulings(nil), places: newPlaces(1, false, func(Nick) {}, func(Nick) {})}
	h.metrics = newMetrics(h, nil)
	h.config.setDefaults()
	h.road = newRoad(h)
	m.shard = newShard(h, 0)
	h.shards = []*shard{m.shard}
	for i := range crowd {
		m.enter(m.claim(fmt.Sprintf("crowd%d", i)))
	}
	return m
}

// claim takes a nick, and returns nil when somebody has it.
func (m *model) claim(name string) *guest {
	nick, _ := ParseNick(name)
	g := &guest{peer: &fakePeer{}, Session: &Session{hub: m.shard.hub, shard: m.shard, nick: nick}}
	g.Session.peer = g.peer
	g.all = member{session: g.Session, index: -1}
	answer := make(chan *event.Error, 1)
	claim{g.Session, nil, answer}.open(m.shard)
	if <-answer != nil {
		return nil
	}
	m.shard.hub.speaking[tutorial].Add(1)
	m.nicks[nick.Key] = g
	m.all = append(m.all, g)
	return g
}

func (m *model) enter(g *guest) {
	enter{g.Session}.open(m.shard)
	g.hasEntered = true
	m.in = append(m.in, g)
}

func (m *model) leave(g *guest) {
	g.peer.shut()
	leave{g.Session}.open(m.shard)
	g.peer.mu.Lock()
	g.peer.ended = true
	g.peer.mu.Unlock()
	g.hasLeft = true
	delete(m.nicks, g.nick.Key)
	m.in = slices.DeleteFunc(m.in, func(x *guest) bool { return x == g })
}

func (m *model) broadcast() {
	m.said++
	text := fmt.Sprintf("broadcast %d", m.said)
	p := &parcel{conv: event.Everyone()}
	p.frames[tutorial] = fakeFrame{text}
	delivery{"", p}.open(m.shard)
	for _, g := range m.in {
		g.broadcasts = append(g.broadcasts, text)
	}
}

func (m *model) direct(from *guest, to string) {
	m.said++
	message := fmt.Sprint(m.said)
	nick, _ := ParseNick(to)
	find{&post{from: from.Session, self: from.self.Load(), to: nick, body: []byte(message)}}.open(m.shard)
	m.post()
	if g := m.nicks[nick.Key]; g != nil && g.hasEntered {
		g.directs = append(g.directs, string(event.AppendTutorial(nil, from.nick.Name, g.nick.Name, []byte(message))))
	} else {
		from.notices++
	}
}

// post opens what the shard has sent to itself, until there is no more.
func (m *model) post() {
	for m.shard.mail.len() > 0 {
		for _, l := range m.shard.mail.take(nil) {
			l.open(m.shard)
		}
	}
}

// settle goes on until nothing is left to be done.
func (m *model) settle() {
	for len(m.shard.busy) > 0 {
		m.shard.step()
	}
	m.shard.flush()
}

// check compares what came with what should have.
func (m *model) check(t *rapid.T) {
	t.Helper()
	for _, g := range m.all {
		var broadcasts, directs []string
		notices := 0
		for _, text := range g.peer.messages() {
			switch {
			case strings.HasPrefix(text, "broadcast"):
				broadcasts = append(broadcasts, text)
			case isNotice(text):
				notices++
			default:
				directs = append(directs, text)
			}
		}
		name := g.nick.Name
		if g.peer.late > 0 {
			t.Fatalf("%s: %d messages after leaving", name, g.peer.late)
		}
		if g.hasLeft { // what was under way when it left is lost to it, and nothing else
			g.broadcasts = g.broadcasts[:min(len(broadcasts), len(g.broadcasts))]
			notices = max(notices, g.notices)
		}
		if !slices.Equal(broadcasts, g.broadcasts) {
			t.Fatalf("%s: got %q, want %q", name, broadcasts, g.broadcasts)
		}
		if !slices.Equal(directs, g.directs) {
			t.Fatalf("%s: got %q, want %q", name, directs, g.directs)
		}
		if notices != g.notices {
			t.Fatalf("%s: got %d notices, want %d", name, notices, g.notices)
		}
	}
	if got := int(m.shard.hub.online.Load()); got != len(m.in) {
		t.Fatalf("%d online, want %d", got, len(m.in))
	}
}

// Whatever comes in whatever order, in the middle of walks too: everybody gets exactly what was said between entering
// and leaving, in the order of saying.
func TestShardAsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(rapid.SampledFrom([]int{1, 2, slice - 1, slice, slice + 1, 2*slice + 2}).Draw(t, "crowd"))
		names := rapid.SampledFrom([]string{"ann", "ANN", "Bob", "cid", "dan"})
		someone := func(t *rapid.T) *guest {
			if len(m.in) == 0 {
				t.Skip("nobody is in")
			}
			return m.in[rapid.IntRange(0, len(m.in)-1).Draw(t, "who")]
		}
		t.Repeat(map[string]func(*rapid.T){
			"claim": func(t *rapid.T) {
				name := names.Draw(t, "name")
				had := m.nicks[strings.ToLower(name)]
				if g := m.claim(name); (g == nil) != (had != nil) {
					t.Fatalf("claim of %q: got %v, had %v", name, g, had)
				}
			},
			"enter": func(t *rapid.T) {
				g := m.nicks[strings.ToLower(names.Draw(t, "name"))]
				if g == nil || g.hasEntered {
					t.Skip("not waiting to enter")
				}
				m.enter(g)
			},
			"leave before entering": func(t *rapid.T) {
				g := m.nicks[strings.ToLower(names.Draw(t, "name"))]
				if g == nil || g.hasEntered {
					t.Skip("not waiting to enter")
				}
				m.leave(g)
			},
			"leave":     func(t *rapid.T) { m.leave(someone(t)) },
			"broadcast": func(*rapid.T) { m.broadcast() },
			"direct":    func(t *rapid.T) { m.direct(someone(t), names.Draw(t, "to")) },
			"step":      func(*rapid.T) { m.shard.step() },
			"flush":     func(*rapid.T) { m.shard.flush() },
		})
		m.settle()
		m.check(t)
	})
}

// A burst is one frame for everybody who is there from its beginning, and each is flushed once for it.
func TestBurstIsJoined(t *testing.T) {
	m := newModel(2)
	m.broadcast()
	late := m.claim("late")
	m.enter(late)
	m.broadcast()
	m.broadcast()
	m.settle()
	for i, want := range []int{1, 1, 2} {
		if p := m.all[i].peer; p.sends != want || p.flushes != 1 {
			t.Errorf("%s: %d frames, want %d, in %d flushes, want 1", m.all[i].nick.Name, p.sends, want, p.flushes)
		}
	}
	if got := late.peer.messages(); !slices.Equal(got, late.broadcasts) {
		t.Errorf("who came in the middle got %q, want %q", got, late.broadcasts)
	}
	if got := m.all[0].peer.messages(); !slices.Equal(got, m.all[0].broadcasts) {
		t.Errorf("who was there got %q, want %q", got, m.all[0].broadcasts)
	}
}
