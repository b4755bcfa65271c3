package accept

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// TestStorm kills the server under 300 clients, who come back at once while somebody goes on talking: none of them loses
// anything or gets anything twice, and the server has brought all of them up to date by itself.
func TestStorm(t *testing.T) {
	const (
		clients = 300
		before  = 20
		after   = 100
	)
	h := boot(t)
	l := newLedger()
	var people []*witness
	for i := range clients {
		people = append(people, enter(t, h.addr, fmt.Sprintf("p%d", i), 100*time.Millisecond))
	}
	talker := enter(t, h.addr, "talker", time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i := range before + after {
		sent := talker.say("", "", fmt.Sprintf("talker-%d", i))
		if i == before {
			h.crash()
			h.start()
		}
		if err := talker.settle(ctx, sent, l); err != nil {
			t.Fatal(err)
		}
	}
	people = append(people, talker)
	for _, w := range people {
		w.audit(t, l)
		if tally := w.Tally(); tally.Welcomes != 2 || tally.Unrecovered > 0 || tally.Filled > 0 {
			t.Errorf("%s: %+v", w.nick, tally)
		}
	}
	t.Log(total(people))
}
