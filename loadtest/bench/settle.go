package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"throng/loadtest/process"
)

// debug fetches a page below /debug/pprof/ of the private listener.
func (s *side) debug(page string) ([]byte, error) {
	answer, err := http.Get("http://" + s.server.Admin + "/debug/pprof/" + page)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("/debug/pprof/%s: %s", page, answer.Status)
	}
	return body, err
}

// goroutines counts the process's goroutines.
func (s *side) goroutines() (int, error) {
	page, err := s.debug("goroutine?debug=1")
	if err != nil {
		return 0, err
	}
	var n int
	_, err = fmt.Sscanf(string(page), "goroutine profile: total %d", &n)
	return n, err
}

// settle collects garbage and waits until the process's memory has not changed by more than half a
// percent for three seconds, in which a server notices that a rush is over, or for 15 seconds, and
// returns it in bytes.
func (s *side) settle(ctx context.Context) (int, error) {
	if _, err := s.debug("heap?gc=1"); err != nil {
		return 0, err
	}
	last, since := 0, time.Now()
	for begin := since; time.Since(begin) < 15*time.Second; {
		now, err := process.Resident(s.server.Pid)
		if err != nil {
			return 0, err
		}
		if max(now-last, last-now) > last/200 {
			last, since = now, time.Now()
		}
		if time.Since(since) > 3*time.Second {
			break
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return last, nil
}
