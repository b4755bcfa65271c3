package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"throng/deploy/config"
)

// listen opens the public listener and, unless it is turned off, the private one, or takes them from the process before.
func listen(settings config.Serve, from *Handover) (public, private net.Listener, err error) {
	// Accepted sockets get no TCP keep-alive: the WebSocket ping does its work, and a million of them would cost probes.
	config := net.ListenConfig{KeepAlive: -1, Control: shareAddr(settings)}
	public, err = from.listen(settings.Addr, func() (net.Listener, error) {
		return config.Listen(context.Background(), "tcp", settings.Addr)
	})
	if err != nil || settings.Admin == "" {
		return public, nil, err
	}
	private, err = from.listen(settings.Admin, func() (net.Listener, error) { return net.Listen("tcp", settings.Admin) })
	if err != nil {
		_ = public.Close()
		return nil, nil, fmt.Errorf("admin listener: %w", err)
	}
	return public, private, nil
}

// shareAddr lets several nodes of a cluster on one host listen on one address, among which the kernel spreads connections.
func shareAddr(settings config.Serve) func(network, address string, c syscall.RawConn) error {
	if settings.Nats == "" {
		return nil
	}
	return func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return errors.Join(err, failed)
	}
}

func closeAll(listeners ...net.Listener) {
	for _, l := range listeners {
		if l != nil {
			_ = l.Close()
		}
	}
}

// announce logs where the server listens, whatever the log level: scripts read the address there.
func announce(log *slog.Logger, settings config.Serve, addr net.Addr, version string) {
	line := slog.NewRecord(time.Now(), slog.LevelInfo, "throng is listening", 0)
	line.Add("addr", addr.String(), "url", pageURL(settings, addr), "version", version, "pid", os.Getpid())
	_ = log.Handler().Handle(context.Background(), line)
}

// pageURL is where a browser on this machine finds the page.
func pageURL(settings config.Serve, addr net.Addr) string {
	tcp := addr.(*net.TCPAddr)
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if settings.IsTLS() {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s/", scheme, net.JoinHostPort(host, fmt.Sprint(tcp.Port)))
}
