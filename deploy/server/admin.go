package server

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"throng/web/admin"
)

// serveAdmin starts the private listener.
func (s *Server) serveAdmin(private net.Listener, log *slog.Logger) {
	log.Info("admin is listening", "admin", private.Addr().String())
	mux := http.NewServeMux()
	s.observe(mux)
	s.api = s.newAPI(s.keys)
	guarded := s.api.Guard(profiles())
	mux.Handle("GET /debug/pprof/", guarded)
	mux.Handle("POST /debug/pprof/symbol", guarded)
	mux.Handle("GET /", admin.Page())
	s.admin = &http.Server{Handler: identified(apart(s.api, mux), "private", log), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := s.admin.Serve(private); !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin listener ended", "err", err)
		}
	}()
}
