package loadtest

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// connect starts connecting a socket from one address to another and returns its descriptor. A receive
// buffer of 0 bytes is left to the kernel.
func connect(from netip.Addr, to netip.AddrPort, receive int) (fd int, err error) {
	family, remote := sockaddr(to)
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, explain(fmt.Errorf("loadtest: socket: %w", err))
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
		}
	}()
	if err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return -1, fmt.Errorf("loadtest: TCP_NODELAY: %w", err)
	}
	if receive > 0 {
		// Before the connection, because its window scale follows from it (tcp(7)).
		if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receive); err != nil {
			return -1, fmt.Errorf("loadtest: SO_RCVBUF: %w", err)
		}
	}
	if from.IsValid() {
		// With the port chosen at connect(2), one port serves several destinations (ip(7)).
		if err = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return -1, fmt.Errorf("loadtest: IP_BIND_ADDRESS_NO_PORT: %w", err)
		}
		_, local := sockaddr(netip.AddrPortFrom(from, 0))
		if err = unix.Bind(fd, local); err != nil {
			return -1, fmt.Errorf("loadtest: source address %v: %w", from, err)
		}
	}
	if err = unix.Connect(fd, remote); err != nil && err != unix.EINPROGRESS {
		if from.IsValid() {
			err = fmt.Errorf("from %v: %w", from, err)
		}
		return -1, explain(fmt.Errorf("loadtest: connect to %v %w", to, err))
	}
	return fd, nil
}

// explain adds what can be done to an error of a limit that load tests run into.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("%w: all its ports are in use; give more source addresses, or widen "+
			"net.ipv4.ip_local_port_range", err)
	case errors.Is(err, unix.EMFILE):
		return fmt.Errorf("%w: raise the limit of open files (ulimit -n), or use more processes", err)
	case errors.Is(err, unix.ENFILE):
		return fmt.Errorf("%w: raise fs.file-max", err)
	}
	return err
}

func sockaddr(a netip.AddrPort) (family int, sa unix.Sockaddr) {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}
