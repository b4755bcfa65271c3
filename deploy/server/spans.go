package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"throng/deploy/config"
	"throng/room"
)

const (
	// maxSpans is how many spans may wait to be sent; beyond, whole messages are dropped.
	maxSpans = 4096
	// exportWithin is how long one sending may take, and how long a stop waits for the last.
	exportWithin = 2 * time.Second
)

// spans sends the journeys of messages to a collector of OpenTelemetry. It never makes a message wait: what cannot be sent in
// time is dropped and counted. nil sends nothing.
type spans struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	waiting  atomic.Int64 // spans
	count    *prometheus.CounterVec
}

// openSpans is newSpans where the settings ask for it.
func openSpans(settings config.Serve, o Options, stats prometheus.Registerer) (*spans, error) {
	if settings.OTLP == "" {
		return nil, nil
	}
	return newSpans(settings.OTLP, o.Version, stats, o.Log)
}

// sample is the part of all messages that spans are made of.
func (s *Server) sample() float64 {
	if s.spans == nil {
		return 0
	}
	return s.settings.TraceSample
}

// newSpans begins to send to url, which takes OTLP over HTTP. It does not wait for whoever is there.
func newSpans(url, version string, stats prometheus.Registerer, log *slog.Logger) (*spans, error) {
	// Nothing is sent again: a collector that is down is not to find a crowd when it comes back.
	client, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(url), otlptracehttp.WithTimeout(exportWithin),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
	if err != nil {
		return nil, fmt.Errorf("otlp: %w", err)
	}
	s := &spans{count: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "throng_spans_total", Help: "Spans of OpenTelemetry by what became of them: sent, failed, or dropped because too many waited.",
	}, []string{"result"})}
	for _, result := range []string{"sent", "failed", "dropped"} {
		s.count.WithLabelValues(result)
	}
	stats.MustRegister(s.count)
	about := resource.NewSchemaless(attribute.String("service.name", "throng"), attribute.String("service.version", version))
	s.provider = sdk.NewTracerProvider(sdk.WithResource(about), sdk.WithSampler(sdk.AlwaysSample()),
		sdk.WithBatcher(counting{client, s, log, new(atomic.Bool)}, sdk.WithMaxQueueSize(2*maxSpans), sdk.WithExportTimeout(exportWithin)))
	s.tracer = s.provider.Tracer("throng")
	return s, nil
}

// spansOf is how many one message makes.
const spansOf = 5

// admit reports whether there is room for n more, which then wait. Otherwise they are dropped.
func (s *spans) admit(n int64) bool {
	if s.waiting.Add(n) <= maxSpans {
		return true
	}
	s.waiting.Add(-n)
	s.count.WithLabelValues("dropped").Add(float64(n))
	return false
}

// tell makes spans of a journey: one of all of it, and below it one of each stage. It never blocks.
func (s *spans) tell(j room.Journey) {
	if !s.admit(spansOf) {
		return
	}
	ended := j.Ended
	if ended.IsZero() {
		ended = j.Stored
	}
	ctx, whole := s.tracer.Start(context.Background(), "message", trace.WithTimestamp(j.Begun), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("throng.mid", j.Mid), attribute.String("throng.cid", j.Cid), attribute.String("throng.kind", j.Kind)))
	for _, stage := range []struct {
		name     string
		from, to time.Time
	}{{"decode", j.Begun, j.Decoded}, {"wait", j.Decoded, j.Taken}, {"log", j.Taken, j.Stored}, {"fanout", j.Stored, ended}} {
		_, part := s.tracer.Start(ctx, stage.name, trace.WithTimestamp(stage.from))
		part.End(trace.WithTimestamp(stage.to))
	}
	whole.End(trace.WithTimestamp(ended))
}

// close sends what waits, within exportWithin, and ends.
func (s *spans) close() {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), exportWithin)
	defer cancel()
	_ = s.provider.Shutdown(ctx) // what was not sent is counted
}

// counting is an exporter that counts, and tells the operator when sending begins to fail and when it works again.
type counting struct {
	sdk.SpanExporter
	spans *spans
	log   *slog.Logger
	fails *atomic.Bool
}

// ExportSpans implements sdk.SpanExporter. Its error is told here, once.
func (c counting) ExportSpans(ctx context.Context, all []sdk.ReadOnlySpan) error {
	err := c.SpanExporter.ExportSpans(ctx, all)
	c.spans.waiting.Add(-int64(len(all)))
	result := "sent"
	if err != nil {
		result = "failed"
	}
	c.spans.count.WithLabelValues(result).Add(float64(len(all)))
	switch failed := err != nil; {
	case failed && !c.fails.Swap(true):
		c.log.Warn("traces cannot be sent", "err", err)
	case !failed && c.fails.Swap(false):
		c.log.Info("traces are sent again")
	}
	return nil
}
