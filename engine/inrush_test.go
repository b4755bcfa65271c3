package engine

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func addrPort(address string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(address), 1)
}

func TestInrush(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	i := newInrush(2, 3)
	i.now = func() time.Time { return now }
	allowed := func(address string, want ...bool) {
		t.Helper()
		for n, w := range want {
			if got := i.allow(addrPort(address)); got != w {
				t.Errorf("connection %d of %s: %v", n, address, got)
			}
		}
	}
	allowed("2001:db8::1", true, true, true, false)
	allowed("2001:db8::2", false)
	allowed("2001:db8:0:1::1", true)
	allowed("192.0.2.1", true, true, true, false)
	if i.isSpent(addrPort("192.0.2.1")) {
		t.Error("it gets no answer any more after one refusal")
	}
	allowed("192.0.2.1", false, false)
	if !i.isSpent(addrPort("192.0.2.1")) || i.isSpent(addrPort("192.0.2.2")) {
		t.Error("it does not end")
	}
	now = now.Add(time.Second / 2)
	if i.isSpent(addrPort("192.0.2.1")) {
		t.Error("it does not begin again")
	}
	allowed("192.0.2.1", true, false)
	if i.tidy(); i.len() != 2 { // one has everything again
		t.Errorf("%d are remembered, want 2", i.len())
	}
	now = now.Add(time.Minute)
	if i.tidy(); i.len() != 0 {
		t.Errorf("%d are remembered", i.len())
	}
}

// TestAbuseInrushRotation: however many networks somebody has, what is remembered of them is bounded.
func TestAbuseInrushRotation(t *testing.T) {
	i := newInrush(1, 1)
	for n := range 2 * maxInrush {
		a := [16]byte{0x20, 1, 0xd, 0xb8, byte(n >> 16), byte(n >> 8), byte(n)}
		if !i.allow(netip.AddrPortFrom(netip.AddrFrom16(a), 1)) {
			t.Fatal("a new network is refused")
		}
	}
	if i.len() > maxInrush {
		t.Errorf("%d are remembered, at most %d ought to be", i.len(), maxInrush)
	}
}

// TestAbuseConnectFlood: who opens connections faster than it may is answered 429, and after a while not at all; those who are in,
// and those who come from elsewhere, notice nothing.
func TestAbuseConnectFlood(t *testing.T) {
	const burst = 5
	s := serve(t, Config{ConnectRate: 0.001, ConnectBurst: burst, Pages: page})
	user := s.join()
	s.browse()
	c := s.dial()
	c.say([]byte("\x16\x03\x01 no HTTP"))
	c.expectRefusal(http.StatusBadRequest) // it counts, too
	bad, foreign := handshake("/ws", "Sec-WebSocket-Version: 12"), handshake("/ws", "Origin: https://evil.example")
	for asked, status := range map[string]int{bad: http.StatusUpgradeRequired, foreign: http.StatusForbidden} { // and so do these
		c := s.dial()
		c.say([]byte(asked))
		c.expectRefusal(status)
	}
	for _, asked := range [burst]string{handshake("/ws"), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", bad, foreign, bad} {
		c := s.dial()
		c.say([]byte(asked))
		c.expectRefusal(http.StatusTooManyRequests)
	}
	for range 20 {
		c := s.dial()
		if answer, _ := io.ReadAll(c.r); len(answer) > 0 { // the end, or a reset
			t.Errorf("it is still answered: %q", answer)
		}
	}
	user.say(whole(ws.OpText, "still here"))
	user.expect(unmasked(ws.OpText, "still here"))
	if n := testutil.ToFloat64(s.metrics.refused.WithLabelValues("429", "connect_rate")); n != burst+20 {
		t.Errorf("%v are counted, want %d", n, burst+20)
	}
}

// TestAbuseConnectFloodBehindAProxy: each client has its own account there, and the proxy none.
func TestAbuseConnectFloodBehindAProxy(t *testing.T) {
	s := serve(t, Config{ConnectRate: 0.001, ConnectBurst: 2, Pages: page, Proxies: trusted})
	for road, open := range roads {
		t.Run(road, func(t *testing.T) {
			s := s.in(t)
			from := "2001:db8:" + map[bool]string{true: "1", false: "2"}[strings.HasPrefix(road, "first")] + "::"
			ask := func(address string, more ...string) *client {
				c := open(s)
				c.say([]byte(handshake("/ws", append(more, "X-Forwarded-For: "+address)...)))
				return c
			}
			if r, body := ask(from + "1").answer(); r.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("%s %q", r.Status, body)
			}
			ask(from+"2", "Origin: https://evil.example").expectRefusal(http.StatusForbidden)
			for _, more := range [][]string{{}, {"Origin: https://evil.example"}, {"Sec-WebSocket-Version: 12"}, {}} {
				ask(from+"9", more...).expectRefusal(http.StatusTooManyRequests)
			}
			if r, body := ask("192.0.2." + from[9:10]).answer(); r.StatusCode != http.StatusSwitchingProtocols {
				t.Errorf("another is refused: %s %q", r.Status, body)
			}
		})
	}
}
