package webhook

import "github.com/prometheus/client_golang/prometheus"

// How it ends with an event.
const (
	resultAccepted = "accepted"
	resultExpired  = "expired" // it got too old
	resultGone     = "gone"    // the log has removed it, since it had no room, or somebody has deleted it
)

// metrics is what is counted. Its names begin with throng_webhook_.
type metrics struct {
	events      *prometheus.CounterVec // by type and result
	failures    *prometheus.CounterVec // by reason
	inFlight    prometheus.Gauge
	backlog     prometheus.Gauge
	oldest      prometheus.Gauge
	dispatching prometheus.Gauge
}

func newMetrics(to prometheus.Registerer) *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "throng_webhook_" + name, Help: help})
	}
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "throng_webhook_events_total",
			Help: "Events that the webhook is done with: accepted by the endpoint, expired, or gone from the log.",
		}, []string{"type", "result"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "throng_webhook_failures_total",
			Help: "Posts that were not accepted and are repeated, by reason: a class of HTTP status, timeout, tls, connection, log.",
		}, []string{"reason"}),
		inFlight: gauge("in_flight", "Posts under way."),
		backlog:  gauge("backlog", "Events that are not accepted yet; of those that were not read, an estimate from above."),
		oldest:   gauge("oldest_seconds", "Age of the oldest event that was read and is not accepted yet."),
		dispatching: gauge("dispatching",
			"1 where this node posts the events, else 0; of a cluster one node does."),
	}
	if to != nil {
		to.MustRegister(m.events, m.failures, m.inFlight, m.backlog, m.oldest, m.dispatching)
	}
	return m
}

func (m *metrics) done(kind, result string) { m.events.WithLabelValues(kind, result).Inc() }
