package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sys/unix"
)

// embedded is a NATS server within this process.
type embedded struct {
	server *server.Server
	secret string // of user
	listen bool
}

// startServer starts a server and waits until clients may connect; whether JetStream has a quorum is seen by its users.
func startServer(ctx context.Context, config Config, logger *slog.Logger) (*embedded, error) {
	options, err := serverOptions(config)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("the embedded NATS server: %w", err)
	}
	fatal := make(chan error, 1)
	s.SetLoggerV2(&serverLogger{logger, fatal}, false, false, false)
	s.Start()
	e := &embedded{s, options.Password, config.Listen != ""}
	for !s.ReadyForConnections(50 * time.Millisecond) {
		select {
		case err = <-fatal:
		case <-ctx.Done():
			err = ctx.Err()
		default:
			continue
		}
		e.shutdown()
		return nil, fmt.Errorf("the embedded NATS server: %w", err)
	}
	return e, nil
}

// user is who nodes are to the servers.
const user = "throng"

// overhead is what a stored message has besides its body, in bytes, at most.
const overhead = 64 << 10

func serverOptions(config Config) (*server.Options, error) {
	if config.Dir == "" {
		return nil, errors.New("the embedded NATS server needs a folder")
	}
	if (config.ClusterListen == "") != (len(config.Routes) == 0) {
		return nil, errors.New("a cluster of embedded servers needs both an address to listen on and routes to the others")
	}
	name, err := serverName(config.Dir)
	if err != nil {
		return nil, err
	}
	o := &server.Options{
		ServerName: name,
		NoSigs:     true,
		JetStream:  true,
		StoreDir:   config.Dir,
		SyncAlways: config.Sync == 0,
		MaxPayload: int32(max(config.MaxMessage+overhead, server.MAX_PAYLOAD_SIZE)),

		// A server that is away is told of once a minute, and not four times a second.
		ConnectErrorReports:   240,
		ReconnectErrorReports: 240,

		DisableJetStreamBanner: true,
	}
	if o.JetStreamMaxStore, err = space(config.Dir); err != nil {
		return nil, err
	}
	if o.Password = config.Secret; config.Listen == "" {
		o.Password = rand.Text() // nobody but this process has any business there
	}
	if o.Password != "" {
		o.Username = user
	}
	if config.Sync != 0 {
		o.SyncInterval = config.Sync
	}
	listen := config.Listen
	if listen == "" && config.ClusterListen != "" {
		listen = "127.0.0.1:0" // the server makes no routes before it has a listener for clients
	}
	if listen == "" {
		o.DontListen = true
	} else if o.Host, o.Port, err = address(listen); err != nil {
		return nil, err
	}
	if config.ClusterListen == "" {
		return o, nil
	}
	return o, routeOptions(o, config)
}

// routeOptions are those of a server that stores together with others.
func routeOptions(o *server.Options, config Config) (err error) {
	o.Cluster.Name = "throng"
	if o.Cluster.Host, o.Cluster.Port, err = address(config.ClusterListen); err != nil {
		return err
	}
	if config.Secret != "" {
		o.Cluster.Username, o.Cluster.Password = user, config.Secret
	}
	// A route that says nothing is given up after about four seconds.
	o.Cluster.PingInterval, o.Cluster.MaxPingsOut = 2*time.Second, 2
	for _, route := range config.Routes {
		u, err := url.Parse(route)
		if err != nil || u.Host == "" {
			return fmt.Errorf("a route must be like nats://host:6222, and is %q", route)
		}
		if config.Secret != "" && u.User == nil {
			u.User = url.UserPassword(user, config.Secret)
		}
		o.Routes = append(o.Routes, u)
	}
	return nil
}

// reserve is how many bytes stay free on the disk.
const reserve = 64 << 20

// space is how many bytes JetStream may have on the disk: what it has, and what is free there but for the reserve. Its own default is three
// quarters of what is free, and a server that has more by the time of its next start does not start.
func space(dir string) (int64, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	var used int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().IsRegular() {
			used += info.Size()
		}
		return err
	})
	var disk unix.Statfs_t
	if err == nil {
		err = unix.Statfs(dir, &disk)
	}
	free := int64(disk.Bavail) * disk.Bsize
	return used + max(free-reserve, 1<<20), err
}

// serverName is a server's name, by which JetStream's quorum knows it. It is drawn once and stays with the files.
func serverName(dir string) (string, error) {
	file := filepath.Join(dir, "name")
	if name, err := os.ReadFile(file); err == nil && len(name) > 0 {
		return strings.TrimSpace(string(name)), nil
	}
	name := "throng-" + rand.Text()[:10]
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return name, os.WriteFile(file, []byte(name+"\n"), 0o600)
}

// address splits host:port as the server wants it, which calls any port -1. It tries to listen there first: a server that
// cannot would not shut down any more.
func address(listen string) (host string, port int, err error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return "", 0, err
	}
	l.Close()
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, err
	}
	if text == "0" {
		return host, server.RANDOM_PORT, nil
	}
	return host, l.Addr().(*net.TCPAddr).Port, nil
}

func (e *embedded) addr() string {
	if !e.listen {
		return ""
	}
	return e.server.Addr().String()
}

// shutdown hands what this server leads to others, writes its files out and returns when all of it has ended.
func (e *embedded) shutdown() {
	e.server.Shutdown()
	e.server.WaitForShutdown()
}

// serverLogger gives what the server logs to ours, a step quieter: its notices are details here.
type serverLogger struct {
	logger *slog.Logger
	fatal  chan<- error // what keeps it from starting; the first is kept
}

func (l *serverLogger) Fatalf(format string, v ...any) {
	l.Errorf(format, v...)
	select {
	case l.fatal <- fmt.Errorf(format, v...):
	default:
	}
}

func (l *serverLogger) Errorf(format string, v ...any)  { l.log(slog.LevelError, format, v) }
func (l *serverLogger) Warnf(format string, v ...any)   { l.log(slog.LevelWarn, format, v) }
func (l *serverLogger) Noticef(format string, v ...any) { l.log(slog.LevelDebug, format, v) }
func (l *serverLogger) Debugf(string, ...any)           {}
func (l *serverLogger) Tracef(string, ...any)           {}

func (l *serverLogger) log(level slog.Level, format string, v []any) {
	if l.logger.Enabled(context.Background(), level) {
		l.logger.Log(context.Background(), level, "nats-server: "+fmt.Sprintf(format, v...))
	}
}
