package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"throng/deploy/config"
	"throng/engine"
	"throng/room"
	"throng/room/cluster"
	"throng/room/history"
)

// Server is a running chat server.
type Server struct {
	addr   net.Addr // of the public listener
	engine *engine.Engine
	hub    *room.Hub
	log    history.Log
	nodes  *cluster.Cluster // nil: this node is alone
	admin  *http.Server     // nil: off
	stats  *prometheus.Registry
	served chan error // the end of engine.Serve
}

// Start listens and serves. version is what the program calls itself. The first line that it logs tells the address.
func Start(settings config.Serve, version string, log *slog.Logger) (*Server, error) {
	s := &Server{served: make(chan error, 1), stats: newRegistry()}
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
		Metrics:       s.stats,
	})
	if err != nil {
		s.hub.Close()
		_ = s.closeLog()
		closeAll(public, private)
		return nil, err
	}
	announce(log, s.addr, version)
	go func() { s.served <- s.engine.Serve(public) }()
	if private != nil {
		s.serveAdmin(private, log)
	}
	return s, nil
}

// Addr is where the public listener listens.
func (s *Server) Addr() net.Addr { return s.addr }

// Draining reports whether newcomers are refused.
func (s *Server) Draining() bool { return s.engine.Draining() }

// Conns is the number of live connections.
func (s *Server) Conns() int { return s.engine.Conns() }

// TooSlow is how many connections were ever cut off as too slow.
func (s *Server) TooSlow() int { return s.engine.TooSlow() }

// Stop refuses newcomers, lets what was said reach everybody, closes all connections in order, and ends. When ctx ends
// before, the rest is cut off and ctx's error returned.
func (s *Server) Stop(ctx context.Context) error {
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

// healthy is why this node cannot serve at present; nil: it can.
func (s *Server) healthy() error {
	err := s.hub.Healthy()
	if s.nodes != nil {
		err = errors.Join(err, s.nodes.Healthy())
	}
	return err
}
