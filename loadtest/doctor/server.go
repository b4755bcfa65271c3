package doctor

import (
	"fmt"
	"strconv"
)

// goal is what a server should be able to hold where no number is given.
const goal = 10_000

// ServerPlan is what a server is to hold.
type ServerPlan struct {
	Conns int  // sockets; 0: as many as the machine has room for
	TLS   bool // the server encrypts them itself
}

// Server says whether a machine is fit for a server of so many sockets. Without a number it tells how many it could hold; then limits
// are held against a modest 10,000, and none is a failure.
func Server(m Machine, plan ServerPlan) []Check {
	short := Fail
	if plan.Conns <= 0 {
		plan.Conns, short = goal, Warn
	}
	conns := plan.Conns
	room, binds := Capacity(m, plan)
	checks := []Check{
		m.check(),
		{Name: "capacity", Found: fmt.Sprintf("room for about %s a server; more is up to %s", plural(room, "socket"), binds)},
		m.serverFilesCheck(conns, short),
		m.systemFiles(serverFiles(conns)),
		m.acceptQueue(conns),
		m.synQueue(conns),
		m.proxyPorts(conns),
		m.memoryCheck(plan.memory(), fmt.Sprintf("%s of %s and %s for the program",
			plural(conns, "socket"), size(plan.socket()), size(serverAlone)), short,
			fmt.Sprintf("throng --max-conns %d", max(m.memorySockets(plan), 1))),
		m.memoryLimit(plan, short),
		m.swap(),
		m.hugePages(),
		m.socketMemory(conns),
	}
	checks = append(checks, m.tracking(conns)...)
	return append(checks, m.Clock.check(false))
}

// Capacity is about how many waiting sockets one server could hold on this machine, and which limit, by the name of its
// check, stands in the way of more. The number in the plan is of no account.
func Capacity(m Machine, plan ServerPlan) (sockets int, binds string) {
	sockets, binds = serverSockets(m.Files.limit()), "open-files"
	if m.Files.Max > 0 && !m.Admin {
		if n := serverSockets(max(m.Files.Max-m.Files.Open, 0)); n < sockets {
			sockets, binds = n, "system-files"
		}
	}
	if m.Memory.Available > 0 {
		if n := m.memorySockets(plan); n < sockets {
			sockets, binds = n, "memory"
		}
	}
	return sockets, binds
}

// memory is what a server with so many waiting sockets wants, the kernel's part included.
func (p ServerPlan) memory() int { return serverAlone + p.Conns*p.socket() }

// socket is what each costs, the kernel's part included; ownSocket is the server's own part.
func (p ServerPlan) socket() int { return kernelSocket + p.ownSocket() }

func (p ServerPlan) ownSocket() int {
	if p.TLS {
		return serverSocket + serverTLS
	}
	return serverSocket
}

// memorySockets is how many waiting sockets fit into the free memory.
func (m Machine) memorySockets(plan ServerPlan) int {
	return max(m.Memory.Available-serverAlone, 0) / plan.socket()
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
