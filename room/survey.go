package room

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// What an operator asks: who is there, and where. All of it is for any goroutine, waits for other nodes for crewWait at most, and
// leaves out those that have not answered by then.

// maxPart is how many a page has at most.
const maxPart = 1000

// Part is a page of names, in the order of their keys.
type Part struct {
	After  string // the page that begins after this name; "": the first
	Prefix string // those that begin so; "": all
	Limit  int    // how many; 0: none, who asks wants the count; at most maxPart
}

// window is the keys of a Part.
type window struct{ from, after, prefix string }

func (p Part) window() window {
	w := window{after: keyLike(p.After), prefix: keyLike(p.Prefix)}
	w.from = max(w.after, w.prefix)
	return w
}

// keyLike is the key of a name, or of what may be the beginning of one.
func keyLike(name string) string {
	if nick, bad := ParseNick(name); bad == nil {
		return nick.Key
	}
	return strings.ToLower(name)
}

func (w window) has(key string) bool {
	return (w.after == "" || key > w.after) && strings.HasPrefix(key, w.prefix)
}

// isBehind reports whether no key from this one on is in the window.
func (w window) isBehind(key string) bool { return key > w.prefix && !strings.HasPrefix(key, w.prefix) }

// limited is the part with a limit that is kept.
func (p Part) limited() Part {
	p.Limit = min(max(p.Limit, 0), maxPart)
	return p
}

// RoomCount is a room and how many are in it.
type RoomCount struct {
	Room  Nick `json:"room"`
	Count int  `json:"count"`
}

// roomList is the answer to askRooms.
type roomList struct {
	Count int         `json:"count"`
	Rooms []RoomCount `json:"rooms,omitempty"`
}

// Users is how many are in the chat, and a page of their nicks.
func (h *Hub) Users(ctx context.Context, part Part) (online int, nicks []string) {
	return h.people(ctx, everywhere, part.limited())
}

// Members is Users for a room. Nobody is in one that there is not.
func (h *Hub) Members(ctx context.Context, name string, part Part) (room string, count int, nicks []string, err error) {
	nick, bad := h.anyRoom(name)
	if bad != nil {
		return "", 0, nil, bad
	}
	key := cmp.Or(nick.Key, everywhere)
	count, nicks = h.people(ctx, key, part.limited())
	return cmp.Or(nick.Name, everywhere), count, nicks, nil
}

// Rooms is how many rooms have people, at least: the node with the most says it, and a page of them.
func (h *Hub) Rooms(ctx context.Context, part Part) (count int, rooms []RoomCount) {
	part = part.limited()
	count, rooms = h.places.rooms(part)
	if h.cluster == nil {
		return count, rooms
	}
	w := part.window()
	for _, l := range askAll[roomList](ctx, h, memo{Kind: askRooms, After: part.After, Prefix: part.Prefix, Limit: part.Limit}) {
		count = max(count, l.Count)
		rooms = append(rooms, l.Rooms...)
	}
	rooms = slices.DeleteFunc(rooms, func(r RoomCount) bool { return !w.has(r.Room.Key) })
	slices.SortStableFunc(rooms, func(a, b RoomCount) int { return cmp.Compare(a.Room.Key, b.Room.Key) })
	merged := rooms[:0]
	for _, r := range rooms {
		if last := len(merged) - 1; last >= 0 && merged[last].Room.Key == r.Room.Key {
			merged[last].Count += r.Count
		} else {
			merged = append(merged, r)
		}
	}
	// What is among the first of all is among the first of each node that has it, so that its count is whole.
	return count, merged[:min(part.Limit, len(merged))]
}

// Presence is who of some nicks is there. Nicks that are none are not.
func (h *Hub) Presence(ctx context.Context, nicks []string) (map[string]bool, error) {
	there := make(map[string]bool, len(nicks))
	for _, name := range nicks {
		there[name] = false
		nick, bad := ParseNick(name)
		if bad != nil {
			continue
		}
		w, bad := h.whom(ctx, nick.Key)
		if bad != nil {
			return nil, bad
		}
		there[name] = w != nil && w.IsOnline
	}
	return there, nil
}

// Vitals are how a node is.
type Vitals struct {
	Node    string `json:"node,omitempty"` // "": it is alone
	Online  int    `json:"online"`         // sessions
	Rooms   int    `json:"rooms"`          // with people of this node
	Since   int64  `json:"since"`          // ms since 1970: when its hub began
	Problem string `json:"problem,omitempty"`
	Waiting int64  `json:"waiting"` // bytes of messages that wait for the committer
	Backlog int64  `json:"backlog"` // bytes of messages that wait for a shard, of all shards
}

// Vitals are those of this node.
func (h *Hub) Vitals() Vitals {
	count, _ := h.places.rooms(Part{})
	v := Vitals{Online: h.Online(), Rooms: count, Since: h.begun.UnixMilli(), Waiting: h.road.waiting.Load()}
	if h.cluster != nil {
		v.Node = h.cluster.Node()
	}
	if err := h.Healthy(); err != nil {
		v.Problem = err.Error()
	}
	for _, s := range h.shards {
		v.Backlog += s.backlog.Load()
	}
	return v
}

// Nodes are the vitals of this node, first, and of all others that answer, in the order of their names.
func (h *Hub) Nodes(ctx context.Context) []Vitals {
	all := []Vitals{h.Vitals()}
	if h.cluster == nil {
		return all
	}
	for node, v := range askAll[Vitals](ctx, h, memo{Kind: askVitals}) {
		v.Node = node
		all = append(all, v)
	}
	slices.SortFunc(all[1:], func(a, b Vitals) int { return cmp.Compare(a.Node, b.Node) })
	return all
}
