package run

import "time"

// outside is how long the servers may turn away whoever wants in, until the run is given up.
const outside = 30 * time.Second

// door watches whether the servers let anybody in. One user in a hundred may stay outside: each gives up by itself
// after a few attempts, and the run goes on without it. When all have to do so, that takes very long.
type door struct {
	came   int       // users who had come in, or back, when somebody did last
	turned int       // attempts that had failed then
	since  time.Time // when one failed first after that; zero: none has
}

// isShut looks at the counts of a moment and reports whether attempts have failed for so long, and none has succeeded.
func (d *door) isShut(sum counts, users int, now time.Time) bool {
	came, missing := sum.Ever+sum.Again, users-sum.Connected-sum.Failed
	switch {
	case came != d.came, sum.Trying == 0, 100*missing <= users:
		d.came, d.turned, d.since = came, sum.Turned, time.Time{}
		return false
	case sum.Turned == d.turned:
		return false // they wait for their first answer
	case d.since.IsZero():
		d.since = now
	}
	return now.Sub(d.since) >= outside
}
