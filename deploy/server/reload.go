package server

import (
	"throng/deploy/config"
	"throng/engine"
	"throng/room"
)

// Reload brings those of new settings into force that need no restart. It is called by one goroutine at a time. kept are the
// settings that differ and stay as they were until the next start.
func (s *Server) Reload(settings config.Serve) (kept []string) {
	now := &s.settings
	now.Config, now.LogLevel, now.Drain, now.Origin = settings.Config, settings.LogLevel, settings.Drain, settings.Origin
	now.MaxConns, now.MaxConnsPerIP, now.AcceptRate = settings.MaxConns, settings.MaxConnsPerIP, settings.AcceptRate
	now.ConnectRate, now.ConnectBurst = settings.ConnectRate, settings.ConnectBurst
	now.Rate, now.Burst, now.ByteRate, now.ByteBurst = settings.Rate, settings.Burst, settings.ByteRate, settings.ByteBurst
	now.AddressRate = settings.AddressRate
	s.gate.reload(settings)
	s.engine.Adjust(s.limited(engine.Config{}))
	s.hub.Adjust(s.paced(room.Config{}))
	if s.options.Level != nil {
		s.options.Level.Set(settings.LogLevel)
	}
	if s.keys != nil {
		s.keys.Reload()
	}
	if err := s.reloadCerts(); err != nil {
		s.options.Log.Error("the TLS certificate stays as it was", "err", err)
	}
	return config.Changed(*now, settings)
}
