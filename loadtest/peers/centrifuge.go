package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/gorilla/websocket"
)

// centrifugeChat is a chat on github.com/centrifugal/centrifuge: a Node with its memory broker, whose
// hub fans a publication of the channel "all" out to each client's own queue and writer goroutine. A
// message to one user goes to that user's clients by Client.Send.
//
// Adapted: centrifuge speaks a protocol of its own, so this is a transport after its example
// unidirectional_ws, on gorilla/websocket, that cuts the envelope off each push and leaves pushes out
// that this dialect does not know. In its own protocol centrifuge joins up to 16 waiting messages
// into one frame and one write; the dialect asks for one frame a message, and each is a write.
//
// A client is disconnected when 1 MiB waits for it, or when a write takes longer than a second:
// both are centrifuge's defaults.
type centrifugeChat struct {
	node *centrifuge.Node
	ping time.Duration
}

const everyone = "all" // the channel

func startCentrifuge(listener net.Listener, ping time.Duration) (stop func(context.Context) error, err error) {
	// The node itself refuses the second of two connections of one user that come at the same moment.
	node, err := centrifuge.New(centrifuge.Config{UserConnectionLimit: 1})
	if err != nil {
		return nil, err
	}
	c := &centrifugeChat{node: node, ping: ping}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Subscriptions: map[string]centrifuge.SubscribeOptions{everyone: {}},
		}, nil
	})
	node.OnConnect(func(*centrifuge.Client) {})
	if err := node.Run(); err != nil {
		return nil, err
	}
	upgrader := &websocket.Upgrader{ReadBufferSize: 1024, WriteBufferPool: &sync.Pool{}}
	server := serve(listener, chatHandler(func(w http.ResponseWriter, r *http.Request, nick string) {
		if len(node.Hub().UserConnections(nick)) > 0 {
			taken(w)
			return
		}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		go c.serve(conn, nick) // so that the request can be collected
	}))
	return func(ctx context.Context) error {
		if err := node.Shutdown(ctx); err != nil {
			return err
		}
		return server.Close()
	}, nil
}

// serve reads a connection until it ends.
func (c *centrifugeChat) serve(conn *websocket.Conn, nick string) {
	transport := newCentrifugeTransport(conn, c.ping)
	ctx := centrifuge.SetCredentials(context.Background(), &centrifuge.Credentials{UserID: nick})
	client, end, err := centrifuge.NewClient(ctx, c.node, transport)
	if err != nil {
		_ = transport.Close(centrifuge.DisconnectServerError)
		return
	}
	defer func() { _ = end() }()
	client.Connect(centrifuge.ConnectRequest{})

	conn.SetReadLimit(maxMessage)
	prolong := func(string) error { return conn.SetReadDeadline(time.Now().Add(2 * c.ping)) }
	_ = prolong("")
	conn.SetPongHandler(prolong)
	for {
		_, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		c.message(client, nick, message)
	}
}

// message passes a message on.
func (c *centrifugeChat) message(client *centrifuge.Client, from string, message []byte) {
	to, text, err := stamp(from, message)
	switch {
	case err != nil:
		_ = client.Send(malformed(from, err))
	case to == "":
		_, _ = c.node.Publish(everyone, text)
	default:
		receivers := c.node.Hub().UserConnections(to)
		for _, receiver := range receivers {
			_ = receiver.Send(text)
		}
		if len(receivers) == 0 {
			_ = client.Send(absent(from, to))
		}
	}
}

// centrifugeTransport writes pushes as messages of the dialect.
type centrifugeTransport struct {
	conn     *websocket.Conn
	interval time.Duration // between pings

	mu     sync.Mutex // orders pings and messages, and guards what follows
	closed bool
	pings  *time.Timer
}

func newCentrifugeTransport(conn *websocket.Conn, interval time.Duration) *centrifugeTransport {
	t := &centrifugeTransport{conn: conn, interval: interval}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pings = time.AfterFunc(interval, t.ping)
	return t
}

func (t *centrifugeTransport) ping() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.write(websocket.PingMessage, nil) == nil {
		t.pings.Reset(t.interval)
	}
}

// write is called with mu held. The time that it may take is centrifuge's default.
func (t *centrifugeTransport) write(kind int, data []byte) error {
	_ = t.conn.SetWriteDeadline(time.Now().Add(time.Second))
	return t.conn.WriteMessage(kind, data)
}

// Write sends the message that a push holds: the push is {"channel":"all","pub":{"data":MESSAGE}} or
// {"message":{"data":MESSAGE}}.
func (t *centrifugeTransport) Write(push []byte) error {
	_, message, _ := bytes.Cut(push, []byte(`"data":`))
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	return t.write(websocket.TextMessage, bytes.TrimSuffix(message, []byte("}}")))
}

// WriteMany is Write for each.
func (t *centrifugeTransport) WriteMany(pushes ...[]byte) error {
	for _, push := range pushes {
		if err := t.Write(push); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the connection; its reader sees it.
func (t *centrifugeTransport) Close(centrifuge.Disconnect) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	t.pings.Stop()
	_ = t.write(websocket.CloseMessage, websocket.FormatCloseMessage(goingAway, ""))
	return t.conn.Close()
}

// The rest of centrifuge.Transport says what this transport is.

func (t *centrifugeTransport) Name() string                      { return "tutorial" }
func (t *centrifugeTransport) AcceptProtocol() string            { return "h1" }
func (t *centrifugeTransport) Protocol() centrifuge.ProtocolType { return centrifuge.ProtocolTypeJSON }
func (t *centrifugeTransport) ProtocolVersion() centrifuge.ProtocolVersion {
	return centrifuge.ProtocolVersion2
}
func (t *centrifugeTransport) Unidirectional() bool { return true }
func (t *centrifugeTransport) Emulation() bool      { return false }

// DisabledPushFlags leaves publications and messages alone.
func (t *centrifugeTransport) DisabledPushFlags() uint64 {
	return centrifuge.PushFlagConnect | centrifuge.PushFlagDisconnect | centrifuge.PushFlagSubscribe |
		centrifuge.PushFlagUnsubscribe | centrifuge.PushFlagJoin | centrifuge.PushFlagLeave
}

// PingPongConfig turns centrifuge's pings off: they would be messages here.
func (t *centrifugeTransport) PingPongConfig() centrifuge.PingPongConfig {
	return centrifuge.PingPongConfig{PingInterval: -1, PongTimeout: -1}
}
