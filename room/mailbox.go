package room

import (
	"slices"
	"sync"
)

// mailbox passes letters from many writers to one owner, who deals with them one at a time and in order. While nobody
// is at work the writer does the work of its letter itself, in the owner's place: to wake a goroutine costs more than
// most letters do: a direct message took 25 µs of CPU with two wake-ups and 18 without, by make bench ARGS="-only direct"
// before and after. Otherwise the letter waits for the owner's goroutine. What goes into a mailbox is bounded by its writers (see road.take).
type mailbox[T any] struct {
	// quick deals with a letter on its writer's goroutine, or leaves it to the owner's by returning false. It must not
	// block.
	quick func(T) bool
	wake  chan struct{} // holds a token when the owner's goroutine is to work

	mu      sync.Mutex // guards what follows; a leaf: nothing is locked while it is held
	letters []T
	busy    bool // somebody is at work, or wake says that the goroutine is to be
}

func newMailbox[T any](quick func(T) bool) *mailbox[T] {
	return &mailbox[T]{quick: quick, wake: make(chan struct{}, 1)}
}

// put adds a letter. It never blocks; any goroutine may call it, the one that is at work too.
func (m *mailbox[T]) put(letter T) {
	m.mu.Lock()
	if m.busy {
		m.letters = append(m.letters, letter)
		m.mu.Unlock()
		return
	}
	m.busy = true
	m.mu.Unlock()
	done := true // also when quick panics: the mailbox goes on without that letter
	defer func() {
		m.mu.Lock()
		if !done {
			m.letters = slices.Insert(m.letters, 0, letter)
		}
		m.busy = len(m.letters) > 0
		if m.busy {
			m.wake <- struct{}{} // has room: only who is at work sends
		}
		m.mu.Unlock()
	}()
	done = m.quick(letter)
}

// leave adds letters, in their order, for the owner's goroutine. It never blocks; any goroutine may call it. The slice
// stays the caller's.
func (m *mailbox[T]) leave(letters []T) {
	if len(letters) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.letters = append(m.letters, letters...)
	if !m.busy {
		m.busy = true
		m.wake <- struct{}{} // has room: nobody is at work, so nobody has sent
	}
}

// size is how many letters wait. Any goroutine may call it.
func (m *mailbox[T]) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.letters)
}

// take returns all letters in the order of put, and keeps spare, emptied, for those to come. The owner's goroutine alone
// calls it, while it is at work.
func (m *mailbox[T]) take(spare []T) []T {
	clear(spare)
	m.mu.Lock()
	defer m.mu.Unlock()
	letters := m.letters
	m.letters = spare[:0]
	return letters
}

// rest ends the work of the owner's goroutine, which then waits for wake, unless letters have come; it reports whether it
// did.
func (m *mailbox[T]) rest() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = len(m.letters) > 0
	return !m.busy
}
