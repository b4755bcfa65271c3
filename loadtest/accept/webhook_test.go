package accept

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	hookSecret = "0123456789abcdef"
	hookPause  = 50 * time.Millisecond // between two messages of one: each that fails holds up its sender's for up to some seconds
)

// happening is an event as a webhook posts it.
type happening struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Seq  uint64 `json:"seq"`
	Ts   int64  `json:"ts"`
	Data struct {
		Mid     string          `json:"mid"`
		From    string          `json:"from_user"`
		Nick    string          `json:"nick"`
		Session string          `json:"session"`
		Reason  string          `json:"reason"`
		Message json.RawMessage `json:"message"`
	} `json:"data"`
}

// user is whose event it is.
func (h *happening) user() string { return h.Data.From + h.Data.Nick }

// hook is an endpoint of a webhook that fails at random.
type hook struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex // guards what follows
	all     map[string]happening
	ordered map[string][]happening // by user, each event when it was accepted first
	posts   int
	fails   int // in ten
}

func newHook(t *testing.T, fails int) *hook {
	t.Helper()
	h := &hook{t: t, all: map[string]happening{}, ordered: map[string][]happening{}, fails: fails}
	h.Server = httptest.NewServer(http.HandlerFunc(h.take))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // who posts was killed
	}
	id, at := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(id + "." + at + "." + string(body)))
	var is happening
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
		h.t.Errorf("signed %q, want %q", r.Header.Get("webhook-signature"), want)
	}
	if err := json.Unmarshal(body, &is); err != nil || is.ID != id || id == "" {
		h.t.Errorf("id %q, %s: %v", id, body, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.posts++
	if dice := rand.IntN(10); dice < h.fails {
		if dice == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	before, isRepeat := h.all[is.ID]
	if isRepeat && before.Seq != is.Seq {
		h.t.Errorf("%s is %+v and %+v", is.ID, before, is)
	}
	if !isRepeat {
		h.all[is.ID] = is
		h.ordered[is.user()] = append(h.ordered[is.user()], is)
	}
}

// args are the settings of a server that posts to it.
func (h *hook) args() []string {
	return []string{"--webhook-url", h.URL, "--webhook-secret", hookSecret, "--webhook-timeout", "1s"}
}

// await waits until something is so of what was accepted.
func (h *hook) await(what string, isSo func() bool) {
	h.t.Helper()
	for until := time.Now().Add(2 * patience); ; time.Sleep(20 * time.Millisecond) {
		h.mu.Lock()
		ok := isSo()
		n, posts := len(h.all), h.posts
		h.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(until) {
			h.t.Fatalf("in vain: %s; %d events were accepted of %d posts", what, n, posts)
		}
	}
}

// audit waits until all that is in the ledger was told, and looks whether each user's events came in order.
func (h *hook) audit(l *ledger) {
	h.t.Helper()
	h.await("for all that was acknowledged", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, line := range l.lines {
			if _, ok := h.all[line.ack.Mid]; !ok {
				return false
			}
		}
		return true
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	for user, events := range h.ordered {
		if !slices.IsSortedFunc(events, func(a, b happening) int { return int(a.Seq) - int(b.Seq) }) {
			h.t.Errorf("%s: %v", user, events)
		}
	}
	h.t.Logf("%d acks, %d events, %d posts", l.count(), len(h.all), h.posts)
}

// TestWebhookCrash kills a server again and again, under load, whose webhook's endpoint fails every fifth time: all that was acknowledged
// is told, each user's in order, and so are connects and disconnects.
func TestWebhookCrash(t *testing.T) {
	t.Parallel()
	e := newHook(t, 2)
	h := boot(t, e.args()...)
	l := newLedger()
	var people []*witness
	for i := range 4 {
		people = append(people, enter(t, h.addr, fmt.Sprintf("p%d", i), crashPause, "go"))
	}
	err := talkUntil(t, l, people, len(people), hookPause, func() {
		for range 3 {
			l.await(t, l.count()+60)
			h.crash()
			h.start()
		}
		l.await(t, l.count()+60)
	})
	if err != nil {
		t.Error(err)
	}
	e.audit(l)
	for _, w := range people {
		w.Close()
	}
	tally := ""
	defer func() { t.Log(tally) }()
	e.await("for connects and disconnects", func() bool {
		begun, last, ends := map[string]bool{}, map[string]bool{}, 0
		for _, is := range e.all {
			if is.Type == "connect" {
				begun[is.Data.Session] = true
			}
		}
		for _, is := range e.all {
			switch {
			case is.Type != "disconnect":
			case is.Data.Reason == "server ended":
				ends++
			case begun[is.Data.Session]:
				last[is.Data.Session] = true
			}
		}
		tally = fmt.Sprintf("%d connects, %d disconnects of them, %d servers that ended", len(begun), len(last), ends)
		return len(begun) >= 2*4 && len(last) >= 4 && ends == 3 // a kill may come before all are back; before the first server there was none
	})
}

// TestWebhookNodes kills the node of a cluster that posts: another goes on where it was.
func TestWebhookNodes(t *testing.T) {
	t.Parallel()
	e := newHook(t, 2)
	nats := freePort(t)
	host := newNode(t, filepath.Join(t.TempDir(), "host"),
		[]string{"--admin", "off", "--nats", "embedded", "--nats-listen", nats, "--nats-sync", "0"})
	host.start()
	join := func(name string) *node {
		n := newNode(t, filepath.Join(t.TempDir(), name), slices.Concat([]string{"--admin", "off", "--nats", "nats://" + nats}, e.args()))
		n.start()
		return n
	}
	posts := func(n *node) bool {
		return slices.ContainsFunc(n.Said(), func(line string) bool { return strings.Contains(line, "this node posts") })
	}
	first := join("first")
	e.await("for the first to have its turn", func() bool { return posts(first) })
	second := join("second")
	l := newLedger()
	var people []*witness
	for i := range 4 {
		people = append(people, enter(t, second.addr, fmt.Sprintf("p%d", i), crashPause, "go"))
	}
	err := talkUntil(t, l, people, len(people), hookPause, func() {
		l.await(t, 100)
		if posts(second) {
			t.Error("both post")
		}
		first.crash()
		l.await(t, l.count()+100)
		e.await("for the second to have its turn", func() bool { return posts(second) })
		l.await(t, l.count()+50)
	})
	if err != nil {
		t.Error(err)
	}
	e.audit(l)
	e.await("for word of the end of the first", func() bool {
		for _, is := range e.all {
			if is.Data.Reason == "server ended" {
				return true
			}
		}
		return false
	})
	second.stop() // in order: its turn ends
	third := join("third")
	alice := enter(t, third.addr, "alice", crashPause)
	last := newLedger()
	if err := alice.settle(t.Context(), alice.say("", "", "last"), last); err != nil {
		t.Fatal(err)
	}
	e.audit(last)
}

// TestAbuseWebhookEndpoint has endpoints be as bad as can be: people chat as if there were none, and the server says what is wrong.
func TestAbuseWebhookEndpoint(t *testing.T) {
	t.Parallel()
	var elsewhere sync.Map
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { elsewhere.Store(r.URL.Path, true) }))
	defer other.Close()
	for name, row := range map[string]struct {
		answer string // then there is none
		isTLS  bool
		reason string
	}{
		"hangs":             {"", false, "timeout"},
		"endless":           {"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("fff\r\n"+strings.Repeat("x", 0xfff)+"\r\n", 1000), false, "5xx"},
		"garbage":           {"\x00\x01\x02 what?\r\n\r\n", false, "connection"},
		"redirect":          {"HTTP/1.1 307 There\r\nLocation: " + other.URL + "/there\r\nContent-Length: 0\r\n\r\n", false, "3xx"},
		"wrong certificate": {"", true, "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t, filepath.Join(t.TempDir(), "data"), []string{"--admin", "127.0.0.1:0",
				"--webhook-url", badEndpoint(t, row.answer, row.isTLS), "--webhook-secret", hookSecret, "--webhook-timeout", "500ms"})
			n.start()
			h := &house{t: t, node: n, turn: &turn{}}
			alice, _ := h.enter("alice")
			bob, _ := h.enter("bob")
			for i := range 300 {
				alice.say(fmt.Sprintf(`{"to_user":"bob","message":%d}`, i))
				alice.hear(said("alice", "dm:bob", fmt.Sprint(i), toUser("bob")))
				bob.hear(said("alice", "dm:alice", fmt.Sprint(i), toUser("bob")))
			}
			for until := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
				if h.metric(t, `throng_webhook_failures_total{reason="`+row.reason+`"}`) > 0 {
					break
				}
				if time.Now().After(until) {
					t.Fatalf("no failure is counted as %s", row.reason)
				}
			}
			if n := h.metric(t, "throng_webhook_in_flight"); n > 16 {
				t.Errorf("%v posts are under way", n)
			}
			if text := strings.Join(h.Said(), "\n"); strings.Contains(text, hookSecret) || strings.Contains(text, "hidden") {
				t.Errorf("logged: %s", text)
			}
		})
	}
	t.Cleanup(func() {
		elsewhere.Range(func(path, _ any) bool {
			t.Errorf("something was posted to %v", path)
			return true
		})
	})
}

// badEndpoint answers every request so, and nothing where that is empty. It gives its URL, which has secrets in it.
func badEndpoint(t *testing.T, answer string, isTLS bool) string {
	t.Helper()
	if isTLS {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("something was posted") }))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return strings.Replace(s.URL, "https://", "https://me:hidden@", 1) + "/?key=hidden"
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	end := make(chan struct{})
	t.Cleanup(func() { close(end); l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
					return
				}
				if answer == "" {
					<-end
				}
				_, _ = io.WriteString(conn, answer)
			})
		}
	})
	return "http://me:hidden@" + l.Addr().String() + "/?key=hidden"
}

// metric is what a node says a series stands at; 0: it has none.
func (n *node) metric(t *testing.T, series string) float64 {
	t.Helper()
	answer, err := http.Get("http://" + n.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), series+" "); ok {
			v, _ := strconv.ParseFloat(text, 64)
			return v
		}
	}
	return 0
}
