package accept

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// leaseEnd is how long the nicks of a node that was killed stay taken at most.
const leaseEnd = 10 * time.Second

// doors are the two nodes of a house, each as one of its own.
func (h *house) doors() (first, second *house) { return h.at(h.node), h.at(h.others[0]) }

// TestNodesNick has a nick on one node: it is refused at the other, in both dialects, and kept there while its claim is away.
func TestNodesNick(t *testing.T) {
	t.Parallel()
	a, b := bootTwo(t).doors()
	for _, row := range []struct {
		nick     string
		has, not *house
	}{{"alice", a, b}, {"bob", b, a}} {
		p, _ := row.has.enter(row.nick)
		row.not.noEntry(strings.ToUpper(row.nick), "while it is on the other node")
		p.ask(`{"t":"ping","id":1}`, `{"t":"pong","id":1,"ts":*}`)
		p.bye()
		row.not.noEntry(row.nick, "while its claim is away")
		row.has.noEntry(row.nick, "while its claim is away, where it was")
	}
	// A tutorial nick is free as soon as it is gone.
	for i := range 20 {
		from, to := a, b
		if i%2 == 1 {
			from, to = b, a
		}
		tut := from.tutorial("tut")
		if p, answer := to.knock("/conn/ws/TUT", ""); p != nil || answer.StatusCode != http.StatusConflict {
			t.Fatalf("while tut is on the other node: %s", answer.Status)
		}
		tut.bye()
		p, answer := to.knock("/conn/ws/tut", "")
		if p == nil {
			t.Fatalf("as soon as tut is gone from the other node: %s", answer.Status)
		}
		p.bye()
	}
}

// comesIn brings in somebody of the tutorial whose nick another node is just giving up.
func (h *house) comesIn(nick string) *person {
	h.t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		if p, _ := h.knock("/conn/ws/"+nick, ""); p != nil {
			return p
		}
	}
	h.t.Fatalf("%s cannot come in", nick)
	return nil
}

// TestNodesOneWinner has many ask for one nick at once, at both doors: one of them gets it.
func TestNodesOneWinner(t *testing.T) {
	t.Parallel()
	a, b := bootTwo(t).doors()
	for round := range 20 {
		nick := fmt.Sprint("n", round)
		in := make(chan *person)
		const many = 8
		for i := range many {
			door := a
			if i%2 == 1 {
				door = b
			}
			go func() {
				p, _, _ := door.call("/conn/ws/"+nick, "")
				in <- p
			}()
		}
		var winners []*person
		for range many {
			if p := <-in; p != nil {
				winners = append(winners, p)
			}
		}
		if len(winners) != 1 {
			t.Errorf("%d have %s", len(winners), nick)
		}
		for _, p := range winners {
			p.conn.Close()
		}
	}
}

// TestNodesTakeOver comes back with the secret at the other door, again and again: the connection before is closed there, and
// nothing that is said meanwhile is lost or comes twice.
func TestNodesTakeOver(t *testing.T) {
	t.Parallel()
	a, b := bootTwo(t).doors()
	bob, _ := b.enter("bob")
	p, w := a.enter("alice")
	epoch, last := w["epoch"], uint64(0)
	for i := range 20 {
		bob.say(fmt.Sprintf(`{"id":1,"to_user":"alice","message":%d}`, i))
		seq := bob.hearAll(`{"t":"ack","id":1,"mid":*,"conv":"dm:alice","seq":*,"ts":*,"dur":"fsync","online":true}`,
			said("bob", "dm:alice", fmt.Sprint(i), toUser("alice")))[0].seq("seq")
		door := b
		if i%2 == 1 {
			door = a
		}
		next, again := door.enter("Alice", resume(w), pos("dm:bob", at(epoch, last)))
		if again["resume"] != w["resume"] || again["nick"] != `"alice"` || again["recovered"] != `{"dm:bob":true}` {
			t.Fatalf("taken over: %v", again)
		}
		p.isClosed(4510)
		if got := next.hear(said("bob", "dm:bob", fmt.Sprint(i), toUser("alice"))).seq("seq"); got != seq {
			t.Fatalf("seq %d, want %d", got, seq)
		}
		next.ask(`{"t":"ping","id":1}`, `{"t":"pong","id":1,"ts":*}`)
		p, last = next, seq
	}
}

// TestNodesKilled kills a node: its people come back on the other within the time of its lease, and what was said to them
// meanwhile is there; a tutorial nick is free then too.
func TestNodesKilled(t *testing.T) {
	t.Parallel()
	h := bootTwo(t)
	a, b := h.doors()
	_, w := b.enter("alice")
	b.tutorial("tut")
	bob, _ := a.enter("bob")
	b.crash()
	killed := time.Now()
	bob.say(`{"id":1,"to_user":"alice","message":"are you there"}`)
	bob.hear(`{"t":"ack","id":1,"mid":*,"conv":"dm:alice","seq":*,"ts":*,"dur":"fsync","online":*}`,
		said("bob", "dm:alice", `"are you there"`, toUser("alice")))
	alice := a.comeBack("alice", resume(w))
	back := time.Since(killed)
	alice.hear(said("bob", "dm:bob", `"are you there"`, toUser("alice")))
	a.comesIn("tut")
	free := time.Since(killed)
	t.Logf("the claim was back after %v, the nick free after %v", back, free)
	if max(back, free) > leaseEnd {
		t.Errorf("the claim was back after %v, the nick free after %v, want %v", back, free, leaseEnd)
	}
	// Nobody sees those any more who were there.
	alice.hasPeople("", "alice", "bob", "tut")
}

// comeBack says hello until it is let in. It is no reason to stay away that a nick is in use by one's own dead connection.
func (h *house) comeBack(nick, resume string) *person {
	h.t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		p := h.v2(nick)
		p.say(`{"t":"hello","id":0,` + resume + `}`)
		for text, err := p.text(); err == nil; text, err = p.text() {
			o, _ := parse(text)
			if o["t"] == `"welcome"` {
				return p
			}
			if o["t"] == `"bye"` || o["retry"] == "true" {
				break
			}
			if o["t"] != `"err"` && !o.isNews() {
				h.t.Fatalf("%s is answered by %s", nick, text)
			}
		}
		p.conn.Close()
	}
	h.t.Fatalf("%s cannot come back", nick)
	return nil
}

// hasPeople waits until these are in a room, by its count and its list; room is "" for everyone.
func (p *person) hasPeople(room string, nicks ...string) {
	p.t.Helper()
	want := fmt.Sprintf(`["%s"]`, strings.Join(nicks, `","`))
	var o object
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		p.say(fmt.Sprintf(`{"t":"presence","id":"who","room":%q,"limit":100}`, room))
		for o = p.next(); o["t"] != `"presence"`; o = p.next() {
		}
		if o["users"] == want && o["count"] == fmt.Sprint(len(nicks)) {
			return
		}
	}
	p.t.Fatalf("%v, want %s", o, want)
}

// TestNodesPresence has people on both nodes: counts and lists are of all.
func TestNodesPresence(t *testing.T) {
	t.Parallel()
	a, b := bootTwo(t).doors()
	watcher, _ := a.enter("watcher")
	other, _ := b.enter("other")
	var all, inRoom []string
	var guests []*person
	for i := range 120 {
		door := a
		if i%3 == 0 {
			door = b
		}
		nick := fmt.Sprintf("u%03d", i)
		p, _ := door.enter(nick)
		if i%10 == 0 {
			p.say(`{"t":"join","id":1,"room":"Go"}`)
			p.next()
			inRoom = append(inRoom, nick)
		}
		all, guests = append(all, nick), append(guests, p)
	}
	everybody := slices.Sorted(slices.Values(append(all, "other", "watcher")))
	guests[0].hasPeople("go", inRoom...)
	guests[10].hasPeople("go", inRoom...)
	for _, p := range []*person{watcher, other} {
		var got []string
		after := ""
		for until := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
			p.say(`{"t":"presence","id":1,"limit":1}`)
			if o := p.next(); o["count"] == "122" {
				break
			} else if time.Now().After(until) {
				t.Fatalf("%v, want 122 people", o)
			}
		}
		for {
			p.say(fmt.Sprintf(`{"t":"presence","id":1,"limit":25,"after":%q}`, after))
			o := p.hear(`{"t":"presence","id":1,"room":"all","count":122,"users":*}`)
			page := strings.Split(strings.Trim(o["users"], `[]"`), `","`)
			if page[0] == "" {
				break
			}
			got, after = append(got, page...), page[len(page)-1]
		}
		if !slices.Equal(got, everybody) {
			t.Errorf("the pages have %v", got)
		}
	}
	for i, p := range guests {
		if i >= 5 {
			p.bye()
		}
	}
	for _, p := range []*person{watcher, other, guests[0]} {
		p.hasPeople("", "other", "u000", "u001", "u002", "u003", "u004", "watcher")
	}
}

// TestNodesRelay has typing, recv and read pass from one node to the other, of people and of rooms.
func TestNodesRelay(t *testing.T) {
	t.Parallel()
	a, b := bootTwo(t).doors()
	alice, w := a.enter("alice")
	bob, _ := b.enter("bob")
	for _, p := range []*person{alice, bob} {
		p.say(`{"t":"join","id":1,"room":"go"}`)
		p.hear(`{"t":"joined","id":1,"room":"go","conv":"room:go","members":*,"epoch":` + w["epoch"] + `,"seq":0,"recovered":false}`)
	}
	alice.say(`{"t":"typing","to_user":"BOB"}`)
	bob.hear(`{"t":"typing","conv":"dm:alice","from_user":"alice","to_user":"bob"}`)
	for _, row := range []struct{ said, heard string }{
		{`{"t":"typing","room":"GO"}`, `{"t":"typing","conv":"room:go","from_user":"alice","room":"go"}`},
		{`{"t":"typing"}`, `{"t":"typing","conv":"room:all","from_user":"alice"}`},
	} {
		alice.say(row.said)
		alice.hear(row.heard)
		bob.hear(row.heard)
	}
	for i := range 3 {
		from, to, name, other := alice, bob, "alice", "bob"
		if i == 1 {
			from, to, name, other = bob, alice, "bob", "alice"
		}
		from.say(fmt.Sprintf(`{"to_user":%q,"message":%d}`, other, i))
		from.hear(said(name, "dm:"+other, fmt.Sprint(i), toUser(other)))
		seq := to.hear(said(name, "dm:"+name, fmt.Sprint(i), toUser(other)))["seq"]
		for _, kind := range []string{"recv", "read"} {
			to.say(fmt.Sprintf(`{"t":%q,"conv":"dm:%s","seq":%s}`, kind, name, seq))
			from.hear(fmt.Sprintf(`{"t":%q,"conv":"dm:%s","from_user":%q,"seq":%s}`, kind, other, other, seq))
		}
	}
}

// TestNodesOffline says things on one node to somebody who is away, who fetches them on the other, once.
func TestNodesOffline(t *testing.T) {
	t.Parallel()
	a, b := bootTwo(t).doors()
	alice, w := a.enter("alice")
	bob, _ := a.enter("bob")
	alice.bye()
	for round := range 4 {
		var seqs []string
		for i := range 3 {
			bob.say(fmt.Sprintf(`{"id":1,"to_user":"alice","message":%d}`, i))
			seqs = append(seqs, bob.hear(`{"t":"ack","id":1,"mid":*,"conv":"dm:alice","seq":*,"ts":*,"dur":"fsync","online":false}`,
				said("bob", "dm:alice", fmt.Sprint(i), toUser("alice")))["seq"])
		}
		door := b
		if round%2 == 1 {
			door = a
		}
		alice, _ = door.enter("alice", resume(w))
		for i, want := range seqs {
			if got := alice.hear(said("bob", "dm:bob", fmt.Sprint(i), toUser("alice")))["seq"]; got != want {
				t.Fatalf("round %d: seq %s comes to who was away, want %s", round, got, want)
			}
		}
		alice.ask(`{"t":"ping","id":1}`, `{"t":"pong","id":1,"ts":*}`)
		alice.bye()
	}
}

// TestNodesInterest has people of one node talk to each other and in a room: what another node receives does not grow with it.
func TestNodesInterest(t *testing.T) {
	t.Parallel()
	nats := freePort(t)
	first := newNode(t, filepath.Join(t.TempDir(), "first"), []string{"--admin", "off", "--nats", "embedded", "--nats-listen", nats})
	first.dur = "os"
	first.start()
	line := newLink(t, "127.0.0.1", caller(nats, nil))
	second := newNode(t, filepath.Join(t.TempDir(), "second"), []string{"--admin", "off", "--nats", "nats://" + line.addr()})
	second.start()
	h := &house{t: t, node: first, turn: &turn{}}
	a, b := h, h.at(second)
	alice, _ := a.enter("alice")
	a.enter("bob")
	carol, _ := b.enter("carol")
	alice.say(`{"t":"join","id":1,"room":"go"}`)
	alice.next()
	text := strings.Repeat("x", 1000)
	// One message to the other node shows what it costs to be told of one, and that what was said before has come.
	tell := func() {
		alice.say(`{"to_user":"carol","message":"` + text + `"}`)
		carol.hear(said("alice", "dm:alice", `"`+text+`"`, toUser("carol")))
		alice.hear(said("alice", "dm:carol", `"`+text+`"`, toUser("carol")))
	}
	const many = 2000
	for what, frame := range map[string]string{"direct": `{"to_user":"bob","message":%d}`, "in a room": `{"room":"go","message":%d}`} {
		tell()
		before, began := line.bytes.Load(), time.Now()
		for from := 0; from < many; from += 100 {
			var batch []string
			for i := range 100 {
				batch = append(batch, fmt.Sprintf(frame, from+i))
			}
			alice.say(strings.Join(batch, "\n"))
			for range 100 {
				alice.next()
			}
		}
		tell()
		got := line.bytes.Load() - before
		t.Logf("%s: %d bytes for %d messages in %v", what, got, many, time.Since(began))
		// What it gets by the second it gets in peace too: about 1 KiB, and 10 for good measure.
		if limit := int64(10<<10) + int64(time.Since(began)/time.Second+1)*(10<<10); got > limit {
			t.Errorf("%s: the other node received %d bytes for %d messages, want no more than %d", what, got, many, limit)
		}
	}
}

// TestNodesOnePort has two nodes share an address: both get people, who are in one chat.
func TestNodesOnePort(t *testing.T) {
	t.Parallel()
	nats, addr := freePort(t), freePort(t)
	first := newNode(t, filepath.Join(t.TempDir(), "first"), []string{"--admin", "127.0.0.1:0", "--nats", "embedded", "--nats-listen", nats})
	second := newNode(t, filepath.Join(t.TempDir(), "second"), []string{"--admin", "127.0.0.1:0", "--nats", "nats://" + nats})
	first.addr, second.addr = addr, addr
	first.start()
	second.start()
	h := &house{t: t, node: first, turn: &turn{}}
	var people []*person
	var nicks []string
	for i := range 40 {
		nick := fmt.Sprintf("p%02d", i)
		p, _ := h.enter(nick)
		people, nicks = append(people, p), append(nicks, nick)
	}
	for _, p := range people {
		p.hasPeople("", nicks...)
	}
	first.dur = "os"
	people[0].say(`{"message":1}`)
	for _, p := range people {
		p.hear(said("p00", "room:all", "1", ""))
	}
	// With one of them gone the other goes on.
	second.stop()
	gone := 0
	for _, p := range people {
		_, _ = p.conn.Write(masked(`{"t":"ping","id":1}`))
		for {
			text, err := p.text()
			if err != nil {
				gone++
				break
			}
			if strings.HasPrefix(text, `{"t":"pong"`) {
				break
			}
		}
	}
	if gone == 0 || gone == len(people) {
		t.Errorf("%d people of %d were at the node that is gone", gone, len(people))
	}
	for i := range 10 {
		h.enter(fmt.Sprintf("q%02d", i))
	}
}
