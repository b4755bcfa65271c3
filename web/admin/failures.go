package admin

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// How many failures an address may have: a key cannot be guessed so.
const (
	maxFailures  = 20              // at once
	forgiveAfter = 3 * time.Second // one of them
	maxAddresses = 1 << 14         // that are remembered
	trustFor     = time.Hour       // a key that was used from an address is welcome from there, whoever else fails
)

var errFailures = &Error{
	Status: http.StatusTooManyRequests, Message: "too many requests were refused to this address; wait", After: forgiveAfter,
}

// failures counts how often addresses were refused.
type failures struct {
	mu     sync.Mutex // guards what follows; a leaf
	byAddr map[netip.Prefix]*record
	tidied time.Time
}

// record is what is known of an address. The fields are of the past when forgiven is.
type record struct {
	forgiven time.Time            // when all failures so far are
	used     map[string]time.Time // when keys were last used from there, by name
}

// network is what counts as one address: of IPv6 a /64, which one machine may have for itself.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // an unknown one is one address too
	return p
}

// note counts a failure and reports false when there were too many.
func (f *failures) note(from netip.Addr, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.record(from, now)
	if r == nil || f.isFull(r, now) {
		return false
	}
	if r.forgiven.Before(now) {
		r.forgiven = now
	}
	r.forgiven = r.forgiven.Add(forgiveAfter)
	return true
}

func (f *failures) isFull(r *record, now time.Time) bool {
	return r.forgiven.Sub(now) > (maxFailures-1)*forgiveAfter
}

// welcomes reports whether a right key may be used from an address: always, if it was lately, else unless too much was tried there.
func (f *failures) welcomes(from netip.Addr, key string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.record(from, now)
	if r == nil {
		return true // the table is full of others
	}
	if f.isFull(r, now) && now.Sub(r.used[key]) > trustFor {
		return false
	}
	if r.used == nil {
		r.used = map[string]time.Time{}
	}
	r.used[key] = now
	return true
}

// record is that of an address; nil: there are too many.
func (f *failures) record(from netip.Addr, now time.Time) *record {
	at := network(from)
	r := f.byAddr[at]
	if r != nil {
		return r
	}
	if len(f.byAddr) >= maxAddresses && now.Sub(f.tidied) > forgiveAfter {
		f.tidy(now)
		f.tidied = now
	}
	if len(f.byAddr) >= maxAddresses {
		return nil
	}
	r = &record{}
	f.byAddr[at] = r
	return r
}

// tidy forgets what is of the past.
func (f *failures) tidy(now time.Time) {
	for at, r := range f.byAddr {
		for key, used := range r.used {
			if now.Sub(used) > trustFor {
				delete(r.used, key)
			}
		}
		if len(r.used) == 0 && r.forgiven.Before(now) {
			delete(f.byAddr, at)
		}
	}
}
