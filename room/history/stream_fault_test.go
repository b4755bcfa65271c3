package history

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// host is where a server in this process is, or is not at present.
type host struct {
	mu   sync.Mutex
	here *server.Server
}

func (h *host) set(s *server.Server) {
	h.mu.Lock()
	h.here = s
	h.mu.Unlock()
}

func (h *host) InProcessConn() (net.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.here == nil {
		return nil, errors.New("there is no server")
	}
	return h.here.InProcessConn()
}

// recovered waits until a Stream says that it is well.
func recovered(t *testing.T, s *Stream) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for s.Healthy() != nil {
		select {
		case <-timeout:
			t.Fatal(s.Healthy())
		case <-time.After(10 * time.Millisecond): // it looks once a second
		}
	}
}

// wantDown appends what cannot be stored.
func wantDown(t *testing.T, s *Stream, e *Entry) {
	t.Helper()
	start := time.Now()
	if err := s.Append([]*Entry{e}); !errors.Is(err, ErrDown) || e.Seq != 0 {
		t.Fatalf("seq %d, %v; want ErrDown", e.Seq, err)
	}
	if took := time.Since(start); took > 2*streamPatience {
		t.Errorf("it took %v", took)
	}
	if err := s.Healthy(); !errors.Is(err, ErrDown) {
		t.Errorf("Healthy: %v", err)
	}
}

func TestServerGone(t *testing.T) {
	dir := t.TempDir()
	in := startServer(t, dir)
	at := &host{here: in}
	heard := newHeard()
	s := onServer(t, connect(t, at), StreamConfig{Receive: heard.receive}, time.Now)
	other := onServer(t, connect(t, at), StreamConfig{}, time.Now)
	if err := errors.Join(s.Follow("all"), s.FollowDirects(1)); err != nil {
		t.Fatal(err)
	}
	first := say("all", 1, "x", "before")
	must(t, s, first)
	heard.wait(t, 1)
	at.set(nil)
	stopServer(in)
	wantDown(t, s, say("all", 1, "y", "never, or later"))
	if _, _, err := s.ClaimByNick("x"); !errors.Is(err, ErrDown) {
		t.Errorf("ClaimByNick: %v", err)
	}
	wantRead(t, s, "all", 0, 0, 9, "before", false) // from memory

	at.set(startServer(t, dir))
	recovered(t, other)
	toOne := say(direct(1, 2), 2, "", "when one has not yet heard of it")
	toOne.Peer = 1
	must(t, other, say("all", 2, "", "again"), toOne)
	recovered(t, s)
	again := say("all", 1, "x", "before")
	must(t, s, again, say("all", 1, "y", "now"))
	if !again.Known || again.Seq != first.Seq {
		t.Errorf("%+v; want it known as %d", again, first.Seq)
	}
	heard.wait(t, 4)
	heard.want(t, s, "all", 3)
	heard.want(t, s, direct(1, 2), 1)
	wantRead(t, s, "all", 0, 0, 9, "before again now", false)
}

// freePort is one of loopback that was free just now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// three starts three servers that form a cluster. The second result starts one of them again.
func three(t *testing.T) ([]*server.Server, func(i int) *server.Server) {
	t.Helper()
	var routes string
	ports, dirs := make([]int, 3), make([]string, 3)
	for i := range ports {
		ports[i], dirs[i] = freePort(t), t.TempDir()
		routes += fmt.Sprintf(",nats://127.0.0.1:%d", ports[i])
	}
	start := func(i int) *server.Server {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("server", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dirs[i], NoSigs: true, NoLog: true,
			SyncInterval: time.Second, Routes: server.RoutesFromStr(routes[1:]),
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i]},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { stopServer(s) })
		return s
	}
	all := make([]*server.Server, 3)
	for i := range all {
		all[i] = start(i)
	}
	for i := range all {
		if !all[i].ReadyForConnections(20 * time.Second) {
			t.Fatal("a server does not start")
		}
	}
	return all, start
}

func TestQuorum(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers take their time")
	}
	in, restart := three(t)
	at := &host{here: in[0]}
	heard := newHeard()
	conf := StreamConfig{Replicas: 3, Receive: heard.receive}
	var s *Stream
	for s == nil { // the servers have to find each other
		conf.Logger = quiet
		var err error
		if s, err = openStream(t.Context(), connect(t, at), conf, time.Now); err != nil {
			if pause(t.Context(), 100*time.Millisecond) != nil {
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(func() { release(s) })
	if s.Durability() != DurabilityQuorum {
		t.Errorf("durability %s", s.Durability())
	}
	if err := s.Follow("all"); err != nil {
		t.Fatal(err)
	}
	said := 0
	talk := func() {
		t.Helper()
		for range 20 {
			one := say("all", 1, fmt.Sprint(said), fmt.Sprint(said))
			for err := s.Append([]*Entry{one}); err != nil; err = s.Append([]*Entry{one}) {
				if !errors.Is(err, ErrDown) || t.Context().Err() != nil { // a new leader may take longer to be found
					t.Fatal(err)
				}
			}
			said++
		}
		heard.wait(t, said)
	}
	talk()
	known, fresh := say("all", 1, "0", "again"), say("all", 1, "never", "x")
	known.Probe, fresh.Probe = true, true
	if err := s.Append([]*Entry{known, fresh}); err != nil || !known.Known || fresh.Known {
		t.Errorf("probes: %v, %v, %v; want the first one known and not the other", err, known.Known, fresh.Known)
	}
	talk() // which they have not stopped
	stopServer(in[1])
	talk()
	stopServer(in[2])
	wantDown(t, s, say("all", 1, fmt.Sprint(said), fmt.Sprint(said)))
	restart(1)
	recovered(t, s)
	talk()
	heard.want(t, s, "all", said)
}

const natsDir = "THRONG_TEST_NATS" // where a test's own process keeps what it serves

// serveNATS is that process. It ends with its standard input.
func serveNATS(dir string) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, NoLog: true})
	if err != nil {
		panic(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		panic("not ready")
	}
	fmt.Println(s.ClientURL())
	bufio.NewScanner(os.Stdin).Scan()
	stopServer(s)
}

// external connects to a server that is a process of its own.
func external(t *testing.T) *nats.Conn {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), natsDir+"="+t.TempDir())
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(out)
	lines.Scan()
	nc, err := nats.Connect(lines.Text(), natsOptions()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}
