package room

import (
	"slices"
	"time"

	"throng/room/event"
)

// change is what happened in a place since it was last told, and how many are there now.
type change struct {
	room  Nick
	count int
	names
}

// names are the first of those who came and who left.
type names struct{ joined, left []string }

func (n *news) names() names { return names{some(n.joined), some(n.left)} }

func (n names) isEmpty() bool { return len(n.joined)+len(n.left) == 0 }

const (
	// manyPeople are told of changes every second; where there are so many more, so many seconds later.
	manyPeople = 10_000
	// fewPeople can count themselves: where there are not more, other nodes are asked rather than that what they told is relied on.
	fewPeople = 10
)

// takeNear returns what has happened on this node that other nodes have not been told, and takes it as told; of all places if
// isRound.
func (ps *places) takeNear(isRound bool) (all []change) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if isRound {
		for key, p := range ps.byKey {
			ps.near[key] = true
			for node, far := range p.far {
				if time.Since(far.at) > silentFor { // what it said came behind the news that it is gone
					p.lose(node, ps.changed)
				}
			}
		}
	}
	all, ps.emptied = ps.emptied, nil
	for key := range ps.near {
		p := ps.byKey[key]
		all = append(all, change{p.room, p.people.Len(), p.near.names()})
		p.near = newNews() // a new one: a storm's would stay large
	}
	clear(ps.near)
	return all
}

// takeChanges returns what people have not been told yet and are to be told now, and takes it as told.
func (ps *places) takeChanges() (all []change) {
	ps.rounds++
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for key := range ps.changed {
		p := ps.byKey[key]
		if ps.rounds < p.due {
			continue
		}
		delete(ps.changed, key)
		c := change{p.room, p.count(), p.all.names()}
		if c.count != p.told || !c.isEmpty() {
			all = append(all, c)
		}
		p.told, p.all, p.due = c.count, newNews(), ps.rounds+1+c.count/manyPeople
	}
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

const (
	// nearEvery is how often other nodes are told what has changed on this one.
	nearEvery = 100 * time.Millisecond
	// silentFor is how long it counts what a node has said last: three rounds.
	silentFor = 3 * roundEvery * nearEvery
	// roundEvery is after how many times they are told again how many are where, though nothing has changed: they may have missed
	// it.
	roundEvery = 100
)

// tellNodes tells other nodes what has changed on this one, from time to time, until Close.
func (h *Hub) tellNodes() {
	ticker := time.NewTicker(nearEvery)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ticker.C:
		case <-h.stop:
			return
		}
		for _, c := range h.places.takeNear(n%roundEvery == 0) {
			h.cluster.Tell(topicRoom(c.room.Key), encode(memo{
				Kind: tellPresence, Room: c.room, Count: c.count, Joined: c.joined, Left: c.left,
			}))
		}
	}
}

// tellPresence tells everybody in a place what has changed there. It is called once a second: a hundred thousand people who come
// within that second cost each of those who are there one frame at most.
func (h *Hub) tellPresence() {
	changes := h.places.takeChanges()
	if h.speaking[version2].Load() == 0 {
		return
	}
	for _, c := range changes {
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
