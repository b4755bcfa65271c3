package history

import (
	"testing"
	"time"
)

// TestMemoryKeepsNothingTooLarge has a message be larger than all that is kept of its conversation.
func TestMemoryKeepsNothingTooLarge(t *testing.T) {
	l := newMemory(Config{KeepBytes: 100}, time.Now)
	must(t, l, say("all", 1, "", "small"))
	large := say("all", 1, "x", string(make([]byte, 200)))
	must(t, l, large)
	again := say("all", 1, "x", "again")
	must(t, l, again)
	if !again.Known || again.Seq != large.Seq {
		t.Errorf("%+v is not known as %+v", again, large)
	}
	next := say("all", 1, "", "next")
	must(t, l, next)
	wantRead(t, l, "all", 0, 0, 9, "next", false)
	if head, err := l.Head("all"); err != nil || head.Trimmed != large.Seq {
		t.Errorf("%+v, %v: what was there is not said to be removed", head, err)
	}
}
