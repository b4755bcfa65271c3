package loadtest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// DefaultSources is how many addresses 127.0.0.x a swarm connects from when the server is on
// 127.0.0.0/8: each has its own 28,000 or so ephemeral ports.
const DefaultSources = 32

// Swarm is a number of simulated users on a few event loops. Its methods may be called from any
// goroutine, except that callbacks must not call Connect or Close, which wait for the loops.
type Swarm struct {
	conf  Config
	to    sync.Map      // string to *target: the servers by their HOST:PORT
	next  atomic.Uint64 // whose turn it is among sources and loops
	loops []*loop
	done  sync.WaitGroup
}

// New starts the loops of a swarm without users. The caller ends it with [Swarm.Close].
func New(conf Config) (*Swarm, error) {
	if err := conf.check(); err != nil {
		return nil, err
	}
	s := &Swarm{conf: conf}
	first, err := s.target(conf.Addr)
	if err != nil {
		return nil, err
	}
	if ip := first.at.Addr().Unmap(); len(conf.Sources) == 0 && ip.Is4() && ip.IsLoopback() {
		from := netip.AddrFrom4([4]byte{127, 0, 0, 2})
		for range DefaultSources {
			s.conf.Sources = append(s.conf.Sources, from)
			from = from.Next()
		}
	}
	for range max(conf.Loops, 1) {
		l, err := newLoop(s)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.loops = append(s.loops, l)
		s.done.Go(l.run)
	}
	return s, nil
}

// target is a server.
type target struct {
	addr string // HOST:PORT
	at   netip.AddrPort
	tls  *tls.Config // nil: plain ws
}

// target finds a server by its HOST:PORT, and asks for its address the first time.
func (s *Swarm) target(addr string) (*target, error) {
	if known, ok := s.to.Load(addr); ok {
		return known.(*target), nil
	}
	found, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("loadtest: %w", err)
	}
	if found.Port == 0 {
		return nil, fmt.Errorf("loadtest: address %q without a port", addr)
	}
	t := &target{addr: addr, at: found.AddrPort()}
	if s.conf.TLS != nil {
		if t.tls, err = s.conf.TLS.config(addr); err != nil {
			return nil, err
		}
	}
	s.to.Store(addr, t)
	return t, nil
}

// Connect opens a user's connection and waits until the server has upgraded it, or refused
// ([*RefusedError]), or ctx ends (then errors.Is finds ctx.Err()). With TLS the handshake is computed on
// the caller's goroutine, so that it delays no message of another user: as many callers, as many
// handshakes at a time. The path is sent as it stands and must be percent-encoded.
func (s *Swarm) Connect(ctx context.Context, id int, path string, opts ...Option) (*User, error) {
	o := options{addr: s.conf.Addr, receive: s.conf.ReceiveBuffer}
	for _, set := range opts {
		set(&o)
	}
	if err := checkHeader(o.header); err != nil {
		return nil, err
	}
	to, err := s.target(o.addr)
	if err != nil {
		return nil, err
	}
	turn := int(s.next.Add(1))
	var from netip.Addr
	if n := len(s.conf.Sources); n > 0 {
		from = s.conf.Sources[turn%n]
	}
	fd, err := connect(from, to.at, o.receive)
	if err != nil {
		return nil, err
	}
	l := s.loops[turn%len(s.loops)]
	opening := newOpening(&s.conf, to.addr, path, o.header)
	u := &User{ID: id, loop: l, opening: opening, fd: fd, stream: decoder{keep: s.conf.OnMessage != nil}}
	if to.tls != nil {
		u.secure = newSecure(u, to.tls)
		opening.secure = u.secure
	}
	if err := l.add(u); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	if err := u.open(ctx, opening); err != nil {
		u.Cut()
		return nil, err
	}
	return u, nil
}

// Received counts the text and binary messages that have come for all users.
func (s *Swarm) Received() uint64 {
	var sum uint64
	for _, l := range s.loops {
		sum += l.received.Load()
	}
	return sum
}

// Close cuts all users and waits until the loops have ended.
func (s *Swarm) Close() {
	for _, l := range s.loops {
		l.stop()
	}
	s.done.Wait()
}
