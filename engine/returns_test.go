package engine

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestReturnsAreSpread: all who are sent away at a time come back one after the other, as fast as they can be let in, none
// before a second and none after a minute.
func TestReturnsAreSpread(t *testing.T) {
	for _, test := range []struct {
		name            string
		clients, others int
		most            float64
		perSecond, last int
	}{
		{"few", 10, 0, 0, 11, 1},
		{"a storm", 20_000, 0, 0, 1000, 21},
		{"a storm, of which others take their share", 20_000, 4, 0, 4000, 6},
		{"fewer are let in", 2000, 0, 100, 100, 21},
		{"more than a minute takes", 200_000, 0, 0, 1000, 60},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newReturns(1, test.most)
			var in [61]int // by second
			for range test.clients {
				wait := r.wait(time.Hour, test.others)
				if wait < soonest || wait > latest {
					t.Fatalf("a client is to come back after %v", wait)
				}
				in[wait/time.Second]++
			}
			beyond := max(0, test.clients-60*test.perSecond) / 59 // of those who have no moment of their own
			for second, n := range in {
				if second > test.last && n > 0 {
					t.Errorf("%d come in second %d; the last ought to be %d", n, second, test.last)
				}
				if most := float64(test.perSecond)*1.6 + float64(beyond)*1.2; float64(n) > most {
					t.Errorf("%d come in second %d, want at most %.0f", n, second, most)
				}
			}
			if in[test.last] == 0 && in[test.last-1] == 0 {
				t.Errorf("nobody comes near second %d: %v", test.last, in)
			}
		})
	}
}

// TestReturnsRunOut: when the storm is over, whoever is sent away may soon come back.
func TestReturnsRunOut(t *testing.T) {
	r := newReturns(1, 0)
	for range 30_000 {
		r.wait(0, 0)
	}
	if wait := r.wait(10*time.Second, 0); wait < 20*time.Second {
		t.Errorf("in the storm: %v", wait)
	}
	if wait := r.wait(time.Minute, 0); wait > 2*soonest {
		t.Errorf("after it: %v", wait)
	}
}

// TestCapacityIsMeasured: it rises with what was done, falls only when most had to wait, and a quiet time says nothing.
func TestCapacityIsMeasured(t *testing.T) {
	r := newReturns(1, 0)
	second := func(entered int, waited time.Duration) float64 {
		for range entered {
			r.count(waited)
		}
		r.measure(time.Second)
		return r.rate(0)
	}
	for i, step := range []struct {
		entered int
		waited  time.Duration
		want    float64
	}{
		{10, 0, 1000}, {0, 0, 1000}, {3000, 0, 2000}, {3000, time.Second, 2500}, {500, time.Second, 2000}, {500, 0, 2000}, {0, 0, 2000},
	} {
		if got := second(step.entered, step.waited); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
	for range 100 {
		second(1, time.Minute)
	}
	if got := r.rate(3); got != 3*leastCapacity {
		t.Errorf("the least is %v", got)
	}
}

// TestAbuseReconnectStorm: all who come back at once to a server that is full are sent away for different times.
func TestAbuseReconnectStorm(t *testing.T) {
	s := serve(t, Config{MaxConns: 1, AcceptRate: 50})
	s.join()
	const storm = 300
	bySecond := map[int]int{}
	for range storm {
		c := s.dial().ask()
		r, _ := c.answer()
		seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
		if err != nil || r.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("%s, Retry-After %q", r.Status, r.Header.Get("Retry-After"))
		}
		bySecond[seconds]++
	}
	for seconds, n := range bySecond {
		if seconds < 1 || seconds > 60 || n > 110 {
			t.Errorf("%d of %d are to come back after %d s", n, storm, seconds)
		}
	}
	if len(bySecond) < 4 {
		t.Errorf("all come back at once: %v", bySecond)
	}
}

// TestAbuseAcceptRate: more in a second than are to be let in are sent away; who is in notices nothing.
func TestAbuseAcceptRate(t *testing.T) {
	s := serve(t, Config{AcceptRate: 0.001})
	first := s.join()
	for range 5 {
		s.dial().ask().expectRefusal(http.StatusServiceUnavailable)
	}
	first.say(whole(1, "still here"))
	first.expect(unmasked(1, "still here"))
	if n := testutil.ToFloat64(s.metrics.refused.WithLabelValues("503", "accept_rate")); n != 5 {
		t.Errorf("%v are counted", n)
	}
}
