package server

import (
	"os"
	"strings"
	"testing"
)

// TestUnitsSeeSomaxconn holds the units of systemd against what listening needs: Go lets as many newcomers wait as
// /proc/sys/net/core/somaxconn says, and 128 where it cannot be read.
func TestUnitsSeeSomaxconn(t *testing.T) {
	for _, unit := range []string{"../package/throng.service", "../cluster/throng@.service"} {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nProcSubset=pid") {
			t.Errorf("%s hides /proc/sys", unit)
		}
	}
}
