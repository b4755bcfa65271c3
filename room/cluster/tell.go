package cluster

import (
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

const (
	comeSubject = "throng.come"  // a node has come
	tellPrefix  = "throng.tell." // and a topic's tokens
	askPrefix   = "throng.node." // and the id of the node that is asked, and in a question that of the asking one
)

// maxHeard is how many messages of other nodes may wait for this one; what comes beyond it is lost.
const maxHeard = 8192

// tellings is what this node hears from the others.
type tellings struct {
	heard chan *nats.Msg

	mu     sync.RWMutex // guards what follows; a leaf
	topics map[string]topic
}

// topic is one that is listened to.
type topic struct {
	sub *nats.Subscription
	f   func(from string, data []byte)
}

func (t *tellings) init() {
	t.heard = make(chan *nats.Msg, maxHeard)
	t.topics = map[string]topic{}
}

// Tell sends something to all other nodes that listen to a topic; never to this one. It arrives at most once, in
// the order of this node's Tells of that topic, and not at all while there is no connection. It does not wait. A topic is of
// any UTF-8, in segments between slashes. data must have less than a megabyte and is not kept.
func (c *Cluster) Tell(topic string, data []byte) {
	// The sender is who an answer would go to.
	if err := c.nc.PublishRequest(tellPrefix+tokens(topic), askPrefix+c.node, data); err != nil {
		c.logger.Debug("cluster: not told", "topic", topic, "err", err)
	}
}

// Listen has f called with what other nodes tell of a topic, from shortly after its return on, and with the id of the node
// that does. One goroutine calls the f of all topics, so it must not block; data is its own. It replaces the topic's f
// before it.
func (c *Cluster) Listen(path string, f func(from string, data []byte)) error {
	subject := tellPrefix + tokens(path)
	t := &c.tellings
	t.mu.Lock()
	defer t.mu.Unlock()
	if was, ok := t.topics[subject]; ok {
		t.topics[subject] = topic{was.sub, f}
		return nil
	}
	sub, err := c.nc.ChanSubscribe(subject, t.heard)
	if err != nil {
		return err
	}
	t.topics[subject] = topic{sub, f}
	return nil
}

// Unlisten ends what Listen began. The topic's f may be at work still when it returns.
func (c *Cluster) Unlisten(path string) {
	subject := tellPrefix + tokens(path)
	t := &c.tellings
	t.mu.Lock()
	defer t.mu.Unlock()
	if was, ok := t.topics[subject]; ok {
		_ = was.sub.Unsubscribe() // fails only on a connection that is closed
		delete(t.topics, subject)
	}
}

// hear gives what comes to whom it is for, until Close.
func (c *Cluster) hear() {
	t := &c.tellings
	for {
		select {
		case <-c.life.Done():
			return
		case m := <-t.heard:
			t.mu.RLock()
			f := t.topics[m.Subject].f
			t.mu.RUnlock()
			if f != nil {
				f(strings.TrimPrefix(m.Reply, askPrefix), m.Data)
			}
		}
	}
}
