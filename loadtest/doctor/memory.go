package doctor

import "fmt"

// What things cost in bytes. The first two are measured (see the package's tour) and rounded up; the rest are allowances.
const (
	kernelSocket = 4300     // one end of a connection that waits, in the kernel
	serverSocket = 1300     // the server's own for each
	serverTLS    = 10000    // and its TLS, at most
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

// wholeMessage is the largest message that a server takes by default, in bytes.
const wholeMessage = 64 << 10

// socketMemory judges what the kernel lets all sockets together hold while messages are under way: a page for each of so
// many ends of connections. A socket that waits holds none of it. What one socket may hold is judged, too: a message that does not
// fit goes in several turns, and waits for the peer between them.
func (m Machine) socketMemory(ends int) Check {
	c := Check{Name: "socket-memory"}
	if m.TCPMem == [3]int{} || m.PageSize == 0 {
		c.Found = "net.ipv4.tcp_mem not known"
		return c
	}
	most := min(m.TCPRead[2], m.TCPWrite[2])
	c.Found = fmt.Sprintf("%s for messages under way (tcp_mem), %s by one socket at most (tcp_rmem, tcp_wmem)",
		m.pages(m.TCPMem[2]), size(max(m.TCPRead[2], m.TCPWrite[2])))
	if most > 0 && most < wholeMessage {
		c.Level = Warn
		c.Found += fmt.Sprintf("; one way a message of %s does not fit", size(wholeMessage))
		c.Advice = lines(m.raiseBuffer("net.ipv4.tcp_rmem", m.TCPRead), m.raiseBuffer("net.ipv4.tcp_wmem", m.TCPWrite))
	}
	if m.TCPMem[1] < ends {
		c.Level = Warn
		c.Found += fmt.Sprintf("; the kernel holds back from %s, and %s want a page each in a broadcast",
			m.pages(m.TCPMem[1]), plural(ends, "socket"))
		want := roundUp(ends, 1024)
		if m.Memory.Total > 0 && want/2*3 > m.Memory.Total/m.PageSize {
			c.Advice = lines(c.Advice, "# more than this machine has: use fewer, or add memory")
			return c
		}
		c.Advice = lines(c.Advice, fmt.Sprintf("sysctl -w net.ipv4.tcp_mem='%d %d %d'", want/4*3, want, want/2*3))
	}
	return c
}

// raiseBuffer tells how to let one socket hold more, now least, default and most; nothing where a whole message fits.
func (m Machine) raiseBuffer(name string, now [3]int) string {
	if now[2] >= wholeMessage {
		return ""
	}
	return m.sysctl(name, fmt.Sprintf("'%d %d %d'", now[0], now[1], 4<<20))
}

// memoryLimit judges what the server is told to keep to: from 90 % of it on it sends newcomers away, and above the limit
// of its control group the kernel ends it. What the kernel needs for the sockets is not counted in it.
func (m Machine) memoryLimit(plan ServerPlan, short Level) Check {
	c := Check{Name: "memory-limit"}
	told, by := m.Memory.Told, "by --max-memory or GOMEMLIMIT"
	if told == 0 {
		told, by = m.Memory.Limit/10*9, "nine tenths of the control group's limit"
	}
	if told == 0 {
		c.Found = "none: the server takes newcomers until memory is gone, unless --max-memory or GOMEMLIMIT says how much there is"
		return c
	}
	need := serverAlone + plan.Conns*plan.ownSocket()
	c.Found = fmt.Sprintf("%s for the program (%s); about %s wanted of it", size(told), by, size(need))
	switch {
	case m.Memory.Limit > 0 && told > m.Memory.Limit:
		c.Level = Warn
		c.Found += fmt.Sprintf("; the kernel ends it at %s, which the control group grants", size(m.Memory.Limit))
		c.Advice = fmt.Sprintf("throng --max-memory %dMiB   # and no GOMEMLIMIT above it", max(m.Memory.Limit/10*9>>20, 64))
	case need > told/10*9:
		c.Level = short
		c.Found += "; newcomers are sent away from nine tenths on"
		c.Advice = fmt.Sprintf("throng --max-memory %dMiB   # or GOMEMLIMIT, where the machine has it", share(roundUp(need/4*5, 64<<20), 1<<20))
	}
	return c
}

// muchSwapped is how much may lie in swap, of programs that sleep, before it is worth a word.
const muchSwapped = 64 << 20

// swap judges what is swapped out: a server that has to fetch its memory from a disk answers nobody meanwhile.
func (m Machine) swap() Check {
	c := Check{Name: "swap", Found: "none"}
	if m.Memory.Swap == 0 {
		return c
	}
	c.Found = fmt.Sprintf("%s of %s in use", size(m.Memory.Swapped), size(m.Memory.Swap))
	if m.Memory.Swapped > muchSwapped {
		c.Level = Warn
		c.Found += ": memory is or was short, and whoever waits for a page from a disk waits for milliseconds"
		c.Advice = lines("MemorySwapMax=0       # with systemd: systemctl edit throng, below [Service]; the server is not swapped out",
			"swapoff -a && swapon -a   # takes back what lies there, when as much memory is free")
	}
	return c
}

// hugePages judges whether the kernel hands out 2 MiB where 4 KiB are asked for: memory that the program gives back in
// small pieces then stays with it.
func (m Machine) hugePages() Check {
	c := Check{Name: "huge-pages", Found: "not known whether they are handed out unasked"}
	switch m.HugePages {
	case "":
	case "always":
		c.Level = Warn
		c.Found = "always: handed out unasked, so that the program holds more memory than it uses"
		c.Advice = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"
	default:
		c.Found = m.HugePages + ": not handed out unasked"
	}
	return c
}

// pages is the size of so many pages.
func (m Machine) pages(n int) string { return size(min(n, 1<<40) * m.PageSize) }

func roundUp(n, to int) int { return share(n, to) * to }
