package doctor

import (
	"fmt"
	"net/netip"
	"sort"
	"strconv"
)

// LoadPlan is what a load run is about to do on this machine.
type LoadPlan struct {
	Users    int  // simulated users on this machine
	Workers  int  // worker processes that share them; 0: as many as [Workers] says
	Sources  int  // local addresses to connect from; 0: one, which the routing table chooses
	Targets  int  // distinct HOST:PORT to connect to; 0: the servers that the run starts, else one
	Loopback bool // the servers are on this machine; more sources than one are 127.0.0.2 and on
	TLS      bool // the users speak wss
	Served   int  // servers that the run starts itself, on this machine, each for an equal share of the users
}

// Load says whether a machine is fit for a load run. The first check tells the plan.
func Load(m Machine, plan LoadPlan) []Check {
	if plan.Workers <= 0 {
		plan.Workers = Workers(m, plan.Users)
	}
	plan.Sources = max(plan.Sources, 1)
	if plan.Targets <= 0 {
		plan.Targets = max(plan.Served, 1)
	}
	ends := plan.Users
	if plan.Served > 0 {
		ends *= 2 // both ends of each connection are here
	}
	checks := []Check{
		{Name: "plan", Found: plan.String()},
		m.check(),
		m.workerFiles(plan),
		m.systemFiles(ends + plan.Workers*workerReserve + plan.Served*serverReserve),
		m.loadPorts(plan),
	}
	need, what := plan.memory()
	checks = append(checks,
		m.memoryCheck(need, what, Fail, fmt.Sprintf("throng load --users %d", max(plan.affordable(m), 1))),
		m.socketMemory(ends))
	if plan.Served > 0 {
		each := share(plan.Users, plan.Served)
		server := m.serverFilesCheck(each, Fail)
		server.Name = "server-files"
		if server.Level != OK {
			server.Advice = lines(fmt.Sprintf("throng load --serve auto   # %s", plural(Servers(m, plan.Users), "server")), server.Advice)
		}
		checks = append(checks, server, m.acceptQueue(each))
	}
	checks = append(checks, m.tracking(plan.Users)...)
	return append(checks, m.sharedCPU(plan), m.Clock.check(plan.Loopback))
}

// String says what the run will do.
func (p LoadPlan) String() string {
	s := plural(p.Workers, "worker process") + " of " + plural(share(p.Users, p.Workers), "user")
	if p.Workers > 1 {
		s += " each"
	}
	switch {
	case p.Loopback && p.Sources > 1:
		s += fmt.Sprintf(", from %d addresses %s", p.Sources, loopbackRange(p.Sources))
	case p.Sources > 1:
		s += fmt.Sprintf(", from %d addresses", p.Sources)
	}
	if p.Served > 0 {
		return s + ", to " + plural(p.Served, "server") + " of its own"
	}
	return s + ", to " + plural(p.Targets, "address")
}

// loopbackRange is the first and the last of so many addresses from 127.0.0.2 on.
func loopbackRange(n int) string {
	last := netip.AddrFrom4([4]byte{127, byte((n + 1) >> 16), byte((n + 1) >> 8), byte(n + 1)})
	if n < 255 {
		return "127.0.0.2-" + strconv.Itoa(n+1)
	}
	return "127.0.0.2 to " + last.String()
}

// workerFiles judges the open-file limit of each worker.
func (m Machine) workerFiles(plan LoadPlan) Check {
	c := Check{Name: "open-files"}
	each, room := share(plan.Users, plan.Workers), workerUsers(m.Files.limit())
	c.Found = fmt.Sprintf("%s a process: room for %s each", m.Files.words(), plural(room, "user"))
	if room < each {
		c.Level = Fail
		c.Found += fmt.Sprintf(", %s wanted", count(each))
		c.Advice = m.raiseFiles(each + workerReserve)
	}
	return c
}

// loadPorts judges whether there are enough ports to connect from. A port serves each pair of source and target
// once, since the users' sockets leave its choice to connect(2) (ip(7), IP_BIND_ADDRESS_NO_PORT).
func (m Machine) loadPorts(plan LoadPlan) Check {
	c := Check{Name: "ports", Found: "net.ipv4.ip_local_port_range not known"}
	ports := m.Ports.Count()
	if ports == 0 {
		return c
	}
	room := ports * plan.Sources * plan.Targets
	// A tenth more than is asked for, for ports that a closed connection still holds (TIME_WAIT).
	want := plan.Users + plan.Users/10
	c.Found = fmt.Sprintf("%s from %s to %s: room for %s", m.Ports.words(), plural(plan.Sources, "address"),
		plural(plan.Targets, "address"), plural(room, "user"))
	switch {
	case plan.Users > room:
		c.Level = Fail
		c.Found += fmt.Sprintf(", %s wanted", count(plan.Users))
	case want > room:
		c.Level = Warn
		c.Found += fmt.Sprintf(", %s wanted, and those who come back find few free", count(plan.Users))
	default:
		return c
	}
	if !m.Ports.wide() && widePorts*plan.Sources*plan.Targets >= want {
		c.Advice = m.sysctl("net.ipv4.ip_local_port_range", "'"+wideRange+"'")
		return c
	}
	c.Advice = fmt.Sprintf("throng load --source ADDRESS,ADDRESS,…   # %s in all",
		plural(share(want, ports*plan.Targets), "address"))
	return c
}

// sharedCPU judges whether all processes can run at once.
func (m Machine) sharedCPU(plan LoadPlan) Check {
	c := Check{Name: "cpu"}
	c.Found = plural(plan.Workers, "worker")
	if plan.Served > 0 {
		c.Found += " and " + plural(plan.Served, "server")
	}
	cpus := m.processors()
	c.Found += " on " + plural(m.CPUs, "processor")
	if m.Quota > 0 && m.Quota < float64(m.CPUs) {
		c.Found += fmt.Sprintf(", %s granted", strconv.FormatFloat(m.Quota, 'f', -1, 64))
	}
	if float64(plan.Workers+plan.Served) > cpus {
		c.Level = Warn
		c.Found += ": latency is also that of waiting for a processor"
		c.Advice = "throng load --workers HOST:PORT,…   # with `throng load worker` on other machines"
	}
	return c
}

// memory is what the run wants on this machine in bytes, and for what.
func (p LoadPlan) memory() (bytes int, what string) {
	user := kernelSocket + loadUser
	if p.TLS {
		user += loadTLS
	}
	bytes = p.Workers*workerAlone + p.Users*user
	what = plural(p.Users, "user") + " of " + size(user)
	if p.Served > 0 {
		bytes += p.Served*serverAlone + p.Users*(kernelSocket+serverSocket)
		what += " and their sockets in the servers"
	}
	return bytes, what
}

// affordable is how many users fit into four fifths of the free memory, with as many to a process as now.
func (p LoadPlan) affordable(m Machine) int {
	each, served := share(p.Users, p.Workers), share(p.Users, max(p.Served, 1))
	return sort.Search(p.Users, func(n int) bool {
		fewer := p
		fewer.Users, fewer.Workers = n+1, share(n+1, max(each, 1))
		if p.Served > 0 {
			fewer.Served = share(n+1, max(served, 1))
		}
		bytes, _ := fewer.memory()
		return bytes > m.Memory.Available/10*8
	})
}
