package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// reason is why the server should get no newcomers.
type reason struct {
	Reason string `json:"reason"` // draining, hangs, log, cluster, keys, full, memory: one word
	Detail string `json:"detail"` // for people
}

// reasons are why this node cannot serve newcomers at present; none: it can.
func (s *Server) reasons() (all []reason) {
	if s.engine.Draining() {
		all = append(all, reason{"draining", "draining"})
	}
	if err := s.engine.Hangs(answerWithin); err != nil {
		all = append(all, reason{"hangs", err.Error()})
	}
	if err := s.hub.Healthy(); err != nil {
		all = append(all, reason{"log", err.Error()})
	}
	if s.nodes != nil {
		if err := s.nodes.Healthy(); err != nil {
			all = append(all, reason{"cluster", err.Error()})
		}
	}
	if !s.gate.hasKeys() {
		all = append(all, reason{"keys", "the keys for tokens could not be read yet: nobody can log in"})
	}
	if conns, limit := s.engine.Conns(), s.engine.MaxConns(); conns >= limit {
		all = append(all, reason{"full", fmt.Sprintf("at capacity: %d of %d connections", conns, limit)})
	}
	if used, limit, isFull := s.engine.Memory(); isFull {
		all = append(all, reason{"memory", fmt.Sprintf("short of memory: %d of %d MiB", used>>20, limit>>20)})
	}
	return all
}

// serveReady answers /readyz: 200 and "ready", or 503 and a reason a line. Who accepts application/json gets both as JSON.
func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	all := s.reasons()
	status := http.StatusOK
	if len(all) > 0 {
		status = http.StatusServiceUnavailable
	}
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(struct {
			IsReady bool     `json:"ready"`
			Reasons []reason `json:"reasons"`
		}{len(all) == 0, append([]reason{}, all...)})
		return
	}
	text := "ready"
	for i, r := range all {
		if i == 0 {
			text = r.Detail
		} else {
			text += "\n" + r.Detail
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// answerWithin is how long the server's parts may take to show that they live.
const answerWithin = 5 * time.Second

// serveHealth answers /healthz: 200 and "ok" when the process works, else 503 and what hangs, whereupon it is best restarted.
func (s *Server) serveHealth(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	hangs := s.engine.Hangs(answerWithin)
	if hangs == nil {
		hangs = s.hub.Hangs(ctx)
	}
	if hangs != nil {
		http.Error(w, hangs.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}
