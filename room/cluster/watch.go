package cluster

import (
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// maxChanges is how many changes of the directory may wait for this node; what comes beyond it counts as missed.
const maxChanges = 8192

// OnNick has f called with the key of a nick that a node, this one too, has taken or given up, as soon as the directory
// has stored it; and with "" when that may be so of any nick: a node has gone with its nicks, this one has missed
// something, or, once every two beats, it hears nothing of the directory. Whoever remembers what Holder said, and forgets
// it when told, is behind by what a message takes to come from the servers, and by two beats where that way is broken.
//
// f is called by one goroutine and must not block. It replaces the f before it.
func (c *Cluster) OnNick(f func(key string)) {
	c.nicks.mu.Lock()
	defer c.nicks.mu.Unlock()
	c.nicks.onNick = f
}

// watch hears what changes in the directory, until Close. The servers tell each change by its number, one after
// another, and this node's own beats are among them: what is missing is seen, and so is silence.
func (c *Cluster) watch() {
	var last uint64
	silence := time.NewTimer(2 * c.pace.beat)
	defer silence.Stop()
	for {
		select {
		case <-c.life.Done():
			return
		case <-silence.C:
			c.tellNick("")
		case m := <-c.nicks.changes:
			number, _ := strconv.ParseUint(m.Header.Get(nats.JSSequence), 10, 64)
			nick, isNick := strings.CutPrefix(allPrefix+strings.TrimPrefix(m.Subject, changePrefix), nickPrefix)
			switch {
			case number != last+1 || !isNick && len(m.Data) == 0: // missed some; or a lease has ended
				c.tellNick("")
			case isNick:
				c.tellNick(untoken(nick))
			}
			last = number
		}
		silence.Reset(2 * c.pace.beat)
	}
}

// tellNick calls OnNick's f.
func (c *Cluster) tellNick(key string) {
	c.nicks.mu.Lock()
	f := c.nicks.onNick
	c.nicks.mu.Unlock()
	if f != nil {
		f(key)
	}
}
