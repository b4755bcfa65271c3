package loadtest

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

const (
	// readSize is what one read(2) may bring, in bytes: a burst that piled up in a socket should
	// cost one system call.
	readSize = 256 << 10
	// interest never changes after a socket is registered, so there is one epoll_ctl(2) a user.
	// With edges, a read that came back short needs no second one to see EAGAIN (epoll(7)).
	interest = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET
	// ending are the events after which a socket is read until its end.
	ending = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
)

// loop is one epoll and the goroutine that waits on it. That goroutine alone reads the sockets,
// moves their streams on and closes their descriptors.
type loop struct {
	swarm    *Swarm
	epoll    int
	wake     int // an eventfd
	buf      []byte
	now      int64 // when the last read returned
	received atomic.Uint64

	mu       sync.Mutex // guards users and stopping; never held while a user's mu is taken
	users    []*User    // by descriptor
	stopping bool
}

func newLoop(s *Swarm) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("loadtest: epoll_create1: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(wake)})
	}
	if err != nil {
		_ = unix.Close(epoll)
		return nil, fmt.Errorf("loadtest: eventfd: %w", err)
	}
	return &loop{swarm: s, epoll: epoll, wake: wake, buf: make([]byte, readSize)}, nil
}

// add takes over a user whose socket is connecting. After an error the socket is the caller's still.
func (l *loop) add(u *User) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping {
		return ErrClosed
	}
	if short := u.fd + 1 - len(l.users); short > 0 {
		l.users = append(l.users, make([]*User, short)...)
	}
	l.users[u.fd] = u
	err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, u.fd, &unix.EpollEvent{Events: interest, Fd: int32(u.fd)})
	if err != nil {
		l.users[u.fd] = nil
	}
	return err
}

// run is the loop's goroutine. It ends after stop.
func (l *loop) run() {
	defer l.release()
	events := make([]unix.EpollEvent, 1024)
	for {
		n, err := unix.EpollWait(l.epoll, events, -1)
		if err != nil && err != unix.EINTR {
			panic(fmt.Sprintf("loadtest: epoll_wait: %v", err)) // only a wrong descriptor can do that
		}
		for i := range max(n, 0) {
			u, stopping := l.user(int(events[i].Fd))
			if stopping {
				return
			}
			if u != nil {
				l.serve(u, events[i].Events)
			}
		}
		if rest := l.swarm.conf.Rest; rest > 0 {
			time.Sleep(rest)
		}
	}
}

func (l *loop) user(fd int) (u *User, stopping bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if fd < len(l.users) {
		u = l.users[fd]
	}
	return u, l.stopping
}

func (l *loop) stop() {
	l.mu.Lock()
	l.stopping = true
	l.mu.Unlock()
	_, _ = unix.Write(l.wake, binary.NativeEndian.AppendUint64(nil, 1))
}

// release closes what the loop owns. No user can be added any more.
func (l *loop) release() {
	for _, u := range l.users {
		if u != nil {
			l.drop(u, ErrClosed)
		}
	}
	_ = unix.Close(l.epoll)
	_ = unix.Close(l.wake)
}

// serve handles one socket's events.
func (l *loop) serve(u *User, events uint32) {
	if u.opening != nil && !u.opening.asked {
		if err := u.ask(); err != nil {
			l.drop(u, err)
			return
		}
	}
	u.flush()
	for {
		n, err := unix.Read(u.fd, l.buf)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return
		case err == nil && n == 0:
			err = io.EOF
		}
		if err == nil {
			l.now = Now()
			err = l.feed(u, l.buf[:n])
		}
		if err != nil {
			l.drop(u, err)
			return
		}
		if n < len(l.buf) && events&ending == 0 {
			return
		}
	}
}

// feed moves a user's stream on by one chunk. An error ends the user.
func (l *loop) feed(u *User, chunk []byte) error {
	if u.opening != nil {
		rest, err := u.opening.read(chunk)
		if err != nil || rest == nil {
			return err
		}
		done := u.opening.done
		u.opening = nil
		done <- nil
		chunk = rest
	}
	count, err := l.messages(u, chunk)
	if count > 0 {
		u.received.Add(count)
		l.received.Add(count)
	}
	return err
}

// messages cuts a chunk of WebSocket stream and counts the messages in it.
func (l *loop) messages(u *User, chunk []byte) (count uint64, err error) {
	var (
		op      ws.OpCode
		payload []byte
		tell    = l.swarm.conf.OnMessage
	)
	for len(chunk) > 0 && err == nil {
		if op, payload, chunk, err = u.stream.next(chunk); err != nil {
			break
		}
		switch op {
		case ws.OpText, ws.OpBinary:
			count++
			if tell != nil {
				tell(u, l.now, payload)
			}
		case ws.OpPing:
			err = u.send(ws.OpPong, payload)
		case ws.OpClose:
			err = u.closed(payload)
		}
	}
	return count, err
}

// closed answers a close frame (RFC 6455, 5.5.1) and returns what it said.
func (u *User) closed(payload []byte) error {
	_ = u.send(ws.OpClose, payload)
	end := &CloseError{Code: ws.StatusNoStatusRcvd}
	if len(payload) >= 2 {
		end.Code = ws.StatusCode(binary.BigEndian.Uint16(payload))
		end.Reason = string(payload[2:])
	}
	return end
}

// drop ends a user and says so to whoever waits for it.
func (l *loop) drop(u *User, err error) {
	u.mu.Lock()
	fd := u.fd
	u.fd, u.out = -1, nil
	u.mu.Unlock()

	l.mu.Lock()
	l.users[fd] = nil
	l.mu.Unlock()
	_ = unix.Close(fd)

	if u.opening != nil {
		u.opening.done <- err
		u.opening = nil
		return
	}
	if f := l.swarm.conf.OnClose; f != nil {
		f(u, err)
	}
}
