package server

import (
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"throng/deploy/config"
	"throng/engine"
	"throng/room"
)

// limited sets who may come in: from which pages, how many, and where their clients are.
func (s *Server) limited(c engine.Config) engine.Config {
	c.Origins = s.settings.Origin
	c.MaxConns, c.MaxConnsPerIP = s.settings.MaxConns, s.settings.MaxConnsPerIP
	c.ConnectRate, c.ConnectBurst, c.AcceptRate = s.settings.ConnectRate, s.settings.ConnectBurst, s.settings.AcceptRate
	c.Proxies, c.ProxyProtocol = s.settings.TrustProxy, s.settings.ProxyProtocol
	c.MaxMemory, c.Heirs = memoryLimit(s.settings), s.heirs
	return c
}

// paced sets how much people may send.
func (s *Server) paced(c room.Config) room.Config {
	c.Rate, c.Burst = s.settings.Rate, s.settings.Burst
	c.ByteRate, c.ByteBurst, c.AddressRate = s.settings.ByteRate, s.settings.ByteBurst, s.settings.AddressRate
	return c
}

// memoryLimit is how much memory the process may use, in bytes; 0: nobody says. The runtime is told, too, unless GOMEMLIMIT has: what is
// near the limit is collected more often.
func memoryLimit(settings config.Serve) int {
	_, isGiven := os.LookupEnv("GOMEMLIMIT")
	switch {
	case settings.MaxMemory == 0:
		_, _ = memlimit.SetGoMemLimitWithOpts() // without a control group there is nothing to be set
	case !isGiven:
		debug.SetMemoryLimit(int64(settings.MaxMemory))
		return settings.MaxMemory
	default:
		return settings.MaxMemory
	}
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return int(limit)
	}
	return 0
}

// heirs is how many other nodes take the connections of this one when it stops.
func (s *Server) heirs() int {
	if s.nodes == nil {
		return 0
	}
	n := 0
	for _, node := range s.nodes.Nodes() {
		if node != s.nodes.Node() {
			n++
		}
	}
	return n
}
