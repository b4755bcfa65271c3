package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// keepEvery is how often the log tidies: marks and, if it is lazy, the WAL are at most so much behind the disk.
	keepEvery = time.Second
	// probeFile is written, with so many bytes, to see whether the disk works again.
	probeFile  = "PROBE"
	probeBytes = 1 << 20
)

// keep does what has to be done again and again, until ctx ends.
func (l *pebbleLog) keep(ctx context.Context) {
	tick := time.NewTicker(l.vol.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.broken:
		case <-tick.C:
		}
		if l.writable() != nil {
			l.heal()
			continue
		}
		if err := l.tidy(); err != nil && l.writable() == nil {
			l.log.Warn("the log could not be tidied", "error", err)
		}
	}
}

// tidy writes marks, syncs what is lazy, and removes what nobody asks for any more.
func (l *pebbleLog) tidy() error {
	for more := true; more; {
		err := l.change(func(s *store) (err error) {
			more, err = l.marks.flush(s)
			return err
		})
		if err != nil {
			return err
		}
	}
	return l.change(func(s *store) error {
		if err := l.dedup.clean(s); err != nil {
			return err
		}
		return l.sync(s)
	})
}

// change lets f write to the store.
func (l *pebbleLog) change(f func(*store) error) error {
	l.commit.Lock()
	defer l.commit.Unlock()
	return l.use(f)
}

// sync brings what a lazy store has in its WAL to the disk. l.commit is held.
func (l *pebbleLog) sync(s *store) error {
	last := l.committed.Load()
	if !s.fence.lazy || l.synced == last {
		return nil
	}
	b := s.db.NewBatch()
	defer release(b)
	if err := b.LogData(nil, nil); err != nil {
		return err
	}
	if err := s.commitForced(b); err != nil {
		return err
	}
	l.synced = last
	return nil
}

// writable is why the store can be written no more; nil: it can.
func (l *pebbleLog) writable() error {
	return l.use(func(s *store) error {
		if err := s.fence.up(); err != nil {
			return down(err)
		}
		return nil
	})
}

// heal opens the store again, not too often, if there is space and the disk can be written. Until then the old one can
// still be read.
func (l *pebbleLog) heal() {
	if time.Since(l.healed) < l.vol.every {
		return
	}
	l.healed = time.Now()
	if l.space(0) != nil || l.probe() != nil {
		return
	}
	l.commit.Lock()
	defer l.commit.Unlock()
	l.life.Lock()
	defer l.life.Unlock()
	if l.store != nil {
		cause := l.store.fence.up()
		l.log.Error("the log could not be written and is opened again", "error", cause)
		if err := l.store.Close(); err != nil {
			l.log.Warn("the old store did not close well", "error", err)
		}
		l.store, l.cause = nil, down(cause)
	}
	s, err := l.openStore()
	if err != nil {
		if l.cause = fmt.Errorf("%w: %w", ErrDown, err); isFull(err) {
			l.cause = fmt.Errorf("%w: %w", ErrSpace, err)
		}
		return
	}
	l.store, l.cause = s, nil
	l.tails.forget()
	l.log.Info("the log can be written again")
}

// probe tries whether the disk can be written.
func (l *pebbleLog) probe() error {
	fs := l.vol.fs
	name := fs.PathJoin(l.dir, probeFile)
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, probeBytes))
	return errors.Join(err, f.Sync(), f.Close(), fs.Remove(name))
}

// space is ErrSpace if so many bytes would leave less than the reserve on the disk.
func (l *pebbleLog) space(bytes int) error {
	usage, err := l.vol.fs.GetDiskUsage(l.dir)
	if err != nil || usage.AvailBytes > uint64(l.conf.Reserve)+uint64(bytes) {
		return nil // a disk that does not tell has to be tried
	}
	return fmt.Errorf("%w: %d bytes left, %d are kept in reserve", ErrSpace, usage.AvailBytes, l.conf.Reserve)
}

// Healthy implements Log.
func (l *pebbleLog) Healthy() error {
	if l.closed.Load() {
		return ErrClosed
	}
	if err := l.use((*store).refusal); err != nil {
		return err
	}
	return l.space(0)
}
