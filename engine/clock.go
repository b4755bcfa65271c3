package engine

// sampleOne is of how many messages one has its time taken: to read the clock for each would cost a percent of sending it.
const sampleOne = 64

// clockRead begins to take the time of one read in sampleOne. The loop calls it.
func (c *Conn) clockRead() {
	if c.reads++; c.reads%sampleOne == 0 {
		c.arrived = c.engine.now()
	} else {
		c.arrived = 0
	}
}

// cut takes the time of the first message that a sampled read completes. The loop calls it.
func (c *Conn) cut() {
	if c.arrived == 0 {
		return
	}
	took := c.engine.now() - c.arrived
	if begun := c.begun.Load(); begun != 0 { // it came in several reads
		took = max(took, (c.engine.clock.Load()-begun)*1e6)
	}
	c.arrived = 0
	c.engine.metrics.stages.read.Observe(float64(took) / 1e9)
}

// queue begins to take the time of one frame in sampleOne. The caller holds c.mu.
func (c *Conn) queue() {
	if c.sends++; c.sends%sampleOne == 0 && c.queued == 0 {
		c.queued = c.engine.now()
	}
}

// writeTimed writes, and takes the time of the frame that queue has chosen. The caller holds c.mu.
func (c *Conn) writeTimed(b []byte) error {
	if c.queued == 0 {
		return c.write(b)
	}
	m, began := &c.engine.metrics.stages, c.engine.now()
	m.queue.Observe(float64(began-c.queued) / 1e9)
	c.queued = 0
	err := c.write(b)
	m.write.Observe(float64(c.engine.now()-began) / 1e9)
	return err
}
