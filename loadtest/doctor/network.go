package doctor

import "fmt"

// backlog is how many connections should be able to wait to be accepted by a server of so many sockets: when all come
// at once, who finds the queue full tries again after a second. 4,096 is the kernel's own default since Linux 5.4.
func backlog(sockets int) int { return min(roomy(max(sockets/16, 4096)), 65535) }

// acceptQueue judges the length of the queue before accept(2).
func (m Machine) acceptQueue(sockets int) Check {
	c := Check{Name: "somaxconn", Found: "net.core.somaxconn not known"}
	if m.Somaxconn == 0 {
		return c
	}
	want := backlog(sockets)
	c.Found = fmt.Sprintf("%s may wait to be accepted", plural(m.Somaxconn, "connection"))
	if m.Somaxconn < want {
		c.Level = Warn
		c.Found += fmt.Sprintf(", %s wanted: when all come at once the others try again a second later", count(want))
		c.Advice = m.sysctl("net.core.somaxconn", fmt.Sprint(want))
	}
	return c
}

// synQueue judges the queue of half-open connections, which drops newcomers only while SYN cookies are off.
func (m Machine) synQueue(sockets int) Check {
	c := Check{Name: "syn-backlog", Found: "net.ipv4.tcp_max_syn_backlog not known"}
	switch {
	case m.SynBacklog == 0:
	case m.SynCookies > 0:
		c.Found = count(m.SynBacklog) + ", and SYN cookies beyond"
	default:
		c.Found = count(m.SynBacklog) + ", and no SYN cookies beyond"
		if want := backlog(sockets); m.SynBacklog < want {
			c.Level = Warn
			c.Advice = lines(m.sysctl("net.ipv4.tcp_syncookies", "1"),
				m.sysctl("net.ipv4.tcp_max_syn_backlog", fmt.Sprint(want)))
		}
	}
	return c
}

// wideRange is a port range that leaves the low ports to servers.
const (
	wideRange = "10240 65535"
	widePorts = 65535 - 10240 + 1
)

// wide reports whether the range is as wide already.
func (p Ports) wide() bool { return p.Last-p.First+1 >= widePorts }

// proxyPorts judges the ports for a proxy on this machine: it comes from one address to one address, so that each of its
// connections needs a port of its own.
func (m Machine) proxyPorts(sockets int) Check {
	c := Check{Name: "ports", Found: "net.ipv4.ip_local_port_range not known"}
	ports := m.Ports.Count()
	if ports == 0 {
		return c
	}
	c.Found = fmt.Sprintf("%s, which matter to a proxy on this machine only", m.Ports.words())
	if sockets <= ports {
		return c
	}
	c.Level = Warn
	c.Found += fmt.Sprintf(": it cannot hold %s to one address of throng", plural(sockets, "connection"))
	if !m.Ports.wide() && sockets <= widePorts {
		c.Advice = m.sysctl("net.ipv4.ip_local_port_range", "'"+wideRange+"'")
		return c
	}
	c.Advice = fmt.Sprintf("# let the proxy spread its connections over %s, 127.0.0.1:8888, 127.0.0.2:8888, …",
		plural(share(sockets, ports), "address"))
	return c
}

func (p Ports) words() string {
	s := fmt.Sprintf("%s (%d to %d)", plural(p.Count(), "port"), p.First, p.Last)
	if p.Reserved > 0 {
		s = fmt.Sprintf("%s (%d to %d, less %d reserved)", plural(p.Count(), "port"), p.First, p.Last, p.Reserved)
	}
	return s
}

// tracking judges the table of tracked connections. It is only given where there is one.
func (m Machine) tracking(connections int) []Check {
	t := m.Conntrack
	if t.Max == 0 {
		return nil
	}
	c := Check{Name: "conntrack", Found: fmt.Sprintf("%s of %s tracked", count(t.Count), plural(t.Max, "connection"))}
	if t.Max-t.Count < connections {
		c.Level = Fail
		c.Found += fmt.Sprintf(": the kernel drops packets before %s more are there", count(connections))
		if t.Count == 0 {
			c.Level = Warn
			c.Found = fmt.Sprintf("none tracked now; a firewall that does could track %s, of %s",
				count(t.Max), count(connections))
		}
		c.Advice = fmt.Sprintf("sysctl -w net.netfilter.nf_conntrack_max=%d", roomy(t.Count+connections))
	}
	return []Check{c}
}

// sysctl tells how to set what belongs to a network namespace, which a container has for itself.
func (m Machine) sysctl(name, value string) string {
	here, outside := fmt.Sprintf("sysctl -w %s=%s", name, value), ""
	if m.Container != "" {
		outside = fmt.Sprintf("%s run --sysctl %s=%s …   # or so, where the container may not", m.Container, name, value)
	}
	return lines(here, outside)
}
