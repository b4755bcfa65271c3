package admin

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

// call is a request that is being worked on. Its handler's goroutine alone uses it.
type call struct {
	*http.Request
	w     http.ResponseWriter
	id    string
	began time.Time
	key   *Key
	names []string // what stood in the path for the names of the route, in order
	body  []byte   // as it came; nil: the route has none

	idempotency string // the Idempotency-Key; "": none
}

// maxID is the longest id that a request may bring along, in bytes.
const maxID = 64

// RequestID is by which a request is found in the log: the X-Request-Id that it has, if that is a word of 64 bytes at most, else a new one,
// which it has from then on. The request's goroutine alone calls it.
func RequestID(r *http.Request) string {
	const header = "X-Request-Id"
	if id := r.Header.Get(header); id != "" && len(id) <= maxID && isWord(id) {
		return id
	}
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	id := hex.EncodeToString(raw[:])
	r.Header.Set(header, id)
	return id
}

// isWord reports whether text is of ASCII letters, digits, '-', '_', '.' and ':' only.
func isWord(text string) bool {
	for i := range len(text) {
		switch b := text[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '-', b == '_', b == '.', b == ':':
		default:
			return false
		}
	}
	return true
}

// serve finds the route of a request and takes it, if the caller may.
func (s *Server) serve(c *call) {
	route, names, bad := s.route(c)
	if bad == nil && !route.isOpen {
		c.key, bad = s.who(c.Request)
	}
	if bad == nil && !route.isOpen && !c.key.allows(route.scope) {
		bad = refuse(http.StatusForbidden, "the key lacks the scope "+string(route.scope))
	}
	if bad != nil {
		s.refused(c, bad)
		return
	}
	c.names = names
	if route.tell != nil {
		s.tell(c, route)
	} else {
		s.do(c, route)
	}
}

// tell has a route answer by and by. That stands in the log when it begins, since it may take long.
func (s *Server) tell(c *call, route *route) {
	s.log.Info("api", "request", c.id, "key", c.key.Name, "method", c.Method, "route", route.path)
	if err := route.tell(c); err != nil {
		s.failed(c, route, err)
	} else {
		s.count(http.StatusOK, "")
	}
}

// do answers at once.
func (s *Server) do(c *call, route *route) {
	// A body that does not come, or an answer that nobody reads, ends the connection.
	control := http.NewResponseController(c.w)
	_ = control.SetReadDeadline(time.Now().Add(workFor))
	_ = control.SetWriteDeadline(time.Now().Add(2 * workFor))
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }() // the connection may go on to be used for a long profile
	status := http.StatusOK
	if body, err := s.once(c, route); err != nil {
		status = s.failed(c, route, err)
	} else {
		s.count(status, "")
		c.answer(status, body)
	}
	if route.changes() {
		s.log.Info("api", "request", c.id, "key", c.key.Name, "method", c.Method, "route", route.path, "status", status,
			"took", time.Since(c.began).Round(time.Microsecond))
	}
}

// failed answers why a route did not do what it was asked.
func (s *Server) failed(c *call, route *route, err error) (status int) {
	bad := asError(err)
	if bad.Status == http.StatusInternalServerError {
		s.log.Error("api", "request", c.id, "method", c.Method, "route", route.path, "err", err)
	}
	s.count(bad.Status, bad.code())
	c.refuse(bad)
	return bad.Status
}

// refused tells a caller that it was not let in.
func (s *Server) refused(c *call, bad *Error) {
	s.complain(c.Request, c.id, bad)
	c.refuse(bad)
}

// complain counts and logs that a caller is not let in. The log has one such line a second at most; what it was not told, at the level
// debug.
func (s *Server) complain(r *http.Request, id string, bad *Error) {
	level, now := slog.LevelDebug, time.Now().Unix()
	if last := s.complained.Load(); last < now && s.complained.CompareAndSwap(last, now) {
		level = slog.LevelWarn
	}
	s.count(bad.Status, bad.code())
	s.log.Log(r.Context(), level, "api refused", "request", id, "from", r.RemoteAddr, "status", bad.Status, "why", bad.Message)
}

// count counts an answer.
func (s *Server) count(status int, reason string) {
	s.answered.WithLabelValues(strconv.Itoa(status), reason).Inc()
}

// encode is an answer as JSON. What handlers answer can be encoded.
func encode(v any) []byte {
	text, err := json.Marshal(v, json.FormatNilSliceAsNull(false), json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	return append(text, '\n')
}

func (c *call) answer(status int, body []byte) {
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // net/http leaves out that of HEAD
}

// refusal is an error as callers get it.
type refusal struct {
	Error struct {
		Code      string `json:"code"`
		Message   string `json:"message"`
		RequestID string `json:"request_id"`
	} `json:"error"`
}

func (c *call) refuse(bad *Error) {
	headers := c.w.Header()
	if bad.After > 0 {
		headers.Set("Retry-After", strconv.Itoa(int(math.Ceil(bad.After.Seconds()))))
	}
	if bad.Status == http.StatusUnauthorized {
		headers.Set("WWW-Authenticate", `Bearer realm="throng"`) // RFC 9110, section 11.6.1
	}
	var body refusal
	body.Error.Code, body.Error.Message, body.Error.RequestID = bad.code(), bad.Message, c.id
	c.answer(bad.Status, encode(body))
}
