package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Clock is where the time comes from.
type Clock struct {
	Source  string        // the clock source in use; empty: not known
	Sources []string      // those that there are
	Known   bool          // the kernel told whether the clock is kept in step
	Synced  bool          // it is, by NTP or the like
	Error   time.Duration // the largest that the kernel thinks possible, when Synced
}

// ask asks the kernel whether the clock is kept in step (adjtimex(2)). Sandboxes may forbid the question.
func (c *Clock) ask() {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return
	}
	c.Known = true
	c.Synced = state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
	c.Error = time.Duration(t.Maxerror) * time.Microsecond
}

// quick are the clock sources that a process reads without a system call.
var quick = []string{"tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"}

// check judges the clock. alone says that no other machine's clock is compared with it.
func (c Clock) check(alone bool) Check {
	out := Check{Name: "clock"}
	var found, advice []string
	if c.Source != "" {
		found = append(found, "source "+c.Source)
		if i := slices.IndexFunc(quick, func(q string) bool { return slices.Contains(c.Sources, q) }); i >= 0 &&
			!slices.Contains(quick, c.Source) {
			found = append(found, "slow to read: each look is a system call")
			advice = append(advice, "echo "+quick[i]+
				" > /sys/devices/system/clocksource/clocksource0/current_clocksource")
			out.Level = Warn
		}
	}
	switch {
	case !c.Known:
		found = append(found, "not known whether it is kept in step")
	case c.Synced:
		found = append(found, fmt.Sprintf("kept in step, %v off at most", c.Error.Round(time.Millisecond)))
	case alone:
		found = append(found, "not kept in step, and compared with no other")
	default:
		found = append(found, "not kept in step: times differ from those of other machines")
		advice = append(advice, "timedatectl set-ntp true")
		out.Level = Warn
	}
	out.Found, out.Advice = strings.Join(found, "; "), lines(advice...)
	return out
}
