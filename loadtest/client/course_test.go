package client

import (
	"fmt"
	"strings"
	"testing"
)

// page is the answer to a history.
func page(more bool, msgs ...string) string {
	return fmt.Sprintf(`{"t":"history","id":ID,"conv":"room:all","msgs":[%s],"more":%t}`, strings.Join(msgs, ","), more)
}

// all is a message to everyone.
func all(seq, prev int) string { return message(Everyone, seq, prev) }

// asks is the question for what comes behind a seq.
func asks(after int) string {
	return fmt.Sprintf(`{"t":"history","conv":"room:all","after":%d}`, after)
}

// TestCourse plays what can happen to a conversation that was joined at seq 5, and what the user hears of it.
func TestCourse(t *testing.T) {
	for _, c := range []struct {
		name  string
		play  func(*call)
		hears []uint64
		tally Tally
	}{
		{"in order", func(s *call) { s.say("", all(7, 5), all(9, 7)) }, []uint64{7, 9}, Tally{}},
		{"older ones that were under way", func(s *call) { s.say("", all(4, 3), all(5, 4), all(6, 5)) }, []uint64{4, 5, 6}, Tally{}},
		{"again", func(s *call) { s.say("", all(7, 5), all(7, 5), all(8, 7)) }, []uint64{7, 8}, Tally{Duplicates: 1}},
		{"a hole", func(s *call) {
			s.say("", all(9, 8))
			id := s.expect(asks(5))
			s.say("", all(10, 9)) // meanwhile
			s.say(id, page(true, all(7, 5), all(8, 7)))
			s.say(s.expect(asks(8)), page(false, all(9, 8)))
			s.say("", all(11, 10))
		}, []uint64{7, 8, 9, 10, 11}, Tally{Filled: 3}},
		{"a hole that the history does not fill", func(s *call) {
			s.say("", all(9, 8))
			s.say(s.expect(asks(5)), page(false, all(9, 8)))
		}, []uint64{9}, Tally{Filled: 1, Holes: 1}},
		{"a history that is refused", func(s *call) {
			s.say("", all(9, 8))
			s.say(s.expect(asks(5)), `{"t":"err","id":ID,"code":403,"message":"no","retry":false}`)
		}, []uint64{9}, Tally{Holes: 1}},
		{"a page overtakes", func(s *call) {
			s.say("", all(9, 8))
			s.say(s.expect(asks(5)), page(false, all(8, 5), all(9, 8), all(10, 9)), all(10, 9), all(11, 10))
		}, []uint64{8, 9, 10, 11}, Tally{Filled: 3}},
		{"gap", func(s *call) {
			s.say("", `{"t":"gap","conv":"room:all","from":6,"to":8}`)
			s.say(s.expect(asks(5)), page(false, all(6, 5)))
			s.say(s.expect(asks(6)), page(false, all(8, 6)), all(9, 8))
		}, []uint64{6, 8, 9}, Tally{Filled: 2}},
		{"a gap that is known", func(s *call) {
			s.say("", all(8, 5), `{"t":"gap","conv":"room:all","from":6,"to":8}`, all(9, 8))
		}, []uint64{8, 9}, Tally{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, s, client, e := enter(t, Options{FillGaps: true})
			c.play(s)
			e.hears(t, c.hears...)
			c.tally.Welcomes = 1
			if got := client.Tally(); got != c.tally {
				t.Errorf("%+v, want %+v", got, c.tally)
			}
		})
	}
}

// TestRecovery comes back with positions of which the server knows some.
func TestRecovery(t *testing.T) {
	h, e := boot(t), newEar()
	pos := map[string]Position{Everyone: {"e", 5}, "dm:b": {"e", 3}, "room:x": {"old", 70}}
	wait := dial(t, h, Options{Pos: pos, FillGaps: true, Reconnect: true, On: e.on})
	s := h.accept(t)
	id := s.expect(`{"t":"hello","pos":{"dm:b":["e",3],"room:all":["e",5],"room:x":["old",70]}}`)
	s.say(id, strings.Replace(welcome, "{}", `{"room:all":false,"dm:b":true,"room:x":true}`, 1), message("dm:b", 4, 3))
	e.hears(t, 4)
	s.expect(asks(5))
	s.say("", all(9, 8)) // is held, and comes again after the connection is lost
	s.hangUp(1011)
	s = h.accept(t)
	id = s.expect(`{"t":"hello","resume":"secret","pos":{"dm:b":["e",4],"room:all":["e",5],"room:x":["old",70]}}`)
	s.say(id, strings.Replace(welcome, "{}", `{"room:all":true,"dm:b":true,"room:x":false}`, 1), all(8, 5), all(9, 8))
	s.say(s.expect(`{"t":"history","conv":"room:x","after":0}`), page(false, message("room:x", 2, 0)))
	e.hears(t, 8, 9, 2)
	c, err := wait()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, want := c.Tally(), (Tally{Welcomes: 2, Recovered: 4, Unrecovered: 2, Filled: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := c.Pos(); got["room:x"] != (Position{"e", 2}) || got[Everyone] != (Position{"e", 9}) {
		t.Errorf("%v", got)
	}
}

// TestJoinBehind joins with a position that the server cannot bring up to date.
func TestJoinBehind(t *testing.T) {
	_, s, c, e := enter(t, Options{FillGaps: true})
	room := in(func() (Joined, error) { return c.Join(t.Context(), "go", Position{"e", 2}) })
	s.say(s.expect(`{"t":"join"}`), `{"t":"joined","id":ID,"room":"go","conv":"room:go","members":1,"epoch":"e","seq":9,"recovered":false}`)
	s.say(s.expect(`{"t":"history","conv":"room:go","after":2}`), page(false, message("room:go", 4, 2), message("room:go", 9, 4)))
	e.hears(t, 4, 9)
	if room(t).Recovered {
		t.Error("recovered")
	}
}
