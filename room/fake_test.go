package room

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"throng/room/event"
)

// fakeFrame is a frame that can be read again: its messages, in order.
type fakeFrame []string

func (f fakeFrame) Size() int { return len(strings.Join(f, "")) }

// fakeWire makes fakeFrames.
type fakeWire struct{}

func (fakeWire) Message(isBinary bool, payload []byte) Frame {
	if isBinary {
		return fakeFrame{"binary:" + string(payload)}
	}
	return fakeFrame{string(payload)}
}

func (fakeWire) Join(frames []Frame) Frame {
	var all fakeFrame
	for _, f := range frames {
		all = append(all, f.(fakeFrame)...)
	}
	return all
}

// fakePeer is a connection in memory. Its methods may be called from any goroutine.
type fakePeer struct {
	onSend func() // is called at the beginning of each Send; nil: nothing
	limit  int    // bytes that may wait, as the engine bounds them: beyond, the connection is cut off with 4008; 0 = no limit

	mu      sync.Mutex // guards what follows
	got     []string   // messages, in order
	flushed int        // of them
	waiting int        // bytes of the others
	queued  int        // bytes that wait besides
	isSlow  bool       // what is flushed stays in the queue
	isLate  bool       // something has come that is not yet read
	sends   int        // frames taken
	flushes int        // calls of Flush
	late    int        // chat that was sent after the end
	closed  bool       // Send refuses
	ended   bool       // its session has left; no chat may be sent to it any more
	code    uint16     // of Close
}

func (p *fakePeer) Send(f Frame) bool {
	if p.onSend != nil {
		p.onSend()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended && !isNotice(f.(fakeFrame)[0]) { // a notice may be on its way, and finds the peer closed
		p.late++
	}
	if p.closed {
		return false
	}
	if p.limit > 0 && p.waiting > 0 && p.waiting+f.Size() > p.limit {
		p.got, p.waiting = p.got[:p.flushed], 0
		p.closed, p.code = true, event.CloseSlow
		return false
	}
	p.sends++
	p.got = append(p.got, f.(fakeFrame)...)
	p.waiting += f.Size()
	return true
}

func (p *fakePeer) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushes++
	if !p.isSlow {
		p.flushed, p.waiting = len(p.got), 0
	}
}

func (p *fakePeer) Queued() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting + p.queued
}

func (p *fakePeer) IsIdle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.isLate
}

// beLate makes the server be late to read, or no longer.
func (p *fakePeer) beLate(isLate bool) {
	p.mu.Lock()
	p.isLate = isLate
	p.mu.Unlock()
}

// queue sets how many bytes of something else wait.
func (p *fakePeer) queue(n int) {
	p.mu.Lock()
	p.queued = n
	p.mu.Unlock()
}

// slow makes the peer stop reading, or read all that waits and go on.
func (p *fakePeer) slow(isSlow bool) {
	p.mu.Lock()
	p.isSlow = isSlow
	p.mu.Unlock()
	if !isSlow {
		p.Flush()
	}
}

func (p *fakePeer) Close(code uint16, _ string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed, p.code = true, code
	}
}

// shut makes Send refuse, as a connection does before it tells its session Closed.
func (p *fakePeer) shut() { p.Close(0, "") }

// closedWith is the code that the connection was closed with, 0 while it is open.
func (p *fakePeer) closedWith() uint16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.code
}

// messages are those that came, flushed ones only.
func (p *fakePeer) messages() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.got[:p.flushed]...)
}

// last is the newest message that came; "": none.
func (p *fakePeer) last() string {
	all := p.messages()
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// newHub starts a hub that ends with the test.
func newHub(t testing.TB, config Config) *Hub {
	t.Helper()
	if config.Wire == nil {
		config.Wire = fakeWire{}
	}
	h := New(config)
	t.Cleanup(h.Close)
	return h
}

// fataler is the part of testing.T that rapid.T has too.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// join brings somebody into the chat.
func join(t fataler, h *Hub, nick string, peer *fakePeer) *Session {
	t.Helper()
	enter, err := h.Claim(Caller{Name: nick})
	if err != nil {
		t.Fatalf("claim %q: %v", nick, err)
	}
	return enter(peer)
}

// joinV2 is join for version 2.
func joinV2(t fataler, h *Hub, nick string, peer *fakePeer) *Session {
	t.Helper()
	enter, err := h.ClaimV2(Caller{Name: nick})
	if err != nil {
		t.Fatalf("claim %q: %v", nick, err)
	}
	return enter(peer)
}

// say sends a frame of the tutorial dialect, and flushes as the loop does after each read; to "" is everyone.
func say(s *Session, to, message string) {
	s.Message(false, fmt.Appendf(nil, `{"to_user":%s,"message":%s}`, quote(to), quote(message)))
	s.peer.Flush()
}

// said is what comes of it.
func said(from, to, message string) string {
	return fmt.Sprintf(`{"from_user":%s,"to_user":%s,"message":%s}`, quote(from), quote(to), quote(message))
}

func quote(s string) []byte { return event.AppendString(nil, s) }

// patience is how long a test waits for what must come. It is no measure of speed.
const patience = 20 * time.Second

// comes waits until done reports true, and reports false when it does not.
func comes(done func() bool) bool {
	for end := time.Now().Add(patience); !done(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// eventually fails the test unless done reports true in time.
func eventually(t fataler, what string, done func() bool) {
	t.Helper()
	if !comes(done) {
		t.Fatalf("%s: not within %v", what, patience)
	}
}

// len is how many letters wait.
func (m *mailbox[T]) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.letters)
}

// isNotice reports whether text is a word of the server's own.
func isNotice(text string) bool { return strings.HasPrefix(text, `{"from_user":"system"`) }
