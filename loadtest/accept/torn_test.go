package accept

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"throng/loadtest/client"
)

// talkFor has a witness say n messages to everyone, and waits for their acks.
func talkFor(t *testing.T, w *witness, l *ledger, name string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []*client.Sent
	for i := range n {
		all = append(all, w.say("", "", fmt.Sprintf("%s-%d", name, i)))
	}
	for _, sent := range all {
		if err := w.settle(ctx, sent, l); err != nil {
			t.Fatal(err)
		}
	}
}

// newestLog is the file that the server has written to last: its newest write-ahead log.
func (n *node) newestLog() string {
	n.t.Helper()
	var logs []string
	_ = filepath.WalkDir(n.data, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".log") {
			logs = append(logs, path)
		}
		return err
	})
	if len(logs) == 0 {
		n.t.Fatal("there is no write-ahead log")
	}
	return slices.Max(logs)
}

// TestGarbageBehindTheEnd finds rubbish behind what was written, as a crash of the machine may leave it: nothing that was
// acknowledged is lost.
func TestGarbageBehindTheEnd(t *testing.T) {
	t.Parallel()
	for name, garbage := range map[string]string{
		"a byte":       "\x01",
		"zeros":        strings.Repeat("\x00", 40<<10),
		"ones":         strings.Repeat("\xff", 40<<10),
		"text":         strings.Repeat("all work and no play ", 2000),
		"half a block": strings.Repeat("\x01\x02\x03\x04\x05\x06\x07", 2000),
	} {
		for _, durability := range []string{"fsync", "os"} {
			t.Run(name+", "+durability, func(t *testing.T) {
				t.Parallel()
				h, l := boot(t, "--durability", durability), newLedger()
				w := enter(t, h.addr, "alice", crashPause)
				talkFor(t, w, l, "before", 300)
				h.crash()
				f, err := os.OpenFile(h.newestLog(), os.O_WRONLY|os.O_APPEND, 0)
				if err != nil {
					t.Fatal(err)
				}
				_, err = f.WriteString(garbage)
				f.Close()
				if err != nil {
					t.Fatal(err)
				}
				h.start()
				talkFor(t, w, l, "after", 20)
				w.audit(t, l)
			})
		}
	}
}

// TestTornEnd cuts the end off what was written, which no crash of the process does: a disk that lied. What was in it is lost,
// and nothing else: the rest is as it was, no seq is used a second time, and who knows more than the server is told so.
func TestTornEnd(t *testing.T) {
	t.Parallel()
	for _, cut := range []int64{1, 100, 5000} {
		for _, durability := range []string{"fsync", "os"} {
			t.Run(fmt.Sprintf("%d bytes, %s", cut, durability), func(t *testing.T) {
				t.Parallel()
				h, l := boot(t, "--durability", durability), newLedger()
				w := enter(t, h.addr, "alice", crashPause)
				talkFor(t, w, l, "first", 10) // in commits of their own, long before the end
				talkFor(t, w, l, "before", 290)
				w.await(t, "for its own messages", func() bool { return len(w.heard[client.Everyone]) == 300 })
				w.Close()
				heard := w.heard[client.Everyone]
				h.crash()
				log := h.newestLog()
				info, err := os.Stat(log)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Truncate(log, info.Size()-cut); err != nil {
					t.Fatal(err)
				}
				h.start()
				newest := client.Position{Epoch: strconv.Quote(heard[len(heard)-1].Epoch), Seq: l.newest()}
				_, ahead := h.enter("carol", pos(client.Everyone, at(newest.Epoch, newest.Seq)))
				p, _ := h.enter("bob")
				p.say(`{"id":1,"message":1}`)
				next := p.hear(strings.Replace(ackAll, "fsync", durability, 1), said("bob", "room:all", "1", "")).seq("seq")
				if next <= newest.Seq {
					t.Errorf("seq %d is given out after %d", next, newest.Seq)
				}
				auditor := enter(t, h.addr, "auditor", crashPause)
				all, err := auditor.History(t.Context(), client.Everyone, 0)
				if err != nil {
					t.Fatal(err)
				}
				checkChain(t, "auditor", all)
				kept := all[:len(all)-1] // the last one is bob's
				if len(kept) > len(heard) || len(kept) < 10 {
					t.Errorf("%d messages of %d are there", len(kept), len(heard))
				}
				sameMessages(t, "what is left", heard[:len(kept)], kept)
				if want := fmt.Sprintf(`{"room:all":%t}`, len(kept) == len(heard)); ahead["recovered"] != want {
					t.Errorf("with %d messages of %d recovered %s, want %s", len(kept), len(heard), ahead["recovered"], want)
				}
			})
		}
	}
}
