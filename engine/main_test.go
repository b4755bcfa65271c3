package engine

import (
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childVar names the environment variable that makes this binary play a process of its own (files_test.go).
const childVar = "THRONG_ENGINE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVar) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must happen before it fails.
const patience = 20 * time.Second

// eventually waits until holds does.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	end := time.After(patience)
	for !holds() {
		select {
		case <-poll.C:
		case <-end:
			t.Fatalf("it never happened: %s", what)
		}
	}
}

// quiet is a log that nobody reads.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))
