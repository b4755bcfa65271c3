package room

import (
	"log/slog"
	"sync"
)

// maxComplaints is how many different errors a second are told apart.
const maxComplaints = 10

// complaints are what could not be done with the history. A full disk, which fails every commit, makes no flood of lines: of each
// error the first is told, and with the end of the second how many more there were. Any goroutine may use it.
type complaints struct {
	log *slog.Logger

	mu   sync.Mutex     // guards more; a leaf
	more map[string]int // by text: how often each error came again in this second
}

// tell tells of an error, unless it was told in this second.
func (c *complaints) tell(err error) {
	text := err.Error()
	c.mu.Lock()
	if _, isKnown := c.more[text]; !isKnown && len(c.more) >= maxComplaints {
		text = "others"
	}
	more, isTold := c.more[text]
	if isTold {
		more++
	}
	c.more[text] = more
	c.mu.Unlock()
	if !isTold {
		c.log.Error("history", "err", err)
	}
}

// settle ends a second.
func (c *complaints) settle() {
	c.mu.Lock()
	all := c.more
	c.more = map[string]int{}
	c.mu.Unlock()
	for text, more := range all {
		if more > 0 {
			c.log.Error("history, more", "count", more, "err", text)
		}
	}
}
