package run

import "time"

const (
	// attempts is how often a user tries to come in before it is given up. One of version 2 who was in already, and is owed all
	// that it misses, tries for returning at least.
	attempts  = 6
	returning = 2 * time.Minute
	// firstWait is how long a user waits after its first failed attempt; then twice as long each time, with jitter, or as
	// long as the server asks for, but of itself never much longer than longestWait, or than returnWait when it was in already.
	firstWait   = 250 * time.Millisecond
	longestWait = 30 * time.Second
	returnWait  = 4 * time.Second
)

// retry is how a user tries again to come in.
type retry struct {
	failed  int
	wait    time.Duration
	longest time.Duration
	until   time.Time // it is not given up before
}

// newRetry is for who comes for the first time (the zero since), or was cut off at a time and misses nothing meanwhile (isKept).
func newRetry(since time.Time, isKept bool) *retry {
	if isKept && !since.IsZero() {
		return &retry{wait: firstWait, longest: returnWait, until: since.Add(returning)}
	}
	return &retry{wait: firstWait, longest: longestWait}
}

// next is how long to wait, about, after an attempt that has failed; false: it was the last one. Asked is how long the server asks for.
func (t *retry) next(asked time.Duration, now time.Time) (wait time.Duration, isOn bool) {
	t.failed++
	wait = max(t.wait, min(asked, longestWait))
	t.wait = min(2*wait, t.longest)
	return wait, t.failed < attempts || now.Before(t.until)
}
