package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the test binary play the children, among them a server: the stand-in that THRONG_FAKE
// names. As "parent" it starts a child, says its number and waits to be killed.
func TestMain(m *testing.M) {
	role := ""
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	switch role {
	case "client", "stand-in":
		main()
	case "serve":
		if err := runStandIn(os.Getenv("THRONG_FAKE"), "1"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "parent":
		b := bench{}
		s, err := b.standIn(context.Background(), "write", 1)
		fmt.Println(s.server.cmd.Process.Pid, s.client.cmd.Process.Pid, err)
		select {}
	default:
		goleak.VerifyTestMain(m)
	}
}

// TestMeasurements runs each measurement, small and short, against a stand-in that plays the server.
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
	}
	for _, m := range measurements {
		t.Run(m.name, func(t *testing.T) {
			t.Setenv("THRONG_FAKE", fakes[m.name].fake)
			b := &bench{server: self, rounds: 1, seconds: 1, scale: 100}
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
			if strings.Contains(out.String(), "NaN") {
				t.Error(out.String())
			}
		})
	}
}

// TestSilentServer is one that ends without having said where it listens.
func TestSilentServer(t *testing.T) {
	_, err := launch(t.Context(), false, "/bin/sh", "-c", "echo no luck >&2")
	if err == nil || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("got %v", err)
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
	s.server.stop()
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
	<-s.server.ended
	if _, err := s.do(job{Do: "connect", Users: 5}); err == nil {
		t.Error("a dead client has connected")
	}
	s.close()
}

// TestNoOrphans kills a parent that has no chance to stop its children.
func TestNoOrphans(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.CommandContext(t.Context(), self, "parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	words := strings.Fields(line)
	if len(words) != 3 || words[2] != "<nil>" {
		t.Fatalf("the parent said %q", line)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	for _, word := range words[:2] {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(10 * time.Second)
		for alive(pid) {
			if time.Now().After(deadline) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				t.Fatalf("process %d lives on", pid)
			}
		}
	}
}

// alive says whether a process is there and no zombie.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := bytes.Cut(b, []byte(") "))
	return err == nil && !bytes.HasPrefix(state, []byte("Z"))
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
	)
	want := []string{
		"| a | 10 µs | 10 µs (b) | 1.00 | ratio ≤ 1.15 | yes |",
		"| c | 700,000 /s | 100,000 /s (d) | 7.00 | ratio ≥ 8 | **no** |",
		"| e | 12.2 µs |  |  | ≤ 12 µs | **no** |",
		"| f | -1,234 B |  |  | ≤ 1,536 B | yes |",
		"| g | 0.12 ms |  |  |  |  |",
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
