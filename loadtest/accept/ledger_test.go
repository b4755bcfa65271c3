package accept

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"throng/loadtest/client"
)

// ledger is what was said and what was acknowledged of it, kept outside of the server. Any goroutine may use it.
type ledger struct {
	mu    sync.Mutex // guards what follows
	lines map[string]line
	acks  int
	bell  chan struct{} // closed, and another put in its place, with each ack
}

// line is one message, by its cid, which is also what it says.
type line struct {
	conv string // the same for all who are in it
	ack  client.Ack
}

func newLedger() *ledger { return &ledger{lines: map[string]line{}, bell: make(chan struct{})} }

// acked enters an ack.
func (l *ledger) acked(conv string, ack client.Ack) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[ack.Cid] = line{conv, ack}
	l.acks++
	close(l.bell)
	l.bell = make(chan struct{})
}

// await waits until there are so many acks.
func (l *ledger) await(t *testing.T, acks int) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		l.mu.Lock()
		have, bell := l.acks, l.bell
		l.mu.Unlock()
		if have >= acks {
			return
		}
		select {
		case <-bell:
		case <-timer.C:
			t.Fatalf("%d acks of %d", have, acks)
		}
	}
}

// count is how many acks there are.
func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acks
}

// newest is the highest seq that was acknowledged.
func (l *ledger) newest() (seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		seq = max(seq, line.ack.Seq)
	}
	return seq
}

// witness is somebody who comes back whatever happens, and remembers what came.
type witness struct {
	*client.Client
	nick string

	mu      sync.Mutex // guards what follows
	heard   map[string][]client.Message
	refused []*client.Error
	lost    error         // why the last connection ended
	bell    chan struct{} // closed, and another put in its place, with each event
}

// enter brings a witness to everyone's conversation and to rooms, from now on.
func enter(t *testing.T, addr, nick string, maxWait time.Duration, rooms ...string) *witness {
	t.Helper()
	w := &witness{nick: nick, heard: map[string][]client.Message{}, bell: make(chan struct{})}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var err error
	w.Client, err = client.Dial(ctx, client.Options{
		URL: "ws://" + addr, Nick: nick, On: w.on, Reconnect: true, FillGaps: true, MaxWait: maxWait,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	for _, room := range append([]string{"all"}, rooms...) {
		if _, err := w.Join(ctx, room, client.Position{}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *witness) on(e client.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := e.(type) {
	case client.Message:
		w.heard[e.Conv] = append(w.heard[e.Conv], e)
	case client.Refusal:
		w.refused = append(w.refused, e.Err)
	case client.Lost:
		w.lost = e.Err
	}
	close(w.bell)
	w.bell = make(chan struct{})
}

// await waits until something is so; what is asked with w.mu held.
func (w *witness) await(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		w.mu.Lock()
		ok, bell := isSo(), w.bell
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-bell:
		case <-timer.C:
			t.Fatalf("%s waits in vain: %s", w.nick, what)
		}
	}
}

// say says something: the message is its own cid.
func (w *witness) say(to, room, cid string) *client.Sent {
	body, _ := json.Marshal(cid)
	return w.Send(client.Post{To: to, Room: room, Cid: cid, Body: body})
}

// settle waits for the ack of what was said, and enters it.
func (w *witness) settle(ctx context.Context, sent *client.Sent, l *ledger) error {
	ack, err := sent.Wait(ctx)
	if err != nil {
		return fmt.Errorf("%s: %s: %w; %s", w.nick, sent.Post.Cid, err, w.troubles())
	}
	l.acked(w.shared(ack.Conv), ack)
	return nil
}

// troubles is what a witness has met with last.
func (w *witness) troubles() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("refused by %v, lost by %v", w.refused[max(0, len(w.refused)-1):], w.lost)
}

// shared is a conversation by a name that all in it have for it.
func (w *witness) shared(conv string) string {
	if peer, ok := strings.CutPrefix(conv, "dm:"); ok {
		return fmt.Sprintf("%s and %s", min(w.nick, peer), max(w.nick, peer))
	}
	return conv
}

// audit checks the history as a witness sees it against the ledger, and what the witness heard against the history: all that
// was acknowledged is there, once and in order, nothing else is, and the witness has heard exactly that.
func (w *witness) audit(t *testing.T, l *ledger) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	convs := l.conversations(w) // the witness's names by the shared ones
	w.mu.Lock()
	for conv := range w.heard {
		convs[w.shared(conv)] = conv
	}
	w.mu.Unlock()
	found := 0
	for shared, conv := range convs {
		all, err := w.History(ctx, conv, 0)
		if err != nil {
			t.Fatalf("%s: %s: %v", w.nick, conv, err)
		}
		found += len(all)
		checkChain(t, w.nick, all)
		l.check(t, w.nick, shared, all)
		w.await(t, "for the end of "+conv, func() bool { return len(w.heard[conv]) >= len(all) })
		w.mu.Lock()
		sameMessages(t, w.nick+" in "+conv, w.heard[conv], all)
		w.mu.Unlock()
	}
	if want := l.visible(w); found != want {
		t.Errorf("%s finds %d messages of %d", w.nick, found, want)
	}
	if tally := w.Tally(); tally.Duplicates > 0 || tally.Holes > 0 {
		t.Errorf("%s: %+v", w.nick, tally)
	}
}

// conversations are those in which a witness is to find something: shared names, and its own. It may have heard of one too late to
// know it by itself.
func (l *ledger) conversations(w *witness) map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	convs := map[string]string{}
	for _, line := range l.lines {
		a, b, isDirect := strings.Cut(line.conv, " and ")
		switch {
		case !isDirect:
			convs[line.conv] = line.conv
		case a == w.nick:
			convs[line.conv] = "dm:" + b
		case b == w.nick:
			convs[line.conv] = "dm:" + a
		}
	}
	return convs
}

// visible is how many messages a witness is to find.
func (l *ledger) visible(w *witness) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.HasPrefix(line.conv, "room:") || slices.Contains(strings.Split(line.conv, " and "), w.nick) {
			n++
		}
	}
	return n
}

// check compares a conversation with the ledger: each message was said there, and has the seq and mid of its ack.
func (l *ledger) check(t *testing.T, nick, shared string, all []client.Message) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := map[string]bool{}
	for _, m := range all {
		var cid string
		_ = json.Unmarshal(m.Body, &cid)
		line, ok := l.lines[cid]
		if !ok || seen[cid] || line.conv != shared || line.ack.Seq != m.Seq || line.ack.Mid != m.Mid {
			t.Errorf("%s, %s: seq %d, mid %s, %q (again: %t) stands in the ledger as %+v", nick, shared, m.Seq, m.Mid, cid, seen[cid], line)
		}
		seen[cid] = true
	}
}

// checkChain checks that seqs rise and that each message names the one before it.
func checkChain(t *testing.T, nick string, all []client.Message) {
	t.Helper()
	prev := uint64(0)
	for _, m := range all {
		if m.Seq <= prev || m.Prev != prev {
			t.Errorf("%s, %s: seq %d with prev %d comes after %d", nick, m.Conv, m.Seq, m.Prev, prev)
		}
		prev = m.Seq
	}
}

// sameMessages compares what was heard with the history.
func sameMessages(t *testing.T, who string, heard, all []client.Message) {
	t.Helper()
	for i := range max(len(heard), len(all)) {
		switch {
		case i >= len(heard) || i >= len(all):
			t.Errorf("%s: %d messages were heard, %d are there", who, len(heard), len(all))
			return
		case heard[i].Seq != all[i].Seq || heard[i].Mid != all[i].Mid || string(heard[i].Body) != string(all[i].Body) || heard[i].Prev != all[i].Prev:
			t.Errorf("%s: at %d was heard seq %d, prev %d, mid %s, %s; there is seq %d, prev %d, mid %s, %s", who, i,
				heard[i].Seq, heard[i].Prev, heard[i].Mid, heard[i].Body, all[i].Seq, all[i].Prev, all[i].Mid, all[i].Body)
			return
		}
	}
}

// total is the sum of what has happened to some witnesses.
func total(list []*witness) string {
	counts := map[string]int{}
	for _, w := range list {
		t := w.Tally()
		for name, n := range map[string]int{
			"welcomes": t.Welcomes, "recovered": t.Recovered, "paged": t.Unrecovered, "filled": t.Filled,
		} {
			counts[name] += n
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, " %s %d", name, counts[name])
	}
	return b.String()[1:]
}
