package engine

import (
	"fmt"
	"log/slog"
	"runtime"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/logging"
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
			c.receive(b)
		} else if b, ok := sock.Session().(*barrier); ok {
			b.passed()
		}
	})
	loop.OnWrittenSize(func(sock *nbio.Conn, _ []byte, n int) {
		if c := e.connOf(sock); c != nil {
			c.written(n)
		}
	})
	loop.OnClose(func(sock *nbio.Conn, _ error) {
		e.closed.Add(1) // nbio calls this before it gives the descriptor back
		if c := e.connOf(sock); c != nil {
			c.lost()
		}
	})
	var err error
	if e.barriers, err = newBarriers(loop, &e.closed); err != nil {
		return nil, err
	}
	if err = startPollers(loop); err != nil {
		closeBarriers(e.barriers)
		return nil, err
	}
	for _, b := range e.barriers {
		if err = b.begin(loop, e.stop); err != nil {
			go stopLoop(loop, e.barriers) // nobody waits: a poller that has yet to begin does not end
			return nil, err
		}
	}
	return loop, nil
}

// stopLoop ends the loop, and closes its sockets.
func stopLoop(loop *nbio.Engine, barriers []*barrier) {
	loop.Stop()
	closeBarriers(barriers)
}

// connOf is the connection on a socket; nil: none of ours. What the door did to the connection before AddConn happens
// before this by e.entered; nbio's own hand-over, by epoll, is not one that Go knows.
func (e *Engine) connOf(sock *nbio.Conn) *Conn {
	e.entered.Load()
	c, _ := sock.Session().(*Conn)
	return c
}

// loopLog brings nbio's complaints into our log.
type loopLog struct{ to *slog.Logger }

func (loopLog) Debug(string, ...any)            {}
func (loopLog) Info(string, ...any)             {}
func (l loopLog) Warn(format string, v ...any)  { l.to.Warn("loop", "msg", fmt.Sprintf(format, v...)) }
func (l loopLog) Error(format string, v ...any) { l.to.Error("loop", "msg", fmt.Sprintf(format, v...)) }
