package server

import (
	"net/http"
	"net/http/pprof"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// maxScrapes is how many may read the metrics at once; beyond, 503.
const maxScrapes = 2

// observe adds to mux what operators look at: health, metrics and profiles.
func (s *Server) observe(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", s.serveHealth)
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.stats, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // heap, goroutine, allocs, threadcreate too
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.Handle("GET /debug/pprof/block", rated("block", runtime.SetBlockProfileRate))
	mux.Handle("GET /debug/pprof/mutex", rated("mutex", func(rate int) { runtime.SetMutexProfileFraction(rate) }))
}

// rated serves a profile that costs something while it is taken: with ?rate=N it is taken, of about one event in N (block: of
// one in N nanoseconds that were waited), for the time of ?seconds=, 10 if that is left out; without, what was taken before.
func rated(name string, set func(rate int)) http.Handler {
	const most, usual = 60, 10 // seconds
	var busy atomic.Bool
	profile := pprof.Handler(name)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if !query.Has("rate") {
			profile.ServeHTTP(w, r)
			return
		}
		rate, err := strconv.Atoi(query.Get("rate"))
		seconds := usual
		if err == nil && query.Has("seconds") {
			seconds, err = strconv.Atoi(query.Get("seconds"))
		}
		switch {
		case err != nil || rate < 1 || seconds < 1 || seconds > most:
			http.Error(w, "want rate=N, 1 or more, and seconds=N, 1 to 60", http.StatusBadRequest)
			return
		case !busy.CompareAndSwap(false, true):
			http.Error(w, "another such profile is being taken", http.StatusConflict)
			return
		}
		defer busy.Store(false)
		set(rate)
		defer set(0)
		select {
		case <-time.After(time.Duration(seconds) * time.Second):
			query.Del("seconds")
			r.URL.RawQuery = query.Encode()
			profile.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// newRegistry is where everything that is counted comes together.
func newRegistry(s *Server) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(
			collectors.MetricsGC, collectors.MetricsMemory, collectors.MetricsScheduler)),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), conditions{s})
	return r
}
