package run

import (
	"context"
	"fmt"

	"throng/loadtest"
	"throng/loadtest/ledger"
)

// subprotocol is how version 2 is called in a handshake.
const subprotocol = "throng.v2.json"

// agreeDialect connects once to each server, to see that it is there and which dialect it speaks. A run speaks one
// dialect: version 2 only if all servers do.
func (r *run) agreeDialect(ctx context.Context) error {
	for _, addr := range r.plan.Addrs {
		conf := loadtest.Config{Addr: addr, TLS: r.plan.TLS.config()}
		if r.plan.Dialect == "v2" {
			conf.Subprotocols = []string{subprotocol}
		}
		swarm, err := loadtest.New(conf)
		if err != nil {
			return err
		}
		attempt, cancel := context.WithTimeout(ctx, connectLimit)
		user, err := swarm.Connect(attempt, 0, "/conn/ws/"+ledger.Nick(r.id, r.plan.Users))
		cancel()
		if err == nil && r.plan.Dialect == "v2" && user.Subprotocol() != subprotocol {
			r.plan.Dialect = "tutorial"
			r.result.Notes = append(r.result.Notes, "The server does not speak v2; the users spoke the tutorial dialect, which has no acks.")
		}
		if err == nil {
			_ = user.Leave()
		}
		swarm.Close()
		if err != nil {
			return fmt.Errorf("server %s: %w", addr, err)
		}
	}
	return nil
}
