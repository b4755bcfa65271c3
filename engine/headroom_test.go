package engine

import (
	"net/http"
	"runtime"
	"testing"

	"github.com/gobwas/ws"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestHeadroom: much that is in use counts when a collection has not helped, nearly all at once, and there is room again below that.
func TestHeadroom(t *testing.T) {
	var used, cycles uint64
	asked := 0
	h := newHeadroom(100)
	h.read = func() (uint64, uint64) { return used, cycles }
	h.collect = func() { asked++ }
	for i, step := range []struct {
		used, cycles uint64
		full         bool
		asked        int
	}{
		{50, 0, false, 0}, {89, 0, false, 0}, {90, 0, false, 1}, {92, 0, false, 1}, {60, 1, false, 1}, // it was garbage
		{91, 1, false, 1}, {91, 2, true, 1}, // it is not
		{88, 3, true, 1}, {84, 4, false, 1},
		{97, 4, true, 1}, {90, 5, true, 1}, {85, 6, true, 1}, {0, 7, false, 1},
	} {
		used, cycles = step.used, step.cycles
		h.look(func(do func()) { do() })
		if h.isFull.Load() != step.full || asked != step.asked {
			t.Errorf("step %d (%d %%, %d collections): full is %v, asked %d times", i, used, cycles, h.isFull.Load(), asked)
		}
	}
	used = 99
	for range 3 * restLooks {
		h.look(func(do func()) { do() })
	}
	if asked < 3 || asked > 5 {
		t.Errorf("in %v a collection was asked for %d times", 3*restLooks*lookEvery, asked-1)
	}
}

// TestReadMemory: what the runtime says is what this process has.
func TestReadMemory(t *testing.T) {
	used, _ := readMemory()()
	if used < 1<<20 || used > 1<<40 {
		t.Errorf("%d bytes are in use", used)
	}
}

// TestAbuseMemory: while the memory is full newcomers are sent away, and those inside notice nothing; when there is room again they
// are let in.
func TestAbuseMemory(t *testing.T) {
	runtime.GC()
	used, _ := readMemory()()
	limit := int(used) + 256<<20
	s := serve(t, Config{MaxMemory: limit, Pages: page})
	user := s.join()
	ballast := make([]byte, limit/100*95-int(used))
	eventually(t, "the memory is full", s.headroom.isFull.Load)
	for road, open := range roads {
		t.Run(road, func(t *testing.T) { open(s.in(t)).ask().expectRefusal(http.StatusServiceUnavailable) })
	}
	user.say(whole(ws.OpText, "still here"))
	user.expect(unmasked(ws.OpText, "still here"))
	if n := testutil.ToFloat64(s.metrics.refused.WithLabelValues("503", "memory")); n != 2 {
		t.Errorf("%v are counted", n)
	}
	runtime.KeepAlive(ballast)
	eventually(t, "there is room again", func() bool { return !s.headroom.isFull.Load() })
	s.join()
}
