package engine

import "sync"

// inWrite marks, in Conn.pending, that a write is under way, so that the bytes it sends at once raise no signal.
const inWrite = 1 << 40

// Flush writes what is queued, all of it in one write where it fits in 64 KiB. While the socket still holds
// bytes of an earlier write nothing is written: they would only be copied; the rest follows when the socket has sent
// them. Whoever queued frames calls it once for all of them.
func (c *Conn) Flush() {
	c.mu.Lock()
	var lent *[writeSize]byte
	for c.attached && c.state != stateClosed && !c.out.empty() && c.pending.Load() == 0 {
		chunk := c.out.next(func() []byte {
			if lent == nil {
				lent = scratches.Get().(*[writeSize]byte)
			}
			return lent[:]
		})
		if c.writeTimed(chunk) != nil {
			c.out.clear()
			break
		}
	}
	done := c.peerClosed && c.state == stateClosing && c.attached && c.out.empty() && c.pending.Load() == 0
	if done {
		c.notify()
		done = c.pending.Load() == 0 // else written comes back here
	}
	c.mu.Unlock()
	if lent != nil {
		scratches.Put(lent)
	}
	if done {
		// RFC 6455 section 7.1.1: the server closes TCP first, after both close frames.
		c.shut()
	}
}

// shut closes the socket. It counts once more: between nbio's count, which is before the number is given back, and that, a round
// of the barrier may have come back.
func (c *Conn) shut() {
	if c.secure != nil {
		c.mu.Lock()
		c.notify()
		c.mu.Unlock()
	}
	_ = c.sock.Close()
	c.engine.closed.Add(1)
}

// write sends b, through TLS where there is any. The caller holds c.mu.
func (c *Conn) write(b []byte) (err error) {
	c.out.sent.writes++
	c.out.sent.bytes += uint64(len(b))
	c.pending.Add(inWrite)
	if c.secure == nil {
		err = c.put(b)
	} else {
		_, err = c.secure.Write(b)
	}
	c.pending.Add(-inWrite)
	return err
}

// put hands the socket bytes as they are to leave. A socket that fails closes itself and tells lost.
func (c *Conn) put(b []byte) error {
	c.pending.Add(int64(len(b)))
	_, err := c.sock.Write(b)
	if err != nil {
		c.engine.closed.Add(1) // as in shut
	}
	return err
}

// written is told by the socket that n more bytes have left. It runs under the socket's lock, inside Flush's write
// or on the loop, so it only counts and signals.
func (c *Conn) written(n int) {
	if c.pending.Add(int64(-n)) == 0 {
		c.engine.writable.add(c)
	}
}

// flusher flushes connections whose sockets have become writable again.
type flusher struct {
	wake chan struct{} // holds one token while conns is not empty

	mu    sync.Mutex // guards conns; a leaf: nothing is locked while it is held
	conns []*Conn
}

func newFlusher() *flusher { return &flusher{wake: make(chan struct{}, 1)} }

// add never blocks.
func (f *flusher) add(c *Conn) {
	f.mu.Lock()
	f.conns = append(f.conns, c)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run flushes until stop is closed.
func (f *flusher) run(stop <-chan struct{}) {
	var batch []*Conn
	for {
		select {
		case <-f.wake:
		case <-stop:
			return
		}
		f.mu.Lock()
		batch, f.conns = f.conns, batch[:0]
		f.mu.Unlock()
		for i, c := range batch {
			c.Flush()
			batch[i] = nil
		}
	}
}
