package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// connect makes a connection to the servers, and waits for them until ctx ends. role tells operators what it is for.
func (c *Cluster) connect(ctx context.Context, urls, role string, more ...nats.Option) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("throng " + c.node + " " + role),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(200*time.Millisecond, 200*time.Millisecond),
		nats.Timeout(2 * time.Second),
		// A server that says nothing is given up after about four seconds.
		nats.PingInterval(2 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.NoCallbacksAfterClientClose(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			c.logger.Warn("cluster: disconnected from NATS", "role", role, "err", err)
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			c.logger.Info("cluster: connected to NATS again", "role", role, "server", nc.ConnectedAddr())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			c.logger.Warn("cluster: NATS", "role", role, "err", err)
		}),
	}
	secret := c.secret
	if c.server != nil {
		secret = c.server.secret
	}
	if secret != "" {
		options = append(options, nats.UserInfo(user, secret))
	}
	if c.server != nil {
		options = append(options, nats.InProcessServer(c.server.server))
		urls = "" // which is not looked at
	}
	options = append(options, more...)
	for tries := 0; ; tries++ {
		nc, err := nats.Connect(urls, options...)
		switch {
		case err == nil:
			return nc, nil
		case errors.Is(err, nats.ErrAuthorization):
			return nil, fmt.Errorf("NATS refuses this node: %w", err)
		case tries == 0:
			c.logger.Warn("cluster: no connection to NATS yet", "role", role, "err", err)
		}
		if !pause(ctx, c.pace.beat) {
			return nil, fmt.Errorf("no connection to NATS at %s: %w", hosts(urls), err)
		}
	}
}

// hosts is where the servers of URLs are, for people to read: the URLs may hold a password.
func hosts(urls string) string {
	var all []string
	for one := range strings.SplitSeq(urls, ",") {
		if u, err := url.Parse(one); err == nil {
			all = append(all, u.Host)
		}
	}
	return strings.Join(all, ", ")
}
