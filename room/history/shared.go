package history

import "sync"

// shared lets callers that come at the same time share one call: each gets the result of one that began after it came.
type shared[T any] struct {
	turn sync.Mutex // held by the call that is under way

	mu   sync.Mutex // guards next
	next *sharedCall[T]
}

// sharedCall is a call that has not begun.
type sharedCall[T any] struct {
	done   chan struct{}
	result T
	err    error
}

func (s *shared[T]) do(f func() (T, error)) (T, error) {
	s.mu.Lock()
	call := s.next
	if call != nil {
		s.mu.Unlock()
		<-call.done
		return call.result, call.err
	}
	call = &sharedCall[T]{done: make(chan struct{})}
	s.next = call
	s.mu.Unlock()

	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	s.next = nil
	s.mu.Unlock()
	defer close(call.done)
	call.result, call.err = f()
	return call.result, call.err
}
