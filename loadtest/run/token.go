package run

import (
	"context"
	"fmt"
	"net/http"

	"throng/loadtest"
	"throng/loadtest/ledger"
)

// tokensAtOnce is how many tokens a worker is handed with one order: some megabytes.
const tokensAtOnce = 10_000

// tokens are those of the users from one to another of a run; none where users show none.
func (p *Plan) tokens(run uint32, from, to int) (all []string, err error) {
	if p.Token == nil {
		return nil, nil
	}
	for id := from; id < to; id++ {
		token, err := p.Token(ledger.Nick(run, id))
		if err != nil {
			return nil, fmt.Errorf("signing a token: %w", err)
		}
		all = append(all, token)
	}
	return all, nil
}

// handTokens hands a worker the tokens of its users, if they show any. It never learns what signs them.
func (r *run) handTokens(ctx context.Context, h *hand, s *share) error {
	for from := s.From; r.plan.Token != nil && from < s.To; from += tokensAtOnce {
		tokens, err := r.plan.tokens(r.id, from, min(from+tokensAtOnce, s.To))
		if err != nil {
			return err
		}
		if _, err := h.ask(ctx, order{Do: doTokens, Tokens: tokens}); err != nil {
			return err
		}
	}
	return nil
}

// takeTokens takes the next of them.
func (w *worker) takeTokens(tokens []string) error {
	if len(w.tokens)+len(tokens) > len(w.users) {
		return fmt.Errorf("more tokens than its %d users", len(w.users))
	}
	w.tokens = append(w.tokens, tokens...)
	return nil
}

// showing has a user show a token when it connects.
func showing(token string) loadtest.Option {
	return loadtest.WithHeader(http.Header{"Authorization": {"Bearer " + token}})
}
