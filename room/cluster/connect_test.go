package cluster

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
)

// TestNoPasswordIsTold: where NATS is not reached, people are told where it was looked for, and no password.
func TestNoPasswordIsTold(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	end()
	var log bytes.Buffer
	config := Config{URL: "nats://throng:hidden@127.0.0.1:1,tls://throng:hidden@[::1]:1", Logger: slog.New(slog.NewTextHandler(&log, nil))}
	_, err := Start(ctx, config)
	if err == nil || !strings.Contains(err.Error(), " at 127.0.0.1:1, [::1]:1: ") || strings.Contains(err.Error()+log.String(), "hidden") {
		t.Errorf("%v; the log: %s", err, &log)
	}
}
