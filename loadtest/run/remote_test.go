package run

import (
	"context"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"throng/loadtest"
)

// listening is a worker that waits for coordinators, in this process. It ends with the test.
func listening(t *testing.T, key string) (addr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log, ended := &view{}, make(chan error, 1)
	go func() { ended <- Listen(ctx, "127.0.0.1:0", key, log) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	told := regexp.MustCompile(`addr=(\S+)\n`)
	eventually(t, "the worker's address", func() bool { return told.MatchString(log.String()) })
	return told.FindStringSubmatch(log.String())[1]
}

// TestRemoteWorkers has workers of other machines take a share, run after run.
func TestRemoteWorkers(t *testing.T) {
	t.Parallel()
	one, two := listening(t, "hush"), listening(t, "hush")
	for _, here := range []int{0, 1} {
		p := small("broadcast")
		p.Processes, p.Remote, p.Key = here, []string{one, two}, "hush"
		res := begin(t, p).done()
		innocent(t, res)
		if res.Plan.Workers != here+2 || res.Connect.Connected != p.Users || res.Total.Expected != res.Total.Sent*int64(p.Users) {
			t.Errorf("plan %+v, connections %+v, total %+v", res.Plan, res.Connect, res.Total)
		}
	}
}

// TestBadWorkers checks that the run names a worker that is none, and why.
func TestBadWorkers(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	cases := []struct {
		name string
		addr string
		want string
	}{
		{"wrong key", listening(t, "another"), "does not know the key"},
		{"HTTP", says(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), "this is no load worker"},
		{"a small frame", says(t, "\x00\x00\x00\x02ok"), "ended in the middle"},
		{"half a frame", says(t, "\x00\x00\x10\x00{"), "unexpected EOF"},
		{"nothing", says(t, ""), "ended in the middle"},
		{"silence", silent(t), "did not say hello: context deadline exceeded"},
		{"nobody", closed.Addr().String(), "connection refused"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := small("broadcast")
			p.Processes, p.Remote, p.Key = 1, []string{c.addr}, "hush"
			res, err := begin(t, p).outcome()
			if err == nil {
				t.Fatalf("no error, but %+v", res)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.addr) {
				t.Errorf("%q, want %q and %s", err, c.want, c.addr)
			}
		})
	}
}

// silent is a server that takes connections and says nothing.
func silent(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String() // the kernel takes them
}

// TestStrangers checks that nobody keeps a worker from its coordinator.
func TestStrangers(t *testing.T) {
	t.Parallel()
	for name, words := range map[string]string{
		"says nothing":         "",
		"speaks HTTP":          "GET / HTTP/1.1\r\nHost: worker\r\n\r\n",
		"stops in the middle":  "\x00\x00\x00\xff{",
		"does not know itself": string(framed(`{"do":"hello","key":"guess"}`)),
		"gives orders at once": string(framed(`{"do":"send","send":{}}`)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := listening(t, "hush")
			stranger, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer stranger.Close()
			if _, err := io.WriteString(stranger, words); err != nil {
				t.Fatal(err)
			}
			p := small("direct")
			p.Processes, p.Remote, p.Key = 0, []string{addr}, "hush"
			innocent(t, begin(t, p).done())
		})
	}
}

// TestListenEnds checks that a worker ends at once though somebody is connected.
func TestListenEnds(t *testing.T) {
	addr := listening(t, "hush") // its end is checked by the test's
	for range 2 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
}

// TestForeignClock checks that a worker's clock is measured, and that its news are left on the run's clock, on which
// they are.
func TestForeignClock(t *testing.T) {
	const ahead = int64(time.Hour)
	here, there := net.Pipe()
	heard := make(chan *news, 1)
	h := newHand("far", here, here, func() { _ = here.Close() }, func(n *news) { heard <- n })
	defer h.close()
	worker := newWire(there, there)
	ended := make(chan error, 1)
	go func() {
		var o order
		for {
			if err := worker.receive(&o); err != nil {
				ended <- worker.send(answer{News: &news{At: 5}})
				return
			}
			if o.Do == "bye" {
				ended <- worker.send(answer{Did: "bye", News: &news{At: 5}})
				return
			}
			if err := worker.send(answer{Did: o.Do, Clock: loadtest.Now() + ahead, Host: "another"}); err != nil {
				ended <- err
				return
			}
		}
	}()
	if err := h.meet(t.Context(), "", hostID()); err != nil {
		t.Fatal(err)
	}
	if off := time.Duration(h.skew - ahead); off.Abs() > time.Second {
		t.Errorf("the clock is off by %v", off)
	}
	if _, err := h.ask(t.Context(), order{Do: "bye"}); err != nil {
		t.Fatal(err)
	}
	if n := <-heard; n.At != 5 {
		t.Errorf("news of %d, want 5", n.At)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
