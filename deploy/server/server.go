package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"

	"throng/deploy/certs"
	"throng/deploy/config"
	"throng/engine"
	"throng/room"
	"throng/room/cluster"
	"throng/room/history"
	"throng/web/admin"
)

// Server is a running chat server.
type Server struct {
	addr   net.Addr // of the public listener
	engine *engine.Engine
	hub    *room.Hub
	log    history.Log
	nodes  *cluster.Cluster // nil: this node is alone
	admin  *http.Server     // nil: off
	hooks  *hooks           // nil: nobody is told what happens
	api    *admin.Server    // nil: off
	keys   *admin.Keyring   // of api; nil: none
	certs  certs.Keeper     // nil: no TLS
	gate   *gate            // nil: no token is needed
	stats  *prometheus.Registry
	spans  *spans     // nil: none are sent
	served chan error // the end of engine.Serve

	options  Options
	settings config.Serve // as they were at the start, but for what Reload has changed
}

// Options is what the process gives a server besides its settings.
type Options struct {
	Version  string         // what the program calls itself
	Log      *slog.Logger   // required
	Level    *slog.LevelVar // of Log, for Reload; nil: it cannot be changed
	Handover *Handover      // where the listeners come from and may go to; nil: nowhere
}

// SettingError is that the file that a setting names cannot be used.
type SettingError struct {
	Name string // of the setting, as a flag without its dashes
	Err  error
}

func (e *SettingError) Error() string { return "--" + e.Name + ": " + e.Err.Error() }

func (e *SettingError) Unwrap() error { return e.Err }

// Start listens and serves. The first line that it logs tells the address. The error may be a *SettingError.
func Start(settings config.Serve, o Options) (_ *Server, err error) {
	s := &Server{served: make(chan error, 1), options: o, settings: settings}
	s.stats = newRegistry(s)
	var public, private net.Listener
	defer func() {
		if err != nil {
			s.abandon(public, private)
		}
	}()
	if s.keys, err = openKeys(settings, o.Log); err != nil {
		return nil, err
	}
	if s.gate, err = newGate(settings, o.Log, s.stats); err != nil {
		return nil, err
	}
	if o.Handover.isHeir() {
		if public, private, err = s.inherit(settings); err != nil {
			return nil, err
		}
	}
	s.hooks = newHooks(settings, s)
	joined, err := s.openLog(settings, o.Log) // before it listens: who listens is connected to
	if err != nil {
		return nil, err
	}
	if public == nil {
		if public, private, err = s.listen(settings); err != nil {
			return nil, err
		}
	}
	if s.spans, err = openSpans(settings, o, s.stats); err != nil {
		return nil, err
	}
	if err = s.open(joined); err != nil {
		return nil, err
	}
	s.hooks.begin(s.log, s.nodes)
	announce(o.Log, settings, s.addr, o.Version)
	go func() { s.served <- s.engine.Serve(public) }()
	if private != nil {
		s.serveAdmin(private, o.Log)
	}
	if err = o.Handover.ready(); err != nil {
		return nil, err
	}
	tellSystemd(daemon.SdNotifyReady)
	return s, nil
}

// open makes the halves: the room, in a cluster if there is one, and the engine before it.
func (s *Server) open(joined room.Cluster) (err error) {
	settings := s.settings
	s.hub = room.New(s.paced(room.Config{
		Wire: wire{}, Log: s.log, Cluster: joined, Logger: s.options.Log, MaxRooms: settings.MaxRooms,
		Queue: settings.Queue, MaxMessage: settings.MaxMessage, Ping: settings.Ping, Metrics: s.stats,
		Sample: s.sample(), Journey: s.spans.tell,
		Tokens: s.gate.check(), OnNoToken: s.gate.lacks, MaxSessions: settings.MaxConnsPerNick, Hooks: s.hooks.kept(),
	}))
	s.engine, err = engine.New(s.limited(engine.Config{
		Accept:      acceptor(settings, s.hub, s.gate),
		Subprotocol: subprotocol,
		Refused:     s.refused,
		IsSocket:    isSocket,
		Pages:       identified(pages(settings), "public", s.options.Log),
		MaxMessage:  settings.MaxMessage,
		Queue:       settings.Queue,
		Ping:        settings.Ping,
		Compress:    settings.Compress,
		TLS:         s.tlsConfig(),
		Log:         s.options.Log,
		Metrics:     s.stats,
	}))
	return err
}

// inherit takes the listeners of the process before this one and, when all that can be wrong with the settings would have been found,
// waits until that has ended.
func (s *Server) inherit(settings config.Serve) (public, private net.Listener, err error) {
	if public, private, err = s.listen(settings); err != nil {
		return public, private, err
	}
	if err = checkFolder(settings); err != nil {
		return public, private, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), settings.Drain+startWithin)
	defer cancel()
	return public, private, s.options.Handover.succeed(ctx)
}

// listen opens the listeners, and gets the certificates.
func (s *Server) listen(settings config.Serve) (public, private net.Listener, err error) {
	if public, private, err = listen(settings, s.options.Handover); err != nil {
		return nil, nil, err
	}
	s.addr = public.Addr()
	return public, private, s.openCerts(settings, s.addr, s.options.Log)
}

// abandon undoes what Start has done so far. Who has come in meanwhile is cut off.
func (s *Server) abandon(listeners ...net.Listener) {
	if s.engine != nil {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = s.engine.Shutdown(now), <-s.served
	}
	if s.admin != nil {
		s.api.Close()
		_ = s.admin.Close()
	}
	if s.hub != nil {
		s.hub.Close()
	}
	s.hooks.end()
	s.spans.close()
	if s.log != nil {
		_ = s.closeLog()
	}
	s.closeCerts()
	s.gate.close()
	closeAll(listeners...)
}

// Addr is where the public listener listens.
func (s *Server) Addr() net.Addr { return s.addr }

// Conns is the number of live connections.
func (s *Server) Conns() int { return s.engine.Conns() }

// DrainTime is how long a stop may wait for clients.
func (s *Server) DrainTime() time.Duration { return s.settings.Drain }

// TooSlow is how many connections were ever cut off as too slow.
func (s *Server) TooSlow() int { return s.engine.TooSlow() }

// Stop refuses newcomers, lets what was said reach everybody, closes all connections in order, and ends. When ctx ends
// before, the rest is cut off and ctx's error returned.
func (s *Server) Stop(ctx context.Context) error {
	tellSystemd(daemon.SdNotifyStopping)
	return s.stop(ctx)
}

// Leave is Stop for a server whose listeners were passed on: newcomers are left to the process that follows.
func (s *Server) Leave(ctx context.Context) error {
	s.engine.StopAccepting(ctx)
	return s.stop(ctx)
}

func (s *Server) stop(ctx context.Context) error {
	s.engine.Drain()
	settled := s.hub.Settle(ctx)
	err := s.engine.Shutdown(ctx)
	if s.api != nil {
		s.api.Close()
	}
	settled = errors.Join(settled, s.hooks.settle(ctx, s.hub))
	s.hub.Close()
	s.hooks.end()
	s.spans.close()
	s.gate.close()
	err = errors.Join(err, s.closeLog())
	s.closeCerts()
	if s.admin != nil {
		err = errors.Join(err, s.admin.Close())
	}
	return errors.Join(settled, err, <-s.served)
}
