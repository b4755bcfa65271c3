package admin

import (
	"net/http"
	"time"
)

// Guard lets requests through to next whose caller may use the API for a scope, and refuses others as the API does. What next does
// is not bounded as the API's own work is, in number and time: next has its own bounds.
func (s *Server) Guard(scope Scope, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{Request: r, w: w, id: requestID(r), began: time.Now()}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("X-Request-Id", c.id)
		key, bad := s.who(r)
		if bad == nil && !key.allows(scope) {
			bad = refuse(http.StatusForbidden, "the key lacks the scope "+string(scope))
		}
		if bad != nil {
			s.refused(c, bad)
			return
		}
		s.log.Info("api", "request", c.id, "key", key.Name, "method", r.Method, "route", r.URL.Path)
		next.ServeHTTP(w, r)
	})
}
