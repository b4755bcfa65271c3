package doctor

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"runtime"
	"runtime/debug"
)

// Machine is what the kernel says of itself and of the limits on this process. It is a plain value. A number that is 0
// is not known, or there is no such limit; a limit that is there and infinite is [math.MaxInt].
type Machine struct {
	Kernel    string // its release, as in 6.18.44
	Container string // docker or podman; empty: none that is known
	PageSize  int    // bytes

	CPUs  int     // that this process may run on
	Quota float64 // processors that the cgroup grants; 0: no quota
	Admin bool    // this process is not held to the system's limit on open files (CAP_SYS_ADMIN)

	Files     Files
	Memory    Memory
	Ports     Ports
	Clock     Clock
	Conntrack Conntrack

	Somaxconn  int    // net.core.somaxconn: connections that wait to be accepted
	SynBacklog int    // net.ipv4.tcp_max_syn_backlog; it matters without SYN cookies only
	SynCookies int    // net.ipv4.tcp_syncookies: 0 off, 1 when the backlog is full, 2 always
	TCPMem     [3]int // net.ipv4.tcp_mem in pages, of all sockets together: low, pressure, limit
	TCPRead    [3]int // net.ipv4.tcp_rmem, bytes a socket: least, default, most
	TCPWrite   [3]int // net.ipv4.tcp_wmem, bytes a socket: least, default, most

	HugePages string // transparent huge pages: always, madvise or never; empty: not known
}

// Files are the limits on open files.
type Files struct {
	Soft   int // of this process. A Go program has raised it to the hard one before main starts
	Hard   int // of this process
	NrOpen int // fs.nr_open: the highest hard limit that root may grant
	Max    int // fs.file-max: of the whole system
	Open   int // of the whole system, now
}

// Memory is in bytes.
type Memory struct {
	Total     int
	Available int // to programs, without swapping; of the cgroup when that is less
	Limit     int // the least limit of the cgroups that this process is in; 0: none
	Cgroup    int // the version, 1 or 2, that sets Limit or Quota; 0: none does
	Told      int // what the server is told to keep to, by --max-memory or GOMEMLIMIT; 0: nobody says
	Swap      int // of the whole system; 0: none
	Swapped   int // of Swap, in use
}

// Ports are those that connect(2) may choose from.
type Ports struct {
	First, Last int // net.ipv4.ip_local_port_range, both included
	Reserved    int // of these, taken out by net.ipv4.ip_local_reserved_ports
}

// Count is the number of usable ports.
func (p Ports) Count() int {
	if p.Last < p.First || p.Last == 0 {
		return 0
	}
	return max(p.Last-p.First+1-p.Reserved, 0)
}

// Conntrack is the kernel's table of tracked connections.
type Conntrack struct {
	Max   int // entries; 0: the kernel tracks none
	Count int // entries in use; 0: most likely no firewall rule asks for tracking
}

// Look reads the facts of this machine. They are usable even with an error, which says what could not be understood.
// What a system does not tell (a sandbox hides much) is no error.
func Look() (Machine, error) {
	m, err := LookIn(os.DirFS("/"))
	m.Clock.ask()
	if told := debug.SetMemoryLimit(-1); told < math.MaxInt64 {
		m.Memory.Told = int(told)
	}
	return m, err
}

// LookIn is [Look] for a machine whose /proc and /sys are below root. It leaves out what is not told there: the state of the
// clock, and GOMEMLIMIT.
func LookIn(root fs.FS) (Machine, error) {
	f := &facts{root: root}
	m := Machine{
		Kernel:     f.text("proc/sys/kernel/osrelease"),
		Container:  f.container(),
		PageSize:   os.Getpagesize(),
		CPUs:       f.cpus(),
		Admin:      f.admin(),
		Files:      f.files(),
		Ports:      f.ports(),
		Somaxconn:  f.number("proc/sys/net/core/somaxconn"),
		SynBacklog: f.number("proc/sys/net/ipv4/tcp_max_syn_backlog"),
		SynCookies: f.number("proc/sys/net/ipv4/tcp_syncookies"),
		TCPMem:     [3]int(f.numbers("proc/sys/net/ipv4/tcp_mem", 3)),
		TCPRead:    [3]int(f.numbers("proc/sys/net/ipv4/tcp_rmem", 3)),
		TCPWrite:   [3]int(f.numbers("proc/sys/net/ipv4/tcp_wmem", 3)),
		Conntrack: Conntrack{
			Max:   f.number("proc/sys/net/netfilter/nf_conntrack_max"),
			Count: f.number("proc/sys/net/netfilter/nf_conntrack_count"),
		},
		Clock:     f.clock(),
		HugePages: f.chosen("sys/kernel/mm/transparent_hugepage/enabled"),
	}
	if m.CPUs == 0 {
		m.CPUs = runtime.NumCPU()
	}
	m.Memory, m.Quota = f.memory()
	return m, errors.Join(f.errs...)
}

// processors is how many this process can keep busy.
func (m Machine) processors() float64 {
	if m.Quota > 0 {
		return min(m.Quota, float64(m.CPUs))
	}
	return float64(m.CPUs)
}
