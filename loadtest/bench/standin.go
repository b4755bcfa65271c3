package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// bare is what the server is measured against: a WebSocket server that consists of system calls and
// as little as possible between them. It trusts its clients, has no queue and no limits, and gives up
// with an error when a socket is full. All of it runs on one thread, except for further writers.
type bare struct {
	listener int
	epoll    int
	open     []int  // descriptors that have shaken hands, in that order
	place    []int  // by descriptor: where it stands in open, or -1
	buf      []byte // what was read
	frame    []byte // what is written
	relay    bool   // a message goes to the sender's neighbour instead of to everyone
	writers  []chan write
	done     chan error
}

// write is one writer's share of a broadcast.
type write struct {
	frame []byte
	to    []int
}

// runBare serves for ever: kind is write or relay, threads how many threads write a broadcast.
func runBare(kind string, threads int, log io.Writer) error {
	runtime.LockOSThread()
	listener, addr, err := listen()
	if err != nil {
		return err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	b := &bare{
		listener: listener, epoll: epoll, relay: kind == "relay",
		buf: make([]byte, 1<<20), done: make(chan error, threads),
	}
	for range threads - 1 {
		work := make(chan write)
		b.writers = append(b.writers, work)
		go func() {
			runtime.LockOSThread()
			for w := range work {
				b.done <- writeAll(w)
			}
		}()
	}
	if err := b.watch(listener); err != nil {
		return err
	}
	fmt.Fprintf(log, "stand-in addr=%s\n", addr)
	return b.serve()
}

func listen() (fd int, addr string, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, "", err
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return -1, "", err
	}
	if err = unix.Listen(fd, 4096); err != nil {
		return -1, "", err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return -1, "", err
	}
	return fd, fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port), nil
}

func (b *bare) watch(fd int) error {
	return unix.EpollCtl(b.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

func (b *bare) serve() error {
	events := make([]unix.EpollEvent, 1024)
	for {
		n, err := unix.EpollWait(b.epoll, events, -1)
		if err != nil && err != unix.EINTR {
			return err
		}
		for i := range max(n, 0) {
			fd := int(events[i].Fd)
			if fd == b.listener {
				err = b.accept()
			} else {
				err = b.read(fd)
			}
			if err != nil {
				return err
			}
		}
	}
}

func (b *bare) accept() error {
	for {
		fd, _, err := unix.Accept4(b.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err == unix.EAGAIN {
			return nil
		}
		if err != nil {
			return err
		}
		for len(b.place) <= fd {
			b.place = append(b.place, -1)
		}
		b.place[fd] = -1
		// Go's listener does the same; without it a second small message waits for the
		// acknowledgement of the first.
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return err
		}
		if err := b.watch(fd); err != nil {
			return err
		}
	}
}

func (b *bare) read(fd int) error {
	n, err := unix.Read(fd, b.buf)
	if n <= 0 {
		// The client ends all its sockets together, when the measurement is over.
		return unix.Close(fd)
	}
	if err != nil {
		return err
	}
	if b.place[fd] < 0 {
		b.place[fd] = len(b.open)
		b.open = append(b.open, fd)
		return answer(fd, b.buf[:n])
	}
	for rest := b.buf[:n]; len(rest) > 0 && err == nil; {
		var payload []byte
		if payload, rest, err = unmask(rest); err == nil {
			err = b.pass(fd, payload)
		}
	}
	return err
}

// answer writes the 101 to a request that came whole.
func answer(fd int, request []byte) error {
	_, key, _ := bytes.Cut(request, []byte("Sec-WebSocket-Key: "))
	key, _, found := bytes.Cut(key, []byte("\r\n"))
	if !found {
		return errors.New("no handshake in one piece")
	}
	sum := sha1.Sum(append(key[:len(key):len(key)], "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	_, err := unix.Write(fd, fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:])))
	return err
}

// unmask cuts the first frame from a read and unmasks it in place.
func unmask(b []byte) (payload, rest []byte, err error) {
	header, err := ws.ReadHeader(bytes.NewReader(b))
	size := ws.HeaderSize(header)
	if err != nil || len(b) < size+int(header.Length) {
		return nil, nil, errors.New("a read ended within a frame")
	}
	payload, rest = b[size:size+int(header.Length)], b[size+int(header.Length):]
	ws.Cipher(payload, header.Mask, 0)
	return payload, rest, nil
}

// pass writes a message on, one write(2) a socket.
func (b *bare) pass(from int, payload []byte) error {
	b.frame = append(b.frame[:0], 0x80|byte(ws.OpText), 126)
	b.frame = binary.BigEndian.AppendUint16(b.frame, uint16(len(payload)))
	b.frame = append(b.frame, payload...)
	if b.relay {
		// With an odd number of sockets the last one is its own neighbour.
		at := b.place[from]
		return writeAll(write{b.frame, []int{b.open[min(at^1, len(b.open)-1)]}})
	}
	share := len(b.open) / (len(b.writers) + 1)
	rest := b.open
	for _, w := range b.writers {
		w <- write{b.frame, rest[:share]}
		rest = rest[share:]
	}
	err := writeAll(write{b.frame, rest})
	for range b.writers {
		err = errors.Join(err, <-b.done)
	}
	return err
}

func writeAll(w write) error {
	for _, fd := range w.to {
		if n, err := unix.Write(fd, w.frame); n < len(w.frame) {
			return fmt.Errorf("a socket took %d of %d bytes: %w", n, len(w.frame), err)
		}
	}
	return nil
}
