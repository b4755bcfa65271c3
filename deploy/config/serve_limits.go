package config

import "net/netip"

// Limits is where clients are, seen through proxies, and how much one of them may take; a part of [Serve].
type Limits struct {
	TrustProxy    []netip.Prefix // proxies whose word is taken where clients are; masked
	ProxyProtocol bool           // whether those begin each connection with a PROXY header
	ConnectRate   float64        // new connections a second from one address; 0: no limit
	ConnectBurst  int            // of them at once; never 0
	AcceptRate    float64        // WebSocket connections a second in all; 0: no limit
	AddressRate   float64        // messages a second from one address; 0: no limit
	ByteRate      float64        // bytes a second from one claim's sessions; 0: no limit
	ByteBurst     int            // bytes at once; never 0
	MaxMemory     int            // bytes; 0: what GOMEMLIMIT or the control group says
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
		{"connect-rate", "0", number(&s.ConnectRate, "connections a second", 1_000_000, "0 = no limit"),
			"new connections a second from one address, counted likewise; 0 = no limit; beyond: 429, and closed without a word when it goes on"},
		{"connect-burst", "100", count(&s.ConnectBurst, "connections", 1_000_000, ""),
			"new connections that one address may open at once before connect-rate holds it"},
		{"accept-rate", "0", number(&s.AcceptRate, "connections a second", 1_000_000, "0 = no limit"),
			"WebSocket connections that are let in a second, in all; 0 = no limit; beyond: 503 with Retry-After"},
		{"max-memory", "0", sizeOrZero(&s.MaxMemory, leastMemory, 1024*gib),
			"memory of the process; from 90 % of it on newcomers get 503 with Retry-After, below 85 % they are let in again; " +
				"0 = GOMEMLIMIT, or nine tenths of the control group's limit, or none where there is neither"},
		{"address-rate", "0", number(&s.AddressRate, "messages a second", 10_000_000, "0 = no limit"),
			"messages a second from one address, counted likewise; 0 = no limit; beyond: told to slow down"},
		{"byte-rate", "0", number(&s.ByteRate, "bytes a second", 1<<40, "0 = no limit"),
			"bytes a second that one user may send, on all connections together; 0 = as many as rate and max-message allow; beyond: as with rate"},
		{"byte-burst", "1MiB", size(&s.ByteBurst, 1, gib),
			"bytes that a user may send at once before byte-rate holds them; one larger message passes, and is paid for afterwards"},
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
