package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"throng/deploy/config"
	"throng/room"
)

// line is one of a trace.
type line struct {
	room.Event
	TraceID string `json:"trace_id"`
}

// follower reads a trace.
type follower struct {
	t     *testing.T
	lines *bufio.Scanner
	end   func() // goes away
}

// follow traces what a query says until the test ends.
func (r *running) follow(query string) *follower {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, "GET", "http://"+r.private+"/api/trace?"+query, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		cancel()
		answer.Body.Close()
	})
	return &follower{r.t, bufio.NewScanner(answer.Body), cancel}
}

// next is the next line that tells of one thing.
func (f *follower) next(what string) line {
	f.t.Helper()
	for f.lines.Scan() {
		var e line
		if err := json.Unmarshal(f.lines.Bytes(), &e); err != nil {
			f.t.Fatalf("%v of %s", err, f.lines.Bytes())
		}
		if e.What == what {
			return e
		}
	}
	f.t.Fatalf("no %s: %v", what, f.lines.Err())
	return line{}
}

// TestTraceOfANick follows somebody over the private listener: from opening to what they say, get, and their end.
func TestTraceOfANick(t *testing.T) {
	r := start(t, nil)
	next := r.follow("nick=bob&body=1").next
	next("tracing")
	ann, bob := r.join("ann"), r.join("bob")
	ann.say(`{"t":"hello","id":1}`)
	ann.hear(`welcome`)
	if e := next("opened"); e.Nick != "bob" || e.Conn == 0 {
		t.Errorf("opened: %+v", e)
	}
	bob.say(`{"t":"hello","id":1}`)
	bob.hear(`welcome`)
	bob.say(`{"t":"msg","id":7,"to_user":"ann","message":"from bob"}`)
	for {
		if e := next("received"); strings.Contains(e.Body, "from bob") {
			break
		}
	}
	stored := next("stored")
	if stored.Mid == "" || stored.Seq == 0 || stored.Conv != "dm:ann" {
		t.Errorf("stored: %+v", stored)
	}
	bob.say(`{"t":"msg","id":8,"room":"elsewhere","message":"x"}`)
	if e := next("refused"); e.Code != 403 {
		t.Errorf("refused: %+v", e)
	}
	_ = bob.conn.Close()
	if e := next("closed"); e.Code != 1006 {
		t.Errorf("closed: %+v", e)
	}
	for _, query := range []string{"", "?nick=a/b", "?nick=bob&mid=1"} {
		if status, text := r.get("/api/trace" + query); status != http.StatusBadRequest || !strings.Contains(text, "bad_request") {
			t.Errorf("%s: %d %s", query, status, text)
		}
	}
	if status, text := r.get("/api/trace?for=1ms&mid=" + stored.Mid); status != http.StatusOK || !strings.Contains(text, `"what":"end"`) ||
		!strings.Contains(text, `"from_user":"bob"`) {
		t.Errorf("of the message: %d %s", status, text)
	}
}

// TestAbuseTraceFromAbroad shows that nobody but who may use the API is told what people do.
func TestAbuseTraceFromAbroad(t *testing.T) {
	r := start(t, func(s *config.Serve) { s.APIKey = "a-key-that-is-long-enough" })
	for _, headers := range [][]string{{}, {"Authorization", "Bearer wrong"}, {"Origin", "http://evil.example"}} {
		if status, text := r.get("/api/trace?nick=bob&for=1ms", headers...); status != 401 && status != 403 {
			t.Errorf("%q: %d %s", headers, status, text)
		}
	}
	if status, text := r.get("/api/trace?nick=bob&for=1ms", "Authorization", "Bearer a-key-that-is-long-enough"); status != 200 {
		t.Errorf("with the key: %d %s", status, text)
	}
}

// collector takes spans over HTTP.
type collector struct {
	*httptest.Server
	t    *testing.T
	mu   sync.Mutex // guards what follows
	got  bytes.Buffer
	came chan struct{} // has a token when something has come
}

func newCollector(t *testing.T) *collector {
	c := &collector{t: t, came: make(chan struct{}, 1)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		c.got.Write(body)
		c.mu.Unlock()
		select {
		case c.came <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// TestSpans shows that the stages of a message come to a collector, at the latest when the server stops.
func TestSpans(t *testing.T) {
	c := newCollector(t)
	stats := prometheus.NewRegistry()
	s, err := newSpans(c.URL+"/v1/traces", "test", stats, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, func(settings *config.Serve) { settings.OTLP, settings.TraceSample = c.URL+"/v1/traces", 1 })
	ann := r.join("ann")
	ann.say(`{"t":"msg","id":1,"cid":"the-cid","message":1}`)
	ann.hear(`"t":"msg"`)
	now := time.Now()
	s.tell(room.Journey{Begun: now, Decoded: now, Taken: now, Stored: now, Mid: "of-elsewhere"})
	s.close()
	if n := testutil.ToFloat64(s.count.WithLabelValues("sent")); n != spansOf {
		t.Errorf("%v spans were sent, want %d", n, spansOf)
	}
	if err := r.hub.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.spans.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, word := range []string{"of-elsewhere", "the-cid", "fanout", "decode", "throng.kind", "everyone"} {
		if !bytes.Contains(c.got.Bytes(), []byte(word)) {
			t.Errorf("no %s among the spans", word)
		}
	}
}

// has waits until words have come to it.
func (c *collector) has(words ...string) {
	c.t.Helper()
	late := time.After(patience)
	for {
		c.mu.Lock()
		missing := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return bytes.Contains(c.got.Bytes(), []byte(w)) })
		c.mu.Unlock()
		if len(missing) == 0 {
			return
		}
		select {
		case <-c.came:
		case <-late:
			c.t.Fatalf("no %q among the spans", missing)
		}
	}
}

// TestSpansOfALiveTrace shows that who or what is traced comes to the collector though nothing is sampled, and nothing else does.
func TestSpansOfALiveTrace(t *testing.T) {
	c := newCollector(t)
	r := start(t, func(settings *config.Serve) { settings.OTLP = c.URL + "/v1/traces" })
	ann, bob := r.join("ann"), r.join("bob")
	ann.say(`{"t":"hello","id":1}`)
	bob.say(`{"t":"hello","id":1}`)
	ofBob, ids := r.follow("nick=bob&body=1"), []string{}
	ids = append(ids, ofBob.next("tracing").TraceID)
	ann.say(`{"t":"msg","id":1,"cid":"cid-of-ann","message":1}`)
	ann.hear(`"ack"`)
	bob.say(`{"t":"msg","id":2,"room":"elsewhere","message":"the body"}`)
	bob.say(`{"t":"msg","id":3,"cid":"cid-of-bob","to_user":"ann","message":"the body"}`)
	ofBob.next("refused")
	mid := ofBob.next("stored").Mid
	ofBob.end()

	ofMessage := r.follow("mid=" + mid)
	ids = append(ids, ofMessage.next("tracing").TraceID)
	bob.say(`{"t":"msg","id":4,"cid":"cid-of-bob","to_user":"ann","message":"the body"}`)
	ofMessage.next("repeated")
	ofMessage.end()
	for i, id := range ids {
		raw, err := hex.DecodeString(id)
		if err != nil || len(raw) != 16 {
			t.Fatalf("trace %d has the id %q", i, id)
		}
		c.has(string(raw))
	}
	c.has("live trace", "received", "refused", "join the room first", "stored", "repeated", "cid-of-bob", mid)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, word := range []string{"cid-of-ann", "the body", "fanout"} {
		if bytes.Contains(c.got.Bytes(), []byte(word)) {
			t.Errorf("%s is among the spans", word)
		}
	}
}

// TestAbuseDeadCollector shows that a collector which takes nothing holds nothing up: what does not fit is dropped and counted, and
// a stop does not wait for it.
func TestAbuseDeadCollector(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := newSpans("http://"+l.Addr().String()+"/v1/traces", "test", prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	const messages = 4 * maxSpans
	for range messages {
		s.tell(room.Journey{Begun: now, Decoded: now, Taken: now, Stored: now})
	}
	if n := testutil.ToFloat64(s.count.WithLabelValues("dropped")); n == 0 {
		t.Error("nothing was dropped")
	}
	s.close()
	if n := testutil.ToFloat64(s.count.WithLabelValues("sent")); n != 0 {
		t.Errorf("%v spans were sent", n)
	}
}
