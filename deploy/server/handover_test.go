package server

import (
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cloudflare/tableflip"
	"go.uber.org/goleak"

	"throng/deploy/config"
)

// unready gives the one that a process may have, which cannot say that it is ready.
var unready = sync.OnceValues(func() (*tableflip.Upgrader, error) {
	return tableflip.New(tableflip.Options{PIDFile: os.DevNull + "/pid"})
})

// TestStartFailsLast: a server that serves already when its start fails, since it cannot say that it is ready, leaves nothing behind.
func TestStartFailsLast(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	flip, err := unready()
	if err != nil {
		t.Fatal(err)
	}
	defer flip.Stop()
	var settings config.Serve
	if _, err := config.Parse(&settings, strings.Fields("--addr 127.0.0.1:0 --admin 127.0.0.1:0 --data mem"), nil); err != nil {
		t.Fatal(err)
	}
	if s, err := Start(settings, Options{Log: slog.New(slog.DiscardHandler), Handover: &Handover{flip}}); err == nil || s != nil {
		t.Errorf("it starts: %v, %v", s, err)
	}
}
