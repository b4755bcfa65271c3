package engine

import "sync"

// tables is the number of tables the connections are spread over. A sweep visits one table at a time.
const tables = 8

// table is a set of live connections.
type table struct {
	mu    sync.Mutex // guards conns and each member's slot; a leaf: nothing is locked while it is held
	conns []*Conn
}

// tableOf is the table of a connection.
func (e *Engine) tableOf(c *Conn) *table { return &e.tables[c.id%tables] }

// add puts c into the table.
func (t *table) add(c *Conn) {
	t.mu.Lock()
	c.slot = len(t.conns)
	t.conns = append(t.conns, c)
	t.mu.Unlock()
}

// remove takes c out, if it is in.
func (t *table) remove(c *Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.slot >= len(t.conns) || t.conns[c.slot] != c {
		return
	}
	last := len(t.conns) - 1
	t.conns[c.slot] = t.conns[last]
	t.conns[c.slot].slot = c.slot
	t.conns[last] = nil
	t.conns = t.conns[:last]
}

// collect appends to found the members for which wanted holds. wanted runs under the lock and takes none.
func (t *table) collect(found []*Conn, wanted func(*Conn) bool) []*Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.conns {
		if wanted(c) {
			found = append(found, c)
		}
	}
	return found
}
