package room

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"throng/room/event"
)

// value is a counter's or a gauge's.
func value(c prometheus.Collector) int { return int(testutil.ToFloat64(c)) }

// TestEveryMessageIsCountedOnce shows that what came is what was stored, what had been, and what was refused, and that every
// recipient is counted.
func TestEveryMessageIsCountedOnce(t *testing.T) {
	inBubble(t, Config{Metrics: prometheus.NewRegistry()}, func(t *testing.T, c *bubble) {
		alice := c.in("alice")
		c.in("bob")
		for _, frame := range []string{
			`{"t":"msg","id":1,"message":"to all"}`,
			`{"t":"msg","id":2,"cid":"a","to_user":"bob","message":"to bob"}`,
			`{"t":"msg","id":3,"cid":"a","to_user":"bob","message":"to bob"}`,
			`{"t":"msg","id":4,"to_user":"nobody","message":"to nobody"}`,
			`{"t":"msg","id":5,"room":"elsewhere","message":"to a room"}`,
			`{"t":"nonsense"}`,
		} {
			alice.send("%s", frame)
			alice.news()
		}
		checkCounts(t, c.metrics)
	})
}

func checkCounts(t *testing.T, m *metrics) {
	t.Helper()
	for _, c := range []struct {
		name string
		is   int
		want int
	}{
		{"msgs", value(m.receivedBy[version2][event.TypeMsg]), 5},
		{"unknown", value(m.receivedBy[version2][event.TypeUnknown]), 1},
		{"stored for everyone", value(m.stored.WithLabelValues("everyone")), 1},
		{"stored for one", value(m.stored.WithLabelValues("direct")), 1},
		{"repeated", value(m.repeated), 1},
		{"acks", value(m.acks), 3},
		{"refused 404", value(m.refused.WithLabelValues("v2", "404")), 1},
		{"refused 403", value(m.refused.WithLabelValues("v2", "403")), 1},
		{"refused 400", value(m.refused.WithLabelValues("v2", "400")), 1},
		{"chat delivered", value(m.deliveredBy[version2][chat]), 4}, // two of everyone, bob, and alice's own copy
	} {
		if c.is != c.want {
			t.Errorf("%s: %d, want %d", c.name, c.is, c.want)
		}
	}
}
