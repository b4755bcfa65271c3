package engine

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// TestHalfOpenFlood: clients that open connections and ask for nothing lose them to those who come later; honest ones get in
// meanwhile, and those who are in notice nothing.
func TestHalfOpenFlood(t *testing.T) {
	const limit, flood = 64, 400
	s := serve(t, Config{MaxHandshakes: limit, HeadTimeout: time.Hour})
	user := s.join()
	ended := make(chan struct{}, flood)
	for i := range flood {
		c := s.dial()
		if i%2 == 0 {
			c.say([]byte("GET /ws HTTP/1.1\r\nX: "))
		}
		go func() {
			if _, err := io.Copy(io.Discard, c.r); !errors.Is(err, os.ErrDeadlineExceeded) {
				ended <- struct{}{}
			}
		}()
		if i%50 == 0 {
			honest := s.join()
			honest.say(whole(ws.OpText, "hello"))
			honest.expect(unmasked(ws.OpText, "hello"))
			user.say(whole(ws.OpText, "still here"))
			user.expect(unmasked(ws.OpText, "still here"))
		}
	}
	timeout := time.After(patience)
	for n := range flood - limit {
		select {
		case <-ended:
		case <-timeout:
			t.Fatalf("%d of %d were given up, want %d", n, flood, flood-limit)
		}
	}
	s.join()
}
