package cluster

import (
	"context"
	"errors"
	"log/slog"
)

// Host runs the embedded server of a node without the node, until ctx ends: for whatever is to be done while nobody chats. It calls ready
// with where clients connect, host:port, when they can; whether JetStream has a quorum is seen by them. Of the configuration it
// takes what is the server's, and Logger; Listen must be set.
func Host(ctx context.Context, config Config, ready func(addr string)) error {
	if config.Listen == "" {
		return errors.New("cluster: nobody could reach the server: it has no address to listen on")
	}
	logger := config.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s, err := startServer(ctx, config, logger)
	if err != nil {
		return err
	}
	ready(s.addr())
	<-ctx.Done()
	s.shutdown()
	return nil
}
