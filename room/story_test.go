package room

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"throng/room/history"
)

// deed is one thing that somebody does in a story.
type deed struct {
	What string
	Who  int  // of the cast
	Whom int  // 0: everyone; 1 and 2: a room; from 3 on: one of the cast
	Flag bool // what it means stands with each
}

var deeds = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) deed {
	return deed{
		What: rapid.SampledFrom([]string{
			"connect", "connect", "say", "say", "say", "say", "again", "join", "leave", "drop", "slow", "read", "wait", "restart",
		}).Draw(t, "what"),
		Who: rapid.IntRange(0, 3).Draw(t, "who"), Whom: rapid.IntRange(0, 6).Draw(t, "whom"), Flag: rapid.Bool().Draw(t, "flag"),
	}
}), 1, 80)

// flaw is what a story found wrong.
type flaw struct{ text string }

// Helper is for fataler.
func (flaw) Helper() {}

// Fatalf ends the story.
func (flaw) Fatalf(format string, args ...any) { panic(flaw{fmt.Sprintf(format, args...)}) }

// story is a chat beside the plainest one that does the same: lists of what was said in each conversation.
type story struct {
	flaw
	c    *bubble
	log  history.Log
	said map[string][]string // by name in the log
	seqs map[string][]uint64 // the same messages'
	cast []*character
	next int // number of the next message
}

// Whatever people do, in whatever order: what was acknowledged is in the history, once and in order; every client of
// version 2 has all of each conversation that is its own, once, when it pages the gaps that it was told of; those of the
// tutorial dialect hear everything in order; and nobody gets what is another's.
func TestStories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		shards := rapid.IntRange(1, 4).Draw(rt, "shards")
		all := deeds.Draw(rt, "deeds")
		var wrong string
		synctest.Test(t, func(*testing.T) { wrong = tell(shards, all) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// tell tells a story, and returns what is wrong in it.
func tell(shards int, all []deed) (wrong string) {
	log := history.Memory(history.Config{})
	config := Config{Wire: fakeWire{}, Log: log, Shards: shards, Queue: queue}
	s := &story{log: log, said: map[string][]string{}, seqs: map[string][]uint64{}}
	s.c = &bubble{New(config), s}
	for i, nick := range []string{"Ann", "bob", "Cid", "tut"} {
		s.cast = append(s.cast, &character{nick: nick, isOld: i == 3, rooms: map[string]bool{}, views: map[string]*view{}})
	}
	defer func() {
		for _, p := range s.cast {
			p.drop()
		}
		s.c.Close()
		if r := recover(); r != nil {
			f, ok := r.(flaw)
			if !ok {
				panic(r)
			}
			wrong = f.text
		}
	}()
	for _, d := range all {
		s.do(d)
		synctest.Wait()
		s.check()
	}
	for _, p := range s.cast { // in the end everybody comes back and reads
		if p.user == nil && p.resume != "" {
			s.connect(p, true)
		} else if p.user != nil {
			s.slow(p, false)
		}
	}
	s.check()
	return ""
}

// do does one deed, or nothing where it makes no sense.
func (s *story) do(d deed) {
	p := s.cast[d.Who]
	switch {
	case d.What == "connect" && (p.user == nil || !p.isOld): // with positions in direct conversations or without; perhaps as a takeover
		s.connect(p, d.Flag)
	case d.What == "wait":
		s.wait(d.Flag)
	case d.What == "restart":
		s.restart()
	case p.user == nil:
	case d.What == "say": // with a cid or without
		s.say(p, d.Whom, d.Flag)
	case d.What == "again":
		s.sayAgain(p)
	case d.What == "drop":
		p.drop()
	case p.isOld:
	case d.What == "join" && d.Whom < 3:
		s.join(p, fmt.Sprint("r", d.Whom%2))
	case d.What == "leave" && d.Whom < 3:
		room := fmt.Sprint("r", d.Whom%2)
		p.user.send(`{"t":"leave","room":%q}`, room)
		p.rooms[room] = false
	case d.What == "slow":
		s.slow(p, d.Flag)
	case d.What == "read":
		for conv, v := range p.views {
			p.user.send(`{"t":"read","conv":%q,"seq":%d}`, conv, v.end)
		}
	}
}

// wait lets time pass: a second, or so much that reservations and cids are forgotten.
func (s *story) wait(isLong bool) {
	if !isLong {
		time.Sleep(time.Second + time.Millisecond)
		return
	}
	for range 4 {
		time.Sleep(reserve)
	}
	for _, p := range s.cast {
		p.again = nil
	}
}

// restart ends the server and begins another one with the same log.
func (s *story) restart() {
	for _, p := range s.cast {
		p.drop()
	}
	s.c.Close()
	s.c = &bubble{New(s.c.config), s}
}

// slow makes a reader slow, or lets it catch up.
func (s *story) slow(p *character, isSlow bool) {
	if p.isSlow = isSlow; isSlow {
		p.mayRepeat = true // what it has cannot be known to be written
		p.user.fill(queue)
		return
	}
	p.user.fill(0)
	time.Sleep(time.Second + time.Millisecond)
	synctest.Wait()
}

// say has somebody say the next number.
func (s *story) say(p *character, whom int, hasCid bool) {
	s.next++
	text := fmt.Sprint(s.next)
	if p.isOld {
		s.sayOld(p, whom, text)
		return
	}
	what := fmt.Sprintf(`{"t":"msg","id":%s,"message":%s`, text, text)
	cid := ""
	if hasCid {
		cid = "c" + text
		what += fmt.Sprintf(`,"cid":%q`, cid)
	}
	stored, conv, code := convEveryone, "room:all", 0
	var to *character
	switch {
	case whom == 0:
	case whom < 3:
		room := fmt.Sprint("r", whom%2)
		if stored, conv = convRoom(room), "room:"+room; !p.rooms[room] {
			code = 403
		}
		what += fmt.Sprintf(`,"room":%q`, room)
	default:
		to = s.cast[whom-3]
		conv = "dm:" + to.nick
		what += fmt.Sprintf(`,"to_user":%q`, to.nick)
		if to.claim == 0 || to.isOld && to.user == nil {
			code = 404
		} else {
			stored = convDirect(p.claim, to.claim)
		}
	}
	p.user.send("%s}", what)
	p.read(s)
	switch answer := p.answer(text); {
	case code != 0 && answer.Code != code:
		s.Fatalf("%s says %s}: %v, want %d", p.nick, what, answer, code)
	case code != 0:
	case answer.T != "ack" || answer.Conv != conv:
		s.Fatalf("%s says %s}: %v, want an ack of %s", p.nick, what, answer, conv)
	default:
		s.note(stored, text)
		s.owe(p, whom, text)
		if hasCid && (to == nil || !to.isOld) {
			p.again = append(p.again, again{what, text, conv, answer.Seq})
		}
	}
}

// sayOld has one of the tutorial dialect say something.
func (s *story) sayOld(p *character, whom int, text string) {
	to, name := (*character)(nil), ""
	if whom >= 3 {
		to = s.cast[whom-3]
		name = to.nick
	}
	p.user.write(`{"to_user":%q,"message":%s}`, name, text)
	synctest.Wait()
	switch {
	case to == nil:
		s.note(convEveryone, text)
		s.owe(p, 0, text)
	case to.isOld:
		s.owe(p, whom, text) // to itself; it is not stored
	case to.claim == 0:
		p.owed = append(p.owed, said("system", p.nick, to.nick+" is not here"))
	default:
		s.note(convDirect(p.claim, to.claim), text)
		if to.user == nil {
			p.owed = append(p.owed, said("system", p.nick, to.nick+" is away and will get the message later"))
		}
	}
}

// sayAgain has somebody repeat what it said under the same cid: it gets the same ack, and nothing else happens.
func (s *story) sayAgain(p *character) {
	if len(p.again) == 0 {
		return
	}
	a := p.again[len(p.again)/2]
	if room, ok := cutRoom(a.conv); ok && !p.rooms[room] {
		return
	}
	p.user.send("%s}", a.what)
	p.read(s)
	if answer := p.answer(a.id); answer.T != "ack" || answer.Seq != a.seq || answer.Conv != a.conv {
		s.Fatalf("%s repeats %s}: %v, want the ack of %d", p.nick, a.what, answer, a.seq)
	}
}

// note writes down what was said and is to be stored.
func (s *story) note(stored, text string) { s.said[stored] = append(s.said[stored], text) }

// owe writes down what those of the tutorial dialect are to hear.
func (s *story) owe(from *character, whom int, text string) {
	for i, p := range s.cast {
		switch {
		case !p.isOld || p.user == nil:
		case whom == 0:
			p.owed = append(p.owed, fmt.Sprintf(`{"from_user":%q,"to_user":"","message":%s}`, from.nick, text))
		case whom == i+3:
			p.owed = append(p.owed, fmt.Sprintf(`{"from_user":%q,"to_user":%q,"message":%s}`, from.nick, p.nick, text))
		}
	}
}

// check compares the log, and what everybody has, with what was said.
func (s *story) check() {
	for stored, texts := range s.said {
		msgs, more, err := s.log.Read(stored, 1, 0, len(texts)+1)
		var got []string
		s.seqs[stored] = nil
		for i, m := range msgs {
			got = append(got, string(m.Body))
			s.seqs[stored] = append(s.seqs[stored], m.Seq)
			if i > 0 && (m.Prev != msgs[i-1].Seq || m.Seq <= m.Prev) {
				s.Fatalf("%s: %d is behind %d, after %d", stored, m.Seq, m.Prev, msgs[i-1].Seq)
			}
		}
		if !slices.Equal(got, texts) || more || err != nil {
			s.Fatalf("%s has %v, want %v (%v)", stored, got, texts, err)
		}
	}
	for _, p := range s.cast {
		switch {
		case p.user == nil:
		case p.isOld:
			if got := p.user.peer.messages(); !slices.Equal(got, p.owed) {
				s.Fatalf("%s hears %q, want %q", p.nick, got, p.owed)
			}
		default:
			p.read(s)
			if !p.isSlow {
				p.page(s)
				p.compare(s)
			}
		}
	}
}
