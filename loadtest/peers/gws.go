package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/lxzan/gws"
)

// gwsChat is a chat on github.com/lxzan/gws, after its examples chatroom and push: its concurrent map
// of connections, a Broadcaster for everyone, WriteMessage to one.
//
// A Broadcaster hangs its frame into each connection's queue, which a goroutine writes out that lives
// as long as there is something to write. The queue has no bound: a reader who does not keep up costs
// memory until the connection's deadline passes.
type gwsChat struct {
	gws.BuiltinEventHandler
	users *gws.ConcurrentMap[string, *gws.Conn]
	ping  time.Duration
}

const gwsNick = "nick" // the session's key

func startGws(listener net.Listener, ping time.Duration) (stop func(context.Context) error, err error) {
	c := &gwsChat{users: gws.NewConcurrentMap[string, *gws.Conn](16, 128), ping: ping}
	upgrader := gws.NewUpgrader(c, &gws.ServerOption{
		ReadMaxPayloadSize: maxMessage,
		Recovery:           gws.Recovery,
	})
	server := serve(listener, chatHandler(func(w http.ResponseWriter, r *http.Request, nick string) {
		if _, in := c.users.Load(nick); in {
			taken(w)
			return
		}
		socket, err := upgrader.Upgrade(w, r)
		if err != nil {
			return
		}
		socket.Session().Store(gwsNick, nick)
		go socket.ReadLoop() // so that the request can be collected
	}))
	ctx, cancel := context.WithCancel(context.Background())
	go c.pings(ctx)
	return func(context.Context) error {
		cancel()
		c.users.Range(func(_ string, socket *gws.Conn) bool {
			_ = socket.WriteClose(goingAway, nil)
			return true
		})
		return server.Close()
	}, nil
}

// pings keeps connections alive. gws leaves that to the client, which in this dialect does nothing.
func (c *gwsChat) pings(ctx context.Context) {
	ticker := time.NewTicker(c.ping)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.users.Range(func(_ string, socket *gws.Conn) bool {
				socket.WriteAsync(gws.OpcodePing, nil, nil)
				return true
			})
		}
	}
}

func gwsName(socket *gws.Conn) string {
	nick, _ := socket.Session().Load(gwsNick)
	return nick.(string)
}

// OnOpen takes the nick. Of two who come at the same moment the second is sent away.
func (c *gwsChat) OnOpen(socket *gws.Conn) {
	_ = socket.SetDeadline(time.Now().Add(2 * c.ping))
	nick := gwsName(socket)
	shard := c.users.GetSharding(nick)
	shard.Lock()
	_, in := shard.Load(nick)
	if !in {
		shard.Store(nick, socket)
	}
	shard.Unlock()
	if in {
		_ = socket.WriteClose(4509, []byte("this nick is in use"))
	}
}

// OnClose frees the nick if it is this connection's.
func (c *gwsChat) OnClose(socket *gws.Conn, _ error) {
	nick := gwsName(socket)
	shard := c.users.GetSharding(nick)
	shard.Lock()
	defer shard.Unlock()
	if holder, _ := shard.Load(nick); holder == socket {
		shard.Delete(nick)
	}
}

// OnPong prolongs the connection's life.
func (c *gwsChat) OnPong(socket *gws.Conn, _ []byte) {
	_ = socket.SetDeadline(time.Now().Add(2 * c.ping))
}

// OnMessage passes a message on.
func (c *gwsChat) OnMessage(socket *gws.Conn, message *gws.Message) {
	defer func() { _ = message.Close() }()
	from := gwsName(socket)
	to, text, err := stamp(from, message.Bytes())
	switch {
	case err != nil:
		_ = socket.WriteMessage(gws.OpcodeText, malformed(from, err))
	case to == "":
		c.broadcast(text)
	default:
		if receiver, in := c.users.Load(to); in {
			_ = receiver.WriteMessage(gws.OpcodeText, text)
			return
		}
		_ = socket.WriteMessage(gws.OpcodeText, absent(from, to))
	}
}

func (c *gwsChat) broadcast(text []byte) {
	b := gws.NewBroadcaster(gws.OpcodeText, text)
	defer func() { _ = b.Close() }()
	c.users.Range(func(_ string, socket *gws.Conn) bool {
		_ = b.Broadcast(socket)
		return true
	})
}
