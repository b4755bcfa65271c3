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
	for i, addr := range r.plan.Addrs {
		conf := loadtest.Config{Addr: addr, TLS: r.plan.TLS.config()}
		if r.plan.Dialect == "v2" {
			conf.Subprotocols = []string{subprotocol}
		}
		swarm, err := loadtest.New(conf)
		if err != nil {
			return err
		}
		user, err := r.knock(ctx, swarm, r.plan.Users+i)
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

// knock has somebody come in who is none of the users: another at each server, since they may be one chat, which may not know yet that
// the one before has gone.
func (r *run) knock(ctx context.Context, swarm *loadtest.Swarm, id int) (*loadtest.User, error) {
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	tokens, err := r.plan.tokens(r.id, id, id+1)
	if err != nil {
		return nil, err
	}
	var options []loadtest.Option
	for _, token := range tokens {
		options = append(options, showing(token))
	}
	return swarm.Connect(ctx, 0, "/conn/ws/"+ledger.Nick(r.id, id), options...)
}
