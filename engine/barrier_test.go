package engine

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// stuck is a session that keeps its loop.
type stuck struct{ until <-chan struct{} }

func (s stuck) Message(bool, []byte) { <-s.until }
func (stuck) Closed()                {}

// TestLoopHangs: a session that keeps its loop is noticed, however often somebody asks, and so is that it goes on.
func TestLoopHangs(t *testing.T) {
	goOn := make(chan struct{})
	s := serve(t, Config{Accept: letIn(func(*Conn) Session { return stuck{goOn} })})
	release := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(release)
	user := s.join()
	user.say(whole(ws.OpText, "hello"))
	eventually(t, "the loop hangs", func() bool {
		err := s.Hangs(10 * time.Millisecond)
		return err != nil && strings.Contains(err.Error(), "event loop")
	})
	if err := s.Hangs(time.Hour); err != nil {
		t.Error("impatient:", err)
	}
	release()
	eventually(t, "the loop goes on", func() bool { return s.Hangs(10*time.Millisecond) == nil })
}
