package cluster

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

const (
	maxAnswering = 16   // questions that are answered at one time
	maxAsked     = 1024 // and that may wait for it; what comes beyond it is lost
)

// Ask puts a question to all other live nodes, and returns their answers by node id, when all have answered or ctx has
// ended. A node that does not answer is missing. data and an answer must have less than a megabyte.
func (c *Cluster) Ask(ctx context.Context, data []byte) (answers map[string][]byte) {
	answers = map[string][]byte{}
	var (
		mu   sync.Mutex // guards answers
		asks sync.WaitGroup
	)
	for _, node := range c.Nodes() {
		if node == c.node {
			continue
		}
		asks.Go(func() {
			answer, err := c.AskNode(ctx, node, data)
			if err != nil {
				c.logger.Debug("cluster: no answer", "node", node, "err", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			answers[node] = answer
		})
	}
	asks.Wait()
	return answers
}

// AskNode puts a question to one node, and returns its answer. It fails at once when there is no such node, or when that
// node answers no questions, and otherwise when ctx has ended, which must have a deadline or be cancelled.
func (c *Cluster) AskNode(ctx context.Context, node string, data []byte) ([]byte, error) {
	m, err := c.nc.RequestWithContext(ctx, askPrefix+node+"."+c.node, data)
	if err != nil {
		return nil, fmt.Errorf("cluster: asking node %s: %w", node, err)
	}
	return m.Data, nil
}

// Answer has f answer the other nodes' questions from now on, several at a time on goroutines of its own; Close waits
// for them. It is called once. f owns data, and gives its answer away.
func (c *Cluster) Answer(f func(from string, data []byte) []byte) error {
	prefix := askPrefix + c.node + "."
	asked := make(chan *nats.Msg, maxAsked)
	if _, err := c.nc.ChanSubscribe(prefix+"*", asked); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	for range maxAnswering {
		c.work.Go(func() {
			for {
				select {
				case <-c.life.Done():
					return
				case m := <-asked:
					if err := m.Respond(f(strings.TrimPrefix(m.Subject, prefix), m.Data)); err != nil {
						c.logger.Debug("cluster: not answered", "err", err)
					}
				}
			}
		})
	}
	return nil
}
