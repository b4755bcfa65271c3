package engine

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestCensus shows that what was sent and received is counted to the byte, on a connection that is there and on one that is gone.
func TestCensus(t *testing.T) {
	registry := prometheus.NewRegistry()
	e := socketless(t, Config{})
	e.metrics = newMetrics(e, registry)
	expect := func(want ...float64) {
		t.Helper()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		is := map[string]float64{}
		for _, f := range families {
			is[f.GetName()] = f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
		for i, name := range []string{"sent_frames_total", "writes_total", "sent_bytes_total", "queued_bytes"} {
			if n := is["throng_engine_"+name]; n != want[i] {
				t.Errorf("%s is %v, want %v", name, n, want[i])
			}
		}
	}
	m := &memory{room: -1}
	c := connect(t, e, m, 0, (&recorder{}).open)
	one, two := NewFrame(false, []byte("12345678")), NewFrame(false, []byte("12345678"))
	c.Send(one)
	c.Flush()
	expect(1, 1, 10, 0)
	c.Send(Join([]*Frame{one, two}))
	c.Flush()
	expect(3, 2, 30, 0)
	c.Send(one)
	expect(3, 2, 30, 138) // with its overhead
	c.Flush()
	_ = m.Close()
	m.running.Wait()
	expect(4, 3, 40, 0)
	c.Flush() // nothing more
	expect(4, 3, 40, 0)
}

// TestClosesAreCountedByWhoBegan shows that a client cannot make series of its own by the codes that it chooses.
func TestClosesAreCountedByWhoBegan(t *testing.T) {
	e := socketless(t, Config{})
	for _, c := range []struct {
		end  func(*Conn, *memory)
		code string
		by   string
	}{
		{func(c *Conn, _ *memory) { c.Close(CloseDraining, "") }, "4001", "server"},
		{func(c *Conn, _ *memory) { _ = c.peerClose(nil) }, "1005", "client"},
		{func(c *Conn, _ *memory) { _ = c.peerClose([]byte{0x03, 0xe8}) }, "1000", "client"},
		{func(c *Conn, _ *memory) { _ = c.peerClose([]byte{0x0f, 0xa7}) }, "other", "client"},
		{func(_ *Conn, m *memory) { _ = m.Close() }, "1006", "nobody"},
	} {
		m := &memory{room: -1}
		conn := connect(t, e, m, 0, (&recorder{}).open)
		c.end(conn, m)
		m.running.Wait()
		if n := testutil.ToFloat64(e.metrics.closed.WithLabelValues(c.code, c.by)); n != 1 {
			t.Errorf("code %s by %s counts %v, want 1", c.code, c.by, n)
		}
	}
	if n := testutil.CollectAndCount(e.metrics.closed); n != 5 {
		t.Errorf("%d series, want 5", n)
	}
}
