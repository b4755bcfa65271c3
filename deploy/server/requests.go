package server

import (
	"log/slog"
	"net/http"
	"time"

	"throng/web/admin"
)

// identified gives each request that has no id one, which its answer has in X-Request-Id, and, at the level debug, a line in the log.
// What a query holds is not logged: it may be a token.
func identified(next http.Handler, listener string, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := admin.RequestID(r)
		w.Header().Set("X-Request-Id", id)
		if !log.Enabled(r.Context(), slog.LevelDebug) {
			next.ServeHTTP(w, r)
			return
		}
		seen, began := &witness{ResponseWriter: w, status: http.StatusOK}, time.Now()
		next.ServeHTTP(seen, r)
		log.Debug("request", "request", id, "listener", listener, "remote", r.RemoteAddr, "method", r.Method, "path", r.URL.Path,
			"status", seen.status, "took", time.Since(began).Round(time.Microsecond))
	})
}

// witness is a response that remembers its status.
type witness struct {
	http.ResponseWriter
	status int
}

func (w *witness) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *witness) Unwrap() http.ResponseWriter { return w.ResponseWriter }
