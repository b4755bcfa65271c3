package server

import (
	"slices"

	"throng/deploy/config"
)

// live are the settings that Reload brings into force.
var live = []string{"config", "log-level", "drain"}

// Reload brings those of new settings into force that need no restart. It is called by one goroutine at a time. kept are the
// settings that differ and stay as they were until the next start.
func (s *Server) Reload(settings config.Serve) (kept []string) {
	for _, name := range config.Changed(s.settings, settings) {
		if !slices.Contains(live, name) {
			kept = append(kept, name)
		}
	}
	if s.keys != nil {
		s.keys.Reload()
	}
	s.gate.reload()
	if s.options.Level != nil {
		s.options.Level.Set(settings.LogLevel)
	}
	if err := s.reloadCerts(); err != nil {
		s.options.Log.Error("the TLS certificate stays as it was", "err", err)
	}
	s.settings.Config, s.settings.LogLevel, s.settings.Drain = settings.Config, settings.LogLevel, settings.Drain
	return kept
}
