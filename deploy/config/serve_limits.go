package config

import "net/netip"

// Limits is where clients are, seen through proxies, and how much one of them may take; a part of [Serve].
type Limits struct {
	TrustProxy    []netip.Prefix // proxies whose word is taken where clients are; masked
	ProxyProtocol bool           // whether those begin each connection with a PROXY header
}

// onLimits is where clients are, seen through proxies, and how much one of them may take.
func (s *Serve) onLimits() []setting {
	return []setting{
		{"trust-proxy", "", networks(&s.TrustProxy),
			"proxies whose word is taken where their clients are, by X-Forwarded-For; may be given several times; empty = none"},
		{"proxy-protocol", "off", offOn(&s.ProxyProtocol),
			"on: what --trust-proxy names must begin each connection with a PROXY header, version 1 or 2, such as haproxy's send-proxy"},
		{"max-conns", "0", count(&s.MaxConns, "sockets", 10_000_000, "0 = what the open-file limit allows"),
			"sockets; 0 = what the open-file limit allows, less a reserve; beyond: 503 with Retry-After"},
		{"max-conns-per-ip", "0", count(&s.MaxConnsPerIP, "sockets", 10_000_000, "0 = no limit"),
			"sockets from one address, of IPv6 from one /64; 0 = no limit; beyond: 429"},
		{"max-rooms", "100", count(&s.MaxRooms, "rooms", 100_000, ""),
			"rooms that one connection may have joined"},
	}
}

// settleLimits refuses limits that do not fit each other.
func (s *Serve) settleLimits(t *table) error {
	if s.ProxyProtocol && len(s.TrustProxy) == 0 {
		return t.used["proxy-protocol"].refuse("--trust-proxy as well, which proxies there are")
	}
	return nil
}

// networks is for networks of IP addresses, or single addresses.
func networks(to *[]netip.Prefix) kind {
	const unit = "network or IP address"
	return each(to, unit, "a "+unit+", such as 10.0.0.0/8 or 192.0.2.7", func(text string) (netip.Prefix, bool) {
		if a, err := netip.ParseAddr(text); err == nil {
			return netip.PrefixFrom(a, a.BitLen()), a.Zone() == ""
		}
		p, err := netip.ParsePrefix(text)
		return p.Masked(), err == nil
	})
}
