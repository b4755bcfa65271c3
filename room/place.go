package room

import (
	"sync"
	"time"

	"github.com/google/btree"
)

// everywhere is the key of the place that everyone is in: room:all.
const everywhere = "all"

// theChat is the place that everyone is in.
var theChat = Nick{everywhere, everywhere}

// places is who is where: everywhere and in each room. It is asked from any goroutine; what happens in it is short.
type places struct {
	shards   int
	isShared bool            // there may be other nodes:
	attend   func(room Nick) // is called for the first of this node in a room, under mu
	desert   func(room Nick) // and when the last has left
	rounds   int             // of tellPresence, which alone uses it

	mu      sync.RWMutex // guards what follows; a leaf, but for what attend and desert lock
	byKey   map[string]*place
	inOrder *btree.BTreeG[*place] // the same, but everywhere, by key
	changed map[string]bool       // places with changes that have not been told to their people
	near    map[string]bool       // the same of this node's own, which have not been told to other nodes
	emptied []change              // the last of those, of rooms that nobody of this node is in any more
}

// place is one of them.
type place struct {
	room       Nick
	shards     []int                // members by shard
	people     *btree.BTreeG[*Nick] // of this node
	more       map[string]int       // sessions of one of them, by key, beyond the first
	far        map[string]farCrew   // how many are there on other nodes
	isFollowed bool                 // what is said there comes to this node
	all        news                 // since it was last told
	near       news                 // the same, of this node alone
	told       int                  // the count that was told last
	due        int                  // from that round on its people are told again
}

// farCrew is how many of another node are somewhere, as it said last.
type farCrew struct {
	count int
	at    time.Time
}

// news are changes: names by key.
type news struct{ joined, left map[string]string }

func newNews() news { return news{map[string]string{}, map[string]string{}} }

func (n *news) join(key, name string) {
	if _, ok := n.left[key]; ok {
		delete(n.left, key)
	} else {
		n.joined[key] = name
	}
}

func (n *news) leave(key, name string) {
	if _, ok := n.joined[key]; ok {
		delete(n.joined, key)
	} else {
		n.left[key] = name
	}
}

func newPlaces(shards int, isShared bool, attend, desert func(room Nick)) *places {
	ps := &places{shards: shards, isShared: isShared, attend: attend, desert: desert, byKey: map[string]*place{}, inOrder: btree.NewG(16, placeBefore), changed: map[string]bool{}, near: map[string]bool{}}
	ps.place(theChat)
	return ps
}

func byKey(a, b *Nick) bool { return a.Key < b.Key }

func placeBefore(a, b *place) bool { return a.room.Key < b.room.Key }

// place is that of a room, made when it is needed.
func (ps *places) place(room Nick) *place {
	p := ps.byKey[room.Key]
	if p == nil {
		p = &place{
			room: room, shards: make([]int, ps.shards), people: btree.NewG(16, byKey), all: newNews(), near: newNews(),
		}
		ps.byKey[room.Key] = p
		if room.Key != everywhere {
			ps.inOrder.ReplaceOrInsert(p)
		}
		if room.Key != everywhere && ps.isShared {
			ps.attend(room)
		}
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

// call has a room be called as it is on another node, which was there before.
func (ps *places) call(room Nick) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.byKey[room.Key]; p != nil {
		p.room = room
	}
}

// enter counts a session of somebody of a shard in, and returns how many people are there now. The nick must not change until leave.
func (ps *places) enter(room Nick, who *Nick, shard int) int {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.place(room)
	p.shards[shard]++
	if p.people.Has(who) {
		if p.more == nil {
			p.more = map[string]int{}
		}
		p.more[who.Key]++
		return p.count()
	}
	p.people.ReplaceOrInsert(who)
	p.all.join(who.Key, who.Name)
	ps.changed[room.Key] = true
	if ps.isShared {
		p.near.join(who.Key, who.Name)
		ps.near[room.Key] = true
	}
	return p.count()
}

// leave counts a session out. A room without people is forgotten; its history is the log's.
func (ps *places) leave(room string, who *Nick, shard int) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.byKey[room]
	p.shards[shard]--
	if n := p.more[who.Key]; n > 1 {
		p.more[who.Key]--
		return
	} else if n == 1 {
		delete(p.more, who.Key)
		return
	}
	p.people.Delete(who)
	p.all.leave(who.Key, who.Name)
	ps.changed[room] = true
	if ps.isShared {
		p.near.leave(who.Key, who.Name)
		ps.near[room] = true
	}
	if p.people.Len() == 0 && room != everywhere {
		delete(ps.byKey, room)
		ps.inOrder.Delete(p)
		delete(ps.changed, room)
		delete(ps.near, room)
		if ps.isShared {
			ps.emptied = append(ps.emptied, change{p.room, 0, p.near.names()})
			ps.desert(p.room)
		}
	}
}

// hear takes what another node says of a room: how many are there, and who came and left.
func (ps *places) hear(node, room string, count int, joined, left []string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.byKey[room]
	if p == nil {
		return
	}
	if p.far == nil {
		p.far = map[string]farCrew{}
	}
	before := p.far[node].count
	p.far[node] = farCrew{count, time.Now()}
	if before == count && len(joined)+len(left) == 0 {
		return
	}
	for _, name := range joined {
		p.all.join(keyOf(name), name)
	}
	for _, name := range left {
		p.all.leave(keyOf(name), name)
	}
	ps.changed[room] = true
}

// forget takes away what a node has said that is gone.
func (ps *places) forget(node string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.byKey {
		p.lose(node, ps.changed)
	}
}

// lose takes away what a node has said of a place, which changed notes.
func (p *place) lose(node string, changed map[string]bool) {
	if p.far[node].count > 0 {
		changed[p.room.Key] = true
	}
	delete(p.far, node)
}

// isNew reports whether a room is not followed yet.
func (ps *places) isNew(room string) bool {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	p := ps.byKey[room]
	return p != nil && !p.isFollowed
}

// settle takes a room as followed, and reports whether somebody is there.
func (ps *places) settle(room string) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.byKey[room]
	if p == nil {
		return false
	}
	p.isFollowed = true
	return true
}

// size is how many people of this node are in the chat, and rooms.
func (ps *places) size() (people, rooms int) {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	return ps.byKey[everywhere].people.Len(), len(ps.byKey) - 1
}

// keyOf is the key of a nick that another node has let in.
func keyOf(name string) string {
	nick, _ := ParseNick(name)
	return nick.Key
}

// count is how many are there, on all nodes.
func (p *place) count() int {
	n := p.people.Len()
	for _, far := range p.far {
		n += far.count
	}
	return n
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
		return p.count()
	}
	return 0
}

// page is how many of this node are in a room, and some of them, in the order of their keys, of a page.
func (ps *places) page(room string, part Part) (count int, some []Nick) {
	w := part.window()
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	p := ps.byKey[room]
	if p == nil {
		return 0, nil
	}
	p.people.AscendGreaterOrEqual(&Nick{Key: w.from}, func(n *Nick) bool {
		if w.has(n.Key) && len(some) < part.Limit {
			some = append(some, *n)
		}
		return len(some) < part.Limit && !w.isBehind(n.Key)
	})
	return p.people.Len(), some
}

// rooms is how many rooms have people of this node, and some of them with how many, in the order of their keys, of a page.
func (ps *places) rooms(part Part) (count int, some []RoomCount) {
	w := part.window()
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	ps.inOrder.AscendGreaterOrEqual(&place{room: Nick{Key: w.from}}, func(p *place) bool {
		if w.has(p.room.Key) && len(some) < part.Limit {
			some = append(some, RoomCount{p.room, p.people.Len()})
		}
		return len(some) < part.Limit && !w.isBehind(p.room.Key)
	})
	return ps.inOrder.Len(), some
}
