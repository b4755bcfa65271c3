package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lesismal/nbio"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is what an Engine is made of. Zero values mean the defaults that stand beside them.
type Config struct {
	// Accept decides whether a valid WebSocket request may come in, before the 101. It runs on a goroutine of its own
	// and may wait a little. Its error's text is the refusal's body, and its Status() int, where it has one, the HTTP
	// status (else 500). Required.
	Accept func(*http.Request) (Open, error)
	// IsSocket tells the paths that Accept serves. A WebSocket request elsewhere goes to Pages. Required.
	IsSocket func(path string) bool
	// Pages answers every request that is not a WebSocket request for a socket path. nil: 404.
	Pages http.Handler
	// Subprotocol chooses the subprotocol of a WebSocket request that Accept has let in, which must be one that it
	// [Offers]; "" for none. nil: never one.
	Subprotocol func(*http.Request) string
	// Refused may have a client refused after the upgrade, since a browser's page cannot read how a handshake was
	// answered: it returns a last text message, which may be empty, and the close code; code 0 refuses by HTTP. It is
	// asked for valid WebSocket requests of socket paths only. nil: always by HTTP.
	Refused func(r *http.Request, status int) (text []byte, code uint16)
	// Origins are allowed Origin headers beside the same origin; "*" allows any. A request without Origin comes from
	// no browser and is allowed.
	Origins []string

	MaxMessage    int           // bytes after decompression; 0 = 64 KiB
	Queue         int           // bytes that may wait for one connection; 0 = 1 MiB
	MaxConns      int           // WebSocket connections; 0 = what the open-file limit allows, less a reserve
	MaxConnsPerIP int           // per address, of IPv6 per /64; 0 = no limit
	ConnectRate   float64       // new connections a second per address, counted likewise; 0 = no limit
	ConnectBurst  int           // of them at once; 0 = 1
	AcceptRate    float64       // WebSocket connections a second in all; 0 = no limit
	MaxMemory     int           // bytes of the process; near them newcomers are refused; 0 = no limit
	MaxHandshakes int           // requests whose head is being read, at once; 0 = 1/16 of the open-file limit, 64 to 4,096
	Ping          time.Duration // a connection silent for this long is pinged, for twice this closed; 0 = 25 s
	HeadTimeout   time.Duration // for a request's head to arrive; 0 = 10 s
	CloseTimeout  time.Duration // for the peer to answer a close frame; 0 = 2 s
	Compress      bool          // permessage-deflate for those who offer it
	// TLS makes the engine speak TLS 1.2 and 1.3 on its listeners, and nothing else. Its certificates may change all the time
	// (GetCertificate). A client that chooses another protocol of NextProtos than http/1.1 gets the handshake only, as
	// certificate authorities want it. nil: plain.
	TLS *tls.Config
	Log *slog.Logger // nil = slog.Default()

	// Proxies are networks whose word is taken where their clients are: by X-Forwarded-For, and, with ProxyProtocol, by the
	// PROXY header of version 1 or 2 that they must send first. Others' X-Forwarded-For means nothing, and their PROXY
	// header is refused.
	Proxies       []netip.Prefix
	ProxyProtocol bool

	// Heirs is how many other servers take this one's connections when it drains. nil: none.
	Heirs func() int

	Metrics prometheus.Registerer // gets what is counted, under names that begin with throng_engine_; nil: nobody does
}

func (c *Config) setDefaults() {
	files := openFileLimit()
	setDefault(&c.MaxMessage, 64<<10)
	setDefault(&c.Queue, 1<<20)
	setDefault(&c.MaxHandshakes, min(max(files/16, 64), 4096))
	setDefault(&c.MaxConns, max(files-2*c.MaxHandshakes-reservedFiles, 16))
	setDefault(&c.Ping, 25*time.Second)
	setDefault(&c.HeadTimeout, 10*time.Second)
	setDefault(&c.CloseTimeout, 2*time.Second)
	if c.Subprotocol == nil {
		c.Subprotocol = func(*http.Request) string { return "" }
	}
	if c.Refused == nil {
		c.Refused = func(*http.Request, int) ([]byte, uint16) { return nil, 0 }
	}
	if c.Heirs == nil {
		c.Heirs = func() int { return 0 }
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Pages == nil {
		c.Pages = http.NotFoundHandler()
	}
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Engine serves WebSocket connections on event loops. Its methods may be called from any goroutine.
type Engine struct {
	config Config
	log    *slog.Logger
	loop   *nbio.Engine
	door   *door

	metrics *metrics
	bounds  atomic.Pointer[bounds]

	epoch    time.Time
	clock    atomic.Int64 // milliseconds since epoch, at least 1; kept by sweep
	conns    atomic.Int64 // live connections, those being upgraded included
	slow     atomic.Int64 // connections closed as too slow, ever
	draining atomic.Bool
	heirs    atomic.Int32 // servers that take the connections when this one drains

	complaints complaints
	returns    *returns
	headroom   *headroom
	rush       rush

	tables   [tables]table
	entered  atomic.Uint32 // connections that the door has handed to the loop, ever
	closing  closers
	writable *flusher

	barriers []*barrier    // by poller
	closed   atomic.Uint64 // sockets, ever

	stop    chan struct{}
	stopped sync.Once
	running sync.WaitGroup
}

// New starts the loops. The caller ends them with Shutdown.
func New(config Config) (*Engine, error) {
	if config.Accept == nil || config.IsSocket == nil {
		return nil, errors.New("engine: Accept and IsSocket are required")
	}
	config.setDefaults()
	config.TLS = secureConfig(config.TLS)
	e := &Engine{
		config:   config,
		log:      config.Log,
		epoch:    time.Now(),
		writable: newFlusher(),
		stop:     make(chan struct{}),
	}
	e.clock.Store(1)
	e.complaints.log = e.log
	e.returns = newReturns(runtime.GOMAXPROCS(0), config.AcceptRate)
	e.headroom = newHeadroom(config.MaxMemory)
	e.bounds.Store(newBounds(config))
	e.door = newDoor(e)
	e.metrics = newMetrics(e, config.Metrics)
	loop, err := startLoop(e)
	if err != nil {
		return nil, err
	}
	e.loop = loop
	e.running.Go(e.sweep)
	e.running.Go(func() { e.writable.run(e.stop) })
	e.running.Go(e.door.servePages)
	return e, nil
}

// Serve accepts connections from l, which must give *net.TCPConn, until Shutdown; then it returns nil. It closes l.
func (e *Engine) Serve(l net.Listener) error { return e.door.serve(l) }

// StopAccepting closes the listeners, so that Serve returns, and lets those in who are asking already, if their request comes within
// a second, and until ctx ends. It is for a server whose listeners another process has too: who connects from now on is that one's.
func (e *Engine) StopAccepting(ctx context.Context) { e.door.stopAccepting(ctx) }

// Conns is the number of live WebSocket connections.
func (e *Engine) Conns() int { return int(e.conns.Load()) }

// TooSlow is how many connections were closed with 4008 since New.
func (e *Engine) TooSlow() int { return int(e.slow.Load()) }

// MaxConns is how many WebSocket connections there may be.
func (e *Engine) MaxConns() int { return e.bounds.Load().maxConns }

// Memory is how many bytes the process had in use when last looked, and its limit, 0: there is none, and then it is not looked; isFull is that
// newcomers are refused because of it.
func (e *Engine) Memory() (used, limit uint64, isFull bool) {
	return e.headroom.used.Load(), e.headroom.limit, e.headroom.isFull.Load()
}

// Hangs is nil unless the sweep, by which connections are timed, or an event loop, which reads them, has stood still for so long. An event
// loop is tried once a second, and a busy one may take a while: long is best a few seconds. It never blocks.
func (e *Engine) Hangs(long time.Duration) error {
	if still := time.Duration(e.now()) - time.Duration(e.clock.Load())*time.Millisecond; still > long {
		return fmt.Errorf("engine: the sweep has stood still for %v", still.Round(time.Millisecond))
	}
	for i, b := range e.barriers {
		if still := b.silence(); still > long {
			return fmt.Errorf("engine: event loop %d has stood still for %v", i, still.Round(time.Millisecond))
		}
	}
	return nil
}

// Draining reports whether newcomers are refused.
func (e *Engine) Draining() bool { return e.draining.Load() }

// Shutdown refuses newcomers, lets every connection have what is queued for it and a close frame with 4001, and
// waits until all are gone or ctx ends; then it cuts off the rest and ends the loops. It returns ctx's error if it had to
// cut anybody off.
func (e *Engine) Shutdown(ctx context.Context) error {
	e.Drain()
	e.sendAway(ctx)
	err := e.waitEmpty(ctx)
	e.stopped.Do(func() {
		close(e.stop)
		e.door.close()
		stopLoop(e.loop, e.barriers)
	})
	e.running.Wait()
	return err
}

// waitEmpty waits until no connection is left.
func (e *Engine) waitEmpty(ctx context.Context) error {
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for e.conns.Load() > 0 {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// now is the time since New, in nanoseconds.
func (e *Engine) now() int64 { return int64(time.Since(e.epoch)) }

// enter takes an upgraded socket into service: response is the 101, rest what the client has sent after its request.
// It calls open, whatever becomes of the socket.
func (e *Engine) enter(c *Conn, response, rest []byte, open Open) {
	sock := c.sock.(*nbio.Conn)
	if c.secure != nil {
		c.secure.conn, c.secure.door = c, nil
	}
	c.id, c.opened = e.metrics.enter(), e.clock.Load()
	c.reads, c.sends = uint8(rand.Uint32()), uint8(rand.Uint32()) // those who entered together are not sampled together
	sock.SetSession(c)
	c.start(open)
	c.logOpen()
	if len(rest) > 0 {
		c.data(rest)
	}
	c.heard.Store(e.clock.Load())
	e.tableOf(c).add(c)
	if e.draining.Load() {
		c.sendAway() // it came in while Shutdown was telling the others
	}
	e.entered.Add(1)
	e.barriers[sock.Hash()%len(e.barriers)].pass(e.stop)
	if _, err := e.loop.AddConn(sock); err != nil {
		e.log.Warn("connection not taken into the loop", "remote", c.from.String(), "err", err)
		c.lost()
		return
	}
	c.attach(response)
}

// forget gives back what a lost connection held.
func (e *Engine) forget(c *Conn) {
	e.tableOf(c).remove(c)
	e.door.leave(c.from)
}
