package history

import (
	"sync"
	"sync/atomic"
	"testing"
)

// Nobody gets the result of a call that began before they came, and one call goes on at a time.
func TestShared(t *testing.T) {
	var s shared[int64]
	var now, under atomic.Int64
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for range 2000 {
				came := now.Add(1)
				got, err := s.do(func() (int64, error) {
					if under.Add(1) != 1 {
						t.Error("two calls at once")
					}
					defer under.Add(-1)
					return now.Load(), nil
				})
				if err != nil || got < came {
					t.Errorf("came at %d, answered as of %d, %v", came, got, err)
				}
			}
		})
	}
	asking.Wait()
}
