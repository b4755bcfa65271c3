package run

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"throng/loadtest/ledger"
)

// asked is an object that a client sent.
type asked struct {
	T       string `json:"t"`
	ID      any    `json:"id"`
	Cid     string `json:"cid"`
	Resume  string `json:"resume"`
	Room    string `json:"room"`
	Message string `json:"message"`
	Conv    string `json:"conv"`
	After   uint64 `json:"after"`
}

// fake is a server of version 2 that welcomes everybody and answers messages as a test has it.
type fake struct {
	addr   string
	answer func(a asked, nth int) string // nth counts how often that cid has come, from 1; empty: no answer
	page   func(a asked) string          // answers who asks for the history; nil: nobody does

	mu   sync.Mutex // guards what follows
	cids []string   // of messages, as they came
	refs int        // connections that are refused
}

func newFake(t *testing.T, f *fake) *fake {
	t.Helper()
	upgrade := ws.HTTPUpgrader{Protocol: func(p string) bool { return p == subprotocol }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, _, err := upgrade.Upgrade(r, w)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for {
			h, err := ws.ReadHeader(buffered)
			if err != nil || h.OpCode != ws.OpText {
				return
			}
			payload := make([]byte, h.Length)
			if _, err := io.ReadFull(buffered, payload); err != nil {
				return
			}
			ws.Cipher(payload, h.Mask, 0)
			for line := range strings.Lines(string(payload)) {
				var a asked
				if err := json.Unmarshal([]byte(line), &a); err != nil {
					t.Error(err)
				}
				if text := f.reply(a); text != "" {
					frame := ws.NewTextFrame([]byte(text))
					if strings.HasPrefix(text, "close") {
						frame = ws.NewCloseFrame(ws.NewCloseFrameBody(4509, "the nick is in use"))
					}
					_ = ws.WriteFrame(conn, frame)
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	f.addr = server.Listener.Addr().String()
	return f
}

func (f *fake) reply(a asked) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch a.T {
	case "hello":
		if f.refs > 0 {
			f.refs--
			return "close"
		}
		return `{"t":"welcome","id":"hello","resume":"secret","epoch":"e","recovered":{}}`
	case "join":
		return fmt.Sprintf(`{"t":"joined","id":"join","conv":"room:%s","seq":0}`, a.Room)
	case "msg":
		f.cids = append(f.cids, a.Cid)
		nth := 0
		for _, cid := range f.cids {
			if cid == a.Cid {
				nth++
			}
		}
		return f.answer(a, nth)
	case "history":
		if f.page != nil {
			return f.page(a)
		}
	}
	return ""
}

// order is the cids as they came, each by the number that its first coming has.
func (f *fake) order() (numbers []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var seen []string
	for _, cid := range f.cids {
		if !slices.Contains(seen, cid) {
			seen = append(seen, cid)
		}
		numbers = append(numbers, slices.Index(seen, cid)+1)
	}
	return numbers
}

func ack(a asked) string {
	return fmt.Sprintf(`{"t":"ack","id":%v,"cid":"%s","mid":"m","conv":"room:all","seq":5,"ts":1,"dur":"mem"}`, a.ID, a.Cid)
}

// TestOutbox has a server answer in its ways, and looks at what is said again.
func TestOutbox(t *testing.T) {
	t.Parallel()
	const retry = `{"t":"err","id":%v,"code":503,"message":"full","retry":true,"retry_after_ms":%d}`
	cases := []struct {
		name   string
		says   int
		answer func(a asked, nth int) string
		order  []int
		want   counts // Sent, Waiting, Refused and Corrupted
		acked  int64
	}{
		{"acks", 3, func(a asked, _ int) string { return ack(a) }, []int{1, 2, 3}, counts{Sent: 3}, 3},
		{"is full for a while", 1, func(a asked, nth int) string {
			if nth < 3 {
				return fmt.Sprintf(retry, a.ID, 20)
			}
			return ack(a)
		}, []int{1, 1, 1}, counts{Sent: 1}, 1},
		{"acks only what comes again", 2, func(a asked, nth int) string {
			if nth == 1 {
				return ""
			}
			return ack(a) + "\n" + ack(a) // the second is one too many
		}, []int{1, 2, 1, 2}, counts{Sent: 2}, 2},
		{"refuses", 2, func(a asked, _ int) string {
			return fmt.Sprintf(`{"t":"err","id":%v,"code":404,"message":"nobody","retry":false}`, a.ID)
		}, []int{1, 2}, counts{Sent: 2, Refused: 2}, 0},
		{"acks another message", 1, func(a asked, _ int) string {
			a.Cid += "0"
			return ack(a)
		}, []int{1}, counts{Sent: 1, Corrupted: 1}, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, &fake{answer: c.answer})
			w := crew(t, f.addr, func(p *Plan) { p.Users, p.Talkers = 2, 1 })
			for range c.says {
				if !w.utter(ledger.Broadcast, voice{0, 0}, 0, w.now()) {
					t.Fatal("nothing was said")
				}
			}
			var n news
			eventually(t, fmt.Sprintf("%+v", c.want), func() bool {
				w.meter.read(&n)
				n.Counts.Corrupted = w.book.Snapshot().Corrupted
				got := counts{
					Sent: n.Counts.Sent, Waiting: n.Counts.Waiting, Refused: n.Counts.Refused, Corrupted: n.Counts.Corrupted,
				}
				return got == c.want && n.Counts.Acked[ledger.Broadcast] == c.acked
			})
			if got := f.order(); !slices.Equal(got, c.order) {
				t.Errorf("messages %v, want %v", got, c.order)
			}
		})
	}
}

// TestOutboxFull checks that a user who gets no acks falls silent, and that all of what it has said is said again when it
// comes back.
func TestOutboxFull(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	deaf := true
	f := newFake(t, &fake{answer: func(a asked, _ int) string {
		mu.Lock()
		defer mu.Unlock()
		if deaf {
			return ""
		}
		return ack(a)
	}})
	w := crew(t, f.addr, func(p *Plan) { p.Users, p.Talkers = 2, 1 })
	for i := range maxLetters + 5 {
		if said := w.utter(ledger.Broadcast, voice{0, 0}, 0, w.now()); said != (i < maxLetters) {
			t.Fatalf("message %d: %v", i+1, said)
		}
	}
	eventually(t, "all messages", func() bool { return len(f.order()) == maxLetters })
	mu.Lock()
	deaf = false
	mu.Unlock()
	if err := w.storm(t.Context()); err != nil {
		t.Fatal(err)
	}
	var n news
	eventually(t, "all acks", func() bool {
		w.meter.read(&n)
		return n.Counts.Waiting == 0
	})
	if n.Counts.Acked[ledger.Broadcast] != maxLetters || n.Counts.Again != 2 {
		t.Errorf("counts %+v", n.Counts)
	}
}

// TestNoWelcome has a server refuse after the upgrade: the user tries again and says why it had to.
func TestNoWelcome(t *testing.T) {
	t.Parallel()
	f := newFake(t, &fake{refs: 3, answer: func(asked, int) string { return "" }})
	w := crew(t, f.addr, func(p *Plan) { p.Users, p.Ramp = 2, time.Millisecond })
	var n news
	w.meter.read(&n)
	const why = "no welcome: closed by the server: 4509 the nick is in use"
	if n.Reasons[why] != 3 || len(n.Reasons) != 1 || n.Counts.Failed != 0 {
		t.Errorf("reasons %v, counts %+v", n.Reasons, n.Counts)
	}
}
