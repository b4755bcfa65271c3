package room

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"throng/room/event"
)

// TestRehold loses the lease of a node and has it again. Who is there stays, however long the directory does not answer, unless
// another node has the nick by then.
func TestRehold(t *testing.T) { synctest.Test(t, testRehold) }

func testRehold(t *testing.T) {
	k := newTalk(t)
	again := func(holder string, err error) (asked int) {
		k.board.mu.Lock()
		k.board.hold = func() (string, error) {
			if asked++; asked < 3 {
				return "", errors.New("no answer")
			}
			return holder, err
		}
		k.board.mu.Unlock()
		k.board.leased(false)
		k.board.leased(true)
		synctest.Wait()
		for range 5 {
			time.Sleep(handOver) // of the bubble
		}
		k.board.mu.Lock()
		defer k.board.mu.Unlock()
		return asked
	}
	if asked := again("", nil); asked != 3 || k.peer.closedWith() != 0 {
		t.Errorf("held at last: asked %d times, closed with %d", asked, k.peer.closedWith())
	}
	if asked := again("b", nil); asked != 3 || k.peer.closedWith() != event.CloseTakenOver {
		t.Errorf("another has it: asked %d times, closed with %d", asked, k.peer.closedWith())
	}
}
