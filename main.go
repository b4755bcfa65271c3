// Command throng is a chat server: everyone to everyone, rooms and two people, over WebSocket on an event loop.
//
// This file joins the halves: engine, which knows sockets, and room, which knows chat. See README.md for the tour.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sys/unix"

	"throng/deploy/command"
	"throng/deploy/config"
	"throng/engine"
	"throng/room"
	"throng/room/cluster"
	"throng/room/event"
	"throng/room/history"
	"throng/web"
)

// version is set by the linker (see the Makefile).
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(throng(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// throng is the program: a command with its arguments until ctx ends, and the exit code.
func throng(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	var err error
	switch name {
	case "serve":
		return runServe(ctx, args, environ, stdout, stderr)
	case "load":
		return command.Load(ctx, version, args, environ, stdout, stderr)
	case "doctor":
		return command.Doctor(ctx, args, environ, stdout, stderr)
	case "log":
		return command.Log(ctx, args, environ, stdout, stderr)
	case "config":
		err = command.Config(args, stdout)
	case "version":
		_, err = fmt.Fprintln(stdout, "throng", version)
	case "help":
		err = command.Help(args, stdout)
	default:
		err = fmt.Errorf("unknown command %q: want serve, load, doctor, log, config, version or help", name)
	}
	if err != nil {
		fmt.Fprintln(stderr, "throng:", err)
		return command.Usage
	}
	return command.Done
}

func runServe(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	var settings config.Serve
	warnings, code, ok := command.Parse(&settings, args, environ, stdout, stderr)
	if !ok {
		return code
	}
	log := newLog(settings, stderr)
	s, err := start(settings, log)
	if err != nil {
		log.Error("throng cannot start", "err", err)
		return command.Failed
	}
	for _, w := range warnings {
		log.Warn(w)
	}
	<-ctx.Done()
	log.Info("draining", "longest", settings.Drain, "connections", s.engine.Conns())
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), settings.Drain)
	defer cancel()
	if err := s.stop(drain); err != nil {
		log.Warn("some connections were cut off", "err", err)
	}
	log.Info("stopped", "too_slow", s.engine.TooSlow())
	return command.Done
}

func newLog(settings config.Serve, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: settings.LogLevel}
	if settings.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// server is a running chat server.
type server struct {
	addr   net.Addr // of the public listener
	engine *engine.Engine
	hub    *room.Hub
	log    history.Log
	nodes  *cluster.Cluster // nil: this node is alone
	admin  *http.Server     // nil: off
	served chan error       // the end of engine.Serve
}

// start listens and serves. The first line that it logs tells the address.
func start(settings config.Serve, log *slog.Logger) (*server, error) {
	s := &server{served: make(chan error, 1)}
	joined, err := s.openLog(settings, log) // first: who listens is connected to
	if err != nil {
		return nil, err
	}
	public, private, err := listen(settings)
	if err != nil {
		_ = s.closeLog()
		return nil, err
	}
	s.addr = public.Addr()
	s.hub = room.New(room.Config{
		Wire: wire{}, Log: s.log, Cluster: joined, Rate: settings.Rate, Burst: settings.Burst, Logger: log, MaxRooms: settings.MaxRooms,
		Queue: settings.Queue, MaxMessage: settings.MaxMessage, Ping: settings.Ping,
	})
	s.engine, err = engine.New(engine.Config{
		Accept:        acceptor(settings, s.hub),
		Subprotocol:   subprotocol,
		Refused:       s.refused,
		IsSocket:      isSocket,
		Pages:         pages(settings),
		Origins:       settings.Origin,
		MaxMessage:    settings.MaxMessage,
		Queue:         settings.Queue,
		MaxConns:      settings.MaxConns,
		MaxConnsPerIP: settings.MaxConnsPerIP,
		Ping:          settings.Ping,
		Compress:      settings.Compress,
		Log:           log,
	})
	if err != nil {
		s.hub.Close()
		_ = s.closeLog()
		closeAll(public, private)
		return nil, err
	}
	announce(log, s.addr)
	go func() { s.served <- s.engine.Serve(public) }()
	if private != nil {
		s.serveAdmin(private, log)
	}
	return s, nil
}

// listen opens the public listener and, unless it is turned off, the private one.
func listen(settings config.Serve) (public, private net.Listener, err error) {
	// Accepted sockets get no TCP keep-alive: the WebSocket ping does its work, and a million of them would cost probes.
	public, err = (&net.ListenConfig{KeepAlive: -1, Control: shareAddr(settings)}).Listen(context.Background(), "tcp", settings.Addr)
	if err != nil || settings.Admin == "" {
		return public, nil, err
	}
	if private, err = net.Listen("tcp", settings.Admin); err != nil {
		_ = public.Close()
		return nil, nil, fmt.Errorf("admin listener: %w", err)
	}
	return public, private, nil
}

// openLog opens the log where the settings say, and joins the cluster if there is to be one.
func (s *server) openLog(settings config.Serve, log *slog.Logger) (joined room.Cluster, err error) {
	keep := history.Config{
		Durability: settings.Durability, KeepCount: settings.KeepCount, KeepAge: settings.KeepAge, KeepBytes: int64(settings.KeepBytes),
		Logger: log,
	}
	switch {
	case settings.Nats != "":
		return s.joinCluster(settings, keep)
	case settings.Data == "mem":
		keep.KeepBytes = min(keep.KeepBytes, history.DefaultMemory.KeepBytes) // 0: the default
		s.log = history.Memory(keep)
	default:
		s.log, err = history.Open(settings.Data, keep)
	}
	return nil, err
}

// joinWithin is how long a node waits for the others of its cluster when it starts.
const joinWithin = time.Minute

// joinCluster makes this process a node of a cluster.
func (s *server) joinCluster(settings config.Serve, keep history.Config) (room.Cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), joinWithin)
	defer cancel()
	var err error
	s.nodes, err = cluster.Start(ctx, command.NATS(settings, keep.Logger))
	if err != nil {
		return nil, err
	}
	joined := &nodes{Cluster: s.nodes}
	joined.Stream, err = history.OpenStream(ctx, s.nodes.Conn(), history.StreamConfig{
		Config: keep, Replicas: s.nodes.Replicas(), Always: settings.Nats == cluster.Embedded && settings.NatsSync == 0,
		Receive: func(m history.Message) { (*joined.receive.Load())(m) },
	})
	if err != nil {
		s.nodes.Close()
		return nil, err
	}
	s.nodes.OnRoute(joined.Resync)
	s.log = joined.Stream
	return joined, nil
}

// closeLog ends what openLog began.
func (s *server) closeLog() error {
	err := s.log.Close()
	if s.nodes != nil {
		s.nodes.Close()
	}
	return err
}

// nodes are the other nodes as the room sees them: the directory and the telling of cluster, and what the shared log brings.
type nodes struct {
	*cluster.Cluster
	*history.Stream
	receive atomic.Pointer[func(history.Message)]
}

func (n *nodes) Begin(receive func(history.Message)) { n.receive.Store(&receive) }

// shareAddr lets several nodes of a cluster on one host listen on one address, among which the kernel spreads connections.
func shareAddr(settings config.Serve) func(network, address string, c syscall.RawConn) error {
	if settings.Nats == "" {
		return nil
	}
	return func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return errors.Join(err, failed)
	}
}

func closeAll(listeners ...net.Listener) {
	for _, l := range listeners {
		if l != nil {
			_ = l.Close()
		}
	}
}

// announce logs where the server listens, whatever the log level: scripts read the address there.
func announce(log *slog.Logger, addr net.Addr) {
	line := slog.NewRecord(time.Now(), slog.LevelInfo, "throng is listening", 0)
	line.Add("addr", addr.String(), "url", pageURL(addr), "version", version)
	_ = log.Handler().Handle(context.Background(), line)
}

// stop refuses newcomers, lets what was said reach everybody, closes all connections in order, and ends. When ctx ends
// before, the rest is cut off and ctx's error returned.
func (s *server) stop(ctx context.Context) error {
	s.engine.Drain()
	settled := s.hub.Settle(ctx)
	s.hub.Farewell(returnWithin)
	err := s.engine.Shutdown(ctx)
	s.hub.Close()
	err = errors.Join(err, s.closeLog())
	if s.admin != nil {
		err = errors.Join(err, s.admin.Close())
	}
	return errors.Join(settled, err, <-s.served)
}

// serveAdmin starts the private listener.
func (s *server) serveAdmin(private net.Listener, log *slog.Logger) {
	log.Info("admin is listening", "admin", private.Addr().String())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s.engine.Draining() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
		} else if err := s.healthy(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		} else {
			_, _ = io.WriteString(w, "ready\n")
		}
	})
	mux.Handle("GET /api/message/{mid}", localOnly(s.messageState))
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s.admin = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := s.admin.Serve(private); !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin listener ended", "err", err)
		}
	}()
}

// healthy is why this node cannot serve at present; nil: it can.
func (s *server) healthy() error {
	err := s.hub.Healthy()
	if s.nodes != nil {
		err = errors.Join(err, s.nodes.Healthy())
	}
	return err
}

// messageState tells how far a message has got: stored, delivered, read.
func (s *server) messageState(w http.ResponseWriter, r *http.Request) {
	state, ok, err := s.hub.State(r.PathValue("mid"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	case !ok:
		http.Error(w, "no such message", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(state)
	}
}

// localOnly lets a request through that comes from this machine.
func localOnly(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !from.Addr().Unmap().IsLoopback() {
			http.Error(w, "the API answers this machine only", http.StatusForbidden)
			return
		}
		next(w, r)
	})
}

// returnWithin is over how long those who are sent away by a stop are asked to spread their return.
const returnWithin = 5 * time.Second

const (
	chatPath = "/conn/ws/" // a nick follows
	echoPath = "/conn_ws"
)

func isSocket(path string) bool { return path == echoPath || strings.HasPrefix(path, chatPath) }

// errNoEcho is the refusal of the echo socket when it is turned off.
var errNoEcho = engine.Refuse(http.StatusNotFound, "the echo socket is turned off")

// acceptor is the seam between the halves: it lets a WebSocket request in and gives its connection a session.
func acceptor(settings config.Serve, hub *room.Hub) func(*http.Request) (engine.Open, error) {
	return func(r *http.Request) (engine.Open, error) {
		if r.URL.Path == echoPath {
			if settings.EchoMax == 0 {
				return nil, errNoEcho
			}
			return func(c *engine.Conn) engine.Session {
				c.SetMaxMessage(settings.EchoMax)
				return hub.Echo(peer{c})
			}, nil
		}
		nick := strings.TrimPrefix(r.URL.Path, chatPath)
		claim := hub.Claim
		if subprotocol(r) != "" {
			claim = hub.ClaimV2
		}
		enter, err := claim(nick)
		if err != nil {
			return nil, err
		}
		return func(c *engine.Conn) engine.Session { return enter(peer{c}) }, nil
	}
}

// subprotocol is what a chat connection speaks: version 2 where the client offers it, else nothing, the tutorial dialect.
func subprotocol(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, chatPath) && engine.Offers(r, event.V2) {
		return event.V2
	}
	return ""
}

// refused has clients of version 2 refused after the upgrade, with a close code; those that may come back are told when.
func (s *server) refused(r *http.Request, status int) (text []byte, code uint16) {
	if subprotocol(r) == "" {
		return nil, 0
	}
	code = map[int]uint16{
		http.StatusBadRequest: event.CloseBadNick, http.StatusUnauthorized: event.CloseToken,
		http.StatusForbidden: event.CloseOrigin, http.StatusConflict: event.CloseInUse,
		http.StatusTooManyRequests: event.CloseFull, http.StatusServiceUnavailable: event.CloseFull,
	}[status]
	switch {
	case code == 0:
		code = event.CloseError
	case code == event.CloseFull && s.engine.Draining():
		code = event.CloseDraining
	}
	if event.Reconnects(code) {
		text = event.AppendBye(nil, code, time.Second+rand.N(returnWithin))
	}
	return text, code
}

// pages answers plain HTTP: the browser client, and a clear word for socket paths without a WebSocket request.
func pages(settings config.Serve) http.Handler {
	mux := http.NewServeMux()
	if settings.Dev != "" {
		mux.Handle("/", web.Dev(settings.Dev))
	} else {
		mux.Handle("/", web.Handler())
	}
	needSocket := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Version", "13")
		http.Error(w, "this address is for WebSocket requests", http.StatusUpgradeRequired)
	}
	mux.HandleFunc(echoPath, needSocket)
	mux.HandleFunc(chatPath, func(w http.ResponseWriter, r *http.Request) {
		if _, bad := room.ParseNick(strings.TrimPrefix(r.URL.Path, chatPath)); bad != nil {
			http.Error(w, bad.Message, bad.Code)
			return
		}
		needSocket(w, r)
	})
	return mux
}

// peer lets a session use a connection, and wire lets the room encode frames, without either knowing the engine.
type (
	peer struct{ *engine.Conn }
	wire struct{}
)

func (p peer) Send(f room.Frame) bool { return p.Conn.Send(f.(*engine.Frame)) }

func (wire) Message(isBinary bool, payload []byte) room.Frame {
	return engine.NewFrame(isBinary, payload)
}

func (wire) Join(frames []room.Frame) room.Frame {
	if len(frames) == 1 {
		return frames[0]
	}
	joined := make([]*engine.Frame, len(frames))
	for i, f := range frames {
		joined[i] = f.(*engine.Frame)
	}
	return engine.Join(joined)
}

// pageURL is where a browser on this machine finds the page.
func pageURL(addr net.Addr) string {
	tcp := addr.(*net.TCPAddr)
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "localhost"
	}
	return fmt.Sprintf("http://%s/", net.JoinHostPort(host, fmt.Sprint(tcp.Port)))
}
