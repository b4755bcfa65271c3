package server

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
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
	mux.Handle("GET /api/message/{mid}", localOnly(s.messageState))
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.stats, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s.admin = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
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

// messageState tells how far a message has got: stored, delivered, read.
func (s *Server) messageState(w http.ResponseWriter, r *http.Request) {
	state, ok, err := s.hub.State(r.PathValue("mid"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	case !ok:
		http.Error(w, "no such message", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(state)
	}
}

// localOnly lets a request through that comes from this machine.
func localOnly(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !from.Addr().Unmap().IsLoopback() {
			http.Error(w, "the API answers this machine only", http.StatusForbidden)
			return
		}
		next(w, r)
	})
}
