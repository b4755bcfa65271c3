package server

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serveAdmin starts the private listener.
func (s *Server) serveAdmin(private net.Listener, log *slog.Logger) {
	log.Info("admin is listening", "admin", private.Addr().String())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s.engine.Draining() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
		} else if err := s.healthy(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		} else {
			_, _ = io.WriteString(w, "ready\n")
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.stats, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s.api = s.newAPI(s.keys)
	s.admin = &http.Server{Handler: apart(s.api, mux), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := s.admin.Serve(private); !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin listener ended", "err", err)
		}
	}()
}

// newRegistry is where everything that is counted comes together.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}
