package room

import "sync"

// mailbox is an unbounded queue of many writers and one reader, who takes all that has come at once. What goes into
// it is bounded by its writers (see Hub.Publish).
type mailbox[T any] struct {
	wake chan struct{} // holds a token after a put

	mu      sync.Mutex // guards letters; a leaf: nothing is locked while it is held
	letters []T
}

func newMailbox[T any]() *mailbox[T] { return &mailbox[T]{wake: make(chan struct{}, 1)} }

// put adds a letter. It never blocks; any goroutine may call it.
func (m *mailbox[T]) put(letter T) {
	m.mu.Lock()
	m.letters = append(m.letters, letter)
	first := len(m.letters) == 1
	m.mu.Unlock()
	if first {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
}

// take returns all letters in the order of put, and keeps spare, emptied, for those to come. The reader alone
// calls it.
func (m *mailbox[T]) take(spare []T) []T {
	clear(spare)
	m.mu.Lock()
	defer m.mu.Unlock()
	letters := m.letters
	m.letters = spare[:0]
	return letters
}
