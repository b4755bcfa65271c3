package room

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// visit is one stay of one person: enter, say, leave.
type visit struct {
	Words   int  // to everyone
	Directs int  // to somebody who is always there
	Lost    int  // to nobody
	Hasty   bool // leaves without waiting for its own words

	peer *fakePeer
}

// slow makes a peer that lets others go first.
func slow() *fakePeer { return &fakePeer{onSend: runtime.Gosched} }

// run does the visit, as the nick that nobody else uses. The error says what did not come.
func (v *visit) run(h *Hub, nick string, round int) error {
	v.peer = slow()
	enter, err := h.Claim(Caller{Name: nick})
	if err != nil {
		return err
	}
	session := enter(v.peer)
	for i := range v.Words {
		say(session, "", word(nick, round, i))
	}
	for i := range v.Directs {
		say(session, "witness", word(nick, round, i))
	}
	for range v.Lost {
		say(session, "nobody", "lost")
	}
	if !v.Hasty && !comes(func() bool { return v.heard(nick, round) }) {
		return fmt.Errorf("%s misses its own words or notices in %q", nick, v.peer.messages())
	}
	v.peer.shut()
	session.Closed()
	return nil
}

// heard reports whether the words of this visit have come back, and a notice of each lost one.
func (v *visit) heard(nick string, round int) bool {
	own, notices := 0, 0
	for _, m := range v.peer.messages() {
		switch {
		case isNotice(m):
			notices++
		case v.Words > 0 && m == said(nick, "", word(nick, round, own)):
			own++
		}
	}
	return own == v.Words && notices == v.Lost
}

func word(nick string, round, i int) string { return fmt.Sprintf("%s %d %d", nick, round, i) }

// broadcasts are the messages to everyone that a peer got.
func broadcasts(p *fakePeer) (all []string) {
	for _, m := range p.messages() {
		if strings.Contains(m, `"to_user":"",`) {
			all = append(all, m)
		}
	}
	return all
}

// isWindow reports whether part is a stretch of whole without a gap.
func isWindow(part, whole []string) bool {
	if len(part) == 0 {
		return true
	}
	i := slices.Index(whole, part[0])
	return i >= 0 && i+len(part) <= len(whole) && slices.Equal(part, whole[i:i+len(part)])
}

// People come, talk and go at once on many shards, among a crowd that makes walks long. All who listen hear the same,
// in the same order, without a gap from entering to leaving; each speaker's words in the order of saying.
func TestOneOrderForAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shards := rapid.IntRange(1, 4).Draw(t, "shards")
		scripts := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) visit {
			return visit{
				Words:   rapid.IntRange(0, 5).Draw(t, "words"),
				Directs: rapid.IntRange(0, 3).Draw(t, "directs"),
				Lost:    rapid.IntRange(0, 2).Draw(t, "lost"),
				Hasty:   rapid.Bool().Draw(t, "hasty"),
			}
		}), 1, 3), 1, 6).Draw(t, "people")
		h := New(Config{Wire: fakeWire{}, Shards: shards})
		witness := slow()
		join(t, h, "witness", witness)
		crowd := make([]*fakePeer, rapid.SampledFrom([]int{0, 10, shards * (slice + 50)}).Draw(t, "crowd"))
		for i := range crowd {
			crowd[i] = &fakePeer{}
			join(t, h, fmt.Sprintf("crowd%d", i), crowd[i])
		}
		var talking sync.WaitGroup
		wrong := make([]error, len(scripts))
		for who, script := range scripts {
			talking.Go(func() {
				for round := range script {
					wrong[who] = errors.Join(wrong[who], script[round].run(h, fmt.Sprintf("p%d", who), round))
				}
			})
		}
		talking.Wait()
		if err := errors.Join(wrong...); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.Settle(ctx); err != nil {
			t.Fatal("settle:", err)
		}
		h.Close()
		heard := broadcasts(witness)
		for i, p := range crowd {
			if got := broadcasts(p); !slices.Equal(got, heard) {
				t.Fatalf("crowd%d heard %q, the witness %q", i, got, heard)
			}
		}
		for who, script := range scripts {
			checkVisits(t, fmt.Sprintf("p%d", who), script, heard, witness)
		}
	})
}

// checkVisits compares what one person heard and said with what the witness heard.
func checkVisits(t *rapid.T, nick string, script []visit, heard []string, witness *fakePeer) {
	var words, directs []string
	for round, v := range script {
		var own []string
		for i := range v.Words {
			own = append(own, said(nick, "", word(nick, round, i)))
		}
		words = append(words, own...)
		for i := range v.Directs {
			directs = append(directs, said(nick, "witness", word(nick, round, i)))
		}
		got := broadcasts(v.peer)
		if !isWindow(got, heard) {
			t.Fatalf("%s heard %q, the witness %q", nick, got, heard)
		}
		if got := from(nick, got); !v.Hasty && !slices.Equal(got[max(0, len(got)-len(own)):], own) {
			t.Fatalf("%s heard of its own %q, want %q", nick, got, own)
		}
		if v.peer.late > 0 {
			t.Fatalf("%s got %d messages after leaving", nick, v.peer.late)
		}
		for _, m := range v.peer.messages() {
			if !strings.Contains(m, `"to_user":"",`) && !isNotice(m) {
				t.Fatalf("%s got %s, which is for another", nick, m)
			}
		}
	}
	if got := from(nick, heard); !slices.Equal(got, words) {
		t.Fatalf("%s said %q, the witness heard %q", nick, words, got)
	}
	var private []string
	for _, m := range witness.messages() {
		if strings.Contains(m, `"to_user":"witness"`) {
			private = append(private, m)
		}
	}
	if got := from(nick, private); !slices.Equal(got, directs) {
		t.Fatalf("%s told the witness %q, it heard %q", nick, directs, got)
	}
}

// from picks one person's messages.
func from(nick string, messages []string) (own []string) {
	for _, m := range messages {
		if strings.HasPrefix(m, `{"from_user":"`+nick+`"`) {
			own = append(own, m)
		}
	}
	return own
}
