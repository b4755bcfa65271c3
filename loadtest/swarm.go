package loadtest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// defaultSources is how many addresses 127.0.0.x a swarm connects from when the server is on
// 127.0.0.0/8: each has its own 28,000 or so ephemeral ports.
const defaultSources = 32

// Config says how a [Swarm] works. Callbacks run on a user's loop: they must not block, and may call
// the methods of users.
type Config struct {
	// Addr is the server's HOST:PORT.
	Addr string
	// Sources are the local addresses, taken in turn. None: 32 addresses from 127.0.0.2 on towards
	// a server on 127.0.0.0/8, else what the routing table chooses.
	Sources []netip.Addr
	// Loops is the number of event loops, each a thread; 0 means 1. One makes about 300,000
	// reads a second.
	Loops int
	// Rest is how long a loop sleeps after each turn, so that more lies ready at the next and the
	// server is not made to wake the client for every write. It adds to latency. 0 means none.
	Rest time.Duration
	// OnMessage gets each text or binary message. At is when it was read, on the clock of [Now].
	// The payload is the loop's buffer: it is valid until the callback returns. Without OnMessage
	// payloads are skipped and only counted.
	OnMessage func(u *User, at int64, payload []byte)
	// OnClose is told of each connected user whose socket has ended, and why: a [*CloseError],
	// io.EOF, [ErrClosed] after [Swarm.Close], or an error of the socket or the stream.
	OnClose func(u *User, err error)
}

// Swarm is a number of simulated users on a few event loops. Its methods may be called from any
// goroutine, except that callbacks must not call Connect or Close, which wait for the loops.
type Swarm struct {
	conf  Config
	to    netip.AddrPort
	turn  atomic.Uint64 // whose turn it is among sources and loops
	loops []*loop
	done  sync.WaitGroup
}

// New starts the loops of a swarm without users. The caller ends it with [Swarm.Close].
func New(conf Config) (*Swarm, error) {
	addr, err := net.ResolveTCPAddr("tcp", conf.Addr)
	if err != nil {
		return nil, fmt.Errorf("loadtest: %w", err)
	}
	if addr.Port == 0 {
		return nil, fmt.Errorf("loadtest: address %q without a port", conf.Addr)
	}
	s := &Swarm{conf: conf, to: addr.AddrPort()}
	if ip := s.to.Addr().Unmap(); len(conf.Sources) == 0 && ip.Is4() && ip.IsLoopback() {
		from := netip.AddrFrom4([4]byte{127, 0, 0, 2})
		for range defaultSources {
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

// Connect opens a user's connection and waits until the server has upgraded it, or refused
// ([*RefusedError]), or ctx ends. The path is sent as it stands and must be percent-encoded.
func (s *Swarm) Connect(ctx context.Context, id int, path string) (*User, error) {
	turn := int(s.turn.Add(1))
	var from netip.Addr
	if n := len(s.conf.Sources); n > 0 {
		from = s.conf.Sources[turn%n]
	}
	fd, err := connect(from, s.to)
	if err != nil {
		return nil, err
	}
	l := s.loops[turn%len(s.loops)]
	o := newOpening(s.conf.Addr, path)
	u := &User{ID: id, loop: l, opening: o, fd: fd, stream: decoder{keep: s.conf.OnMessage != nil}}
	if err := l.add(u); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	select {
	case err = <-o.done:
	case <-ctx.Done():
		u.Cut()
		err = ctx.Err()
	}
	if err != nil {
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

// start ties the clock of Now to the wall clock once.
var start = time.Now()

// Now is the time in nanoseconds since 1970, on a clock that never steps: programs on one machine
// that have just started agree on it, and differences within one program are exact.
func Now() int64 { return start.UnixNano() + int64(time.Since(start)) }
