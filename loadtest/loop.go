package loadtest

import (
	"encoding/binary"
	"errors"
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
	plain    []byte // what one TLS record holds; nil without TLS
	watch    watch
	received atomic.Uint64

	mu       sync.Mutex // guards what follows; never held while a user's mu is taken
	users    []*User    // by descriptor
	count    int        // users
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
	l := &loop{swarm: s, epoll: epoll, wake: wake, buf: make([]byte, readSize)}
	if s.conf.TLS != nil {
		l.plain = make([]byte, recordSize)
	}
	l.watch.tell, l.watch.now, l.watch.since = s.conf.OnStall, Now(), Now()
	return l, nil
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
		return fmt.Errorf("loadtest: epoll_ctl: %w", err)
	}
	l.count++
	return nil
}

// run is the loop's goroutine. It ends after stop.
func (l *loop) run() {
	defer l.release()
	events := make([]unix.EpollEvent, 1024)
	for {
		wait := l.patience()
		n, err := unix.EpollWait(l.epoll, events, int(wait.Milliseconds()))
		if err != nil && err != unix.EINTR {
			panic(fmt.Sprintf("loadtest: epoll_wait: %v", err)) // only a wrong descriptor can do that
		}
		l.watch.mark(wait)
		if n <= 0 {
			continue
		}
		begin := l.watch.now
		for _, e := range events[:n] {
			u, stopping := l.user(int(e.Fd))
			if stopping {
				return
			}
			if u != nil {
				l.serve(u, e.Events)
			}
		}
		l.watch.mark(0)
		l.watch.turned(begin)
		if rest := l.swarm.conf.Rest; rest > 0 {
			time.Sleep(rest)
			l.watch.mark(rest)
		}
	}
}

// patience is how long to wait for events: for ever if that is negative.
func (l *loop) patience() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == 0 {
		return -time.Millisecond
	}
	return patience
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
	if u.opening != nil && !u.opening.connected {
		if err := u.opening.check(u.fd); err != nil {
			l.drop(u, err)
			return
		}
	}
	u.flush()
	for !u.paused.Load() || events&ending != 0 {
		n, err := unix.Read(u.fd, l.buf)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return
		case err == nil && n == 0:
			err = l.end(u)
		}
		l.watch.mark(0)
		if err == nil {
			err = l.take(u, l.buf[:n])
			l.watch.mark(0)
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

// take brings what a read brought to the stream, through TLS where there is one.
func (l *loop) take(u *User, chunk []byte) error {
	if u.secure == nil {
		return l.feed(u, chunk)
	}
	return u.secure.take(chunk, l.plain, func(plain []byte) error { return l.feed(u, plain) })
}

// end is why a stream has ended: io.EOF, or what TLS had still to say.
func (l *loop) end(u *User) error {
	if u.secure != nil {
		if err := l.take(u, nil); err != nil {
			return err
		}
	}
	return io.EOF
}

// feed moves a user's stream on by one chunk. An error ends the user.
func (l *loop) feed(u *User, chunk []byte) error {
	if u.opening != nil {
		rest, err := u.readAnswer(chunk)
		if err != nil || rest == nil {
			return err
		}
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
				tell(u, l.watch.now, payload)
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
	u.fd, u.out, u.secure = -1, nil, nil
	u.mu.Unlock()

	l.mu.Lock()
	l.users[fd] = nil
	l.count--
	l.mu.Unlock()
	_ = unix.Close(fd)

	if u.opening != nil {
		u.opening.done <- early(err)
		u.opening = nil
		return
	}
	if f := l.swarm.conf.OnClose; f != nil {
		f(u, err)
	}
}

// early says of an end that the server's answer had not come, where the error alone would not.
func early(err error) error {
	if _, ok := errors.AsType[unix.Errno](err); ok || errors.Is(err, io.EOF) {
		return fmt.Errorf("loadtest: the connection ended before the server had answered: %w", err)
	}
	return err
}
