package doctor

import (
	"fmt"
	"strconv"
)

// goal is what a server should be able to hold where no number is given.
const goal = 10_000

// Server says whether a machine is fit for a server of so many sockets. 0 asks how many it could hold; then limits are
// held against a modest 10,000, and none is a failure.
func Server(m Machine, conns int) []Check {
	short := Fail
	if conns <= 0 {
		conns, short = goal, Warn
	}
	room, binds := Capacity(m)
	checks := []Check{
		m.check(),
		{Name: "capacity", Found: fmt.Sprintf("room for about %s a server; more is up to %s", plural(room, "socket"), binds)},
		m.serverFilesCheck(conns, short),
		m.systemFiles(serverFiles(conns)),
		m.acceptQueue(conns),
		m.synQueue(conns),
		m.proxyPorts(conns),
		m.memoryCheck(serverMemory(conns), fmt.Sprintf("%s of %s and %s for the program",
			plural(conns, "socket"), size(kernelSocket+serverSocket), size(serverAlone)), short,
			fmt.Sprintf("throng --max-conns %d", max(m.memorySockets(), 1))),
		m.socketMemory(conns),
	}
	checks = append(checks, m.tracking(conns)...)
	return append(checks, m.Clock.check(false))
}

// Capacity is about how many waiting sockets one server could hold on this machine, and which limit, by the name of its
// check, stands in the way of more.
func Capacity(m Machine) (sockets int, binds string) {
	sockets, binds = serverSockets(m.Files.limit()), "open-files"
	if m.Files.Max > 0 && !m.Admin {
		if n := serverSockets(max(m.Files.Max-m.Files.Open, 0)); n < sockets {
			sockets, binds = n, "system-files"
		}
	}
	if m.Memory.Available > 0 {
		if n := m.memorySockets(); n < sockets {
			sockets, binds = n, "memory"
		}
	}
	return sockets, binds
}

// serverMemory is what a server with so many waiting sockets wants, the kernel's part included.
func serverMemory(sockets int) int { return serverAlone + sockets*(kernelSocket+serverSocket) }

// memorySockets is how many waiting sockets fit into the free memory.
func (m Machine) memorySockets() int {
	return max(m.Memory.Available-serverAlone, 0) / (kernelSocket + serverSocket)
}

// check tells what machine this is.
func (m Machine) check() Check {
	c := Check{Name: "machine", Found: "Linux " + m.Kernel + ", " + plural(m.CPUs, "processor")}
	if m.Quota > 0 {
		c.Found += fmt.Sprintf(" of which the cgroup grants %s", strconv.FormatFloat(m.Quota, 'f', -1, 64))
	}
	c.Found += ", " + size(m.Memory.Total) + " of memory"
	if m.Memory.Limit > 0 {
		c.Found += ", of which the cgroup grants " + size(m.Memory.Limit)
	}
	if m.Container != "" {
		c.Found += ", in a container of " + m.Container
	}
	return c
}
