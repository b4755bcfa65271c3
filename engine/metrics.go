package engine

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics is what the engine counts. Its names begin with throng_engine_. What is counted for every write
// stands in its connection (outbox.sent), without an atomic operation, and is added up when somebody asks or the connection
// goes; see census.go.
type metrics struct {
	refused      *prometheus.CounterVec // connections that were not let in, by status and reason
	misforwarded prometheus.Counter     // X-Forwarded-For of trusted proxies that could not be read
	entered      prometheus.Counter     // connections that were let in
	ids          atomic.Uint64          // of connections, given out
	closed       *prometheus.CounterVec // connections that began to close, by code and side
	received     *prometheus.CounterVec // whole messages and control frames from clients, by kind
	bytes        prometheus.Counter     // from clients, after TLS, after the handshake
	stage        *prometheus.HistogramVec

	text, binary, control prometheus.Counter // of received
	stages                stages

	gone goneTally // of connections that are gone, and of the others until the last census
}

// stages are the parts of a message's way through the engine whose time is taken, of one in sampleOne.
type stages struct{ read, queue, write prometheus.Observer }

// goneTally is what was sent to connections.
type goneTally struct {
	mu   sync.Mutex // guards sent; a leaf
	sent total
}

// timeBuckets double, from 4 µs to 8 s.
var timeBuckets = prometheus.ExponentialBuckets(4e-6, 2, 22)

// newMetrics registers what there is with a registry, which has no other engine's; nil: it is counted all the same.
func newMetrics(e *Engine, to prometheus.Registerer) *metrics {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "throng_engine_" + name, Help: help}, labels)
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "throng_engine_" + name, Help: help})
	}
	m := &metrics{
		refused:      vec("refused_total", "Connections that were not let in, by the HTTP status they got, or would have got, and why.", "status", "reason"),
		misforwarded: counter("forwarded_malformed_total", "Requests of trusted proxies whose X-Forwarded-For could not be read, so that the proxy's own address stood."),
		entered:      counter("connections_total", "WebSocket connections that were let in."),
		closed:       vec("closed_total", "Connections that began to close, by close code and who began: server, client, or nobody (lost, 1006).", "code", "by"),
		received:     vec("received_frames_total", "Messages and control frames that clients sent, by kind; a message counts once however it is fragmented.", "kind"),
		bytes:        counter("received_bytes_total", "Bytes that clients sent after their handshakes."),
		stage: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "throng_engine_stage_seconds", Buckets: timeBuckets,
			Help: "How long a message takes: from its first byte until it is cut out (read), from queued until its write begins (queue), " +
				"and in the system call that writes it (write). A sample, one in 64.",
		}, []string{"stage"}),
	}
	m.text, m.binary = m.received.WithLabelValues("text"), m.received.WithLabelValues("binary")
	m.control = m.received.WithLabelValues("control")
	of := m.stage.WithLabelValues
	m.stages = stages{read: of("read"), queue: of("queue"), write: of("write")}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "throng_engine_" + name, Help: help}, value)
	}
	if to != nil {
		to.MustRegister(
			gauge("accept_capacity", "Connections a second that can be let in, as measured; who is sent away is asked to come back accordingly.",
				func() float64 { return e.returns.rate(1) }),
			gauge("inrush_addresses", "Addresses whose new connections are counted at present.", func() float64 { return float64(e.bounds.Load().inrush.len()) }),
			gauge("memory_bytes", "Memory in use, by which newcomers are refused; 0 without a limit.",
				func() float64 { return float64(e.headroom.used.Load()) }),
			gauge("memory_limit_bytes", "Memory that the process may use; from 90 % on newcomers are refused. 0: no limit.",
				func() float64 { return float64(e.headroom.limit) }),
		)
		to.MustRegister(m.refused, m.misforwarded, m.entered, m.closed, m.received, m.bytes, m.stage, census{e})
	}
	return m
}

// enter counts a connection that was let in, and gives it its id.
func (m *metrics) enter() uint64 {
	m.entered.Inc()
	return m.ids.Add(1)
}

// refuse counts a refusal.
func (m *metrics) refuse(err error) {
	m.refused.WithLabelValues(strconv.Itoa(status(err)), kind(err)).Inc()
}

// close counts a connection that begins to close. A code that a client chose counts by its name only if it is one of those
// that clients use.
func (m *metrics) close(code uint16, by side) {
	label := strconv.Itoa(int(code))
	if by == byClient {
		switch code {
		case CloseNormal, closeGoingAway, closeLost:
		case 0:
			label = "1005" // RFC 6455 section 7.1.5: the client gave none
		default:
			label = "other"
		}
	}
	m.closed.WithLabelValues(label, string(by)).Inc()
}

// side is who began to close a connection.
type side string

const (
	byServer side = "server"
	byClient side = "client"
	byNobody side = "nobody"
)

// kind is the word by which an error is counted: what it says of itself by a method Kind, else its status's text. There are
// few of them, whatever clients do.
func kind(err error) string {
	var with interface{ Kind() string }
	if errors.As(err, &with) && with.Kind() != "" {
		return with.Kind()
	}
	return strings.ToLower(strings.ReplaceAll(http.StatusText(status(err)), " ", "_"))
}
