package engine

import (
	"bytes"
	"cmp"
	"container/list"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// door lets connections in: it accepts, reads the request's head on a short-lived goroutine, and passes the
// socket to the loop or to net/http.
type door struct {
	engine    *Engine
	pages     *pages
	lingering chan struct{} // one token for each refused client that is still listened to
	proxies   proxies

	mu        sync.Mutex // guards what follows; a leaf: nothing is locked while it is held
	listeners []net.Listener
	closed    bool
	reading   list.List            // of *reading, oldest first
	addresses map[netip.Prefix]int // connections of each network
	handlers  sync.WaitGroup       // handshakes under way
	accepting sync.WaitGroup       // calls of serve

	freed chan struct{} // holds a token when a handshake has ended, for an accept loop that waits
}

// reading is a connection whose request's head is awaited.
type reading struct {
	conn    net.Conn
	waits   time.Time // since when it is waited for the client; the zero Time: it is not, the work is ours. Guarded by door.mu
	isBegun bool      // it has begun to agree on TLS, which costs us work. Guarded by door.mu
}

// giveUp ends the wait: reading, and writing of a TLS handshake, fail with a timeout.
func (r *reading) giveUp() { _ = r.conn.SetDeadline(time.Unix(1, 0)) }

// dawdling is how long a handshake may take before it makes room for others where no file is left.
const dawdling = 500 * time.Millisecond

func newDoor(e *Engine) *door {
	d := &door{
		engine: e, lingering: make(chan struct{}, maxLingering), proxies: newProxies(e.config.Proxies), addresses: map[netip.Prefix]int{},
		freed: make(chan struct{}, 1),
	}
	d.pages = newPages(d)
	return d
}

// serve accepts until the listener is closed.
func (d *door) serve(l net.Listener) error {
	d.mu.Lock()
	d.listeners = append(d.listeners, l)
	closed := d.closed
	if !closed {
		d.accepting.Add(1)
	}
	d.mu.Unlock()
	if closed {
		return l.Close()
	}
	defer d.accepting.Done()
	pause := time.Duration(0)
	for {
		conn, err := l.Accept()
		if err == nil {
			pause = 0
			d.admit(conn.(*net.TCPConn))
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		// Most likely no file is left (EMFILE): make room by giving up the request that has dawdled longest, and wait
		// a little longer each time, since the accept queue stays readable meanwhile.
		d.evict()
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		d.engine.log.Warn("accept failed", "err", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-d.engine.stop:
		}
	}
}

// askingFor is how long those whose request is being read when the listeners are closed have for it.
const askingFor = time.Second

// stopAccepting closes the listeners and waits for the handshakes and the pages under way.
func (d *door) stopAccepting(ctx context.Context) {
	d.mu.Lock()
	d.closeListeners()
	d.mu.Unlock()
	slow := time.AfterFunc(askingFor, d.giveUpAll)
	defer slow.Stop()
	done := make(chan struct{})
	go func() {
		d.accepting.Wait() // first: who is accepted is shaken hands with
		d.handlers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(ctx, 2*askingFor)
	defer cancel()
	d.pages.finish(ctx)
}

// giveUpAll ends the wait of all handshakes.
func (d *door) giveUpAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for e := d.reading.Front(); e != nil; e = e.Next() {
		e.Value.(*reading).giveUp()
	}
}

// closeListeners has serve return. The caller holds d.mu.
func (d *door) closeListeners() {
	for _, l := range d.listeners {
		_ = l.Close()
	}
}

// close ends accepting, gives up the requests under way and waits for their goroutines.
func (d *door) close() {
	d.mu.Lock()
	d.closed = true
	d.closeListeners()
	d.mu.Unlock()
	d.giveUpAll()
	d.pages.close()
	d.handlers.Wait()
}

// admit starts the handshake of an accepted connection. When too many are under way already, it gives up the one whose client has been
// waited for longest: an honest one sends its head at once. If it is the server that is slow, newcomers wait in the kernel's queue.
func (d *door) admit(conn *net.TCPConn) {
	if from := newArrival(conn).from; d.engine.bounds.Load().inrush.isSpent(from) && !d.proxies.trust(from.Addr()) {
		d.engine.refused(from, errTooFast) // who goes on gets no answer
		_ = conn.Close()
		return
	}
	// Set here, so that nothing later takes back the deadline by which a handshake is given up.
	_ = conn.SetDeadline(time.Now().Add(d.engine.config.HeadTimeout))
	r := &reading{conn: conn, waits: time.Now()}
	d.mu.Lock()
	for !d.closed && d.reading.Len() >= d.engine.config.MaxHandshakes && !d.giveUpOldest(0) {
		d.mu.Unlock()
		select {
		case <-d.freed:
		case <-time.After(dawdling / 20):
		}
		d.mu.Lock()
	}
	defer d.mu.Unlock()
	if d.closed {
		_ = conn.Close()
		return
	}
	entry := d.reading.PushBack(r)
	d.handlers.Go(func() { d.handshake(conn, entry) })
}

// evict gives up the oldest handshake, if one has dawdled.
func (d *door) evict() {
	d.mu.Lock()
	d.giveUpOldest(dawdling)
	d.mu.Unlock()
}

// giveUpOldest ends the oldest handshake whose client has been waited for so long, and reports whether there was one. Who has begun with TLS
// has a while for each of its answers: the work that it has cost would be for nothing. The caller holds d.mu.
func (d *door) giveUpOldest(age time.Duration) bool {
	for e := d.reading.Front(); e != nil; e = e.Next() {
		r := e.Value.(*reading)
		patience := age
		if r.isBegun {
			patience = dawdling
		}
		if !r.waits.IsZero() && time.Since(r.waits) >= patience {
			d.reading.Remove(e)
			r.giveUp()
			return true
		}
	}
	return false
}

// await notes whether a handshake of TLS waits for its client, which has sent something when it does not.
func (d *door) await(r *reading, isWaiting bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r.waits = time.Time{}
	if isWaiting {
		r.waits = time.Now()
	} else {
		r.isBegun = true
	}
}

// handshake agrees on TLS where it is spoken, reads the head and decides where the connection goes.
func (d *door) handshake(socket *net.TCPConn, entry *list.Element) {
	a := newArrival(socket)
	head, err := d.hear(a, entry.Value.(*reading))
	d.mu.Lock()
	d.reading.Remove(entry) // does nothing when it was given up
	d.mu.Unlock()
	select {
	case d.freed <- struct{}{}:
	default:
	}
	if err != nil {
		if d.engine.draining.Load() && errors.Is(err, errHeadTimeout) {
			err = errDraining
		}
		if !d.proxies.trust(a.from.Addr()) {
			d.engine.bounds.Load().inrush.allow(a.from) // it counts all the same
		}
		d.refuse(a, err)
		return
	}
	defer head.free()
	r, err := head.request()
	if err == nil && wantsSocket(r) && d.engine.config.IsSocket(r.URL.Path) {
		a.from = d.client(a.from, r.Header)
		d.upgrade(a, r, head.rest())
		return
	}
	if d.proxies.trust(a.from.Addr()) || d.engine.bounds.Load().inrush.allow(a.from) {
		// net/http reads the head again and answers it, a malformed one too.
		_ = a.SetDeadline(time.Time{})
		d.pages.take(a, bytes.Clone(head.bytes))
		return
	}
	d.refuse(a, errTooFast)
}

// hear reads what a connection begins with: where proxies say so, for whom they speak, TLS where it is spoken, and a request's head.
func (d *door) hear(a *arrival, r *reading) (*head, error) {
	if d.engine.config.ProxyProtocol && d.proxies.trust(a.from.Addr()) {
		client, err := readProxy(socket{a.stream.(*net.TCPConn)})
		if err != nil {
			return nil, err
		}
		if client.IsValid() {
			a.from = client
		}
	}
	if err := d.greet(a, r); err != nil {
		return nil, err
	}
	return readHead(a)
}

// upgrade answers a WebSocket request and hands the socket to the loop. rest is what the client sent after its
// head. It owns the connection.
func (d *door) upgrade(a *arrival, r *http.Request, rest []byte) {
	e := d.engine
	r.RemoteAddr = a.from.String()
	var bad error
	if !e.bounds.Load().inrush.allow(a.from) { // it counts, whatever else is wrong with it
		bad = errTooFast
	}
	if wrong := checkHandshake(r); wrong != nil {
		d.refuse(a, cmp.Or(bad, wrong))
		return
	}
	if bad == nil {
		bad = d.enter(a.from, r)
	}
	if bad != nil {
		d.turnAway(a, r, bad)
		return
	}
	open, refused := e.config.Accept(r)
	if refused != nil {
		d.leave(a.from)
		d.turnAway(a, r, refused)
		return
	}
	extension, window := "", uint8(0)
	if e.config.Compress {
		extension, window = negotiateDeflate(r.Header["Sec-Websocket-Extensions"])
	}
	sock, secure, rest, nbErr := takeOver(a.stream, rest)
	if nbErr != nil {
		e.log.Warn("socket not taken over", "err", nbErr)
		open(closedConn(e, a.from)).Closed()
		d.leave(a.from)
		d.turnAway(a, r, errFull)
		return
	}
	c := &Conn{engine: e, sock: sock, secure: secure, from: a.from, maxMessage: e.config.MaxMessage}
	c.out.window = window
	if !a.since.IsZero() {
		e.returns.count(time.Since(a.since))
	}
	e.enter(c, switching(r, extension, e.config.Subprotocol(r)), rest, open)
}

// enter counts the connection of a valid WebSocket request in, or says why it may not come in. The caller answers it with leave.
func (d *door) enter(from netip.AddrPort, r *http.Request) error {
	e, b := d.engine, d.engine.bounds.Load()
	switch {
	case !AllowsOrigin(r, b.origins):
		return errOrigin
	case e.draining.Load():
		return errDraining
	case e.headroom.isFull.Load():
		return errMemory
	case b.accepts != nil && !b.accepts.Allow():
		return errBusy
	}
	if e.conns.Add(1) > int64(b.maxConns) {
		e.conns.Add(-1)
		return errFull
	}
	address := network(from.Addr())
	d.mu.Lock()
	defer d.mu.Unlock()
	if b.maxConnsPerIP > 0 && d.addresses[address] >= b.maxConnsPerIP {
		e.conns.Add(-1)
		return errTooMany
	}
	d.addresses[address]++
	return nil
}

// leave undoes enter.
func (d *door) leave(from netip.AddrPort) {
	address := network(from.Addr())
	d.mu.Lock()
	if d.addresses[address]--; d.addresses[address] == 0 {
		delete(d.addresses, address)
	}
	d.mu.Unlock()
	d.engine.conns.Add(-1)
}
