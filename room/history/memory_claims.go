package history

import (
	"container/list"
	"fmt"
	"slices"
)

// memoryClaim is a claim, and where it is among those that are away.
type memoryClaim struct {
	Claim
	spot *list.Element // nil: it is not away
}

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
	one := l.claims[c.ID]
	if one == nil {
		one = &memoryClaim{}
		l.claims[c.ID] = one
		l.nicks[c.Key] = append(l.nicks[c.Key], c.ID)
	}
	one.Claim = c
	one.Secret = slices.Clone(c.Secret)
	l.sort(one)
	l.tidy()
	return nil
}

// sort puts a claim to its place among those that are away: near the end, since most have just gone.
func (l *memoryLog) sort(c *memoryClaim) {
	l.unsort(c)
	if c.Away == 0 {
		return
	}
	before := l.away.Back()
	for before != nil && before.Value.(*memoryClaim).Away > c.Away {
		before = before.Prev()
	}
	if before == nil {
		c.spot = l.away.PushFront(c)
	} else {
		c.spot = l.away.InsertAfter(c, before)
	}
}

// unsort takes a claim out of those that are away.
func (l *memoryLog) unsort(c *memoryClaim) {
	if c.spot != nil {
		l.away.Remove(c.spot)
		c.spot = nil
	}
}

// forgetNick takes a claim out of those of its nick.
func (l *memoryLog) forgetNick(c *Claim) {
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
	c := l.claims[id]
	if c == nil {
		return Claim{}, false, l.err()
	}
	return c.Claim, true, l.err()
}

// ClaimByNick implements Log.
func (l *memoryLog) ClaimByNick(key string) (latest Claim, found bool, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, id := range l.nicks[key] {
		c := &l.claims[id].Claim
		if !found || c.Made > latest.Made || c.Made == latest.Made && c.ID > latest.ID {
			latest, found = *c, true
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
	l.drop(id)
	return nil
}

// drop takes a claim out, and all that is kept of it. l.mu is held.
func (l *memoryLog) drop(id uint64) {
	if c := l.claims[id]; c != nil {
		l.forgetNick(&c.Claim)
		l.unsort(c)
	}
	delete(l.claims, id)
	delete(l.marks, id)
	delete(l.directs, id)
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
