package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"
)

// nbioChat is a chat on nbio with its own HTTP server and websocket package, after its example
// websocket/server: all connections belong to the poller, a message is handled in the pool of goroutines,
// and to everyone means WriteMessage in a loop, which never blocks.
//
// What a socket does not take waits in the connection, up to 6 MiB as in nbio's README; beyond, nbio
// closes it.
type nbioChat struct {
	mu    sync.RWMutex // guards users
	users map[string]*websocket.Conn
}

func startNbio(listener net.Listener, ping time.Duration) (stop func(context.Context) error, err error) {
	logging.SetLevel(logging.LevelNone)
	c := &nbioChat{users: map[string]*websocket.Conn{}}
	upgrader := websocket.NewUpgrader()
	upgrader.KeepaliveTime = 2 * ping // a deadline that whatever is read prolongs
	upgrader.MessageLengthLimit = maxMessage
	upgrader.OnMessage(c.message)
	upgrader.OnClose(func(socket *websocket.Conn, _ error) { c.leave(socket) })
	engine := nbhttp.NewEngine(nbhttp.Config{
		Network:                 "tcp",
		Addrs:                   []string{listener.Addr().String()},
		Listen:                  func(string, string) (net.Listener, error) { return listener, nil },
		IOMod:                   nbhttp.IOModNonBlocking,
		MaxLoad:                 1_000_000,
		MaxWriteBufferSize:      6 << 20,
		ReleaseWebsocketPayload: true,
		Handler: chatHandler(func(w http.ResponseWriter, r *http.Request, nick string) {
			if c.find(nick) != nil {
				taken(w)
				return
			}
			socket, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			socket.SetSession(nick)
			if !c.join(nick, socket) {
				_ = socket.WriteClose(4509, "this nick is in use")
				_ = socket.Close()
			}
		}),
	})
	if err := engine.Start(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go c.pings(ctx, ping)
	return func(ctx context.Context) error {
		cancel()
		c.each(func(socket *websocket.Conn) { _ = socket.WriteClose(goingAway, "") })
		return engine.Shutdown(ctx)
	}, nil
}

// pings keeps connections alive.
func (c *nbioChat) pings(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.each(func(socket *websocket.Conn) { _ = socket.WriteMessage(websocket.PingMessage, nil) })
		}
	}
}

// message passes a message on.
func (c *nbioChat) message(socket *websocket.Conn, _ websocket.MessageType, data []byte) {
	from := socket.SessionWithLock().(string)
	to, text, err := stamp(from, data)
	switch {
	case err != nil:
		_ = socket.WriteMessage(websocket.TextMessage, malformed(from, err))
	case to == "":
		c.each(func(receiver *websocket.Conn) { _ = receiver.WriteMessage(websocket.TextMessage, text) })
	default:
		if receiver := c.find(to); receiver != nil {
			_ = receiver.WriteMessage(websocket.TextMessage, text)
			return
		}
		_ = socket.WriteMessage(websocket.TextMessage, absent(from, to))
	}
}

func (c *nbioChat) find(nick string) *websocket.Conn {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.users[nick]
}

func (c *nbioChat) each(do func(*websocket.Conn)) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, socket := range c.users {
		do(socket)
	}
}

// join takes the nick. Of two who come at the same moment the second is told false.
func (c *nbioChat) join(nick string, socket *websocket.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users[nick] != nil {
		return false
	}
	c.users[nick] = socket
	return true
}

// leave frees the nick if it is this connection's.
func (c *nbioChat) leave(socket *websocket.Conn) {
	nick, ok := socket.SessionWithLock().(string)
	c.mu.Lock()
	defer c.mu.Unlock()
	if ok && c.users[nick] == socket {
		delete(c.users, nick)
	}
}
