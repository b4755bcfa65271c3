package engine

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// pages passes to net/http the connections whose first request is not for a socket. It is the listener of an
// http.Server.
type pages struct {
	door    *door
	server  *http.Server
	arrived chan net.Conn
	ended   chan struct{}
	end     func()        // closes ended, once
	slots   chan struct{} // one token for each connection that net/http has

	mu   sync.Mutex // guards what follows; a leaf
	idle list.List  // of *pageConn that wait for another request, the longest first
}

func newPages(d *door) *pages {
	p := &pages{
		door:    d,
		arrived: make(chan net.Conn),
		ended:   make(chan struct{}),
		slots:   make(chan struct{}, d.engine.config.MaxHandshakes),
	}
	p.end = sync.OnceFunc(func() { close(p.ended) })
	p.server = &http.Server{
		Handler:           http.HandlerFunc(p.answer),
		ReadHeaderTimeout: d.engine.config.HeadTimeout,
		ReadTimeout:       2 * d.engine.config.HeadTimeout,
		WriteTimeout:      time.Minute,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHead - 4096, // net/http adds 4,096
		ErrorLog:          log.New(pageLog{d.engine.log}, "", 0),
		ConnState:         p.changed,
	}
	return p
}

// servePages runs net/http until close.
func (d *door) servePages() {
	if err := d.pages.server.Serve(d.pages); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		d.engine.log.Error("page server ended", "err", err)
	}
}

// changed keeps the list of those that are idle. net/http calls it.
func (p *pages) changed(conn net.Conn, now http.ConnState) {
	page := pageOf(conn)
	p.mu.Lock()
	defer p.mu.Unlock()
	if page.idle != nil {
		p.idle.Remove(page.idle) // does nothing when it was given up
		page.idle = nil
	}
	if now == http.StateIdle {
		page.idle = p.idle.PushBack(page)
	}
}

// slot gets a connection a slot, and reports whether there was one: who only waits makes room, so that nobody keeps others from the
// pages by asking for one and staying.
func (p *pages) slot() bool {
	for {
		select {
		case p.slots <- struct{}{}:
			return true
		default:
		}
		p.mu.Lock()
		longest := p.idle.Front()
		if longest != nil {
			p.idle.Remove(longest)
		}
		p.mu.Unlock()
		if longest == nil {
			return false
		}
		_ = longest.Value.(*pageConn).Close()
	}
}

// take passes a connection to net/http, with the bytes already read from it.
func (p *pages) take(a *arrival, read []byte) {
	if !p.slot() {
		p.door.refuse(a, errFull)
		return
	}
	page := &pageConn{arrival: a, read: read, release: func() { <-p.slots }}
	select {
	case p.arrived <- page.asHTTP():
	case <-p.ended:
		_ = page.Close()
	}
}

// answer is net/http's handler. A WebSocket request comes here when it is not the first of its connection,
// as from a proxy that keeps connections; it goes the way of all the others. Such a proxy's requests have each a client of
// its own.
func (p *pages) answer(w http.ResponseWriter, r *http.Request) {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr) // as arrival.RemoteAddr has it
	client := p.door.client(peer, r.Header)
	r.RemoteAddr = client.String()
	if !p.door.engine.config.IsSocket(r.URL.Path) || !wantsSocket(r) {
		p.door.engine.config.Pages.ServeHTTP(w, r)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "this connection cannot become a WebSocket", http.StatusBadRequest)
		return
	}
	page := pageOf(conn)
	page.free()
	rest, _ := buffered.Peek(buffered.Reader.Buffered())
	rest = append(rest, page.read...)
	_ = page.SetDeadline(time.Time{})
	page.from, page.since = client, time.Time{}
	p.door.upgrade(page.arrival, r, rest)
}

// Accept implements net.Listener.
func (p *pages) Accept() (net.Conn, error) {
	select {
	case conn := <-p.arrived:
		return conn, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener; it is net/http's to call.
func (p *pages) Close() error { return nil }

// Addr implements net.Listener.
func (p *pages) Addr() net.Addr { return &net.TCPAddr{} }

// finish takes no more connections and waits until what is asked for on those that there are has been answered, or ctx ends. What
// is not done by then close cuts off. http.Server.Shutdown would not answer who has just come.
func (p *pages) finish(ctx context.Context) {
	p.end()
	p.server.SetKeepAlivesEnabled(false)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for len(p.slots) > 0 && ctx.Err() == nil {
		select {
		case <-poll.C:
		case <-ctx.Done():
		}
	}
}

// close cuts off net/http's connections and ends it.
func (p *pages) close() {
	p.end()
	_ = p.server.Close()
}

// pageConn is a connection whose first bytes are already read.
type pageConn struct {
	*arrival
	read    []byte
	once    sync.Once
	release func()
	idle    *list.Element // of pages.idle; nil: it is not idle. Guarded by pages.mu
}

// Read gives the bytes already read first. It is called by one goroutine at a time.
func (c *pageConn) Read(b []byte) (int, error) {
	if len(c.read) > 0 {
		n := copy(b, c.read)
		if c.read = c.read[n:]; len(c.read) == 0 {
			c.read = nil
		}
		return n, nil
	}
	return c.arrival.Read(b)
}

// securePage is a page's connection over TLS: net/http asks it for what it tells in Request.TLS.
type securePage struct{ *pageConn }

func (c securePage) ConnectionState() tls.ConnectionState {
	return c.stream.(*secure).ConnectionState()
}

// asHTTP is the connection as net/http gets it; pageOf is the way back.
func (c *pageConn) asHTTP() net.Conn {
	if _, ok := c.stream.(*secure); ok {
		return securePage{c}
	}
	return c
}

func pageOf(conn net.Conn) *pageConn {
	if s, ok := conn.(securePage); ok {
		return s.pageConn
	}
	return conn.(*pageConn)
}

// free gives the connection's slot back.
func (c *pageConn) free() { c.once.Do(c.release) }

// Close closes the socket and gives the slot back.
func (c *pageConn) Close() error {
	c.free()
	return c.arrival.Close()
}

// pageLog brings net/http's log lines, which are all about bad clients, into ours.
type pageLog struct{ to *slog.Logger }

func (l pageLog) Write(line []byte) (int, error) {
	l.to.Debug("page server", "msg", string(line))
	return len(line), nil
}
