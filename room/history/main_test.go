package history

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		writeUntilKilled(dir, os.Getenv(writerDurability))
		return
	}
	if dir := os.Getenv(natsDir); dir != "" {
		serveNATS(dir)
		return
	}
	goleak.VerifyTestMain(m)
}
