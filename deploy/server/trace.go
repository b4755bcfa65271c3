package server

import (
	"encoding/json"
	"net/http"
	"time"
)

const (
	tracePath = "/api/trace"
	// usualTrace and maxTrace are how long somebody is traced, unless for= says otherwise, and at most.
	usualTrace, maxTrace = time.Minute, 10 * time.Minute
	// takeWithin is how long whoever traces may take to take a line.
	takeWithin = 10 * time.Second
)

// serveTrace answers GET /api/trace?nick=NICK or ?mid=ID with a line of JSON for each thing that happens to them on this node, for
// the time of for=; body=1 adds the frames that the nick sends. The last line tells how many others were dropped.
func (s *Server) serveTrace(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	long, err := usualTrace, error(nil)
	if query.Has("for") {
		long, err = time.ParseDuration(query.Get("for"))
	}
	if err != nil || long <= 0 || long > maxTrace {
		http.Error(w, "want for= a time up to 10m, such as 60s", http.StatusBadRequest)
		return
	}
	trace, bad := s.hub.Trace(query.Get("nick"), query.Get("mid"), query.Get("body") == "1")
	if bad != nil {
		http.Error(w, bad.Message, bad.Code)
		return
	}
	defer trace.Close()
	w.Header().Set("Content-Type", "application/x-ndjson")
	control := http.NewResponseController(w)
	lines := json.NewEncoder(w)
	say := func(line any) bool {
		_ = control.SetWriteDeadline(time.Now().Add(takeWithin)) // what cannot have one fails to write soon enough
		return lines.Encode(line) == nil && control.Flush() == nil
	}
	type start struct {
		What  string `json:"what"`
		State any    `json:"state,omitempty"`
	}
	first := start{What: "tracing"}
	if state, ok, err := s.hub.State(query.Get("mid")); ok && err == nil {
		first.State = state
	}
	going, end := say(first), time.After(long)
	for going {
		select {
		case e := <-trace.Events:
			going = say(e)
		case <-end:
			say(struct {
				What    string `json:"what"`
				Dropped int64  `json:"dropped"`
			}{"end", trace.Dropped()})
			return
		case <-r.Context().Done():
			return
		}
	}
}
