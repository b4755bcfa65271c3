package history

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// spoken are the bodies of messages, "-" for an erased one, and each Prev is checked.
func spoken(t testing.TB, msgs []Message) string {
	t.Helper()
	var all []string
	for i, m := range msgs {
		if i > 0 && m.Prev != msgs[i-1].Seq {
			t.Errorf("%d has %d before it, want %d", m.Seq, m.Prev, msgs[i-1].Seq)
		}
		text := strings.Trim(string(m.Body), `"`)
		if m.IsErased() {
			text = "-"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func TestErase(t *testing.T) {
	eachLog(t, Config{}, func(t *testing.T, l Log, _ *clock) {
		var all []*Entry
		for i := range 6 {
			all = append(all, say("all", 1, fmt.Sprint("c", i), fmt.Sprint(i)), say("r/go", 1, "", "other"))
		}
		must(t, l, all...)
		at := func(i int) *Entry { return all[2*i] }
		shown, _, err := l.Read("all", 0, 0, 10) // what was given out stays as it is
		if err != nil {
			t.Fatal(err)
		}
		erase := func(conv string, seq uint64) {
			t.Helper()
			if err := l.Erase(conv, seq); err != nil {
				t.Fatal(err)
			}
		}
		erase("r/go", at(1).Seq) // not of that conversation
		erase("all", at(5).Seq+100)
		erase("", 1)
		for _, i := range []int{1, 2, 5, 5} {
			erase("all", at(i).Seq)
		}
		if got := spoken(t, shown); got != "0 1 2 3 4 5" {
			t.Errorf("what was read before is now %q", got)
		}
		for _, q := range []struct {
			after, before uint64
			limit         int
			want          string
			more          bool
		}{
			{0, 0, 10, "0 - - 3 4 -", false}, {0, 0, 2, "4 -", true}, {0, 0, 1, "-", true}, {0, at(3).Seq, 1, "-", true},
			{1, 0, 2, "0 -", true}, {at(0).Seq, 0, 3, "- - 3", true}, {at(4).Seq, 0, 3, "-", false}, {at(0).Seq, at(3).Seq, 9, "- -", false},
			{at(1).Seq, at(3).Seq, 1, "-", false}, {at(5).Seq, 0, 9, "", false}, {0, at(2).Seq, 2, "0 -", false}, {1, 0, 6, "0 - - 3 4 -", false},
		} {
			msgs, more, err := l.Read("all", q.after, q.before, q.limit)
			if got := spoken(t, msgs); err != nil || got != q.want || more != q.more {
				t.Errorf("Read(%d, %d, %d) = %q, %v, %v; want %q, %v", q.after, q.before, q.limit, got, more, err, q.want, q.more)
			}
		}
		m, found, err := l.Find(at(2).Mid)
		if err != nil || !found || !m.IsErased() || m.Seq != at(2).Seq || m.Prev != at(1).Seq || m.From != "nick 1" {
			t.Errorf("Find = %+v, %v, %v", m, found, err)
		}
		if head, err := l.Head("all"); err != nil || head.Last != at(5).Seq {
			t.Errorf("Head = %+v, %v; want the last %d", head, err, at(5).Seq)
		}
		again := say("all", 1, "c2", "2")
		must(t, l, again, say("all", 1, "", "6"))
		if !again.Known || again.Seq != at(2).Seq || again.Mid != at(2).Mid {
			t.Errorf("the repeat of an erased message: %+v", again)
		}
		msgs, _, err := l.Read("all", at(3).Seq, 0, 9)
		if got := spoken(t, msgs); err != nil || got != "4 - 6" {
			t.Errorf("later %q, %v", got, err)
		}
	})
}

// TestEraseIsForGood looks for what was said in all that a folder and a server keep, as far as they can be read.
func TestEraseIsForGood(t *testing.T) {
	for name, make := range media {
		t.Run(name, func(t *testing.T) {
			at := newClock()
			on := make(t, at.now)
			var mid string
			use(t, on, Config{}, func(l Log) {
				for i := range 200 { // more than a head is behind
					must(t, l, say("all", 1, "", fmt.Sprint("secret ", i)))
				}
				msgs, _, err := l.Read("all", 0, 0, 100)
				if err != nil {
					t.Fatal(err)
				}
				mid = msgs[50].Mid
				before, _ := l.Head("all")
				if err := l.Erase("all", msgs[50].Seq); err != nil {
					t.Fatal(err)
				}
				if after, _ := l.Head("all"); !isStream(l) && after.Bytes != before.Bytes-int64(len(msgs[50].Body)-len(erased)) {
					t.Errorf("the head was %+v and is %+v", before, after)
				}
			})
			use(t, on, Config{}, func(l Log) {
				m, found, err := l.Find(mid)
				if err != nil || !found || !m.IsErased() {
					t.Errorf("after a restart %+v, %v, %v", m, found, err)
				}
				msgs, more, err := l.Read("all", 0, 0, 100)
				if got := spoken(t, msgs); err != nil || !more || len(msgs) != 100 || strings.Count(got, "-") != 1 || strings.Contains(got, "secret 150") {
					t.Errorf("after a restart %q, %v", got, err)
				}
			})
		})
	}
}

func TestErasedStaysErasedWhenMoved(t *testing.T) {
	eachMove(t, func(t *testing.T, from, to medium, _ *clock) {
		var mids []string
		use(t, from, Config{}, func(l Log) {
			a, b, c := say("all", 1, "", "a"), say("all", 1, "", "b"), say("all", 1, "", "c")
			must(t, l, a, b, c)
			mids = []string{a.Mid, b.Mid, c.Mid}
			if err := errors.Join(l.Erase("all", b.Seq), l.Erase("all", c.Seq)); err != nil {
				t.Fatal(err)
			}
		})
		if _, err := moveOnce(t, from, to, nil); err != nil {
			t.Fatal(err)
		}
		use(t, to, Config{}, func(l Log) {
			msgs, _, err := l.Read("all", 0, 0, 10)
			if got := spoken(t, msgs); err != nil || got != "a - -" {
				t.Errorf("moved %q, %v", got, err)
			}
			for _, mid := range mids[1:] {
				if m, found, err := l.Find(mid); err != nil || !found || !m.IsErased() || m.Mid != mid {
					t.Errorf("Find(%s) = %+v, %v, %v", mid, m, found, err)
				}
			}
			if err := l.Erase("all", msgs[1].Seq); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestEraseOnAnotherNode(t *testing.T) {
	in := startServer(t, t.TempDir())
	heard := newHeard()
	open := func(receive func(Message)) *Stream {
		return onServer(t, connect(t, in), StreamConfig{Config: Config{KeepCount: 2}, Receive: receive}, time.Now)
	}
	one, other := open(heard.receive), open(func(Message) {})
	if err := one.Follow("all"); err != nil {
		t.Fatal(err)
	}
	a, b := say("all", 1, "", "a"), say("all", 1, "", "b")
	must(t, other, a, b)
	heard.wait(t, 2)
	// One learns of it at the latest when it is told to do the same.
	if err := errors.Join(other.Erase("all", b.Seq), one.Erase("all", b.Seq)); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Stream{one, other, open(func(Message) {})} {
		msgs, _, err := s.Read("all", 0, 0, 10)
		if got := spoken(t, msgs); err != nil || got != "a -" {
			t.Errorf("%q, %v", got, err)
		}
	}
	must(t, one, say("all", 1, "", "c"))
	heard.wait(t, 3)
	msgs, _, err := one.Read("all", 0, 0, 10)
	if got := spoken(t, msgs); err != nil || got != "a - c" {
		t.Errorf("%q, %v", got, err)
	}
	must(t, one, say("all", 1, "", "d"), say("all", 1, "", "e"), say("all", 1, "", "f"))
	trimNow(t, one)
	if left := one.graves.all(0); len(left) != 0 {
		t.Errorf("what was trimmed is remembered: %v", left)
	}
	msgs, _, err = other.Read("all", 0, 0, 10)
	if got := spoken(t, msgs); err != nil || got != "e f" {
		t.Errorf("after trimming %q, %v", got, err)
	}
}

// Erase erases some message.
func (m *machine) Erase(t *rapid.T) {
	if isStream(m.log) {
		t.Skip("it does not count what was erased")
	}
	m.trim()
	c := m.model.conv(convs.Draw(t, "conv"))
	if len(c.stored) == 0 {
		t.Skip("empty")
	}
	msg := &c.stored[rapid.IntRange(0, len(c.stored)-1).Draw(t, "place")]
	if err := m.log.Erase(msg.Conv, msg.Seq); err != nil {
		t.Fatal(err)
	}
	c.bytes -= m.model.weigh(*msg)
	msg.Body = []byte(erased)
	c.bytes += m.model.weigh(*msg)
	m.model.mids[msg.Mid] = *msg
}
