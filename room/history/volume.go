package history

// Volume is what a log on disk takes, there and in memory.
type Volume struct {
	Bytes         uint64 // on disk, all of it
	Unsorted      uint64 // of them, in WALs
	Conversations int    // in memory
	Cached        int64  // bytes of newest messages in memory
	Tidied        int64  // compactions, since it was opened
	Tidying       int64  // compactions under way
	IsStalled     bool   // writers wait, because compactions do not keep up
}

// Volume tells what the log takes at present; only conversations and cached are told while the store is down. Any goroutine may
// call it. It takes some microseconds.
func (l *pebbleLog) Volume() (v Volume) {
	_ = l.use(func(s *store) error {
		m := s.db.Metrics()
		v = Volume{
			Bytes: m.DiskSpaceUsage(), Unsorted: m.WAL.PhysicalSize, Tidied: m.Compact.Count, Tidying: m.Compact.NumInProgress,
			IsStalled: s.fence.stalled.Load(),
		}
		return nil // an error would be that the store is down, which Healthy tells
	})
	v.Conversations, v.Cached = l.tails.size()
	return v
}
