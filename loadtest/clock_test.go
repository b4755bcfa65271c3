package loadtest

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNow lies between two readings of the kernel's clock, to a microsecond.
func TestNow(t *testing.T) {
	kernel := func() int64 {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			t.Fatal(err)
		}
		return ts.Nano()
	}
	for range 1000 {
		before := kernel()
		now := Now()
		if after := kernel(); now < before-1000 || now > after+1000 {
			t.Fatalf("%d is not between %d and %d", now, before, after)
		}
	}
}

// TestNowElsewhere asks another process for its time.
func TestNowElsewhere(t *testing.T) {
	other := child(t, "clock")
	for range 100 {
		var there int64
		before := Now()
		fmt.Fprintln(other.in)
		_, err := fmt.Sscan(other.says(), &there)
		if after := Now(); err != nil || there < before-1000 || there > after+1000 {
			t.Fatalf("%d is not between %d and %d: %v", there, before, after, err)
		}
	}
}

func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		Now()
	}
}
