package engine

import (
	"fmt"
	"log/slog"
	"runtime"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/logging"
)

// newLoop makes nbio's engine: pollers only, level-triggered, read on the poller itself. Its listeners, its WebSocket
// and its Writev are not used (see doc.go).
func newLoop(e *Engine) *nbio.Engine {
	logging.SetLogger(loopLog{e.log})
	loop := nbio.NewEngine(nbio.Config{
		Name:           "throng",
		NPoller:        max(1, runtime.GOMAXPROCS(0)/2), // reading is the smaller half of the work; writing is the sessions'
		ReadBufferSize: 64 << 10,
		// A peer that half-closes is closed at once; read what it sent before, up to 4 MiB.
		MaxConnReadTimesPerEventLoop: 64,
	})
	loop.OnData(func(sock *nbio.Conn, b []byte) {
		if c, ok := sock.Session().(*Conn); ok {
			c.data(b)
		}
	})
	loop.OnWrittenSize(func(sock *nbio.Conn, _ []byte, n int) {
		if c, ok := sock.Session().(*Conn); ok {
			c.written(n)
		}
	})
	loop.OnClose(func(sock *nbio.Conn, _ error) {
		if c, ok := sock.Session().(*Conn); ok {
			c.lost()
		}
	})
	return loop
}

// loopLog brings nbio's log lines into ours.
type loopLog struct{ to *slog.Logger }

func (l loopLog) Debug(format string, v ...any) { l.to.Debug("loop", "msg", fmt.Sprintf(format, v...)) }
func (l loopLog) Info(format string, v ...any)  { l.Debug(format, v...) }
func (l loopLog) Warn(format string, v ...any)  { l.to.Warn("loop", "msg", fmt.Sprintf(format, v...)) }
func (l loopLog) Error(format string, v ...any) { l.to.Error("loop", "msg", fmt.Sprintf(format, v...)) }
