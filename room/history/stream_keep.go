package history

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// probeEvery is how often the servers are asked how they are, and probePatience how long they may take to say so.
	probeEvery    = time.Second
	probePatience = 2 * time.Second
	// flushEvery is how many probes there are from one writing of marks to the next.
	flushEvery = 3
	// silence is after how long without a word a replica does not count.
	silence = 5 * time.Second
)

// keep looks at the servers and writes marks, until Close.
func (s *Stream) keep() {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-s.life.Done():
			return
		case <-tick.C:
		}
		err := s.probe()
		s.noteHealth(err)
		if err != nil || n%flushEvery != 0 {
			continue
		}
		ctx, cancel := s.patience()
		if err := s.flushMarks(ctx); err != nil {
			s.log.Warn("marks could not be stored yet", "error", err)
		}
		cancel()
	}
}

// probe asks whether there is a leader, and whether enough replicas hear it.
func (s *Stream) probe() error {
	ctx, cancel := context.WithTimeout(s.life, probePatience)
	defer cancel()
	if !s.nc.IsConnected() {
		return errors.New("nats: not connected")
	}
	st, err := s.state(ctx)
	if err != nil || s.conf.Replicas == 1 || st.Cluster == nil {
		return err
	}
	there := 1
	for _, r := range st.Cluster.Replicas {
		if !r.Offline && r.Active < silence {
			there++
		}
	}
	if there <= s.conf.Replicas/2 {
		return fmt.Errorf("nats: %d of %d replicas are there", there, s.conf.Replicas)
	}
	return nil
}

// noteHealth remembers what Healthy is to say.
func (s *Stream) noteHealth(err error) {
	if err = s.fail(err); err == nil {
		s.health.Store(nil)
		return
	}
	s.health.Store(&err)
}

// Healthy implements Log. What it says may be a second or two old.
func (s *Stream) Healthy() error {
	if s.closed.Load() {
		return ErrClosed
	}
	if err := s.health.Load(); err != nil {
		return *err
	}
	return nil
}
