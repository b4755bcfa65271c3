package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// gorillaHub is a chat on github.com/gorilla/websocket, after its example chat: a hub in one goroutine,
// two goroutines a client, and between them a channel of 256 messages. A message to everyone is a
// PreparedMessage, framed once; write buffers come from a pool.
//
// A client whose channel is full is disconnected, as in the example. The example's write pump joins what
// waits in the channel into one message, which this dialect does not allow: each message is a write.
type gorillaHub struct {
	ping    time.Duration
	enter   chan entry
	leave   chan *gorillaClient
	inbound chan inbound
	quit    chan struct{} // closed by a stop
}

// entry asks for a nick before the upgrade.
type entry struct {
	client *gorillaClient
	ok     chan bool
}

// inbound is what a client has sent.
type inbound struct {
	from *gorillaClient
	to   string // "" for everyone
	text *websocket.PreparedMessage
}

type gorillaClient struct {
	hub  *gorillaHub
	nick string
	conn *websocket.Conn
	send chan *websocket.PreparedMessage // closed by the hub
}

func startGorilla(listener net.Listener, ping time.Duration) (stop func(context.Context) error, err error) {
	h := &gorillaHub{
		ping: ping, enter: make(chan entry), leave: make(chan *gorillaClient), inbound: make(chan inbound),
		quit: make(chan struct{}),
	}
	upgrader := &websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024, WriteBufferPool: &sync.Pool{}}
	server := serve(listener, chatHandler(func(w http.ResponseWriter, r *http.Request, nick string) {
		c := &gorillaClient{hub: h, nick: nick, send: make(chan *websocket.PreparedMessage, 256)}
		if !h.admit(c) {
			taken(w)
			return
		}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			h.remove(c)
			return
		}
		c.conn = conn
		// New goroutines, so that the request can be collected.
		go c.writePump()
		go c.readPump()
	}))
	var running sync.WaitGroup
	running.Go(h.run)
	return func(context.Context) error {
		close(h.quit)
		running.Wait()
		return server.Close()
	}, nil
}

// run owns the clients.
func (h *gorillaHub) run() {
	clients := map[string]*gorillaClient{}
	drop := func(c *gorillaClient) {
		if clients[c.nick] == c {
			delete(clients, c.nick)
			close(c.send)
		}
	}
	pass := func(c *gorillaClient, text *websocket.PreparedMessage) {
		select {
		case c.send <- text:
		default:
			drop(c)
		}
	}
	for {
		select {
		case e := <-h.enter:
			_, in := clients[e.client.nick]
			if !in {
				clients[e.client.nick] = e.client
			}
			e.ok <- !in
		case c := <-h.leave:
			drop(c)
		case m := <-h.inbound:
			if m.to == "" {
				for _, c := range clients {
					pass(c, m.text)
				}
			} else if c := clients[m.to]; c != nil {
				pass(c, m.text)
			} else if clients[m.from.nick] == m.from {
				pass(m.from, prepared(absent(m.from.nick, m.to)))
			}
		case <-h.quit:
			for _, c := range clients {
				drop(c)
			}
			return
		}
	}
}

// admit asks the hub for a client's nick.
func (h *gorillaHub) admit(c *gorillaClient) bool {
	e := entry{c, make(chan bool)}
	select {
	case h.enter <- e:
		return <-e.ok
	case <-h.quit:
		return false
	}
}

func (h *gorillaHub) remove(c *gorillaClient) {
	select {
	case h.leave <- c:
	case <-h.quit:
	}
}

// prepared frames a text once for all who get it.
func prepared(text []byte) *websocket.PreparedMessage {
	p, _ := websocket.NewPreparedMessage(websocket.TextMessage, text) // fails for control frames alone
	return p
}

// readPump passes what the client sends to the hub.
func (c *gorillaClient) readPump() {
	defer func() {
		c.hub.remove(c)
		_ = c.conn.Close()
	}()
	c.conn.SetReadLimit(maxMessage)
	prolong := func(string) error { return c.conn.SetReadDeadline(time.Now().Add(2 * c.hub.ping)) }
	_ = prolong("")
	c.conn.SetPongHandler(prolong)
	for {
		_, message, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		to, text, err := stamp(c.nick, message)
		if err != nil {
			to, text = c.nick, malformed(c.nick, err)
		}
		select {
		case c.hub.inbound <- inbound{c, to, prepared(text)}:
		case <-c.hub.quit:
			return
		}
	}
}

// writePump writes what the hub has for the client, and pings.
func (c *gorillaClient) writePump() {
	ticker := time.NewTicker(c.hub.ping)
	defer func() {
		ticker.Stop()
		_ = c.conn.Close()
	}()
	for {
		var err error
		select {
		case text, ok := <-c.send:
			_ = c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if !ok {
				away := websocket.FormatCloseMessage(goingAway, "")
				_ = c.conn.WriteMessage(websocket.CloseMessage, away)
				return
			}
			err = c.conn.WritePreparedMessage(text)
		case <-ticker.C:
			_ = c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			err = c.conn.WriteMessage(websocket.PingMessage, nil)
		}
		if err != nil {
			return
		}
	}
}
