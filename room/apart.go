package room

const (
	// maxApart is how many things that wait for the disk are done at once.
	maxApart = 64
	// maxAsking is the same of those that wait for the network, in a cluster.
	maxAsking = 1024
)

// apart does what may wait for the disk on a goroutine of its own, a few at once. What Close finds not begun is not done.
func (h *Hub) apart(do func()) {
	h.stopping.Lock()
	defer h.stopping.Unlock()
	if h.isStopped() {
		return // Close may have waited already
	}
	h.running.Go(func() {
		select {
		case h.slots <- struct{}{}:
			defer func() { <-h.slots }()
			if !h.isStopped() {
				do()
			}
		case <-h.stop:
		}
	})
}

// isStopped reports whether Close was called.
func (h *Hub) isStopped() bool {
	select {
	case <-h.stop:
		return true
	default:
		return false
	}
}

// reading does what needs to read a little of the log: at once, or, where that may wait for the network, apart.
func (h *Hub) reading(do func()) {
	if h.cluster == nil {
		do()
	} else {
		h.apart(do)
	}
}
