package engine

import (
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lesismal/nbio"
	"golang.org/x/sys/unix"
)

// barrier keeps a poller's past away from a new socket. A poller fetches events by the batch and looks a socket up by its
// descriptor's number only when an event's turn comes. A socket that another goroutine closes meanwhile leaves its number
// behind, and its end, which the batch still holds, would strike the newcomer who gets that number (nbio v1.6.12,
// poller_epoll.go, readWriteLoop; TestV2Neighbours in loadtest/accept). So a newcomer waits until the batch is done with:
// a byte through a socket of the poller's own shows that. It waits only if a socket was closed since the last time, and
// all who wait together need one byte. A byte that does not come back shows that the poller hangs.
type barrier struct {
	closed *atomic.Uint64 // grows before a socket's number is given back, and again after who is not the poller has done so
	far    *os.File       // what is written here comes to the poller
	near   *nbio.Conn     // by this

	mu      sync.Mutex // guards what follows; a leaf
	clean   uint64     // closed, when the last round that has come back was begun
	current *round     // its byte is under way; nil: none
	next    *round     // of those who came too late for it; nil: nobody
}

// round is one byte's way through the poller.
type round struct {
	begun uint64    // barrier.closed then
	since time.Time // when it was begun
	done  chan struct{}
}

// pass returns when nothing that the poller knows of is older than the call, or stop is closed.
func (b *barrier) pass(stop <-chan struct{}) {
	b.mu.Lock()
	if b.closed.Load() == b.clean {
		b.mu.Unlock()
		return
	}
	if b.next == nil {
		b.next = &round{done: make(chan struct{})}
	}
	waits := b.next
	b.send()
	b.mu.Unlock()
	select {
	case <-waits.done:
	case <-stop:
	}
}

// send sends the next round off, unless one is under way or nobody waits. The caller holds b.mu.
func (b *barrier) send() {
	if b.current != nil || b.next == nil {
		return
	}
	b.current, b.next = b.next, nil
	b.current.begun, b.current.since = b.closed.Load(), time.Now()
	_, _ = b.far.Write([]byte{0}) // fails only when the loop has ended, and then stop is closed
}

// passed is told by the poller that a byte has come.
func (b *barrier) passed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current == nil {
		return
	}
	b.clean = b.current.begun
	close(b.current.done)
	b.current = nil
	b.send()
}

// knock has a byte under way. It never blocks.
func (b *barrier) knock() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current == nil {
		b.next = &round{done: make(chan struct{})}
		b.send()
	}
}

// silence is how long the poller has not brought back the byte that is under way; 0: there is none.
func (b *barrier) silence() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current == nil {
		return 0
	}
	return time.Since(b.current.since)
}

// newBarriers makes a barrier for each poller of a loop that has not begun.
func newBarriers(loop *nbio.Engine, closed *atomic.Uint64) ([]*barrier, error) {
	barriers := make([]*barrier, loop.NPoller)
	for missing := loop.NPoller; missing > 0; { // nbio gives a socket to a poller by its descriptor, so that all get one in turn
		b, err := newBarrier(closed)
		if err != nil {
			closeBarriers(barriers)
			return nil, err
		}
		at := b.near.Hash() % loop.NPoller
		if barriers[at] != nil {
			defer b.close() // its number is taken until there is one of the others
			continue
		}
		barriers[at] = b
		missing--
	}
	return barriers, nil
}

// newBarrier makes one, which is for the poller that its near socket's descriptor says.
func newBarrier(closed *atomic.Uint64) (*barrier, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	b := &barrier{closed: closed, far: os.NewFile(uintptr(pair[0]), "barrier")}
	near := os.NewFile(uintptr(pair[1]), "barrier")
	defer near.Close()
	conn, err := net.FileConn(near)
	if err == nil {
		if b.near, err = adopt(conn); err != nil {
			_ = conn.Close()
		}
	}
	if err != nil {
		_ = b.far.Close()
		return nil, err
	}
	b.near.SetSession(b)
	return b, nil
}

// begin gives the barrier to its poller, and waits until that runs. One that is told to stop before it has begun never ends: its
// first act is to take back the order (nbio poller_epoll.go:224).
func (b *barrier) begin(loop *nbio.Engine, stop <-chan struct{}) error {
	if _, err := loop.AddConn(b.near); err != nil {
		return err
	}
	b.clean = b.closed.Load() + 1 // not clean: pass waits for the poller
	b.pass(stop)
	return nil
}

func (b *barrier) close() {
	_ = b.near.Close()
	_ = b.far.Close()
}

// closeBarriers closes those that there are.
func closeBarriers(barriers []*barrier) {
	for _, b := range barriers {
		if b != nil {
			b.close()
		}
	}
}
