package doctor

import "fmt"

// What things cost in bytes. The first two are measured (see the package's tour) and rounded up; the rest are allowances.
const (
	kernelSocket = 4300     // one end of a connection that waits, in the kernel
	serverSocket = 1300     // the server's own for each
	loadUser     = 1000     // the load tester's own for each: its place in the stream and what it has received
	loadTLS      = 7000     // and its TLS
	serverAlone  = 32 << 20 // a server without sockets
	workerAlone  = 64 << 20 // a worker without users, with its books
)

// memoryCheck judges whether so many bytes are there to be had. short is the level of too little. fit says what would fit.
func (m Machine) memoryCheck(need int, what string, short Level, fit string) Check {
	c := Check{Name: "memory"}
	if m.Memory.Available == 0 {
		c.Found = fmt.Sprintf("free memory not known; about %s wanted for %s", size(need), what)
		return c
	}
	c.Found = fmt.Sprintf("%s free; about %s wanted for %s", size(m.Memory.Available), size(need), what)
	switch {
	case need > m.Memory.Available:
		c.Level = short
	case need > m.Memory.Available/10*8:
		c.Level = Warn
	default:
		return c
	}
	c.Advice = m.raiseMemory(need, fit)
	return c
}

// raiseMemory tells how to have so many bytes free.
func (m Machine) raiseMemory(need int, fit string) string {
	used := max(m.Memory.Limit-m.Memory.Available, 0)
	mebibytes := share(roundUp(used+need+need/4, 64<<20), 1<<20)
	switch {
	case m.Memory.Limit == 0 || mebibytes > m.Memory.Total>>20:
		return fit
	case m.Container != "":
		return lines(fmt.Sprintf("%s run --memory %dm …", m.Container, mebibytes), fit)
	}
	return lines(fmt.Sprintf("MemoryMax=%dM       # with systemd: systemctl edit throng, below [Service]", mebibytes), fit)
}

// socketMemory judges what the kernel lets all sockets together hold while messages are under way: a page for each of so
// many ends of connections. A socket that waits holds none of it.
func (m Machine) socketMemory(ends int) Check {
	c := Check{Name: "socket-memory"}
	if m.TCPMem == [3]int{} || m.PageSize == 0 {
		c.Found = "net.ipv4.tcp_mem not known"
		return c
	}
	c.Found = fmt.Sprintf("%s for messages under way (tcp_mem), %s by one socket at most (tcp_rmem, tcp_wmem)",
		m.pages(m.TCPMem[2]), size(max(m.TCPRead[2], m.TCPWrite[2])))
	if m.TCPMem[1] < ends {
		c.Level = Warn
		c.Found += fmt.Sprintf("; the kernel holds back from %s, and %s want a page each in a broadcast",
			m.pages(m.TCPMem[1]), plural(ends, "socket"))
		want := roundUp(ends, 1024)
		if m.Memory.Total > 0 && want/2*3 > m.Memory.Total/m.PageSize {
			c.Advice = "# more than this machine has: use fewer, or add memory"
			return c
		}
		c.Advice = fmt.Sprintf("sysctl -w net.ipv4.tcp_mem='%d %d %d'", want/4*3, want, want/2*3)
	}
	return c
}

// pages is the size of so many pages.
func (m Machine) pages(n int) string { return size(min(n, 1<<40) * m.PageSize) }

func roundUp(n, to int) int { return share(n, to) * to }
