package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Embedded as Config.URL means a NATS server within this process.
const Embedded = "embedded"

// Config says where NATS is and who this node is.
type Config struct {
	// URL is Embedded, or where the servers are: nats://host:4222, several separated by commas. Servers of one's own
	// must have JetStream, and be of version 2.11 or later.
	URL string
	// Node is this node's id: letters, digits, '-' and '_'. It must be no other live node's; "" draws one for each start.
	Node string
	// Secret is the password of the user throng, for URLs that name no user. The embedded server asks for it, and its
	// routes give it; "": for none.
	Secret string
	// Logger gets what is worth telling, the embedded server's warnings and errors included; nil: nothing is told.
	Logger *slog.Logger

	// What follows is the embedded server's.

	// Dir is its folder: JetStream's files and the server's name, which must stay with them.
	Dir string
	// Listen is where clients connect, which are other nodes and tools: host:port, with port 0 for any; "": none but
	// this process. Whoever reaches it, and knows Secret, may do all that a node may.
	Listen string
	// ClusterListen is where the other servers' routes connect: host:port; "": the server stands alone.
	ClusterListen string
	// Routes are the other servers': nats://host:6222. This server's own may be among them. Two or more of them mean a
	// cluster of three servers at least: a new one begins when three are there.
	Routes []string
	// Sync is how often JetStream syncs its files to the disk; 0: at each write.
	Sync time.Duration

	// MaxMessage is the largest message that is stored, in bytes: the servers must take it.
	MaxMessage int

	pace pace // shorter in tests; zero: usual
}

// pace is how fast a node notices things.
type pace struct {
	beat time.Duration // how often a lease is renewed and the others' are looked at
	ttl  time.Duration // how long a lease lasts that is not renewed
	wait time.Duration // for one answer of JetStream's
}

var usual = pace{beat: 500 * time.Millisecond, ttl: 6 * time.Second, wait: time.Second}

// Cluster is this node's place among the others. Every method may be called from any goroutine.
type Cluster struct {
	node     string
	secret   string
	pace     pace
	logger   *slog.Logger
	server   *embedded // nil: the servers are the operator's
	log      *nats.Conn
	nc       *nats.Conn // of the directory and of telling: what waits on the log's connection holds nothing up here
	store    *store
	lease    lease
	nicks    nicks
	tellings tellings
	routes   routes
	comes    chan *nats.Msg // what other nodes say when they come

	life context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup
}

// Start joins the cluster, or begins it, and returns when this node has its lease. It waits for the servers until ctx
// ends; its error then says what was missing. ctx matters to Start alone.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	c, err := prepare(config)
	if err != nil {
		return nil, err
	}
	if err := c.join(ctx, config); err != nil {
		c.Close()
		return nil, fmt.Errorf("cluster: %w", err)
	}
	c.comes = make(chan *nats.Msg, 64)
	for subject, to := range map[string]chan *nats.Msg{comeSubject: c.comes, changePrefix + ">": c.nicks.changes} {
		if _, err := c.nc.ChanSubscribe(subject, to); err != nil {
			c.Close()
			return nil, fmt.Errorf("cluster: %w", err)
		}
	}
	if err := c.nc.Publish(comeSubject, nil); err != nil {
		c.logger.Debug("cluster: not told", "err", err) // they see it within a beat
	}
	c.work.Go(c.beats)
	c.work.Go(c.releases)
	c.work.Go(c.hear)
	c.work.Go(c.watch)
	return c, nil
}

// prepare checks a configuration and makes a Cluster of it that has joined nothing yet.
func prepare(config Config) (*Cluster, error) {
	switch {
	case config.URL == "":
		return nil, errors.New("cluster: no URL of NATS")
	case strings.ContainsFunc(config.Node, func(r rune) bool { return !isPlain(r) && r != '_' }):
		return nil, fmt.Errorf("cluster: a node's id must have only letters, digits, '-' and '_': %q", config.Node)
	}
	c := &Cluster{node: config.Node, secret: config.Secret, pace: config.pace, logger: config.Logger}
	if c.node == "" {
		c.node = rand.Text()[:10]
	}
	if c.pace == (pace{}) {
		c.pace = usual
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	c.lease.init()
	c.nicks.init()
	c.tellings.init()
	c.life, c.end = context.WithCancel(context.Background())
	return c, nil
}

// join starts the embedded server, connects, and takes the lease.
func (c *Cluster) join(ctx context.Context, config Config) (err error) {
	want := 1 // copies of the directory
	if config.URL != Embedded {
		want = 0
	} else if len(config.Routes) >= 2 {
		want = 3
	}
	if config.URL == Embedded {
		if c.server, err = startServer(ctx, config, c.logger); err != nil {
			return err
		}
	}
	if c.log, err = c.connect(ctx, config.URL, "log"); err != nil {
		return err
	}
	if c.nc, err = c.connect(ctx, config.URL, "node", nats.NoEcho(), nats.ReconnectBufSize(-1)); err != nil {
		return err
	}
	if most := c.nc.MaxPayload() - overhead; int64(config.MaxMessage) > most {
		return fmt.Errorf("the servers take messages of %d bytes (max_payload), and %d may come", most, config.MaxMessage)
	}
	js, err := jetstream.New(c.nc, jetstream.WithPublishAsyncTimeout(c.pace.wait))
	if err != nil {
		return err
	}
	if c.store, err = openStore(ctx, js, c.pace.wait, want); err != nil {
		return err
	}
	for {
		if err = c.renew(ctx); err == nil {
			err = c.look(ctx)
		}
		if err == nil {
			return nil
		}
		if !pause(ctx, c.pace.beat) {
			return fmt.Errorf("no lease: %w", err)
		}
	}
}

// Conn is a connection for the log. It connects again for ever, until Close; who uses it must not close it.
func (c *Cluster) Conn() *nats.Conn { return c.log }

// Replicas is how many copies of what is stored the servers keep: 3 where three of them were there when the cluster
// began, else 1.
func (c *Cluster) Replicas() int { return c.store.replicas }

// Node is this node's id.
func (c *Cluster) Node() string { return c.node }

// Addr is where clients of the embedded server connect, as host:port; "" when they cannot.
func (c *Cluster) Addr() string {
	if c.server == nil {
		return ""
	}
	return c.server.addr()
}

// Healthy is nil while the cluster can be used, and otherwise says why not. It costs nothing: every beat (half a
// second) is a probe that a quorum of the servers has to store.
func (c *Cluster) Healthy() error {
	if !c.nc.IsConnected() || !c.log.IsConnected() {
		return errors.New("cluster: not connected to NATS")
	}
	return c.lease.healthy(3 * c.pace.beat)
}

// Close gives up this node's lease, and with it all its nicks, at once for all others; it then leaves the servers, and
// shuts the embedded one down. Nothing is called back after it. The log must have been closed before. It may be called
// again.
func (c *Cluster) Close() {
	c.end()
	c.work.Wait()
	if c.store != nil {
		c.yield()
	}
	for _, nc := range []*nats.Conn{c.nc, c.log} {
		if nc != nil {
			nc.Close()
		}
	}
	if c.server != nil {
		c.server.shutdown()
	}
}

// pause waits, and reports false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
