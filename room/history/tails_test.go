package history

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestTailIsBounded(t *testing.T) {
	l := onRAM(t, vfs.NewMem(), Config{}, time.Now)
	for range maxTail/1000 + 2 {
		batch := make([]*Entry, 1000)
		for i := range batch {
			batch[i] = say("all", 1, "", fmt.Sprint(i))
		}
		must(t, l, batch...)
	}
	c := l.tails.pin("all")
	defer l.tails.unpin(c)
	if len(c.tail) != maxTail || c.from != c.tail[0].Seq {
		t.Errorf("%d messages from %d", len(c.tail), c.from)
	}
	text := strings.Repeat("x", 1<<20)
	must(t, l, say("all", 1, "", text), say("all", 1, "", text), say("all", 1, "", text), say("all", 1, "", text), say("all", 1, "", text))
	if len(c.tail) != 3 || c.bytes > maxTailBytes || c.bytes != l.tails.bytes.Load() {
		t.Errorf("%d messages, %d bytes, %d in all", len(c.tail), c.bytes, l.tails.bytes.Load())
	}
	msgs, more, err := l.Read("all", 1, 0, maxTail+3000)
	if err != nil || more || len(msgs) != (maxTail/1000+2)*1000+5 {
		t.Errorf("%d messages, %v, %v", len(msgs), more, err)
	}
}

func TestTailsAreBounded(t *testing.T) {
	tails, text := newTails(), strings.Repeat("x", 10<<10)
	for i := range maxConvs + 10 {
		c := tails.pin(fmt.Sprint(i))
		c.mu.Lock()
		c.load(Head{}, 0)
		grown := c.add(Message{Conv: c.name, Seq: uint64(i + 2), From: text}, 0)
		c.mu.Unlock()
		tails.grew(grown)
		if i > 0 {
			tails.unpin(c)
		}
	}
	if len(tails.all) != maxConvs || tails.used.Len() != maxConvs {
		t.Errorf("%d conversations, %d in order", len(tails.all), tails.used.Len())
	}
	if tails.all["0"] == nil || tails.all["1"] != nil {
		t.Error("not the oldest was forgotten, or one that is in use")
	}
	var bytes int64
	for _, c := range tails.all {
		bytes += c.bytes
	}
	if bytes != tails.bytes.Load() || bytes > maxTailsBytes || bytes < maxTailsBytes/2 {
		t.Errorf("%d bytes, %d counted", bytes, tails.bytes.Load())
	}
}

// What was read from disk is in memory for those who come next, up to the newest.
func TestTailLearns(t *testing.T) {
	l := onRAM(t, vfs.NewMem(), Config{}, time.Now)
	for i := range 10 {
		must(t, l, say("all", 1, "", fmt.Sprint(i)))
	}
	l.tails.forget()
	must(t, l, say("all", 1, "", "10"))
	c := l.tails.pin("all")
	defer l.tails.unpin(c)
	if len(c.tail) != 1 {
		t.Fatalf("%d messages", len(c.tail))
	}
	wantRead(t, l, "all", 0, 0, 4, "7 8 9 10", true)
	if texts(c.tail) != "7 8 9 10" {
		t.Errorf("the tail is %q", texts(c.tail))
	}
	wantRead(t, l, "all", 1, 0, 3, "0 1 2", true)
	if texts(c.tail) != "7 8 9 10" {
		t.Errorf("the tail is %q with a hole", texts(c.tail))
	}
	wantRead(t, l, "all", 1, 0, 30, "0 1 2 3 4 5 6 7 8 9 10", false)
	if len(c.tail) != 11 || c.bytes != l.tails.bytes.Load() {
		t.Errorf("the tail is %q", texts(c.tail))
	}
}

// Readers, trims and marks go on beside the committer, and nobody sees a hole.
func TestTogether(t *testing.T) {
	l := onRAM(t, vfs.NewMem(), Config{KeepCount: 200, Durability: DurabilityOS}, time.Now)
	const batches = 200
	var all sync.WaitGroup
	done := make(chan struct{})
	for r := range 4 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				msgs, _, err := l.Read("all", uint64(r%2), 0, 50+r)
				if err != nil {
					t.Error(err)
					return
				}
				for i := 1; i < len(msgs); i++ {
					if msgs[i].Prev != msgs[i-1].Seq {
						t.Errorf("%d has prev %d behind %d", msgs[i].Seq, msgs[i].Prev, msgs[i-1].Seq)
						return
					}
				}
				l.Mark(uint64(r), "all", Marks{Sent: 1})
				if r == 0 {
					l.tails.mu.Lock()
					n := l.tails.used.Len()
					l.tails.mu.Unlock()
					if err := l.SaveClaim(Claim{ID: uint64(n), Key: "x"}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for i := range batches {
		var batch []*Entry
		for j := range 10 {
			batch = append(batch, say("all", 1, fmt.Sprint(i, j), "text"))
		}
		must(t, l, batch...)
	}
	close(done)
	all.Wait()
	trimNow(t, l)
	if h, err := l.Head("all"); err != nil || h.Count != 200 {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	at := newClock()
	l := newMemory(Config{KeepAge: time.Hour, KeepBytes: -1}, at.now)
	defer release(l)
	old := say("old", 1, "", "text")
	must(t, l, old)
	at.advance(2 * time.Hour)
	text := make([]byte, 1<<20)
	var last uint64
	for i := range memoryBytes>>20 + 10 {
		e := &Entry{Message: Message{Conv: fmt.Sprintf("r/%d", i%100), Body: text}}
		must(t, l, e)
		last = e.Seq
	}
	if l.bytes > memoryBytes || l.bytes < memoryBytes/2 {
		t.Errorf("%d bytes", l.bytes)
	}
	h, err := l.Head("old")
	if err != nil || h.Trimmed < old.Seq || h.Trimmed >= last || h.Count != 0 {
		t.Errorf("%+v, %v", h, err)
	}
	if len(l.where) != int(l.bytes>>20) || len(l.convs) > 100 {
		t.Errorf("%d messages are known, %d conversations", len(l.where), len(l.convs))
	}
	for i := range memoryDedup + memoryDedup/2 {
		if i%1000 == 0 {
			must(t, l, say("r/1", 1, "", "text"))
		}
		l.known[dedupID{1, fmt.Sprint(i)}] = first{}
	}
	if len(l.known)+len(l.before) > memoryDedup+2000 {
		t.Errorf("%d repeats are known", len(l.known)+len(l.before))
	}
}
