package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"throng/loadtest/process"
)

// TestMain lets the test binary play the children, among them a server: the stand-in that THRONG_FAKE
// names, and the program of the peers.
func TestMain(m *testing.M) {
	role := ""
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	switch role {
	case "client", "stand-in":
		main()
	case "serve":
		fakeServer(os.Getenv("THRONG_FAKE"))
	case "gws", "nbio":
		fakeServer("write")
	case "gorilla":
		fmt.Fprintln(os.Stderr, "no luck")
	case "centrifuge":
		fakeServer("mortal")
	default:
		// With the race detector a child would sleep for a second before it ends.
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
		goleak.VerifyTestMain(m)
	}
}

// fakeServer serves for ever, with a private listener: as a stand-in, as a mortal one that dies of its
// first message, or as a deaf one that cuts off whoever speaks.
func fakeServer(kind string) {
	private, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		fmt.Fprintf(os.Stderr, "level=INFO fake admin=%s\n", private.Addr())
		go func() { _ = http.Serve(private, nil) }()
	}
	if kind != "mortal" && kind != "deaf" {
		err = errors.Join(err, runStandIn(kind, "1"))
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.HandleFunc("/conn/ws/", func(w http.ResponseWriter, r *http.Request) {
		conn, _, _, _ := ws.UpgradeHTTP(r, w)
		if _, err := conn.Read(make([]byte, 1)); err == nil && kind == "mortal" {
			os.Exit(3)
		}
		_ = conn.Close()
	})
	fmt.Fprintf(os.Stderr, "level=INFO fake addr=%s\n", private.Addr())
	select {}
}

// TestBesideOthers runs the comparison with peers of which two work, one does not start and one dies.
func TestBesideOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes for some seconds")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("THRONG_FAKE", "write")
	b := &bench{server: self, rounds: 1, seconds: 1, scale: 100}
	var out bytes.Buffer
	if err := b.besideOthers(t.Context(), self, &out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		"| server | idle: bytes a connection |",
		"| gorilla | failed: bench.test did not start: exit status 0: no luck | – | – |",
		" | failed: broadcast: bench.test ended: exit status 3: ",
		"| throng | ", "| gws | ", "| nbio | ", " | 0 | 0 |\n", "| centrifuge | – | – |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "NaN") || strings.Count(text, "\n| throng |") != 2 {
		t.Error(text)
	}
}

// TestPeersTable is what is shown of good and bad rounds.
func TestPeersTable(t *testing.T) {
	nan := math.NaN()
	round := func(v float64) (f figures) {
		for i := range f {
			f[i] = v
		}
		return f
	}
	broken := round(9)
	for i := directCPU; i < allFigures; i++ {
		broken[i] = nan
	}
	ours := &contender{name: "throng", rounds: []figures{round(1), round(2), round(4)}, errs: make([]error, 3)}
	theirs := &contender{
		name: "x", rounds: []figures{round(10), broken, round(2)},
		errs: []error{nil, errors.New("x: direct: a | b\nc"), nil},
	}
	never := &contender{name: "y", rounds: []figures{broken, broken, broken}, errs: slices.Repeat(theirs.errs[1:2], 3)}
	for _, c := range []struct {
		of   *contender
		col  column
		want string
	}{
		{ours, column{figure: idleMemory}, "2"},
		{theirs, column{figure: idleMemory}, "9 (4.50)"},
		{theirs, column{figure: directCPU}, "10 (10); failed in 1 of 3 rounds: direct: a / b c"},
		{theirs, column{figure: directP99}, "10 (10)"},
		{theirs, column{figure: burstLost, worst: true}, "10"},
		{never, column{figure: directCPU}, "failed: x: direct: a / b c"},
		{never, column{figure: burstGone, worst: true}, "–"},
	} {
		if got := c.of.cell(c.col, ours); got != c.want {
			t.Errorf("%s: got %q, want %q", c.of.name, got, c.want)
		}
	}
}

// TestLossyBurst counts what a server does not deliver that cuts off whoever speaks.
func TestLossyBurst(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("THRONG_FAKE", "deaf")
	p, err := process.StartAdmin(t.Context(), self, "serve")
	s, err := newSide(t.Context(), "deaf", p, err)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if _, err := s.do(job{Do: "connect", Users: 5, Stamps: true}); err != nil {
		t.Fatal(err)
	}
	r, err := s.do(job{Do: "burst", Count: 3, Rate: 1, Lossy: true})
	if err != nil || r.Count != 0 || r.Missing != 15 || r.Gone != 3 {
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestMeasurements runs each measurement, small and short, against a stand-in that plays the server, and those of version 2
// against the server.
func TestMeasurements(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes for some seconds")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	fakes := map[string]struct {
		fake string
		rows int
	}{
		"connect": {"write", 2}, "idle": {"nbio", 3}, "broadcast": {"write", 1}, "burst": {"write", 8}, "direct": {"relay", 4},
		"acks": {rows: 5}, "log": {rows: 2}, "history": {rows: 3}, "conversations": {rows: 1}, "recover": {rows: 4},
		"cluster": {rows: 5}, "tls": {rows: 2},
	}
	real, err := process.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range measurements {
		t.Run(m.name, func(t *testing.T) {
			b := &bench{server: self, rounds: 1, seconds: 1, scale: 100, data: t.TempDir()}
			if fake := fakes[m.name].fake; fake != "" {
				t.Setenv("THRONG_FAKE", fake)
			} else {
				b.server = real
			}
			if err := m.do(b, t.Context()); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := b.table.print(&out, b.rounds); err != nil {
				t.Fatal(err)
			}
			if len(b.table.rows) != fakes[m.name].rows {
				t.Errorf("%d rows", len(b.table.rows))
			}
			if left, err := os.ReadDir(b.data); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			if strings.Contains(out.String(), "NaN") {
				t.Error(out.String())
			}
		})
	}
}

// TestBadServer is one that drops its clients, which is an error and no result.
func TestBadServer(t *testing.T) {
	b := &bench{rounds: 1, scale: 100}
	s, err := b.standIn(t.Context(), "write", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if _, err := s.do(job{Do: "connect", Users: 5}); err != nil {
		t.Fatal(err)
	}
	_ = s.server.Stop()
	if r, err := s.do(job{Do: "broadcast", Count: 1}); err == nil {
		t.Errorf("got %+v", r)
	}
}

// TestInterrupt ends the children with the context.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := &bench{}
	s, err := b.standIn(ctx, "write", 1)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-s.server.Done()
	if _, err := s.do(job{Do: "connect", Users: 5}); err == nil {
		t.Error("a dead client has connected")
	}
	s.close()
}

func TestMessage(t *testing.T) {
	for _, to := range []string{"", "u12345"} {
		b := appendMessage([]byte("x")[:0], nick(7), to, 1764000000123456789)
		var m struct {
			From    string `json:"from_user"`
			To      string `json:"to_user"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(b, &m); err != nil || m.From != "u00007" || m.To != to {
			t.Fatalf("%s: %+v, %v", b, m, err)
		}
		if len(b) != payloadSize {
			t.Errorf("%d bytes", len(b))
		}
		if ns, ok := stamp(b); !ok || ns != 1764000000123456789 {
			t.Errorf("stamp %d, %v", ns, ok)
		}
	}
	if _, ok := stamp([]byte("nothing")); ok {
		t.Error("a stamp in nothing")
	}
}

// TestHistogram compares with sorting.
func TestHistogram(t *testing.T) {
	var (
		h      histogram
		values []int64
	)
	for v := int64(1); v < 1<<40; v += v/7 + 1 {
		h.add(v)
		values = append(values, v)
	}
	h.add(-5)
	values = slices.Insert(values, 0, 0)
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999} {
		want := values[int(q*float64(len(values)))]
		if got := int64(h.quantile(q)); got > want || got < want-want/32 {
			t.Errorf("quantile %v is %d, want %d", q, got, want)
		}
	}
	if last := values[len(values)-1]; h.max != last || int64(h.quantile(1)) != last {
		t.Errorf("max %d, want %d", h.max, last)
	}
}

func TestTable(t *testing.T) {
	var table table
	table.add(
		row{what: "a", unit: "µs", against: "b", ours: []float64{9, 11, 10}, reference: []float64{9, 10, 10}, limit: ratioAtMost(1.15)},
		row{what: "c", unit: "/s", against: "d", ours: []float64{700_000}, reference: []float64{100_000}, limit: ratioAtLeast(8)},
		row{what: "e", unit: "µs", ours: []float64{12.25}, limit: atMost(12)},
		row{what: "f", unit: "B", ours: []float64{-1234}, limit: atMost(1536)},
		row{what: "g", unit: "ms", ours: []float64{0.123}},
		row{what: "h", ours: []float64{0, 1, 0}, limit: atMost(0)},
		row{what: "i", unit: "/s", ours: []float64{39_999}, limit: atLeast(40_000)},
	)
	want := []string{
		"| a | 10 µs | 10 µs (b) | 1.00 | ratio ≤ 1.15 | yes |",
		"| c | 700,000 /s | 100,000 /s (d) | 7.00 | ratio ≥ 8 | **no** |",
		"| e | 12.2 µs |  |  | ≤ 12 µs | **no** |",
		"| f | -1,234 B |  |  | ≤ 1,536 B | yes |",
		"| g | 0.12 ms |  |  |  |  |",
		"| h | 0 |  |  | ≤ 0 | yes |",
		"| i | 39,999 /s |  |  | ≥ 40,000 /s | **no** |",
	}
	var out bytes.Buffer
	if err := table.print(&out, 3); err != nil {
		t.Fatal(err)
	}
	for _, line := range want {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("no line %q in\n%s", line, out.String())
		}
	}
}
