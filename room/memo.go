package room

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"throng/room/event"
)

// What nodes tell and ask each other.
const (
	tellPresence = "presence" // Room, Count, Joined, Left: who is there on the node that tells
	tellTyping   = "typing"   // Room, or Key; From
	tellGone     = "gone"     // Key: who was asked for is not there any more
	tellReceipt  = "receipt"  // Key, From, Type, Seq
	askYield     = "yield"    // Key, Claim: close its connections, it has come back on the node that asks
	askWho       = "who"      // Key
	askThere     = "there"    // Keys, Claims: are they there
	askPage      = "page"     // Room, After, Prefix, Limit: who is there; Limit 0: only how many
	askRooms     = "rooms"    // After, Prefix, Limit: which rooms have people
	askPerson    = "person"   // Key
	askVitals    = "vitals"   // how is the node
)

// memo is what nodes tell and ask each other.
type memo struct {
	Kind   string     `json:"kind"`
	Room   Nick       `json:"room,omitzero"`
	Key    string     `json:"key,omitempty"` // of a nick
	Keys   []string   `json:"keys,omitempty"`
	Claim  uint64     `json:"claim,omitempty"`
	Claims []uint64   `json:"claims,omitempty"`
	From   string     `json:"from,omitempty"` // a nick
	Type   event.Type `json:"type,omitempty"`
	Seq    uint64     `json:"seq,omitempty"`
	Count  int        `json:"count,omitempty"`
	After  string     `json:"after,omitempty"`
	Prefix string     `json:"prefix,omitempty"`
	Limit  int        `json:"limit,omitempty"`
	Joined []string   `json:"joined,omitempty"`
	Left   []string   `json:"left,omitempty"`
}

// crew is the answer to askPage.
type crew struct {
	Room  Nick   `json:"room,omitzero"` // as it is called there; zero: nobody is there
	Count int    `json:"count"`
	Nicks []Nick `json:"nicks,omitempty"`
}

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // of our own types
	}
	return text
}

// topicNick is what those nodes listen to where somebody is who may be on several.
func topicNick(key string) string { return "nick/" + key }

// topicNode is what one node alone listens to, and topicRoom those that have somebody in a room.
func topicNode(node string) string { return "node/" + node }
func topicRoom(key string) string  { return "room/" + key }

// hear takes what another node tells. What it cannot read is of a newer version.
func (h *Hub) hear(node string, data []byte) {
	var w memo
	if json.Unmarshal(data, &w) != nil {
		return
	}
	switch w.Kind {
	case tellPresence:
		h.places.hear(node, w.Room.Key, w.Count, w.Joined, w.Left)
	case tellTyping:
		if w.Key != "" {
			h.shardOf(w.Key).mail.put(typed{w.From, Nick{Key: w.Key}, true})
		} else {
			h.offer(w.Room, h.typingIn(w.Room, w.From))
		}
	case tellGone:
		h.outdate(w.Key)
	case tellReceipt:
		h.shardOf(w.Key).mail.put(told{w})
	}
}

// answer answers another node.
func (h *Hub) answer(node string, data []byte) []byte {
	var w memo
	if json.Unmarshal(data, &w) != nil {
		return nil
	}
	switch w.Kind {
	case askYield:
		done := make(chan struct{})
		h.shardOf(w.Key).mail.put(yield{w.Key, w.Claim, done})
		select {
		case <-done:
		case <-h.stop:
		}
	case askWho:
		found := make(chan *who, 1)
		h.shardOf(w.Key).mail.put(asked{w.Key, node, found})
		select {
		case who := <-found:
			return encode(who)
		case <-h.stop:
		}
	case askThere:
		return h.there(w.Keys, w.Claims)
	case askPage:
		var c crew
		c.Count, c.Nicks = h.places.page(w.Room.Key, w.part())
		if c.Count > 0 {
			c.Room = h.places.name(w.Room)
		}
		return encode(c)
	case askRooms:
		var l roomList
		l.Count, l.Rooms = h.places.rooms(w.part())
		return encode(l)
	case askPerson:
		ctx, cancel := context.WithTimeout(context.Background(), answerWait)
		defer cancel()
		return encode(h.personHere(ctx, w.Key))
	case askVitals:
		return encode(h.Vitals())
	}
	return nil
}

// crewWait is how long other nodes are waited for that are asked who is in a room.
const crewWait = time.Second

// askAll asks all other nodes, and returns what they answered in time by node. What cannot be read is of a newer version.
func askAll[T any](ctx context.Context, h *Hub, w memo) map[string]T {
	ctx, cancel := context.WithTimeout(ctx, crewWait)
	defer cancel()
	answers := map[string]T{}
	for node, data := range h.cluster.Ask(ctx, encode(w)) {
		var answer T
		if len(data) > 0 && json.Unmarshal(data, &answer) == nil {
			answers[node] = answer
		}
	}
	return answers
}

// part is the page that is asked for.
func (w *memo) part() Part {
	return Part{After: w.After, Prefix: w.Prefix, Limit: min(w.Limit, maxPart)}
}

// askCrews asks all other nodes who is in a room.
func (h *Hub) askCrews(ctx context.Context, room string, part Part) map[string]crew {
	return askAll[crew](ctx, h, memo{
		Kind: askPage, Room: Nick{Key: room}, After: part.After, Prefix: part.Prefix, Limit: part.Limit,
	})
}

// people is how many are in a room, on all nodes, and a page of their names. It may wait for other nodes.
func (h *Hub) people(ctx context.Context, room string, part Part) (count int, names []string) {
	count, nicks := h.places.page(room, part)
	if h.cluster != nil {
		w := part.window()
		for _, c := range h.askCrews(ctx, room, part) {
			count += c.Count
			for _, n := range c.Nicks {
				if w.has(n.Key) { // an older version knows of no prefix
					nicks = append(nicks, n)
				}
			}
		}
		slices.SortFunc(nicks, func(a, b Nick) int { return cmp.Compare(a.Key, b.Key) })
		nicks = slices.CompactFunc(nicks, func(a, b Nick) bool { return a.Key == b.Key }) // one may have sessions on two nodes
		nicks = nicks[:min(part.Limit, len(nicks))]
	}
	for _, n := range nicks {
		names = append(names, n.Name)
	}
	return count, names
}
