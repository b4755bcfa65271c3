package engine

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// arrival is a connection at the door, and where its client is. The goroutine that has the connection owns it.
type arrival struct {
	stream
	since time.Time      // when it was accepted; the zero Time: it has been served since
	from  netip.AddrPort // the peer, or whom a trusted one has named in a PROXY header
}

func newArrival(conn *net.TCPConn) *arrival {
	peer := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	return &arrival{conn, time.Now(), bare(peer)}
}

// RemoteAddr is where the client is.
func (a *arrival) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(a.from) }

// bare is an address as it is compared: an IPv4 address in the clothes of IPv6 is one of IPv4, and no zone belongs to it.
func bare(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// network is what an address is counted by: of IPv6 the /64, for whoever has one address has all of them.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero Addr: the zero Prefix
	return p
}

// proxies are the networks whose word about clients is taken.
type proxies []netip.Prefix

// newProxies writes networks of IPv4 addresses in the clothes of IPv6 as those of IPv4, for which addresses are bare.
func newProxies(networks []netip.Prefix) proxies {
	all := make(proxies, 0, len(networks))
	for _, p := range networks {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		all = append(all, p.Masked())
	}
	return all
}

func (p proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(a) })
}

// forwarded is the header in which HTTP proxies say from whom they have a request: each appends the peer that it has seen.
const forwarded = "X-Forwarded-For"

// maxHops is how many proxies one behind the other are believed.
const maxHops = 16

// client is where the client of a request is that came from a peer. A header from whom is not trusted means nothing.
// One that cannot be read is counted, and the peer's own address stands.
func (d *door) client(peer netip.AddrPort, h http.Header) netip.AddrPort {
	lines := h[forwarded]
	if len(lines) == 0 || !d.proxies.trust(peer.Addr()) {
		return peer
	}
	client, ok := d.proxies.client(lines)
	if !ok {
		d.engine.metrics.misforwarded.Inc()
		return peer
	}
	return client
}

// client reads the header's lines from the right, for what is left of the first address that is not a proxy's own may be
// the client's invention; it is not looked at. When all of them are trusted, the leftmost is the client.
func (p proxies) client(lines []string) (client netip.AddrPort, ok bool) {
	hops := 0
	for _, line := range slices.Backward(lines) {
		for more := true; more; {
			var last string
			last, line, more = cutLast(line)
			if client, ok = parseHop(last); !ok {
				return client, false
			}
			if !p.trust(client.Addr()) {
				return client, true
			}
			if hops++; hops > maxHops {
				return client, false
			}
		}
	}
	return client, ok
}

// cutLast takes the last element off a list, and reports whether more are left.
func cutLast(list string) (last, rest string, more bool) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return list, "", false
	}
	return list[i+1:], list[:i], true
}

// parseHop reads one element: an IP address, perhaps with a port.
func parseHop(text string) (netip.AddrPort, bool) {
	const longest = len("[0000:0000:0000:0000:0000:ffff:255.255.255.255]:65535")
	text = strings.Trim(text, " \t")
	if len(text) > longest {
		return netip.AddrPort{}, false
	}
	hop, err := netip.ParseAddrPort(text)
	if err != nil {
		if inner, ok := strings.CutPrefix(text, "["); ok {
			if text, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(text, ":") {
				return netip.AddrPort{}, false
			}
		}
		var a netip.Addr
		a, err = netip.ParseAddr(text)
		hop = netip.AddrPortFrom(a, 0)
	}
	if err != nil || hop.Addr().Zone() != "" {
		return netip.AddrPort{}, false
	}
	return bare(hop), true
}
