package room

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"throng/room/event"
	"throng/room/history"
)

// ActKind is what an act of moderation does.
type ActKind string

// The kinds. What an Act of each must and may have stands in actForms.
const (
	ActKick     ActKind = "kick"     // closes all connections of a nick; it may come back
	ActMute     ActKind = "mute"     // a nick can say nothing, anywhere or in one room
	ActUnmute   ActKind = "unmute"   // in one room, or all that it is muted in
	ActBan      ActKind = "ban"      // a nick, or an address, is sent away and not let in
	ActUnban    ActKind = "unban"    // of exactly that nick, or those addresses
	ActDelete   ActKind = "delete"   // what a message says is removed for everybody; by its author it is no act
	ActReadOnly ActKind = "readonly" // only moderators speak in a room, or to everyone ("all")
	ActWritable ActKind = "writable"
	ActMotd     ActKind = "motd" // what everybody is told who comes in
)

// Act is one act of moderation. It is immutable once Moderate has returned it.
type Act struct {
	Kind   ActKind         `json:"kind"`
	Nick   string          `json:"nick,omitempty"`
	Addr   netip.Prefix    `json:"addr,omitzero"`    // one address is a prefix of 32 bits, or 128
	Room   string          `json:"room,omitempty"`   // a room's name
	Mid    string          `json:"mid,omitempty"`    // a message's id
	Text   json.RawMessage `json:"text,omitempty"`   // the message of the day, any JSON value; empty, null or "": there is none any more
	Until  time.Time       `json:"until,omitzero"`   // when a mute or a ban ends; the zero Time: never
	Reason string          `json:"reason,omitempty"` // for whom it strikes, too
	By     string          `json:"by,omitempty"`     // who has done it

	ID string    `json:"id,omitempty"` // set by Moderate; ids sort as the acts were done
	At time.Time `json:"at,omitzero"`  // set by Moderate
	// Seq is set by Moderate: the act's place in the trail, see Acts. It is another one when the log was moved.
	Seq uint64 `json:"-"`
}

// Rule is an act that is in force: a ban, a mute, a read-only room or a message of the day.
type Rule = Act

const (
	maxReason = event.MaxReason
	maxMotd   = event.MaxMotd
	// maxRules is how many rules may be in force.
	maxRules = 10_000
)

// Moderate does an act. When it returns, the act is stored as durably as a message, and in force on this node; in a cluster it reaches
// the others on the way of messages. The errors are of type *event.Error: 400 for an act that makes no sense, 404 for one that finds
// nobody and nothing to act on, 503 when it could not be stored, or is not known to be at the end of ctx. Who may do what is the
// caller's to know. A shard must not call it: it waits.
func (h *Hub) Moderate(ctx context.Context, act Act) (Act, error) {
	done, bad := h.perform(ctx, act)
	if bad != nil {
		return Act{}, bad
	}
	return done, nil
}

func (h *Hub) perform(ctx context.Context, act Act) (Act, *event.Error) {
	if bad := h.rulings.await(ctx); bad != nil {
		return Act{}, bad
	}
	entry, bad := checkAct(act, time.Now())
	if bad == nil {
		bad = h.aim(ctx, &entry)
	}
	if bad != nil {
		return Act{}, bad
	}
	stored, bad := h.record(ctx, entry)
	if bad != nil {
		return Act{}, bad
	}
	h.rulings.reach(ctx, stored.Seq)
	return entry.actOf(&stored), nil
}

// Rules is what is in force at present, in the order in which it was done.
func (h *Hub) Rules() []Rule { return h.rulings.inForce().list(time.Now()) }

// Acts is the trail of what was done: limit acts (0: 50, 100 at most), the newest first, that are older than the one with the Seq
// before, 0: the newest of all. more is that there are older ones. It reads the log. The errors are of type *event.Error.
func (h *Hub) Acts(before uint64, limit int) (acts []Act, more bool, err error) {
	if limit <= 0 {
		limit = event.DefaultPage
	}
	limit = min(limit, event.MaxPage)
	for {
		msgs, older, err := h.config.Log.Read(convRulings, 0, before, limit)
		if h.check(err); err != nil {
			return nil, false, event.Unavailable("the log cannot be read at present", retryAfter)
		}
		for i := len(msgs) - 1; i >= 0; i-- {
			before = msgs[i].Seq
			e, ok := decodeEntry(&msgs[i])
			if !ok || e.Digest != nil {
				continue
			}
			if len(acts) == limit {
				return acts, true, nil
			}
			acts = append(acts, e.actOf(&msgs[i]))
		}
		if !older {
			return acts, false, nil
		}
	}
}

// aim finds what an act is to strike, and says if there is nothing. A message is removed before it is told that it is: who asks again
// after a crash between the two removes nothing twice.
func (h *Hub) aim(ctx context.Context, e *entry) *event.Error {
	r := h.rulings.inForce()
	switch now := time.Now(); e.Kind {
	case ActKick:
		w, bad := h.whom(ctx, keyOf(e.Nick))
		if bad == nil && (w == nil || !w.IsOnline) {
			bad = errNobody(e.Nick)
		}
		return bad
	case ActUnmute:
		if !r.mutes.has(e.Nick, e.Room, now) {
			return event.NotFound(e.Nick + " is not muted")
		}
	case ActUnban:
		if e.Nick != "" && !isLive(r.bans[keyOf(e.Nick)], now) {
			return event.NotFound(e.Nick + " is not banned")
		}
		if e.Nick == "" && !isLive(r.nets.byPrefix[e.Addr], now) {
			return event.NotFound(e.Addr.String() + " is not banned")
		}
	case ActWritable:
		if r.closed[keyOf(e.Room)] == nil {
			return event.NotFound(e.Room + " is not read-only")
		}
	case ActDelete:
		return h.erase(e)
	case ActMute, ActBan, ActReadOnly:
		if r.count() >= maxRules {
			return event.Malformed("there are too many rules: lift some first")
		}
	}
	return nil
}

// record stores an entry on the road of messages.
func (h *Hub) record(ctx context.Context, e entry) (stored history.Message, bad *event.Error) {
	done := make(chan recorded, 1)
	p := &post{body: encode(e), by: e.By, recorded: done}
	if bad := h.road.take(p); bad != nil {
		return stored, bad
	}
	select {
	case r := <-done:
		return r.message, r.bad
	case <-ctx.Done():
		return stored, errUnsureAct
	case <-h.stop:
		return stored, errStopped
	}
}

// recorded is what has become of an entry.
type recorded struct {
	message history.Message
	bad     *event.Error
}

var (
	errUnsureAct   = event.Unavailable("it is not known yet whether this is done", retryAfter)
	errNotRecorded = event.Unavailable("this could not be stored and was not done", retryAfter)
)

// inquiry asks a shard whom a nick stands for.
type inquiry struct {
	key   string
	found chan<- *who // has room for it
}

func (l inquiry) open(s *shard) { s.look(l.key, func(w *who) { l.found <- w }) }

// whom is whom a nick stands for, on whichever node; nil: for nobody. It waits.
func (h *Hub) whom(ctx context.Context, key string) (*who, *event.Error) {
	found := make(chan *who, 1)
	h.shardOf(key).mail.put(inquiry{key, found})
	select {
	case w := <-found:
		if w != nil && w.failed {
			return nil, errUnknown
		}
		return w, nil
	case <-ctx.Done():
		return nil, errUnknown
	case <-h.stop:
		return nil, errStopped
	}
}

// errUnknown is that neither other nodes nor the log could say who somebody is.
var errUnknown = event.Unavailable("the nick cannot be looked up at present", retryAfter)
