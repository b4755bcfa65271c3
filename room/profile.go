package room

import (
	"context"
	"encoding/json"
	"slices"

	"throng/room/event"
	"throng/room/history"
)

// maxSessions is how many sessions a Profile lists.
const maxSessions = 100

// Profile is what there is to know of who has a nick.
type Profile struct {
	Nick     string    `json:"nick"`
	IsOnline bool      `json:"online"`
	Node     string    `json:"node,omitempty"`  // where they are; "": nowhere, or this node is alone
	Returns  bool      `json:"returns"`         // the claim can come back
	Made     int64     `json:"made,omitempty"`  // ms since 1970: when the claim was made
	Away     int64     `json:"away,omitempty"`  // ms since 1970: when it went away; 0: it is there, or nobody knows
	Sessions []Sitting `json:"sessions"`        // the first maxSessions
	Count    int       `json:"count,omitempty"` // of sessions
}

// Sitting is a session of somebody.
type Sitting struct {
	ID      string   `json:"id,omitempty"` // as the client was told; "": it was not
	Dialect string   `json:"dialect"`      // "tutorial" or "v2"
	Since   int64    `json:"since"`        // ms since 1970
	Queued  int      `json:"queued"`       // bytes that wait to be written
	IsSlow  bool     `json:"slow"`         // it missed something that it is still to be told of
	Rooms   []string `json:"rooms"`
}

// Profile is what there is to know of who has a nick, or can come back to it; 404: nobody. The errors are of type *event.Error.
func (h *Hub) Profile(ctx context.Context, name string) (Profile, error) {
	nick, bad := ParseNick(name)
	if bad != nil {
		return Profile{}, bad
	}
	p, bad := h.profile(ctx, nick.Key)
	if bad != nil {
		return Profile{}, bad
	}
	if p == nil {
		return Profile{}, errNobody(nick.Name)
	}
	return *p, nil
}

func (h *Hub) profile(ctx context.Context, key string) (*Profile, *event.Error) {
	if p := h.personHere(ctx, key); p != nil && p.IsOnline || h.cluster == nil && p != nil {
		return p, nil
	}
	if h.cluster != nil {
		holder, err := h.cluster.Holder(ctx, key)
		if h.check(err); err != nil {
			return nil, errUnknown
		}
		if holder != "" && holder != h.cluster.Node() {
			data, err := h.cluster.AskNode(ctx, holder, encode(memo{Kind: askPerson, Key: key}))
			var p *Profile
			if err == nil && json.Unmarshal(data, &p) == nil && p != nil {
				return p, nil
			}
		}
	}
	claim, ok, err := h.config.Log.ClaimByNick(key)
	if h.check(err); err != nil {
		return nil, errUnknown
	}
	if !ok || claim.Secret == nil {
		return nil, nil
	}
	return absent(&claim), nil
}

// absent is the profile of somebody who is away.
func absent(c *history.Claim) *Profile {
	p := &Profile{Nick: c.Nick, Returns: c.Secret != nil, Away: c.Away, Sessions: []Sitting{}}
	if !isOwned(c) {
		p.Made = c.Made // an owned one has always been
	}
	return p
}

// personHere is the profile of who has a nick on this node; nil: nobody, or it could not be found out.
func (h *Hub) personHere(ctx context.Context, key string) *Profile {
	found := make(chan *Profile, 1)
	h.shardOf(key).mail.put(portray{key, found})
	select {
	case p := <-found:
		return p
	case <-ctx.Done():
	case <-h.stop:
	}
	return nil
}

// portray asks a shard for somebody's profile.
type portray struct {
	key   string
	found chan<- *Profile // has room for it
}

func (l portray) open(s *shard) {
	p := s.people[l.key]
	if p == nil {
		l.found <- nil
		return
	}
	profile := absent(&p.claim)
	if profile.Count = len(p.sessions); profile.Count > 0 {
		profile.IsOnline, profile.Away = true, 0
		if s.hub.cluster != nil {
			profile.Node = s.hub.cluster.Node()
		}
	}
	for _, session := range p.sessions[:min(maxSessions, len(p.sessions))] {
		profile.Sessions = append(profile.Sessions, s.sitting(session))
	}
	l.found <- profile
}

// sitting is what there is to know of a session.
func (s *shard) sitting(session *Session) Sitting {
	at := Sitting{Dialect: "tutorial", Rooms: []string{}}
	if session.all.index >= 0 { // it has its connection
		at.Since, at.Queued = session.since, session.peer.Queued()
	}
	if session.visitor == nil {
		return at
	}
	at.Dialect, at.IsSlow = "v2", session.lag != nil
	if session.number != 0 {
		at.ID = session.id()
	}
	for key := range session.joined {
		at.Rooms = append(at.Rooms, s.hub.places.name(Nick{key, key}).Name)
	}
	slices.Sort(at.Rooms)
	return at
}
