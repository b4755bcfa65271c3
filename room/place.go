package room

import (
	"slices"
	"strings"
	"sync"

	"github.com/google/btree"

	"throng/room/event"
)

// everywhere is the key of the place that everyone is in: room:all.
const everywhere = "all"

// theChat is the place that everyone is in.
var theChat = Nick{everywhere, everywhere}

// places is who is where: everywhere and in each room. It is asked from any goroutine; what happens in it is short.
type places struct {
	shards int

	mu      sync.RWMutex // guards what follows; a leaf: nothing is locked while it is held
	byKey   map[string]*place
	changed map[string]bool // places with changes that have not been told
}

// place is one of them.
type place struct {
	room   Nick
	shards []int // members by shard
	people *btree.BTreeG[*Nick]
	joined map[string]string // changes since they were last told: names by key
	left   map[string]string
}

func newPlaces(shards int) *places {
	ps := &places{shards: shards, byKey: map[string]*place{}, changed: map[string]bool{}}
	ps.place(theChat)
	return ps
}

func byKey(a, b *Nick) bool { return a.Key < b.Key }

// place is that of a room, made when it is needed.
func (ps *places) place(room Nick) *place {
	p := ps.byKey[room.Key]
	if p == nil {
		p = &place{
			room: room, shards: make([]int, ps.shards), people: btree.NewG(16, byKey), joined: map[string]string{},
			left: map[string]string{},
		}
		ps.byKey[room.Key] = p
	}
	return p
}

// name is a room as the first who joined it wrote its name.
func (ps *places) name(room Nick) Nick {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	if p := ps.byKey[room.Key]; p != nil {
		return p.room
	}
	return room
}

// enter counts somebody of a shard in, and returns how many are there now. The nick must not change until leave.
func (ps *places) enter(room Nick, who *Nick, shard int) int {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.place(room)
	p.shards[shard]++
	p.people.ReplaceOrInsert(who)
	if _, ok := p.left[who.Key]; ok {
		delete(p.left, who.Key)
	} else {
		p.joined[who.Key] = who.Name
	}
	ps.changed[room.Key] = true
	return p.people.Len()
}

// leave counts somebody out. A room without people is forgotten; its history is the log's.
func (ps *places) leave(room string, who *Nick, shard int) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.byKey[room]
	p.shards[shard]--
	p.people.Delete(who)
	if _, ok := p.joined[who.Key]; ok {
		delete(p.joined, who.Key)
	} else {
		p.left[who.Key] = who.Name
	}
	ps.changed[room] = true
	if p.people.Len() == 0 && room != everywhere {
		delete(ps.byKey, room)
		delete(ps.changed, room)
	}
}

// has reports whether a shard has somebody in a room.
func (ps *places) has(room string, shard int) bool {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	p := ps.byKey[room]
	return p != nil && p.shards[shard] > 0
}

// count is how many are in a room.
func (ps *places) count(room string) int {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	if p := ps.byKey[room]; p != nil {
		return p.people.Len()
	}
	return 0
}

// page is how many are in a room, and the names of some of them, in the order of their keys from the one after a nick on.
func (ps *places) page(room, after string, limit int) (count int, names []string) {
	from, bad := ParseNick(after)
	if bad != nil {
		from.Key = strings.ToLower(after)
	}
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	p := ps.byKey[room]
	if p == nil {
		return 0, nil
	}
	p.people.AscendGreaterOrEqual(&from, func(n *Nick) bool {
		if n.Key != from.Key || after == "" {
			names = append(names, n.Name)
		}
		return len(names) < limit
	})
	return p.people.Len(), names
}

// change is what happened in a place since it was last told.
type change struct {
	room         Nick
	count        int
	joined, left []string
}

// takeChanges returns what has not been told yet, and takes it as told.
func (ps *places) takeChanges() (all []change) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for key := range ps.changed {
		p := ps.byKey[key]
		if len(p.joined)+len(p.left) > 0 {
			all = append(all, change{p.room, p.people.Len(), some(p.joined), some(p.left)})
		}
		p.joined, p.left = map[string]string{}, map[string]string{} // new ones: a storm's would stay large
	}
	clear(ps.changed)
	return all
}

// some are the first names of a set, as many as a change may have.
func some(set map[string]string) []string {
	names := make([]string, 0, min(len(set), event.MaxChanges))
	for _, name := range set {
		if len(names) == cap(names) {
			break
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// tellPresence tells everybody in a place what has changed there. It is called once a second: a hundred thousand people who
// come within that second cost each of those who are there one frame.
func (h *Hub) tellPresence() {
	for _, c := range h.places.takeChanges() {
		if h.speaking[version2].Load() == 0 {
			continue
		}
		conv, room := event.Room(c.room.Name), c.room
		if room.Key == everywhere {
			conv, room = event.Everyone(), Nick{}
		}
		text := event.AppendPresenceChange(nil, conv, c.count, c.joined, c.left)
		p := &parcel{class: presence, conv: conv}
		p.frames[version2] = h.config.Wire.Message(false, text)
		h.offer(room, p)
	}
}

// offer gives a parcel that may be dropped to everybody, or to those in a room. It never waits; a shard that has too much
// to do goes without.
func (h *Hub) offer(room Nick, p *parcel) {
	for i, shard := range h.shards {
		if shard.isFull() || room.Key != "" && !h.places.has(room.Key, i) {
			continue
		}
		shard.backlog.Add(p.cost())
		shard.mail.put(delivery{room.Key, p})
	}
}
