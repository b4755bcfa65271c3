package room

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"throng/room/event"
)

// Caller is who asks to be let in. It is a value; the strings of Grant are kept.
type Caller struct {
	Name  string     // the nick that is asked for, as it came
	Addr  netip.Addr // where the client is, seen through trusted proxies; the zero Addr: unknown
	Grant *Grant     // what its token allows; nil: it has shown none
}

// Grant is what a token lets its bearer do. It is immutable, and may be shared between sessions. No Grant, nil, is one that allows all
// but to be a moderator.
type Grant struct {
	Nick      string    // whose token it is: the nick and the claim
	Expires   time.Time // when it ends, as clients are told; the zero Time: never
	Ends      time.Time // when its sessions are closed, since clocks differ; the zero Time: never
	Moderator bool      // may kick, mute, ban, delete
	Join      Rooms     // that may be joined
	Write     Rooms     // that may be written to, of those
	ReadAll   bool      // may not write to everyone
	NoDirect  bool      // may not write to one
}

// Rooms are those that some patterns name. It is immutable; the zero Rooms are all.
type Rooms struct {
	isSome bool
	keys   []string // of one room each
	starts []string // of the keys of others
}

// ParseRooms reads patterns: names of rooms; one with a * at its end is for all rooms whose names begin so, whatever their case.
func ParseRooms(patterns []string) (Rooms, *event.Error) {
	all := Rooms{isSome: true}
	for _, p := range patterns {
		start, isStart := strings.CutSuffix(p, "*")
		if isStart && start == "" {
			return Rooms{}, nil
		}
		room, bad := ParseNick(start)
		switch {
		case bad != nil:
			return Rooms{}, badRoom(bad)
		case isStart && room.Name != start:
			return Rooms{}, event.Malformed("not the start of a room's name: " + start) // its end could have been more
		case isStart:
			all.starts = append(all.starts, room.Key)
		default:
			all.keys = append(all.keys, room.Key)
		}
	}
	return all, nil
}

func (r *Rooms) has(key string) bool {
	return !r.isSome || slices.Contains(r.keys, key) ||
		slices.ContainsFunc(r.starts, func(start string) bool { return strings.HasPrefix(key, start) })
}

var (
	errMayNotAll    = event.Forbidden("your token does not allow to write to everyone")
	errMayNotDirect = event.Forbidden("your token does not allow direct messages")
	errMayNotWrite  = event.Forbidden("your token does not allow to write to this room")
	errMayNotJoin   = event.Forbidden("your token does not allow to join this room")
)

// expires is Expires in milliseconds since 1970; 0: never.
func (g *Grant) expires() int64 {
	if g == nil || g.Expires.IsZero() {
		return 0
	}
	return g.Expires.UnixMilli()
}

// mayJoin is why a room cannot be joined; nil: it can.
func (g *Grant) mayJoin(room Nick) *event.Error {
	if g == nil || g.Join.has(room.Key) {
		return nil
	}
	return errMayNotJoin
}

// mayWrite is why a room, the zero Nick being everyone, cannot be written to.
func (g *Grant) mayWrite(room Nick) *event.Error {
	switch {
	case g == nil:
		return nil
	case room.Key == "" && g.ReadAll:
		return errMayNotAll
	case room.Key != "" && !g.Write.has(room.Key):
		return errMayNotWrite
	}
	return nil
}

// mayDirect is why nobody can be written to alone.
func (g *Grant) mayDirect() *event.Error {
	if g != nil && g.NoDirect {
		return errMayNotDirect
	}
	return nil
}
