package run

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"throng/loadtest/report"
)

// TestNothingToReport checks runs that cannot begin: a clear error, and nothing is left behind.
func TestNothingToReport(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	cases := []struct {
		name string
		addr string
		plan func(*Plan)
		want []string
	}{
		{"unreachable", closed.Addr().String(), nil, []string{closed.Addr().String(), "refused"}},
		{"full", refusing(t, 0, http.StatusServiceUnavailable, "1"), nil, []string{"503 Service Unavailable", "retry after 1"}},
		{"nick in use", refusing(t, 0, http.StatusConflict, ""), nil, []string{"409 Conflict"}},
		{"full after the first", refusing(t, 1, http.StatusServiceUnavailable, ""), nil, []string{"nobody could connect", "503"}},
		{"in use after the first", refusing(t, 1, http.StatusConflict, ""), nil, []string{"nobody could connect", "409"}},
		{"no WebSocket", refusing(t, 0, http.StatusOK, ""), nil, []string{"200 OK"}},
		{"no HTTP", says(t, "SSH-2.0-OpenSSH_9.9\r\n\r\n"), nil, []string{"answer to the handshake"}},
		{"no servers", "", func(p *Plan) { p.Addrs = nil }, []string{"no server"}},
		{"too few users", closed.Addr().String(), func(p *Plan) { p.Users, p.Scenario = 1, "direct" }, []string{"two users"}},
		{"too many users", closed.Addr().String(), func(p *Plan) { p.Users = 1 << 30 }, []string{"cannot do it", "open-files"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := small("chat", c.addr)
			p.Users = 4
			if c.plan != nil {
				c.plan(&p)
			}
			res, err := begin(t, p).outcome()
			if err == nil {
				t.Fatalf("no error, but %+v", res)
			}
			for _, words := range c.want {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q says nothing of %q", err, words)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("not one line: %q", err)
			}
		})
	}
}

// refusing is a server that upgrades so many connections and refuses the others.
func refusing(t testing.TB, first int64, status int, retryAfter string) string {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > first {
			if retryAfter != "" {
				w.Header().Set("Retry-After", retryAfter)
			}
			w.WriteHeader(status)
			return
		}
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = ws.ReadHeader(conn) // of the goodbye
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// says is a server that says its words to everyone who says something, whatever it is.
func says(t *testing.T, words string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadByte()
			_, _ = conn.Write([]byte(words))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-ended
	})
	return listener.Addr().String()
}

// TestDeath kills servers and workers in the middle: the result is partial and says why.
func TestDeath(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		scenario string
		own      bool // the server is the run's own
		kill     func(*trial, int)
		want     string // what the result's Partial says
		account  bool   // the workers live to give one
	}{
		{"own server", "broadcast", true, killServer, "killed", true},
		{"own server of churn", "churn", true, killServer, "killed", true},
		{"another's server", "chat", false, killServer, "dropped everybody", true},
		{"worker", "broadcast", true, killWorker, "load worker 1 ended in the middle", false},
		{"worker that was stopped", "chat", true, stopWorker, "interrupted", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := small(c.scenario)
			p.Duration, p.Processes = 10*time.Minute, 2
			pid := 0
			if !c.own {
				server := started(t)
				p.Serve, p.Addrs, pid = 0, []string{server.Addr}, server.Pid
			}
			r := begin(t, p)
			r.talks("steady")
			c.kill(r, pid)
			res, err := r.outcome()
			if err != nil {
				t.Fatal(err)
			}
			sound(t, res)
			if !strings.Contains(res.Partial, c.want) {
				t.Errorf("partial: %q, want %q", res.Partial, c.want)
			}
			if res.Connect.Connected != p.Users || res.Total.Sent == 0 {
				t.Errorf("connections %+v, total %+v", res.Connect, res.Total)
			}
			if !c.account {
				noted(t, res, "could not be reconciled")
				return
			}
			accountedFor(t, res, p.Users)
		})
	}
}

// accountedFor checks the account of a run whose server was killed.
func accountedFor(t *testing.T, res *report.Result, users int) {
	t.Helper()
	a := res.Total
	if a.Delivered == 0 || a.Duplicated+a.Reordered+a.Corrupted != 0 {
		t.Errorf("total %+v", a)
	}
	var sent int64
	for _, kind := range res.Kinds {
		sent += kind.Sent
	}
	if sent != a.Sent {
		t.Errorf("%d sent of all kinds, %d in all", sent, a.Sent)
	}
	// Users of churn who are away cannot be dropped.
	if dropped := res.Connect.Dropped; dropped > users || dropped < users/2 {
		t.Errorf("connections %+v", res.Connect)
	}
}

func killServer(r *trial, pid int) {
	if pid == 0 {
		pid = r.oldest("serve")
	}
	kill(r.t, pid, syscall.SIGKILL)
}

// killWorker kills the first worker, which is the older one.
func killWorker(r *trial, _ int) { kill(r.t, r.oldest("worker"), syscall.SIGKILL) }

// stopWorker lets a worker hang and then ends the run: it does not wait for ever for one that does not answer.
func stopWorker(r *trial, _ int) {
	kill(r.t, r.oldest("worker"), syscall.SIGSTOP)
	r.stop()
}

// TestInterrupted ends a run in each of its phases: it returns soon, with what there is.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	cases := []struct {
		phase    string
		scenario string
		plan     func(*Plan)
	}{
		{"connect", "broadcast", func(p *Plan) { p.Ramp = 10 * time.Minute }},
		{"warm up", "churn", func(p *Plan) { p.WarmUp = 10 * time.Minute }},
		{"steady", "slow", func(p *Plan) { p.Duration = 10 * time.Minute }},
		{"storm", "storm", func(p *Plan) { p.Duration = 200 * time.Millisecond }},
		{"50/s", "chat", func(p *Plan) { p.Search, p.Step = true, 10*time.Minute }},
	}
	for _, c := range cases {
		t.Run(c.phase, func(t *testing.T) {
			t.Parallel()
			p := small(c.scenario)
			c.plan(&p)
			r := begin(t, p)
			r.enters(c.phase)
			r.stop()
			res, err := r.outcome()
			if err != nil {
				t.Fatal(err)
			}
			sound(t, res)
			if res.Partial != "interrupted" {
				t.Errorf("partial: %q", res.Partial)
			}
			if c.phase != "connect" && (res.Connect.Connected != p.Users || res.Total.Lost != 0) {
				t.Errorf("connections %+v, total %+v", res.Connect, res.Total)
			}
			if names := phases(res); names[len(names)-2] != c.phase && names[len(names)-1] != c.phase {
				t.Errorf("phases %q", names)
			}
		})
	}
}

// TestInterruptedBefore ends a run before it has begun.
func TestInterruptedBefore(t *testing.T) {
	t.Parallel()
	r := begin(t, small("chat"))
	r.stop()
	if res, err := r.outcome(); err == nil && res.Partial != "interrupted" {
		t.Errorf("partial: %q", res.Partial)
	}
}
