package run

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"throng/loadtest"
)

// over ends what a fake server says about a conversation.
const over = "\n" + `{"t":"err","code":500,"message":"over"}`

// live are messages as they come by themselves, one a line.
func live(numbers ...int) (text string) {
	for _, n := range numbers {
		text += "\n" + string(frameOf("v2", n))
	}
	return text
}

// pageOf is a page of history with messages from one to another.
func pageOf(from, to int, more bool) string {
	var msgs []string
	for n := from; n <= to; n++ {
		msgs = append(msgs, string(frameOf("v2", n)))
	}
	return fmt.Sprintf("\n"+`{"t":"history","id":"room:all","conv":"room:all","msgs":[%s],"more":%t}`, strings.Join(msgs, ","), more)
}

// few are numbers from one to another.
func few(from, to int) (numbers []int) {
	for n := from; n <= to; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

// TestPages has a server bring a user up to date that has been away, in its ways. What is told in a page and comes by itself too,
// once, since it was on its way, has come once; for all else that is twice or missing there is no excuse.
func TestPages(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		says  []string // to one question for the history of everyone after the other
		want  counts   // Delivered, Duplicated, Corrupted, Paged, Gaps and Holes
		asked []uint64 // after which seqs
	}{
		{"a page overtakes", []string{pageOf(1, 3, false) + live(2, 3, 4) + over}, counts{Delivered: 4, Paged: 3}, []uint64{0}},
		{"and comes twice", []string{pageOf(1, 3, false) + live(3, 3) + over}, counts{Delivered: 3, Duplicated: 1, Paged: 3}, []uint64{0}},
		{"out of order behind a page", []string{pageOf(1, 3, false) + live(3, 2) + over}, counts{Delivered: 3, Duplicated: 1, Paged: 3}, []uint64{0}},
		{"waits for its page", []string{live(2, 3) + pageOf(1, 2, false) + live(4) + over}, counts{Delivered: 4, Paged: 2}, []uint64{0}},
		{"waits twice", []string{live(2, 2) + pageOf(1, 2, false) + live(3) + over}, counts{Delivered: 3, Corrupted: 1, Paged: 2}, []uint64{0}},
		{"two pages", []string{pageOf(1, 3, true), live(6) + pageOf(4, 5, false) + over}, counts{Delivered: 6, Paged: 5}, []uint64{0, 3}},
		{"more than can wait", []string{live(few(2, 300)...) + pageOf(1, 1, false), pageOf(2, 300, false) + over}, counts{Delivered: 300, Paged: 300}, []uint64{0, 1}},
		{"the history goes on later", []string{
			pageOf(1, 1, true), pageOf(5, 6, false) + live(7) + over,
		}, counts{Delivered: 4, Paged: 3, Holes: 1}, []uint64{0, 1}},
		{"a gap", []string{
			pageOf(1, 1, false) + "\n" + `{"t":"gap","conv":"room:all","from":2,"to":4}` + live(5), pageOf(2, 5, false) + live(6) + over,
		}, counts{Delivered: 6, Paged: 4, Gaps: 1}, []uint64{0, 1}},
		{"a gap overtakes the page that was read before", []string{
			"\n" + `{"t":"gap","conv":"room:all","from":2,"to":4}` + pageOf(1, 1, false), pageOf(2, 4, false) + live(5) + over,
		}, counts{Delivered: 5, Paged: 4, Gaps: 1}, []uint64{0, 1}},
		{"and one behind a gap", []string{
			pageOf(1, 1, false) + "\n" + `{"t":"gap","conv":"room:all","from":2,"to":3}`,
			"\n" + `{"t":"gap","conv":"room:all","from":4,"to":6}` + pageOf(2, 3, false), pageOf(4, 6, false) + live(7) + over,
		}, counts{Delivered: 7, Paged: 6, Gaps: 2}, []uint64{0, 1, 3}},
		{"what was in a gap comes too", []string{
			pageOf(1, 1, false) + "\n" + `{"t":"gap","conv":"room:all","from":2,"to":3}`, pageOf(2, 3, false) + live(3, 4) + over,
		}, counts{Delivered: 4, Duplicated: 1, Paged: 3, Gaps: 1}, []uint64{0, 1}},
		{"a gap that is gone", []string{
			pageOf(1, 1, false) + "\n" + `{"t":"gap","conv":"room:all","from":2,"to":4}` + live(5), pageOf(5, 5, false) + live(6) + over,
		}, counts{Delivered: 3, Paged: 1, Gaps: 1, Holes: 1}, []uint64{0, 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var asks []uint64
			f := newFake(t, &fake{page: func(a asked) string {
				if a.Conv != "room:all" {
					return fmt.Sprintf(`{"t":"err","id":"%s","code":404,"message":"no such conversation"}`, a.Conv)
				}
				if asks = append(asks, a.After); len(asks) > len(c.says) {
					return ""
				}
				return strings.TrimSpace(c.says[len(asks)-1])
			}})
			w := crew(t, f.addr, func(p *Plan) { p.Users, p.Talkers = 2, 1 })
			comeAgain(t, w, 1)
			var n news
			eventually(t, "all that the server has to say", func() bool {
				w.meter.read(&n)
				return n.Reasons["the server said: over"] == 1 && n.Counts.Reading == 0
			})
			books := w.book.Snapshot()
			got := counts{
				Delivered: books.Delivered, Duplicated: books.Duplicated, Corrupted: books.Corrupted,
				Paged: n.Counts.Paged, Gaps: n.Counts.Gaps, Holes: n.Counts.Holes,
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if got != c.want || books.Reordered > 0 || fmt.Sprint(asks) != fmt.Sprint(c.asked) {
				t.Errorf("%+v, asked after %v, want %+v and %v; reasons %v", got, asks, c.want, c.asked, n.Reasons)
			}
		})
	}
}

// comeAgain has a user be away for a moment.
func comeAgain(t *testing.T, w *worker, id int) {
	t.Helper()
	if err := w.departed(t.Context(), id, w.depart(id, (*loadtest.User).Cut)); err != nil {
		t.Fatal(err)
	}
	w.connect(t.Context(), id, "return", time.Now())
}

// Who never reads asks for nothing: the end of the run would wait for the answer to be read.
func TestDeafReadsNoPages(t *testing.T) {
	w, c := &worker{mix: mixes["slow"]}, &conv{}
	w.mix.v2 = true
	if w.page(&loadtest.User{ID: 99}, c, 7); c.page != nil || !c.isFresh {
		t.Errorf("%+v", c)
	}
}

// A slow reader that was cut off while it did not read comes back when nobody speaks any more, and reads on then.
func TestSlowReaderComesBackLate(t *testing.T) {
	t.Parallel()
	const last = 50
	w := crew(t, newFake(t, &fake{page: func(a asked) string {
		if a.Conv != "room:all" {
			return fmt.Sprintf(`{"t":"err","id":"%s","code":404,"message":"no such conversation"}`, a.Conv)
		}
		next := int(a.After) + 1
		return strings.TrimSpace(pageOf(next, next, next < last))
	}}).addr, func(p *Plan) { p.Scenario, p.Users, p.Talkers = "slow", 20, 1 })
	over, end := context.WithCancel(t.Context())
	end()
	w.sip(over, 19)
	comeAgain(t, w, 19)
	eventually(t, "all of the history", func() bool {
		var n news
		w.meter.read(&n)
		return n.Counts.Paged == last && n.Counts.Reading == 0
	})
}

// TestPagesInTurn checks that a user reads one conversation after the other, and that questions wait for a socket that is full.
func TestPagesInTurn(t *testing.T) {
	t.Parallel()
	var asks []string
	seen, goOn := make(chan string), make(chan struct{})
	w := crew(t, newFake(t, &fake{
		page: func(a asked) string {
			asks = append(asks, a.Conv)
			return ""
		},
		answer: func(a asked, _ int) string {
			seen <- fmt.Sprint(len(asks), " asked when it said ", a.Cid)
			<-goOn
			return ""
		},
	}).addr, func(p *Plan) { p.Users, p.Talkers = 2, 1 })
	comeAgain(t, w, 1) // and asks for the history of everyone, and not of the other user before it has that
	sock := w.user(1).at()
	send := func(cid string, size int) {
		text := fmt.Appendf(nil, `{"t":"msg","id":1,"cid":"%s","message":"%s"}`, cid, strings.Repeat("x", size))
		if err := sock.Send(text); err != nil {
			t.Fatal(err)
		}
	}
	send("first", 1)
	if got := <-seen; got != "1 asked when it said first" {
		t.Error(got)
	}
	send("much", 16<<20) // more than the sockets hold
	put(sock, []byte(`{"t":"history","id":"late","conv":"late"}`))
	goOn <- struct{}{}
	if got := <-seen; got != "1 asked when it said much" {
		t.Error(got)
	}
	goOn <- struct{}{}
	eventually(t, "the question that had to wait", func() bool {
		send("last", 1)
		defer func() { goOn <- struct{}{} }()
		return <-seen == "2 asked when it said last"
	})
}
