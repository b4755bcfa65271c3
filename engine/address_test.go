package engine

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "2001:db8::7": "2001:db8::/64", "2001:db8:0:1:2:3:4:5": "2001:db8:0:1::/64", "::1": "::/64",
	} {
		if got := network(netip.MustParseAddr(address)); got.String() != want {
			t.Errorf("%s counts as %v, want %s", address, got, want)
		}
	}
	if got := network(netip.Addr{}); got.IsValid() {
		t.Errorf("no address counts as %v", got)
	}
}

// trusted are the proxies of these tests.
var trusted = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::ffff:172.16.0.0/108"), netip.MustParsePrefix("fd00::/8"),
	netip.MustParsePrefix("127.0.0.1/32"),
}

func TestForwarded(t *testing.T) {
	many := strings.Repeat("10.0.0.9, ", maxHops)
	for _, test := range []struct {
		name  string
		lines []string
		want  string // empty: it cannot be read
	}{
		{"one", []string{"192.0.2.1"}, "192.0.2.1:0"},
		{"with a port", []string{"192.0.2.1:4711"}, "192.0.2.1:4711"},
		{"IPv6", []string{"2001:db8::1"}, "[2001:db8::1]:0"},
		{"IPv6 in brackets", []string{"[2001:db8::1]"}, "[2001:db8::1]:0"},
		{"IPv6 with a port", []string{"[2001:db8::1]:4711"}, "[2001:db8::1]:4711"},
		{"IPv4 in the clothes of IPv6", []string{"::ffff:192.0.2.1"}, "192.0.2.1:0"},
		{"through a proxy", []string{"192.0.2.1, 10.0.0.1"}, "192.0.2.1:0"},
		{"through a proxy in the clothes of IPv6", []string{"192.0.2.1, ::ffff:10.0.0.1"}, "192.0.2.1:0"},
		{"through one trusted in these clothes", []string{"192.0.2.1, 172.17.0.1"}, "192.0.2.1:0"},
		{"through proxies of both kinds", []string{"192.0.2.1,10.0.0.1 ,\tfd00::7"}, "192.0.2.1:0"},
		{"the left is the client's invention", []string{"6.6.6.6, 192.0.2.1"}, "192.0.2.1:0"},
		{"and need not be an address", []string{"<script>, 192.0.2.1, 10.0.0.1"}, "192.0.2.1:0"},
		{"nor short", []string{strings.Repeat("6.6.6.6,", 5000) + "192.0.2.1"}, "192.0.2.1:0"},
		{"an invention that names a proxy", []string{"10.0.0.1, 192.0.2.1"}, "192.0.2.1:0"},
		{"lines in order", []string{"6.6.6.6", "192.0.2.1, 10.0.0.2", "10.0.0.1"}, "192.0.2.1:0"},
		{"nobody but proxies", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3:0"},
		{"as many proxies as may be", []string{"192.0.2.1," + strings.TrimSuffix(many, ", ")}, "192.0.2.1:0"},
		{"too many proxies", []string{"192.0.2.1, 10.0.0.8, " + strings.TrimSuffix(many, ", ")}, ""},
		{"empty", []string{""}, ""},
		{"empty at the right", []string{"192.0.2.1,"}, ""},
		{"empty behind a proxy", []string{"192.0.2.1,,10.0.0.1"}, ""},
		{"an empty line", []string{"192.0.2.1", ""}, ""},
		{"a name", []string{"client.test"}, ""},
		{"unknown", []string{"192.0.2.1, unknown"}, ""},
		{"a number", []string{"3221225985"}, ""},
		{"octets", []string{"192.0.02.1"}, ""},
		{"a zone", []string{"fe80::1%eth0"}, ""},
		{"a zone with a port", []string{"[fe80::1%eth0]:1"}, ""},
		{"IPv4 in brackets", []string{"[192.0.2.1]"}, ""},
		{"half a bracket", []string{"[2001:db8::1"}, ""},
		{"a port beyond all", []string{"192.0.2.1:65536"}, ""},
		{"quoted", []string{`"192.0.2.1"`}, ""},
		{"long", []string{strings.Repeat("1", 1000)}, ""},
		{"two in one", []string{"192.0.2.1 192.0.2.2"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := newProxies(trusted).client(test.lines)
			if ok != (test.want != "") || ok && got.String() != test.want {
				t.Errorf("%q is %v, %v; want %s", test.lines, got, ok, test.want)
			}
		})
	}
}

// FuzzForwarded: what is found is an address as it is compared, and nothing that a client could write left of it changes it.
func FuzzForwarded(f *testing.F) {
	f.Add("192.0.2.1, 10.0.0.1", "6.6.6.6")
	f.Add("[2001:db8::1]:4711,fd00::1", "::1,")
	f.Add("::ffff:192.0.2.1", "\x00")
	f.Add("fe80::1%eth0", "10.0.0.1")
	f.Add("10.0.0.1,,", "")
	all := newProxies(trusted)
	f.Fuzz(func(t *testing.T, header, invented string) {
		got, ok := all.client([]string{header})
		if !ok {
			return
		}
		if got != bare(got) || !got.IsValid() {
			t.Fatalf("%q is %v", header, got)
		}
		if all.trust(got.Addr()) {
			return // all are trusted, the leftmost among them
		}
		for _, lines := range [][]string{{invented + "," + header}, {invented, header}, {invented, invented + ", " + header}} {
			if other, _ := all.client(lines); other != got {
				t.Fatalf("%q is %v, but %q is %v", header, got, lines, other)
			}
		}
	})
}

// whereabouts is a server that tells everybody, on both roads, where it believes them to be.
func whereabouts(t *testing.T, config Config) *server {
	t.Helper()
	config.Accept = func(r *http.Request) (Open, error) {
		where := r.RemoteAddr
		return func(c *Conn) Session {
			c.Send(NewFrame(false, []byte(where+" "+c.RemoteAddr().String())))
			return &recorder{}
		}, nil
	}
	config.Pages = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.RemoteAddr)) })
	return serve(t, config)
}

// isAt checks where the server believes a client to be that sends these header lines, as a WebSocket and as a page, first on
// its connection and later. Behind "", each is where it really is.
func (s *server) isAt(want string, before string, lines ...string) {
	s.t.Helper()
	for _, later := range []bool{false, true} {
		c := s.dial()
		expected := want
		if want == "" {
			expected = c.LocalAddr().String()
		}
		c.say([]byte(before))
		if later {
			c.say([]byte("GET / HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(lines, ""), "\r\n") + "\r\n"))
			if _, body := c.answer(); body != expected {
				s.t.Errorf("%q: the page is for %s, want %s", lines, body, expected)
			}
			c.say([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")) // without: it may be of somebody else
			c.answer()
		}
		c.say([]byte(handshake("/ws", lines...)))
		if r, body := c.answer(); r.StatusCode != http.StatusSwitchingProtocols {
			s.t.Fatalf("answer %s %q", r.Status, body)
		}
		if f := c.hear(); f.payload != expected+" "+expected {
			s.t.Errorf("%q: the socket is for %s, want %s", lines, f.payload, expected)
		}
	}
}

// TestAbuseForwarded: who is not trusted says in vain that it is somebody else, and behind who is trusted nobody can pretend to be
// elsewhere, whatever stands left of what the proxy has seen.
func TestAbuseForwarded(t *testing.T) {
	t.Run("untrusted", func(t *testing.T) {
		s := whereabouts(t, Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
		s.isAt("", "", "X-Forwarded-For: 192.0.2.1")
		s.isAt("", "", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 127.0.0.1")
		s.isAt("", "", "X-Forwarded-For: <script>")
		s.isAt("", "", "Forwarded: for=192.0.2.1", "X-Real-Ip: 192.0.2.1")
		if n := testutil.ToFloat64(s.metrics.misforwarded); n != 0 {
			t.Errorf("%v headers of nobody's interest are counted", n)
		}
	})
	t.Run("trusted", func(t *testing.T) {
		s := whereabouts(t, Config{Proxies: trusted})
		s.isAt("192.0.2.1:0", "", "X-Forwarded-For: 192.0.2.1")
		s.isAt("192.0.2.1:0", "", "X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.1")
		s.isAt("192.0.2.1:0", "", "X-Forwarded-For: 127.0.0.1", "X-FORWARDED-FOR: 192.0.2.1")
		s.isAt("[2001:db8::1]:7", "", "X-Forwarded-For: [2001:db8::1]:7")
		s.isAt("", "", "Forwarded: for=192.0.2.1")
		if n := testutil.ToFloat64(s.metrics.misforwarded); n != 0 {
			t.Errorf("%v good headers are counted as malformed", n)
		}
		s.isAt("", "", "X-Forwarded-For: 192.0.2.1, nonsense")
		if n := testutil.ToFloat64(s.metrics.misforwarded); n != 3 {
			t.Errorf("%v malformed headers are counted, want 3", n)
		}
	})
}

// TestAbuseAddressRotation: who has a whole /64 of IPv6 counts as one; of IPv4 every address counts for itself, in the clothes of
// IPv6 too.
func TestAbuseAddressRotation(t *testing.T) {
	s := serve(t, Config{Proxies: trusted, MaxConnsPerIP: 2, Pages: page})
	from := func(address string) *client {
		c := s.dial()
		c.say([]byte(handshake("/ws", "X-Forwarded-For: "+address)))
		return c
	}
	enters := func(address string) *client {
		t.Helper()
		c := from(address)
		if r, body := c.answer(); r.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%s gets %s %q", address, r.Status, body)
		}
		return c
	}
	first := enters("2001:db8::1")
	enters("2001:db8::ffff:1")
	for _, other := range []string{"2001:db8::1", "2001:db8::2", "[2001:db8:0:0:ffff:ffff:ffff:ffff]:9"} {
		from(other).expectRefusal(http.StatusTooManyRequests)
	}
	enters("2001:db8:0:1::1")
	enters("192.0.2.1")
	enters("::ffff:192.0.2.1")
	from("192.0.2.1").expectRefusal(http.StatusTooManyRequests)
	enters("192.0.2.2")
	s.expectAddresses(4)
	_ = first.Close()
	eventually(t, "the network has room again", func() bool { return s.Conns() == 5 })
	enters("2001:db8::3")
	if n := testutil.ToFloat64(s.metrics.refused.WithLabelValues("429", "address")); n != 4 {
		t.Errorf("%v are counted as refused, want 4", n)
	}
}
