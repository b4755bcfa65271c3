package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime is the processor time that a process has used in all its threads, kernel included, from
// the clock that the kernel keeps of it in nanoseconds (clock_getcpuclockid(3)).
func CPUTime(pid int) (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		return 0, fmt.Errorf("CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// MachineTime is the processor time that all programs have used, with what the hypervisor took away,
// in ticks of ten milliseconds (proc(5), /proc/stat).
func MachineTime() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	var user, nice, system, idle, wait, irq, softirq, steal int
	_, err = fmt.Sscanf(string(b), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &irq, &softirq, &steal)
	return time.Duration(user+nice+system+irq+softirq+steal) * 10 * time.Millisecond, err
}

// Resident is the memory of a process that the kernel holds for it, in bytes, its share of files
// included (proc(5), smaps_rollup, which unlike status is exact).
func Resident(pid int) (int, error) {
	n, err := field(pid, "smaps_rollup", "Rss:")
	return n << 10, err
}

// Threads is the number of a process's threads.
func Threads(pid int) (int, error) { return field(pid, "status", "Threads:") }

// field reads the number behind a name in a file below /proc/PID.
func field(pid int, file, name string) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0, err
	}
	_, after, _ := bytes.Cut(b, []byte("\n"+name))
	words := bytes.Fields(after)
	if len(words) == 0 {
		return 0, fmt.Errorf("no %s in /proc/%d/%s", name, pid, file)
	}
	return strconv.Atoi(string(words[0]))
}
