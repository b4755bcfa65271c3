package room

import (
	"fmt"
	"slices"
	"strings"
)

// character is somebody in a story, with what its client remembers.
type character struct {
	nick      string
	isOld     bool // speaks the tutorial dialect
	isSlow    bool
	mayRepeat bool // direct messages may come again when it comes back: it was slow, and what was written is not known

	user    *user // nil: away
	claim   uint64
	resume  string
	rooms   map[string]bool  // that it is in
	views   map[string]*view // by conversation
	answers []object         // that were not looked at
	again   []again          // what it may repeat
	owed    []string         // tutorial dialect: what it is to have heard since it connected
}

// again is something that was said under a cid.
type again struct {
	what, id, conv string
	seq            uint64
}

// view is what a client has of a conversation.
type view struct {
	texts map[uint64]string
	end   uint64 // it has, or knows to miss, everything up to here
	gaps  []gap  // to be paged
}

// of is the view of a conversation.
func (p *character) of(conv string) *view {
	v := p.views[conv]
	if v == nil {
		v = &view{texts: map[uint64]string{}}
		p.views[conv] = v
	}
	return v
}

// cutRoom is the room of a conversation's name, if it is a named one.
func cutRoom(conv string) (room string, ok bool) {
	room, ok = strings.CutPrefix(conv, "room:")
	return room, ok && room != everywhere
}

// stored is the name in the log of a conversation as a character calls it; false for those with the tutorial dialect,
// of which each connection of the other side is another one.
func (s *story) stored(p *character, conv string) (string, bool) {
	if conv == "room:all" {
		return convEveryone, true
	}
	if room, ok := cutRoom(conv); ok {
		return convRoom(room), true
	}
	for _, other := range s.cast {
		if conv == "dm:"+other.nick {
			return convDirect(p.claim, other.claim), !other.isOld
		}
	}
	s.Fatalf("%s sees %s, which there is not", p.nick, conv)
	return "", false
}

// connect connects somebody, with its secret and its positions; in direct conversations only if wanted.
func (s *story) connect(p *character, withDirects bool) {
	if p.isOld {
		p.user, p.owed = s.c.old(p.nick), nil
		p.claim = p.user.claim()
		return
	}
	before := p.user
	rest := ""
	if p.resume != "" {
		rest = fmt.Sprintf(`,"resume":%q`, p.resume)
	}
	epoch := s.log.Epoch()
	pos := []string{fmt.Sprintf(`"room:all":[%q,%d]`, epoch, p.of("room:all").end)}
	for conv, v := range p.views {
		room, isRoom := cutRoom(conv)
		if isRoom && p.rooms[room] || !isRoom && conv != "room:all" && withDirects {
			pos = append(pos, fmt.Sprintf(`%q:[%q,%d]`, conv, epoch, v.end))
		}
	}
	u := s.c.meet(p.nick)
	u.send(`{"t":"hello","id":0%s,"pos":{%s}}`, rest, strings.Join(pos, ","))
	if before != nil {
		p.read(s)
		before.isClosed(4510)
		before.drop()
	}
	p.user, p.isSlow = u, false
	p.read(s)
	w := p.answer("0")
	switch {
	case w.T != "welcome":
		s.Fatalf("%s is not welcome: %v", p.nick, w)
	case p.claim != 0 && (w.Resume != p.resume || u.claim() != p.claim):
		s.Fatalf("%s came back as another claim", p.nick)
	}
	p.resume, p.claim = w.Resume, u.claim()
	for conv, ok := range w.recovered() {
		s.recovered(p, conv, ok)
	}
}

// join has somebody join a room, where it continues from what it has.
func (s *story) join(p *character, room string) {
	conv := "room:" + room
	p.user.send(`{"t":"join","id":"j","room":%q,"pos":[%q,%d]}`, room, s.log.Epoch(), p.of(conv).end)
	p.rooms[room] = true
	p.read(s)
	j := p.answer(`"j"`)
	if j.T != "joined" {
		s.Fatalf("%s joins %s: %v", p.nick, room, j)
	}
	s.recovered(p, conv, string(j.Recovered) == "true")
}

// recovered checks that a position was good: nothing is removed here, and there is one log only.
func (s *story) recovered(p *character, conv string, ok bool) {
	stored, isKnown := s.stored(p, conv)
	if ok || !isKnown {
		return
	}
	s.Fatalf("%s is not recovered in %s from %d, of %v", p.nick, stored, p.of(conv).end, s.seqs[stored])
}

// drop cuts somebody's connection.
func (p *character) drop() {
	if p.user != nil {
		p.user.drop()
		p.user, p.isSlow = nil, false
	}
}

// read takes in what has come.
func (p *character) read(s *story) {
	if p.user == nil || p.isOld {
		return
	}
	for _, o := range p.user.news() {
		switch o.T {
		case "msg":
			p.take(s, o, p.mayRepeat)
		case "gap":
			v := p.of(o.Conv)
			for seq := range v.texts {
				if o.From <= seq && seq <= o.To {
					s.Fatalf("%s is told of a gap %d-%d in %s, and has %d", p.nick, o.From, o.To, o.Conv, seq)
				}
			}
			v.gaps = append(v.gaps, gap{o.From, o.To})
			v.end = max(v.end, o.To)
		case "typing", "recv", "read":
		default:
			p.answers = append(p.answers, o)
		}
	}
}

// take takes in one message.
func (p *character) take(s *story, o object, mayRepeat bool) {
	if room, ok := cutRoom(o.Conv); ok && !p.rooms[room] {
		s.Fatalf("%s sees %v, and is not in the room", p.nick, o)
	}
	if (o.Cid != "") && o.FromUser != p.nick {
		s.Fatalf("%s sees the cid of %v", p.nick, o)
	}
	v := p.of(o.Conv)
	if _, isThere := v.texts[o.Seq]; isThere && (!mayRepeat || !strings.HasPrefix(o.Conv, "dm:")) {
		s.Fatalf("%s gets %v, seq %d, again", p.nick, o, o.Seq)
	}
	v.texts[o.Seq] = string(o.Message)
	v.end = max(v.end, o.Seq)
}

// answer is the answer with an id.
func (p *character) answer(id string) object {
	defer func() { p.answers = nil }()
	for _, o := range p.answers {
		if string(o.ID) == id {
			return o
		}
	}
	return object{}
}

// page asks for what is missing.
func (p *character) page(s *story) {
	for conv, v := range p.views {
		room, isRoom := cutRoom(conv)
		if _, isKnown := s.stored(p, conv); !isKnown || isRoom && !p.rooms[room] {
			continue
		}
		for _, g := range v.gaps {
			for from := g.from - 1; from < g.to; {
				p.user.send(`{"t":"history","id":"h","conv":%q,"after":%d,"limit":3}`, conv, from)
				p.read(s)
				h := p.answer(`"h"`)
				if len(h.Msgs) == 0 {
					s.Fatalf("%s pages %s behind %d, up to %d: %v", p.nick, conv, from, g.to, h)
				}
				for _, m := range h.Msgs {
					if from = m.Seq; from <= g.to {
						p.take(s, m, false)
					}
				}
			}
		}
		v.gaps = nil
	}
}

// compare checks that a client has all that was said where it is, in order, and nothing else.
func (p *character) compare(s *story) {
	for conv, v := range p.views {
		stored, isKnown := s.stored(p, conv)
		if room, isRoom := cutRoom(conv); !isKnown || isRoom && !p.rooms[room] {
			continue
		}
		var got []string
		for _, seq := range s.seqs[stored] {
			if text, ok := v.texts[seq]; ok {
				got = append(got, text)
			}
		}
		if !slices.Equal(got, s.said[stored]) || len(v.texts) != len(got) {
			s.Fatalf("%s has %v in %s, want %v", p.nick, v.texts, conv, s.said[stored])
		}
	}
	for _, other := range s.cast { // also what it has nothing of
		stored := convDirect(p.claim, other.claim)
		if n := len(s.said[stored]); n > 0 && !other.isOld && p.views["dm:"+other.nick] == nil {
			s.Fatalf("%s has nothing of %d messages with %s", p.nick, n, other.nick)
		}
	}
}
