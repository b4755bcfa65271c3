package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"throng/deploy/config"
	"throng/room/event"
)

// running is a server on loopback, and where its listeners are.
type running struct {
	*Server
	t       *testing.T
	private string
}

// start starts a server in a folder of its own, which ends with the test. change may change its settings.
func start(t *testing.T, change func(*config.Serve)) *running {
	t.Helper()
	private, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := private.Addr().String()
	private.Close()
	settings := config.Serve{
		Addr: "127.0.0.1:0", Admin: address, Data: t.TempDir(), Durability: "os", MaxMessage: 64 << 10, EchoMax: 64 << 10, Queue: 1 << 20,
		Ping: time.Second, MaxRooms: 10, Drain: time.Second,
	}
	if change != nil {
		change(&settings)
	}
	s, err := Start(settings, Options{Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error("stop:", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return &running{s, t, address}
}

// get asks the private listener.
func (r *running) get(path string, header ...string) (status int, body string) {
	r.t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+r.private+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// metrics are the values of /metrics by series.
func (r *running) metrics() map[string]float64 {
	r.t.Helper()
	_, text := r.get("/metrics")
	values := map[string]float64{}
	for line := range strings.Lines(text) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			var v float64
			if _, err := fmt.Sscan(line[i+1:], &v); err == nil {
				values[line[:i]] = v
			}
		}
	}
	return values
}

// talker is a client of version 2.
type talker struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (r *running) join(nick string) *talker {
	r.t.Helper()
	dialer := ws.Dialer{Protocols: []string{event.V2}}
	conn, in, _, err := dialer.Dial(context.Background(), "ws://"+r.Addr().String()+chatPath+nick)
	if err != nil {
		r.t.Fatal(err)
	}
	if in == nil {
		in = bufio.NewReader(conn)
	}
	r.t.Cleanup(func() { conn.Close() })
	return &talker{r.t, conn, in}
}

func (c *talker) say(frame string) {
	c.t.Helper()
	if err := wsutil.WriteClientText(c.conn, []byte(frame)); err != nil {
		c.t.Fatal(err)
	}
}

// hear reads until an object that contains word has come, and returns all up to it.
func (c *talker) hear(word string) (all []string) {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Minute))
	for {
		text, _, err := wsutil.ReadServerData(struct {
			io.Reader
			io.Writer
		}{c.in, c.conn})
		if err != nil {
			c.t.Fatalf("waiting for %s: %v", word, err)
		}
		for object := range strings.Lines(string(text)) {
			all = append(all, object)
			if strings.Contains(object, word) {
				return all
			}
		}
	}
}

// TestSumsOfMetrics shows, at a running server under chat, that the metrics fit together: each message that came was acknowledged
// or refused, everybody got what was stored, and what left is what was delivered.
func TestSumsOfMetrics(t *testing.T) {
	r := start(t, nil)
	const people, rounds = 4, 25
	var all []*talker
	for i := range people {
		c := r.join(fmt.Sprint("guest", i))
		c.say(`{"t":"hello","id":1}`)
		c.hear(`"t":"welcome"`)
		all = append(all, c)
	}
	for i := range rounds {
		for j, c := range all {
			c.say(fmt.Sprintf(`{"t":"msg","id":"a%d","cid":"a%d","message":%d}`, i, i, i))
			c.hear(fmt.Sprintf(`"id":"a%d"`, i))
			c.say(fmt.Sprintf(`{"t":"msg","id":"d%d","to_user":"guest%d","message":%d}`, i, (j+1)%people, i))
			c.hear(fmt.Sprintf(`"id":"d%d"`, i))
			c.say(fmt.Sprintf(`{"t":"msg","id":"n%d","to_user":"nobody","message":%d}`, i, i))
			c.hear(fmt.Sprintf(`"id":"n%d"`, i))
		}
	}
	all[0].say(`{"t":"msg","id":"again","cid":"a0","message":0}`)
	all[0].hear(`"id":"again"`)
	if err := r.hub.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	m := r.metrics()
	const said = people * rounds
	for name, want := range map[string]float64{
		`throng_room_received_total{dialect="v2",type="msg"}`:              3*said + 1,
		`throng_room_acks_total`:                                           2*said + 1,
		`throng_room_refused_total{code="404",dialect="v2"}`:               said,
		`throng_room_repeated_total`:                                       1,
		`throng_room_stored_total{kind="everyone"}`:                        said,
		`throng_room_stored_total{kind="direct"}`:                          said,
		`throng_room_delivered_total{class="chat",dialect="v2"}`:           said*people + 2*said, // a direct message is its sender's too
		`throng_room_sessions{dialect="v2"}`:                               people,
		`throng_room_users`:                                                people,
		`throng_engine_connections`:                                        people,
		`throng_engine_connections_total`:                                  people,
		`throng_engine_received_frames_total{kind="text"}`:                 people + 3*said + 1,
		`throng_room_commit_messages_sum`:                                  2*said + 1,
		`throng_log_healthy`:                                               1,
		`throng_ready`:                                                     1,
		`throng_room_road_waiting_bytes`:                                   0,
		`throng_engine_queued_bytes`:                                       0,
		`throng_room_mailbox_letters{mailbox="road"}`:                      0,
		`throng_build_info{go="` + runtime.Version() + `",version="test"}`: 1,
	} {
		if got, ok := m[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if sent, got := m["throng_engine_sent_frames_total"], m[`throng_room_delivered_total{class="chat",dialect="v2"}`]; sent < got {
		t.Errorf("%v frames left, but %v messages were delivered", sent, got)
	}
	for _, stage := range []string{`throng_room_stage_seconds_count{stage="decode"}`, `throng_room_stage_seconds_count{stage="wait"}`,
		`throng_room_stage_seconds_count{stage="fanout"}`, `throng_room_stage_seconds_count{stage="road"}`,
		`throng_engine_stage_seconds_count{stage="queue"}`, `throng_engine_stage_seconds_count{stage="write"}`,
		`throng_engine_stage_seconds_count{stage="read"}`} {
		if m[stage] == 0 {
			t.Errorf("%s is 0", stage)
		}
	}
}

// TestMetricsLint holds all metrics of a running server against the conventions of Prometheus.
func TestMetricsLint(t *testing.T) {
	r := start(t, nil)
	r.join("ann").hear("presence")
	_, text := r.get("/metrics")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "throng_") { // the others are of the Go collector
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// TestProfiles shows that every profile is there on the private listener, and none on the public one.
func TestProfiles(t *testing.T) {
	r := start(t, nil)
	for _, path := range []string{"", "symbol", "heap", "goroutine", "allocs", "threadcreate", "block", "mutex",
		"block?rate=1000&seconds=1", "mutex?rate=10&seconds=1", "profile?seconds=1", "trace?seconds=0.1", "heap?gc=1"} {
		if status, _ := r.get("/debug/pprof/" + path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		answer, err := http.Get("http://" + r.Addr().String() + "/debug/pprof/" + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s is public: %d", path, answer.StatusCode)
		}
	}
	for _, query := range []string{"rate=0", "rate=-1", "rate=x", "rate=1&seconds=61", "rate=1&seconds=0"} {
		if status, _ := r.get("/debug/pprof/block?" + query); status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, status)
		}
	}
}

// TestOneRatedProfileAtATime shows that a second one is refused while the first is taken.
func TestOneRatedProfileAtATime(t *testing.T) {
	begun := make(chan int, 2)
	h := rated("block", func(rate int) { begun <- rate })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/?rate=7&seconds=60", nil).WithContext(ctx))
	}()
	if rate := <-begun; rate != 7 {
		t.Errorf("rate %d", rate)
	}
	second := httptest.NewRecorder()
	h.ServeHTTP(second, httptest.NewRequest("GET", "/?rate=7", nil))
	if second.Code != http.StatusConflict {
		t.Errorf("the second: %d", second.Code)
	}
	cancel()
	<-done
	if rate := <-begun; rate != 0 {
		t.Errorf("afterwards the rate is %d", rate)
	}
}
