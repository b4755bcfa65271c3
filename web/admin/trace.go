package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

const (
	// usualTrace and maxTrace are how long a trace goes on, unless for= says otherwise, and at most.
	usualTrace, maxTrace = time.Minute, 10 * time.Minute
	// takeWithin is how long whoever traces may take to take a line.
	takeWithin = 10 * time.Second
)

// Follow is what is to be traced: a nick, or a message by its id.
type Follow struct {
	Nick, Mid string // one of them
	HasBody   bool   // with the frames that the nick sends
}

var errFor = malformed("want for as a time up to 10m, such as 60s")

// trace tells what happens to somebody, or to a message, with a line of JSON for each thing, for the time of for=.
func (s *Server) trace(c *call) error {
	q := c.query("nick", "mid", "for", "body")
	f := Follow{Nick: q.text("nick"), Mid: q.text("mid"), HasBody: q.number("body", 0, 1, 0) == 1}
	long, err := usualTrace, error(nil)
	if q.has("for") {
		long, err = time.ParseDuration(q.text("for"))
	}
	switch {
	case q.bad != nil:
		return q.bad
	case err != nil || long <= 0 || long > maxTrace:
		return errFor
	case s.ended.Err() != nil:
		return errClosed
	}
	ctx, cancel := context.WithTimeout(c.Context(), long)
	defer cancel()
	defer context.AfterFunc(s.ended, cancel)()
	c.w.Header().Set("Content-Type", "application/x-ndjson")
	control, lines := http.NewResponseController(c.w), json.NewEncoder(c.w)
	lines.SetEscapeHTML(false) // people read it
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	return s.chat.Trace(ctx, f, func(line any) error {
		_ = control.SetWriteDeadline(time.Now().Add(takeWithin)) // what cannot have one fails to write soon enough
		if err := lines.Encode(line); err != nil {
			return err
		}
		return control.Flush()
	})
}
