package room

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"iter"
	mathrand "math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"throng/room/event"
	"throng/room/history"
)

// reserve is how long a nick is kept for a claim that went away and can come back.
const reserve = 5 * time.Minute

// person is who a nick is at present: a claim and its sessions. Its shard owns it.
type person struct {
	self     self // of the claim, for its sessions
	claim    history.Claim
	sessions []*Session                    // none: away, since claim.Away
	latest   atomic.Pointer[history.Claim] // the claim as it is to be saved; for anybody
	askers   map[string]bool               // other nodes that have asked for it, and remember the answer
}

func newPerson(c history.Claim, sessions ...*Session) *person {
	return &person{self: *selfOf(&c), claim: c, sessions: sessions}
}

// here gives the sessions that have their connection. The others, which are about to get it, can be sent nothing yet.
func (p *person) here() iter.Seq[*Session] {
	return func(yield func(*Session) bool) {
		for _, session := range p.sessions {
			if session.all.index >= 0 && !yield(session) {
				return
			}
		}
	}
}

// returns reports whether the claim can come back: its secret was given out, or it is owned.
func (p *person) returns() bool { return p.claim.Secret != nil }

// isReserved reports whether the nick is to be kept for the claim although nobody is there.
func (p *person) isReserved(now time.Time) bool {
	return p.returns() && now.Sub(time.UnixMilli(p.claim.Away)) < reserve
}

// isTaken reports whether the nick is nobody else's to take, as a new claim.
func (p *person) isTaken(now time.Time) bool {
	return len(p.sessions) > 0 || p.isReserved(now) || isOwned(&p.claim)
}

// leave takes a session away and reports whether it was the person's.
func (p *person) leave(s *Session) bool {
	i := slices.Index(p.sessions, s)
	if i < 0 {
		return false
	}
	p.sessions = slices.Delete(p.sessions, i, i+1)
	return true
}

// save notes the claim as it is now and returns what stores it. Of several that are stored at a time the latest stays.
func (h *Hub) save(p *person) (store func() error) {
	claim := p.claim
	p.latest.Store(&claim)
	return func() error {
		turn := &h.saving[claim.ID%uint64(len(h.saving))]
		turn.Lock()
		defer turn.Unlock()
		if claim := p.latest.Load(); claim != nil {
			return h.config.Log.SaveClaim(*claim)
		}
		return nil // it was dropped meanwhile
	}
}

// drop forgets a claim that nobody can come back to any more.
func (h *Hub) drop(p *person) {
	p.latest.Store(nil)
	id := p.claim.ID
	h.apart(func() {
		turn := &h.saving[id%uint64(len(h.saving))]
		turn.Lock()
		defer turn.Unlock()
		h.check(h.config.Log.DropClaim(id))
	})
}

// newClaim makes a claim that nobody can come back to before it is given a secret.
func newClaim(nick Nick) history.Claim {
	id := mathrand.Uint64() | 1 // never 0
	return history.Claim{ID: id, Nick: nick.Name, Key: nick.Key, Made: time.Now().UnixMilli()}
}

// newSecret makes a resume secret and what is stored of it.
func newSecret() (secret string, hash []byte) {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	secret = base64.RawURLEncoding.EncodeToString(raw)
	return secret, hashSecret(secret)
}

func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// opens reports whether a resume secret is that of the claim.
func opens(c *history.Claim, resume string) bool {
	return resume != "" && c.Secret != nil && subtle.ConstantTimeCompare(c.Secret, hashSecret(resume)) == 1
}

// errTooMany is the refusal of one connection more than a nick may have.
func errTooMany(n Nick) *event.Error { return event.Conflict("too many connections of " + n.Name) }

// errInUse is the refusal of a nick that somebody has.
func errInUse(n Nick) *event.Error { return event.Conflict("the nick " + n.Name + " is in use") }
