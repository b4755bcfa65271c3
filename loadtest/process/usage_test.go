package process

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestCPUTime(t *testing.T) {
	self, machine := clocks(t)
	for begin := time.Now(); time.Since(begin) < 30*time.Millisecond; {
	}
	selfAfter, machineAfter := clocks(t)
	if selfAfter <= self {
		t.Errorf("this process had %v, then %v", self, selfAfter)
	}
	if machineAfter < machine || machine == 0 {
		t.Errorf("the machine had %v, then %v", machine, machineAfter)
	}
	if _, err := CPUTime(1 << 22); err == nil {
		t.Error("no error for a number that no process has")
	}
}

func clocks(t *testing.T) (self, machine time.Duration) {
	t.Helper()
	self, err := CPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if machine, err = MachineTime(); err != nil {
		t.Fatal(err)
	}
	return self, machine
}

func TestResident(t *testing.T) {
	before, err := Resident(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const more = 64 << 20
	b := make([]byte, more)
	for i := 0; i < len(b); i += os.Getpagesize() {
		b[i] = 1
	}
	after, err := Resident(os.Getpid())
	if err != nil || after-before < more/2 || after-before > 4*more {
		t.Errorf("%d bytes before, %d after, %v", before, after, err)
	}
	runtime.KeepAlive(b)
}

func TestThreads(t *testing.T) {
	p := begin(t, "server")
	if n, err := Threads(p.Pid); err != nil || n < 1 || n > 100 {
		t.Errorf("%d threads, %v", n, err)
	}
	if n, err := field(p.Pid, "status", "Nonsense:"); err == nil {
		t.Errorf("no such field, got %d", n)
	}
}
