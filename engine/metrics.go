package engine

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics is what the engine counts. Its names begin with throng_engine_; README lists them.
type metrics struct {
	refused *prometheus.CounterVec // connections that were not let in, by status and reason
}

// newMetrics registers what there is with a registry, which has no other engine's; nil: it is counted all the same.
func newMetrics(to prometheus.Registerer) *metrics {
	m := &metrics{
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "throng_engine_refused_total",
			Help: "Connections that were not let in, by the HTTP status they got, or would have got, and why.",
		}, []string{"status", "reason"}),
	}
	if to != nil {
		to.MustRegister(m.refused)
	}
	return m
}

// refuse counts a refusal.
func (m *metrics) refuse(err error) {
	m.refused.WithLabelValues(strconv.Itoa(status(err)), kind(err)).Inc()
}

// kind is the word by which an error is counted: what it says of itself by a method Kind, else its status's text. There are
// few of them, whatever clients do.
func kind(err error) string {
	var with interface{ Kind() string }
	if errors.As(err, &with) && with.Kind() != "" {
		return with.Kind()
	}
	return strings.ToLower(strings.ReplaceAll(http.StatusText(status(err)), " ", "_"))
}
