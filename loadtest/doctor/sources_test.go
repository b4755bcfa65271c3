package doctor

import (
	"net/netip"
	"strings"
	"testing"
)

func TestSources(t *testing.T) {
	for _, test := range []struct {
		from  []string
		level Level
		found string
	}{
		{[]string{"127.0.0.1"}, OK, "1 given address"},
		{[]string{"127.0.0.2", "127.0.0.77"}, OK, "2 given addresses"},
		{[]string{"127.0.0.2", "192.0.2.1"}, Fail, "192.0.2.1 is not an address of this machine"}, // RFC 5737
	} {
		var from []netip.Addr
		for _, text := range test.from {
			from = append(from, netip.MustParseAddr(text))
		}
		c := Sources(from)
		sane(t, []Check{c})
		if c.Level != test.level || !strings.Contains(c.Found, test.found) {
			t.Errorf("%v: found %v %+v, want %v %q", from, c.Level, c, test.level, test.found)
		}
	}
}
