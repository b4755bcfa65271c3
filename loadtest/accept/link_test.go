package accept

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// link is a line to a server that can be cut and be slow. What is under way when it is cut waits until it is healed, as TCP
// would send it again then, and so does the news that one side has hung up. Any goroutine may use it.
type link struct {
	l    net.Listener
	call func() (net.Conn, error)

	bytes atomic.Int64 // that came out of it, at the side that called
	delay atomic.Int64 // nanoseconds that each piece takes

	mu    sync.Mutex // guards what follows
	open  chan struct{}
	conns map[net.Conn]bool
	ended bool
}

// caller calls an address from an IP of this machine; nil: any.
func caller(to string, from net.IP) func() (net.Conn, error) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	if from != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: from}
	}
	return func() (net.Conn, error) { return dialer.Dial("tcp", to) }
}

// newLink is a line that listens on an IP of this machine, and calls whom it is to call for each one who calls it.
func newLink(t *testing.T, host string, call func() (net.Conn, error)) *link {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	k := &link{l: l, call: call, open: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(k.open)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { k.carry(conn) })
		}
	})
	t.Cleanup(func() {
		k.end()
		running.Wait()
	})
	return k
}

func (k *link) addr() string { return k.l.Addr().String() }

// cut has nothing pass until heal.
func (k *link) cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.open:
		k.open = make(chan struct{})
	default:
	}
}

func (k *link) heal() {
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.open:
	default:
		close(k.open)
	}
}

// slow has each piece take so long; 0: no time.
func (k *link) slow(delay time.Duration) { k.delay.Store(int64(delay)) }

// end hangs up for good.
func (k *link) end() {
	k.heal()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ended = true
	k.l.Close()
	for conn := range k.conns {
		conn.Close()
	}
}

// hangUp ends the calls to an address.
func (k *link) hangUp(addr string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for conn := range k.conns {
		if conn.RemoteAddr().String() == addr {
			conn.Close()
		}
	}
}

// pass waits until the line is not cut.
func (k *link) pass() {
	k.mu.Lock()
	open := k.open
	k.mu.Unlock()
	<-open
}

// keep notes a connection, to be closed in the end; false when it is the end already.
func (k *link) keep(conn net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conns[conn] = true
	return !k.ended
}

// drop closes a connection.
func (k *link) drop(conn net.Conn) {
	conn.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.conns, conn)
}

// carry calls for one who has called, and carries what both say.
func (k *link) carry(caller net.Conn) {
	defer k.drop(caller)
	k.pass()
	called, err := k.call()
	if err != nil {
		return
	}
	defer k.drop(called)
	if !k.keep(caller) || !k.keep(called) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		k.copy(caller, called, &k.bytes)
		caller.Close()
	})
	k.copy(called, caller, new(atomic.Int64))
	called.Close()
	back.Wait()
}

// copy carries one way until there is no more.
func (k *link) copy(to io.Writer, from io.Reader, count *atomic.Int64) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if delay := time.Duration(k.delay.Load()); delay > 0 && n > 0 {
			time.Sleep(delay) // the line's own slowness, not a wait for something
		}
		k.pass()
		if n > 0 {
			count.Add(int64(n))
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
