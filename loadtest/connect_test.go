package loadtest

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestExplain finds the advice with the cause still in it.
func TestExplain(t *testing.T) {
	for cause, advice := range map[error]string{
		unix.EADDRNOTAVAIL: "more source addresses",
		unix.EMFILE:        "ulimit -n",
		unix.ENFILE:        "fs.file-max",
		unix.ECONNREFUSED:  "refused",
	} {
		err := explain(fmt.Errorf("loadtest: connect: %w", cause))
		if !errors.Is(err, cause) || !strings.Contains(err.Error(), advice) {
			t.Errorf("%v: %v", cause, err)
		}
	}
}

// TestForeignSource cannot come from an address of another machine.
func TestForeignSource(t *testing.T) {
	from := netip.MustParseAddr("192.0.2.1") // RFC 5737
	s, _, _ := swarm(t, Config{Addr: serve(t, echo), Sources: []netip.Addr{from}})
	_, err := s.Connect(t.Context(), 0, "/")
	if !errors.Is(err, unix.EADDRNOTAVAIL) || !strings.Contains(err.Error(), "source address 192.0.2.1") {
		t.Errorf("got %v", err)
	}
}
