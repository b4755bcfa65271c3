package server

import (
	"context"

	"throng/web/admin"
)

// begun is the first line of a trace.
type begun struct {
	What    string `json:"what"`
	TraceID string `json:"trace_id,omitempty"` // by which a collector of OpenTelemetry has it; "": none is sent it
	State   any    `json:"state,omitempty"`    // how far the message has got
}

// over is the last one.
type over struct {
	What    string `json:"what"`
	Dropped int64  `json:"dropped"` // what was not taken in time
}

// Trace implements admin.Chat. What it tells is sent to the collector too, whether or not its messages are of those that are sampled.
func (c chat) Trace(ctx context.Context, f admin.Follow, say func(line any) error) error {
	trace, bad := c.hub.Trace(f.Nick, f.Mid, f.HasBody)
	if bad != nil {
		return told(bad)
	}
	defer trace.Close()
	live := c.spans.follow(f.Nick, f.Mid)
	defer live.end()
	first := begun{What: "tracing", TraceID: live.id()}
	if state, ok, err := c.hub.State(f.Mid); ok && err == nil {
		first.State = state
	}
	err := say(first)
	for err == nil {
		select {
		case e := <-trace.Events:
			live.tell(e)
			err = say(e)
		case <-ctx.Done():
			_ = say(over{"end", trace.Dropped()}) // nobody may be there any more
			return nil
		}
	}
	return nil // it had begun
}
