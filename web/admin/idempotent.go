package admin

import (
	"container/list"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// rememberFor is how long an answer is given again to the same Idempotency-Key.
	rememberFor = 10 * time.Minute
	// maxAnswers is how much memory the answers that are remembered may take, in bytes. Each of the API's keys may have as many
	// of them as it leaves for the others; what it asks beyond is refused.
	maxAnswers = 64 << 20
	// answerCost is what one takes besides its Idempotency-Key and its body, about, in bytes.
	answerCost = 400
	// maxIdempotency is the longest Idempotency-Key, in bytes.
	maxIdempotency = 255
)

// answers are what has been answered lately to requests that may be repeated. They are of this process: what must hold over a
// restart, or on another node, is a message's Cid (see cid).
type answers struct {
	mu    sync.Mutex // guards what follows; a leaf
	byKey map[answerKey]*answer
	order list.List      // of *answer, the oldest first
	size  int            // of all, in bytes
	of    map[string]int // of each of the API's keys, by name
}

// answerKey is by whom and under which Idempotency-Key something was asked.
type answerKey struct{ name, idempotency string }

// answer is one of them. What is not immutable is guarded by answers.mu.
type answer struct {
	key   answerKey
	place *list.Element     // in answers.order
	asked [sha256.Size]byte // what was asked for
	until time.Time
	done  chan struct{} // closed when body is there, or the answer was given up
	body  []byte        // nil: not yet, or given up
	size  int           // as it counts in answers.size
}

var (
	errMismatch = refuse(http.StatusUnprocessableEntity, "this Idempotency-Key was used for another request")
	errWaited   = &Error{Status: http.StatusConflict, Message: "the first request with this Idempotency-Key is being worked on", After: time.Second}
	errAnswers  = &Error{Status: http.StatusTooManyRequests, Message: "too many different Idempotency-Keys within ten minutes", After: time.Minute}
	errBadKey   = malformed("want an Idempotency-Key of 1 to 255 letters, digits and signs")
)

// once does what a request asks for, or gives the first answer again.
func (s *Server) once(c *call, r *route) (body []byte, err error) {
	if r.hasBody() {
		if c.body, err = s.read(c); err != nil {
			return nil, err
		}
	}
	headers := c.Header.Values("Idempotency-Key")
	if len(headers) == 0 || !r.changes() {
		v, err := s.ask(c, r)
		if err != nil {
			return nil, err
		}
		return encode(v), nil
	}
	c.idempotency = headers[0]
	if len(headers) > 1 || c.idempotency == "" || len(c.idempotency) > maxIdempotency ||
		strings.ContainsFunc(c.idempotency, func(b rune) bool { return b < ' ' || b > '~' }) {
		return nil, errBadKey
	}
	asked := sha256.Sum256(slices.Concat([]byte(c.Method+" "+c.URL.RequestURI()+"\n"), c.body))
	a, isFirst, err := s.answers.find(answerKey{c.key.Name, c.idempotency}, asked, time.Now())
	if err != nil {
		return nil, err
	}
	if !isFirst {
		return s.answers.wait(c, a)
	}
	var kept []byte
	defer func() { s.answers.keep(a, kept) }()
	v, err := s.ask(c, r)
	if err != nil {
		return nil, err
	}
	if p, ok := v.(interface{ isPartial() bool }); !ok || !p.isPartial() {
		kept = encode(v)
		return kept, nil
	}
	return encode(v), nil // what failed may succeed when it is asked again
}

func newAnswers() answers { return answers{byKey: map[answerKey]*answer{}, of: map[string]int{}} }

// find is the answer to what was asked before under a key, or a new one, which is to be kept.
func (a *answers) find(key answerKey, asked [sha256.Size]byte, now time.Time) (found *answer, isFirst bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for e := a.order.Front(); e != nil && now.After(e.Value.(*answer).until); e = a.order.Front() {
		a.drop(e.Value.(*answer))
	}
	found = a.byKey[key]
	switch {
	case found != nil && found.asked != asked:
		return nil, false, errMismatch
	case found != nil:
		return found, false, nil
	case a.of[key.name] >= maxAnswers-a.size:
		return nil, false, errAnswers
	}
	found = &answer{key: key, asked: asked, until: now.Add(rememberFor + workFor), done: make(chan struct{})}
	a.byKey[key] = found
	found.place = a.order.PushBack(found)
	a.weigh(found, answerCost+len(key.idempotency))
	return found, true, nil
}

// weigh counts some more bytes, or fewer, of one. a.mu is held.
func (a *answers) weigh(one *answer, more int) {
	one.size += more
	a.size += more
	if a.of[one.key.name] += more; a.of[one.key.name] == 0 {
		delete(a.of, one.key.name)
	}
}

// drop forgets one. a.mu is held.
func (a *answers) drop(one *answer) {
	delete(a.byKey, one.key)
	a.order.Remove(one.place)
	a.weigh(one, -one.size)
}

// keep notes an answer; nil: there is none, and whoever asks again is the first again.
func (a *answers) keep(kept *answer, body []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	kept.body = body
	switch {
	case a.byKey[kept.key] != kept: // it took so long that it is forgotten
	case body == nil:
		a.drop(kept)
	default:
		a.weigh(kept, len(body))
	}
	close(kept.done)
}

// wait waits for the answer to the first of several.
func (a *answers) wait(c *call, first *answer) ([]byte, error) {
	patience := time.NewTimer(workFor)
	defer patience.Stop()
	select {
	case <-first.done:
	case <-patience.C:
		return nil, errWaited
	case <-c.Context().Done():
		return nil, errWaited
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if first.body == nil {
		return nil, errWaited
	}
	c.w.Header().Set("Idempotent-Replayed", "true")
	return first.body, nil
}

// cid is under which a message is stored, so that it is there once, even if this process ends before it has answered: it follows from
// the Idempotency-Key, and where the message goes.
func (c *call) cid(to string) string {
	if c.idempotency == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(c.key.Name + "\n" + c.idempotency + "\n" + to))
	return "api-" + base64.RawURLEncoding.EncodeToString(sum[:24])
}
