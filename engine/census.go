package engine

import (
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"
)

// tally is what was sent to one connection, or to several.
type tally struct {
	writes uint32 // system calls
	frames uint32 // messages, wholly written
	bytes  uint64
}

// census counts all connections when the metrics are read: it visits each one, a tenth of a microsecond at a time, so that
// sending costs nothing but an addition.
type census struct{ engine *Engine }

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("throng_engine_"+name, help, nil, nil)
}

var (
	descWrites     = describe("writes_total", "System calls that wrote to clients.")
	descFrames     = describe("sent_frames_total", "Messages that were wholly written to clients.")
	descBytes      = describe("sent_bytes_total", "Bytes that were written to clients after their handshakes, before TLS.")
	descSlow       = describe("slow_readers_total", "Connections that were closed as too slow a reader (4008), because their queue was full.")
	descConns      = describe("connections", "WebSocket connections, those that are closing included.")
	descMaxConns   = describe("connections_limit", "WebSocket connections that there may be.")
	descQueued     = describe("queued_bytes", "Bytes that wait for clients, in queues and for sockets.")
	descHandshakes = describe("handshakes", "Connections whose request is awaited.")
	descAccept     = describe("accept_queue", "Connections that the kernel has accepted and the server has not taken yet.")
	descDraining   = describe("draining", "1 while newcomers are refused because the server is about to stop.")
)

// Describe implements prometheus.Collector.
func (census) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descWrites, descFrames, descBytes, descSlow, descConns, descMaxConns, descQueued,
		descHandshakes, descAccept, descDraining} {
		to <- d
	}
}

// Collect implements prometheus.Collector. Any goroutine may call it.
func (s census) Collect(to chan<- prometheus.Metric) {
	e := s.engine
	queued := e.visitAll()
	sent := e.metrics.gone.read()
	count := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value)
	}
	gauge := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	count(descWrites, float64(sent.writes))
	count(descFrames, float64(sent.frames))
	count(descBytes, float64(sent.bytes))
	count(descSlow, float64(e.slow.Load()))
	gauge(descConns, float64(e.conns.Load()))
	gauge(descMaxConns, float64(e.MaxConns()))
	gauge(descQueued, float64(queued))
	gauge(descHandshakes, float64(e.door.underWay()))
	gauge(descAccept, float64(e.door.acceptQueue()))
	draining := 0.0
	if e.draining.Load() {
		draining = 1
	}
	gauge(descDraining, draining)
}

// visitAll takes what all connections have sent since they were visited last, and returns what waits for them, in bytes.
func (e *Engine) visitAll() (queued int64) {
	var found []*Conn
	for i := range e.tables {
		found = e.tables[i].collect(found[:0], func(*Conn) bool { return true })
		for _, c := range found {
			c.mu.Lock()
			queued += int64(c.out.bytes) + max(0, c.pending.Load()%inWrite)
			e.metrics.gone.add(&c.out.sent)
			c.mu.Unlock()
		}
	}
	return queued
}

// total is the sum of tallies, which alone could overflow.
type total struct{ writes, frames, bytes uint64 }

// add takes what a tally has.
func (g *goneTally) add(t *tally) {
	g.mu.Lock()
	g.sent.writes += uint64(t.writes)
	g.sent.frames += uint64(t.frames)
	g.sent.bytes += t.bytes
	g.mu.Unlock()
	*t = tally{}
}

func (g *goneTally) read() total {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sent
}

// underWay is how many requests are awaited.
func (d *door) underWay() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reading.Len()
}

// acceptQueue is how many connections wait in the kernel to be accepted.
func (d *door) acceptQueue() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.listeners {
		socket, ok := l.(syscall.Conn)
		if !ok {
			continue
		}
		raw, err := socket.SyscallConn()
		if err != nil {
			continue
		}
		_ = raw.Control(func(fd uintptr) { // a listener that is closed has no queue
			// Of a listening socket Unacked is the length of its accept queue (tcp(7), Linux).
			if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
				n += int(info.Unacked)
			}
		})
	}
	return n
}
