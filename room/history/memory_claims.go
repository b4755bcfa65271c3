package history

import "fmt"

// SaveClaim implements Log.
func (l *memoryLog) SaveClaim(c Claim) error {
	if len(c.Key) > maxName {
		return fmt.Errorf("%w: nick key %q", errName, c.Key)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	if _, known := l.claims[c.ID]; !known {
		l.nicks[c.Key] = append(l.nicks[c.Key], c.ID)
	}
	c.Secret = append([]byte(nil), c.Secret...)
	l.claims[c.ID] = c
	return nil
}

// forgetNick takes a claim out of those of its nick.
func (l *memoryLog) forgetNick(c Claim) {
	ids := l.nicks[c.Key]
	for i, id := range ids {
		if id == c.ID {
			ids = append(ids[:i], ids[i+1:]...)
			break
		}
	}
	if l.nicks[c.Key] = ids; len(ids) == 0 {
		delete(l.nicks, c.Key)
	}
}

// ClaimByID implements Log.
func (l *memoryLog) ClaimByID(id uint64) (Claim, bool, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c, found := l.claims[id]
	return c, found, l.err()
}

// ClaimByNick implements Log.
func (l *memoryLog) ClaimByNick(key string) (latest Claim, found bool, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, id := range l.nicks[key] {
		c := l.claims[id]
		if !found || c.Made > latest.Made || c.Made == latest.Made && c.ID > latest.ID {
			latest, found = c, true
		}
	}
	return latest, found, l.err()
}

// DropClaim implements Log.
func (l *memoryLog) DropClaim(id uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	if c, known := l.claims[id]; known {
		l.forgetNick(c)
	}
	delete(l.claims, id)
	delete(l.marks, id)
	delete(l.directs, id)
	return nil
}

// Mark implements Log.
func (l *memoryLog) Mark(claim uint64, conv string, m Marks) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || m == (Marks{}) {
		return
	}
	if l.marks[claim] == nil {
		l.marks[claim] = map[string]Marks{}
	}
	l.marks[claim][conv] = l.marks[claim][conv].raised(m)
}

// Marks implements Log.
func (l *memoryLog) Marks(claim uint64, conv string) (Marks, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.marks[claim][conv], l.err()
}
