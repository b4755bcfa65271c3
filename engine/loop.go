package engine

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/logging"
	"golang.org/x/sys/unix"
)

// startLoop starts nbio's engine: pollers only, level-triggered, read on the poller itself. Its listeners, its WebSocket
// and its Writev are not used (see doc.go).
func startLoop(e *Engine) (*nbio.Engine, error) {
	logging.SetLogger(loopLog{e.log})
	loop := nbio.NewEngine(nbio.Config{
		Name:           "throng",
		NPoller:        max(1, runtime.GOMAXPROCS(0)/2), // reading is the smaller half of the work; writing is the sessions'
		ReadBufferSize: 64 << 10,
		// A peer that half-closes is closed at once; read what it sent before, up to 4 MiB.
		MaxConnReadTimesPerEventLoop: 64,
	})
	loop.OnData(func(sock *nbio.Conn, b []byte) {
		if c := e.connOf(sock); c != nil {
			c.data(b)
		} else if p, ok := sock.Session().(probe); ok {
			p.begun <- sock.Hash() % loop.NPoller
		}
	})
	loop.OnWrittenSize(func(sock *nbio.Conn, _ []byte, n int) {
		if c := e.connOf(sock); c != nil {
			c.written(n)
		}
	})
	loop.OnClose(func(sock *nbio.Conn, _ error) {
		if c := e.connOf(sock); c != nil {
			c.lost()
		}
	})
	if err := loop.Start(); err != nil {
		return nil, err
	}
	return loop, awaitPollers(loop)
}

// connOf is the connection on a socket; nil: none of ours. What the door did to the connection before AddConn happens
// before this by e.entered; nbio's own hand-over, by epoll, is not one that Go knows.
func (e *Engine) connOf(sock *nbio.Conn) *Conn {
	e.entered.Load()
	c, _ := sock.Session().(*Conn)
	return c
}

// probe is the session of a socket that only shows that its poller runs.
type probe struct{ begun chan<- int }

// awaitPollers waits until every poller runs. One that is told to stop before it has begun never ends: its first act is to
// take back the order (nbio poller_epoll.go:224).
func awaitPollers(loop *nbio.Engine) error {
	begun := make(chan int)
	running := map[int]bool{}
	for len(running) < loop.NPoller { // nbio gives a socket to a poller by its descriptor, so that all get one in turn
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		far, near := os.NewFile(uintptr(pair[0]), "probe"), os.NewFile(uintptr(pair[1]), "probe")
		defer far.Close()
		conn, err := net.FileConn(near)
		near.Close()
		if err != nil {
			return err
		}
		sock, err := nbio.NBConn(conn)
		if err != nil {
			return err
		}
		sock.SetSession(probe{begun})
		if _, err := loop.AddConn(sock); err != nil {
			return err
		}
		defer sock.Close() //nolint:errcheck // it has served
		if _, err := far.Write([]byte{0}); err != nil {
			return err
		}
		running[<-begun] = true
	}
	return nil
}

// loopLog brings nbio's complaints into our log.
type loopLog struct{ to *slog.Logger }

func (loopLog) Debug(string, ...any)            {}
func (loopLog) Info(string, ...any)             {}
func (l loopLog) Warn(format string, v ...any)  { l.to.Warn("loop", "msg", fmt.Sprintf(format, v...)) }
func (l loopLog) Error(format string, v ...any) { l.to.Error("loop", "msg", fmt.Sprintf(format, v...)) }
