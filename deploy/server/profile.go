package server

import (
	"net/http"
	"net/http/pprof"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"
)

// longestProfile is for how many seconds a profile may be taken.
const longestProfile = 300

// profiles is what is below /debug/pprof/. There is no cmdline, which may have keys in it.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // heap, goroutine, allocs, threadcreate too
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.Handle("GET /debug/pprof/block", rated("block", runtime.SetBlockProfileRate))
	mux.Handle("GET /debug/pprof/mutex", rated("mutex", func(rate int) { runtime.SetMutexProfileFraction(rate) }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if text := r.URL.Query().Get("seconds"); text != "" {
			if seconds, err := strconv.ParseFloat(text, 64); err != nil || !(seconds > 0 && seconds <= longestProfile) { // nor NaN
				http.Error(w, "want seconds=N, more than 0 and at most "+strconv.Itoa(longestProfile), http.StatusBadRequest)
				return
			}
		}
		mux.ServeHTTP(w, r)
	})
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
