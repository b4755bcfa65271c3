package room

import (
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// A mailbox whose letters are all left to the owner's goroutine is a queue: its model is a slice.
func TestMailboxAsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, next := newMailbox(func(int) bool { return false }), 0
		var model, batch []int
		t.Repeat(map[string]func(*rapid.T){
			"put": func(*rapid.T) {
				m.put(next)
				model = append(model, next)
				next++
			},
			"take": func(t *rapid.T) {
				batch = m.take(batch)
				if !slices.Equal(batch, model) {
					t.Fatalf("took %v, want %v", batch, model)
				}
				model = nil
			},
			"rest": func(t *rapid.T) { // whoever is at work may rest only when nothing waits
				if !m.busy {
					t.Skip("nobody is at work")
				}
				if rested := m.rest(); rested != (len(model) == 0) {
					t.Fatalf("rested: %v, with %d letters waiting", rested, len(model))
				}
			},
			"": func(t *rapid.T) { // the goroutine was woken whenever letters wait
				if len(model) > 0 && !m.busy {
					t.Fatal("letters wait and nobody is at work")
				}
				if !m.busy && len(m.wake) > 0 {
					<-m.wake // it was woken for what has been taken since
				}
			},
		})
	})
}

// Many writers, with letters of both kinds: all are dealt with, one at a time, each writer's in its order.
func TestMailboxOfManyWriters(t *testing.T) {
	type mark struct{ writer, number int }
	const writers, each = 8, 2000
	var next [writers]int // unguarded: the mailbox lets one at a time work
	total := 0
	all := make(chan struct{})
	work := func(l mark) {
		if l.number != next[l.writer] {
			t.Errorf("writer %d: got %d, want %d", l.writer, l.number, next[l.writer])
		}
		next[l.writer]++
		if total++; total == writers*each {
			close(all)
		}
	}
	m := newMailbox(func(l mark) bool {
		if l.number%3 == 0 {
			return false
		}
		work(l)
		return true
	})
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		var batch []mark
		for {
			select {
			case <-m.wake: // the test would hang here if a letter came without waking
			case <-stop:
				return
			}
			for working := true; working; working = !m.rest() {
				batch = m.take(batch)
				for _, l := range batch {
					work(l)
				}
			}
		}
	})
	for w := range writers {
		running.Go(func() {
			for n := range each {
				m.put(mark{w, n})
			}
		})
	}
	<-all
	close(stop)
	running.Wait()
}

// A letter whose work panics is lost alone: the mailbox goes on.
func TestMailboxAfterPanic(t *testing.T) {
	worked := 0
	m := newMailbox(func(n int) bool {
		if n == 0 {
			panic("on purpose")
		}
		worked++
		return true
	})
	func() {
		defer func() { _ = recover() }()
		m.put(0)
	}()
	m.put(1)
	if worked != 1 {
		t.Fatal("the next letter was not dealt with")
	}
}

// Work may put letters into its own mailbox; they come after it.
func TestMailboxFromWithin(t *testing.T) {
	var m *mailbox[int]
	m = newMailbox(func(n int) bool {
		if n == 0 {
			m.put(1)
		}
		return true
	})
	m.put(0)
	<-m.wake
	if got := m.take(nil); !slices.Equal(got, []int{1}) {
		t.Fatalf("took %v", got)
	}
	if !m.rest() {
		t.Fatal("nothing waits, and yet no rest")
	}
}
