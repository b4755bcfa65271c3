package admin

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a Server is made of.
type Config struct {
	Chat       Chat                  // required
	Stats      Stats                 // required
	Keys       func() []Key          // who may use the API at present; asked for each request, so that it may read a small file, but waits for nobody. nil: who asks from this machine
	MaxMessage int                   // bytes of one message, as the chat has it; 0: 64 KiB
	Log        *slog.Logger          // nil: slog.Default()
	Metrics    prometheus.Registerer // gets what the API counts; nil: nobody does
}

const (
	// maxAtOnce is how many requests are worked on at once; beyond, 503.
	maxAtOnce = 64
	// workFor is how long one may take, and how long its body may take to come.
	workFor = 10 * time.Second
)

// Server answers what is below /api/. Any goroutine may use it.
type Server struct {
	chat       Chat
	stats      Stats
	keys       func() []Key
	maxMessage int
	log        *slog.Logger
	routes     []route
	slots      chan struct{}
	answered   *prometheus.CounterVec // by status and, of refusals, code
	complained atomic.Int64           // when a refused caller was last worth a line in the log, in seconds since 1970
	failures   failures
	answers    answers
	past       past
	watched    chan struct{} // closed when nothing more is noted of the past

	ended context.Context // ends with Close
	end   context.CancelFunc

	asking   sync.RWMutex // held for reading while the chat is asked for something; guards isClosed
	isClosed bool
}

// New makes a Server, which the caller closes.
func New(c Config) *Server {
	s := &Server{
		chat: c.Chat, stats: c.Stats, keys: c.Keys, maxMessage: c.MaxMessage, log: c.Log, slots: make(chan struct{}, maxAtOnce),
		failures: failures{byAddr: map[netip.Prefix]*record{}}, answers: newAnswers(),
	}
	s.answered = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "throng_api_requests_total", Help: "Requests to the API, and refusals of profiles, by the status of the answer and, of refusals, why.",
	}, []string{"status", "reason"})
	if c.Metrics != nil {
		c.Metrics.MustRegister(s.answered)
	}
	if s.maxMessage == 0 {
		s.maxMessage = 64 << 10
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.ended, s.end = context.WithCancel(context.Background())
	s.routes = s.table()
	s.watched = make(chan struct{})
	go s.watch()
	return s
}

// Close returns when nothing is asked of the chat any more. Whoever comes later is refused with 503.
func (s *Server) Close() {
	s.end()
	s.asking.Lock()
	s.isClosed = true
	s.asking.Unlock()
	<-s.watched
}

// ask does what a route is for.
func (s *Server) ask(c *call, r *route) (any, error) {
	ctx, cancel := context.WithTimeout(c.Context(), workFor)
	defer cancel()
	defer context.AfterFunc(s.ended, cancel)()
	c.Request = c.WithContext(ctx)
	s.asking.RLock()
	defer s.asking.RUnlock()
	if s.isClosed {
		return nil, errClosed
	}
	return r.do(c)
}

var errClosed = &Error{Status: http.StatusServiceUnavailable, Message: "the server is shutting down", After: time.Second}

// ServeHTTP answers a request below /api/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Request: r, w: w, id: RequestID(r), began: time.Now()}
	headers := w.Header()
	headers.Set("Cache-Control", "no-store")
	headers.Set("X-Content-Type-Options", "nosniff")
	headers.Set("X-Request-Id", c.id)
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		s.refused(c, errBusy)
		return
	}
	s.serve(c)
}

var errBusy = &Error{
	Status: http.StatusServiceUnavailable, Message: "too many requests at once", After: time.Second,
}
