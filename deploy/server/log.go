package server

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"throng/deploy/command"
	"throng/deploy/config"
	"throng/room"
	"throng/room/cluster"
	"throng/room/history"
)

// openLog opens the log where the settings say, and joins the cluster if there is to be one.
func (s *Server) openLog(settings config.Serve, log *slog.Logger) (joined room.Cluster, err error) {
	keep := history.Config{
		Durability: settings.Durability, KeepCount: settings.KeepCount, KeepAge: settings.KeepAge, KeepBytes: int64(settings.KeepBytes),
		Trail: room.Trail, Passing: room.Passing, Logger: log,
	}
	s.hooks.spare(&keep)
	switch {
	case settings.Nats != "":
		return s.joinCluster(settings, keep)
	case settings.Data == "mem":
		keep.KeepBytes = min(keep.KeepBytes, history.DefaultMemory.KeepBytes) // 0: the default
		s.log = history.Memory(keep)
	default:
		if s.log, err = history.Open(settings.Data, keep); err != nil {
			return nil, fmt.Errorf("the log in %s: %w", settings.Data, err)
		}
	}
	return nil, nil
}

// checkFolder reports whether the folder of the log can be there and be written to. Whoever is to follow another process asks before that one
// ends, who has the log until then.
func checkFolder(settings config.Serve) error {
	if settings.Data == "mem" || settings.Nats != "" && settings.Nats != cluster.Embedded {
		return nil
	}
	err := os.MkdirAll(settings.Data, 0o700)
	if err == nil {
		err = unix.Access(settings.Data, unix.W_OK|unix.X_OK)
	}
	if err != nil {
		return fmt.Errorf("the log in %s: %w", settings.Data, err)
	}
	return nil
}

// joinWithin is how long a node waits for the others of its cluster when it starts.
const joinWithin = time.Minute

// joinCluster makes this process a node of a cluster.
func (s *Server) joinCluster(settings config.Serve, keep history.Config) (room.Cluster, error) {
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
func (s *Server) closeLog() error {
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
