package accept

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// page is the answer to a history.
type page struct {
	Msgs []struct {
		Seq, Prev uint64
		Message   json.RawMessage
	}
	More bool
}

// history hears one; changes of presence and messages may come before.
func history(t *testing.T, p *person) (got page) {
	t.Helper()
	for {
		o := p.next()
		if o["t"] == `"msg"` || o["t"] == `"gap"` {
			continue
		}
		if !matches(t, o, `{"t":"history","id":1,"conv":*,"msgs":*,"more":*}`) {
			t.Fatalf("%.300v", o)
		}
		if err := json.Unmarshal([]byte(o["msgs"]), &got.Msgs); err != nil {
			t.Fatal(err)
		}
		got.More = o["more"] == "true"
		return got
	}
}

// TestV2History pages through 250 messages, both ways.
func TestV2History(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		p, _ := h.enter("alice")
		h.enter("bob")
		const many = 250
		var seqs []uint64
		for i := 0; i < many; i += 50 {
			var batch []string
			for j := range 50 {
				batch = append(batch, fmt.Sprintf(`{"to_user":"bob","message":%d,"cid":"c%d"}`, i+j, i+j))
			}
			p.say(strings.Join(batch, "\n"))
			for j := range 50 {
				o := p.hear(fmt.Sprintf(`{"t":"msg","from_user":"alice","to_user":"bob","message":%d,"mid":*,"seq":*,"prev":*,"epoch":*,"ts":*,"conv":"dm:bob","cid":"c%d"}`, i+j, i+j))
				seqs = append(seqs, o.seq("seq"))
			}
		}
		get := func(more string) page {
			p.say(`{"t":"history","id":1,"conv":"dm:bob"` + more + `}`)
			return history(t, p)
		}
		// is checks that a page has the messages from one index up to another.
		is := func(what string, got page, from, to int, more bool) {
			t.Helper()
			if got.More != more || len(got.Msgs) != to-from {
				t.Errorf("%s: %d messages, more %t; want %d, %t", what, len(got.Msgs), got.More, to-from, more)
				return
			}
			for i, m := range got.Msgs {
				prev := uint64(0)
				if from+i > 0 {
					prev = seqs[from+i-1]
				}
				if m.Seq != seqs[from+i] || m.Prev != prev || string(m.Message) != strconv.Itoa(from+i) {
					t.Errorf("%s: at %d seq %d, prev %d, %s; want seq %d, prev %d", what, i, m.Seq, m.Prev, m.Message, seqs[from+i], prev)
				}
			}
		}
		if !slices.IsSorted(seqs) {
			t.Errorf("seqs are not in order: %v", seqs)
		}
		is("the newest", get(""), 200, 250, true)
		is("limit 0", get(`,"limit":0`), 200, 250, true)
		is("limit 1", get(`,"limit":1`), 249, 250, true)
		is("a limit that is cut", get(`,"limit":1000`), 150, 250, true)
		is("a limit far too large", get(`,"limit":18446744073709551616`), 150, 250, true)
		for end := many; end > 0; end -= 100 {
			from := max(0, end-100)
			is("backwards", get(fmt.Sprintf(`,"limit":100,"before":%d`, seqs[end-1]+1)), from, end, from > 0)
		}
		for from := 0; from < many; from += 100 {
			after := uint64(0)
			if from > 0 {
				after = seqs[from-1]
			}
			to := min(many, from+100)
			is("forwards", get(fmt.Sprintf(`,"limit":100,"after":%d`, after)), from, to, to < many)
		}
		is("before the first", get(fmt.Sprintf(`,"before":%d`, seqs[0])), 0, 0, false)
		is("after the last", get(fmt.Sprintf(`,"after":%d`, seqs[249])), 0, 0, false)
		is("exactly the rest before", get(fmt.Sprintf(`,"limit":10,"before":%d`, seqs[10])), 0, 10, false)
		is("exactly the rest after", get(fmt.Sprintf(`,"limit":10,"after":%d`, seqs[239])), 240, 250, false)
		is("before what will be", get(`,"limit":5,"before":9223372036854775807`), 245, 250, true)
		is("after what will be", get(`,"limit":5,"after":9223372036854775807`), 0, 0, false)
		is("null is as nothing", get(`,"before":null,"after":null,"limit":null`), 200, 250, true)

		// A message of a page has the same keys as one that is pushed; a conversation is answered by the name that the server has.
		p.say(`{"t":"history","id":1,"conv":"dm:BOB","limit":1}`)
		o := p.hear(`{"t":"history","id":1,"conv":"dm:bob","msgs":*,"more":true}`)
		var msgs []json.RawMessage
		_ = json.Unmarshal([]byte(o["msgs"]), &msgs)
		m, err := parse(string(msgs[0]))
		if err != nil || !matches(t, m, `{"t":"msg","from_user":"alice","to_user":"bob","message":249,"mid":*,"seq":*,"prev":*,"epoch":*,"ts":*,"conv":"dm:bob","cid":"c249"}`) {
			t.Errorf("%v, %v", m, err)
		}
	})
}

// TestV2Presence pages through the people and hears of changes.
func TestV2Presence(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, boot booter) {
		h := boot(t)
		const many = 120
		watcher, _ := h.enter("watcher")
		watcher.news("room:all") // of its own coming
		var nicks []string
		for i := range many {
			nick := fmt.Sprintf("u%03d", i)
			h.enter(nick)
			nicks = append(nicks, nick)
		}
		for count := uint64(0); count < many+1; {
			o := watcher.news("room:all")
			if !matches(t, o, `{"t":"presence","conv":"room:all","count":*,"joined":*,"left":[]}`) {
				t.Fatalf("%v", o)
			}
			var joined []string
			_ = json.Unmarshal([]byte(o["joined"]), &joined)
			if len(joined) == 0 || len(joined) > 50 || o.seq("count") <= count {
				t.Fatalf("%d names of newcomers, %d people after %d", len(joined), o.seq("count"), count)
			}
			count = o.seq("count")
		}
		nicks = append(nicks, "watcher")
		for _, row := range []struct {
			ask      string
			from, to int
		}{
			{``, 0, 50},
			{`,"limit":1000`, 0, 100},
			{`,"limit":100,"after":"u099"`, 100, 121},
			{`,"limit":2,"after":"U009"`, 10, 12},
			{`,"limit":2,"after":"u009x"`, 10, 12},
			{`,"after":"watcher"`, 121, 121},
			{`,"room":"all","limit":1,"after":null`, 0, 1},
		} {
			watcher.say(`{"t":"presence","id":1` + row.ask + `}`)
			want, _ := json.Marshal(nicks[row.from:row.to])
			if row.from == row.to {
				want = []byte("[]")
			}
			watcher.hear(fmt.Sprintf(`{"t":"presence","id":1,"room":"all","count":121,"users":%s}`, want))
		}
		room, _ := h.enter("x")
		room.ask(`{"t":"join","id":2,"room":"Go"}`, `{"t":"joined","id":2,"room":"Go","conv":"room:Go","members":1,"epoch":*,"seq":0,"recovered":false}`)
		room.ask(`{"t":"presence","id":1,"room":"go"}`, `{"t":"presence","id":1,"room":"Go","count":1,"users":["x"]}`)
		room.news("room:Go")
		if y, _ := h.enter("y"); true {
			y.ask(`{"t":"join","id":2,"room":"gO"}`, `{"t":"joined","id":2,"room":"Go","conv":"room:Go","members":2,"epoch":*,"seq":0,"recovered":false}`)
			if o := room.news("room:Go"); !matches(t, o, `{"t":"presence","conv":"room:Go","room":"Go","count":2,"joined":["y"],"left":[]}`) {
				t.Errorf("%v", o)
			}
			y.bye()
			if o := room.news("room:Go"); !matches(t, o, `{"t":"presence","conv":"room:Go","room":"Go","count":1,"joined":[],"left":["y"]}`) {
				t.Errorf("%v", o)
			}
		}
	})
}
