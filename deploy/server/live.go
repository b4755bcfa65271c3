package server

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"throng/room"
)

// live is a trace that somebody looks at, as the collector gets it: a span of all of it, and below it one of each thing that is told,
// but no frames. One goroutine uses it. nil sends nothing.
type live struct {
	spans *spans
	ctx   context.Context
	whole trace.Span
}

// follow begins a live trace of a nick, or of a message by its id.
func (s *spans) follow(nick, mid string) *live {
	if s == nil {
		return nil
	}
	ctx, whole := s.tracer.Start(context.Background(), "live trace", trace.WithAttributes(given(
		attribute.String("throng.nick", nick), attribute.String("throng.mid", mid))...))
	return &live{s, ctx, whole}
}

// id is by what the collector knows the trace; "": it is sent nothing.
func (l *live) id() string {
	if l == nil {
		return ""
	}
	return l.whole.SpanContext().TraceID().String()
}

// tell makes a span of an event, which ends when it happened. It never blocks.
func (l *live) tell(e room.Event) {
	if l == nil || !l.spans.admit(1) {
		return
	}
	begun := e.At.Add(-time.Duration(e.Took * float64(time.Millisecond)))
	_, span := l.spans.tracer.Start(l.ctx, e.What, trace.WithTimestamp(begun), trace.WithAttributes(given(
		attribute.String("throng.nick", e.Nick), attribute.Int64("throng.conn", int64(e.Conn)), attribute.String("throng.mid", e.Mid),
		attribute.String("throng.cid", e.Cid), attribute.String("throng.conv", e.Conv), attribute.Int64("throng.seq", int64(e.Seq)),
		attribute.Int("throng.count", e.Count), attribute.Int("throng.bytes", e.Bytes), attribute.Int("throng.code", e.Code))...))
	if e.Why != "" {
		span.SetStatus(codes.Error, e.Why)
	}
	span.End(trace.WithTimestamp(e.At))
}

// end ends it.
func (l *live) end() {
	if l != nil && l.spans.admit(1) {
		l.whole.End()
	}
}

// given are the attributes that say something: in an event, what is empty or 0 is not known, or does not apply.
func given(all ...attribute.KeyValue) (some []attribute.KeyValue) {
	for _, a := range all {
		if v := a.Value; v.AsString() != "" || v.AsInt64() != 0 {
			some = append(some, a)
		}
	}
	return some
}
