package room

import (
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// A mailbox is a queue: its model is a slice. The owner's goroutine is the test itself. A letter is dealt with at once
// exactly when nobody is at work and the writer can do it.
func TestMailboxAsModel(t *testing.T) {
	type letter struct {
		number  int
		isQuick bool
	}
	rapid.Check(t, func(t *rapid.T) {
		var done, want, waiting, batch []letter
		working := false // the owner's goroutine
		m := newMailbox(func(l letter) bool {
			if l.isQuick {
				done = append(done, l)
			}
			return l.isQuick
		})
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				l := letter{len(want), rapid.Bool().Draw(t, "quick")}
				m.put(l)
				want = append(want, l)
				if working || len(waiting) > 0 || !l.isQuick {
					waiting = append(waiting, l)
				}
			},
			"leave": func(t *rapid.T) {
				var letters []letter
				for range rapid.IntRange(0, 3).Draw(t, "count") {
					letters = append(letters, letter{len(want) + len(letters), rapid.Bool().Draw(t, "quick")})
				}
				m.leave(letters)
				want, waiting = append(want, letters...), append(waiting, letters...)
				clear(letters) // they are the caller's again
			},
			"wake": func(t *rapid.T) {
				isWoken := len(m.wake) > 0
				if want := !working && len(waiting) > 0; isWoken != want {
					t.Fatalf("woken: %v, want %v: at work %v, %d wait", isWoken, want, working, len(waiting))
				}
				if isWoken {
					<-m.wake
					working = true
				}
			},
			"take": func(t *rapid.T) {
				if !working {
					t.Skip("asleep")
				}
				if batch = m.take(batch); !slices.Equal(batch, waiting) {
					t.Fatalf("took %v, want %v", batch, waiting)
				}
				done, waiting = append(done, batch...), nil
			},
			"rest": func(t *rapid.T) {
				if !working {
					t.Skip("asleep")
				}
				working = len(waiting) > 0
				if m.rest() == working {
					t.Fatalf("rests: %v, with %d letters waiting", !working, len(waiting))
				}
			},
			"": func(t *rapid.T) {
				if got := append(slices.Clone(done), waiting...); !slices.Equal(got, want) {
					t.Fatalf("dealt with or waiting: %v, want %v", got, want)
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
			for n := 0; n < each; n += 2 {
				m.put(mark{w, n})
				m.leave([]mark{{w, n + 1}})
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
